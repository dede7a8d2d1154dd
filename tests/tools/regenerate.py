"""Writes the generated files under profiles/: the rule catalogue (twice), FHIR artefacts, examples.

Run it from the top of the repository after a change of the protocol:

    PYTHONPATH=src:. python tests/tools/regenerate.py

A test compares what is committed with what would be written.
"""

import tomllib
from pathlib import Path

import msgspec

from b12fhir.fhir.json import encode
from b12fhir.fhir.profiles import artefacts, file_name
from b12fhir.protocol.catalogue import catalogue
from b12fhir.protocol.catalogue_page import catalogue_page
from b12fhir.protocol.documents import read_documents
from b12fhir.protocol.load import DEFAULT_PACK, load_protocol
from tests.profiles.examples import example_files, table
from tests.tools.hazard_log import page, read_log

PROFILES = Path(__file__).parents[2] / "profiles"
CASES = Path(__file__).parents[1] / "cases"


def generated() -> dict[Path, str]:
    """Every generated file with its content."""
    protocol = load_protocol()
    proofs, sources = proving(), read_documents(DEFAULT_PACK).list_of("rules", "source")
    titles = {source["id"]: source["title"] for source in sources}
    files = {
        PROFILES / "rule-catalogue.md": catalogue(protocol, proofs),
        PROFILES / "rule-catalogue.html": catalogue_page(protocol, titles, proofs),
        PROFILES / "examples" / "README.md": table(),
        PROFILES / "safety" / "hazard-log.md": page(read_log()),
    }
    for artefact in artefacts(protocol):
        files[PROFILES / file_name(artefact)] = _json(artefact)
    for name, resource in example_files().items():
        files[PROFILES / "examples" / name] = _json(resource)
    return files


def stale(files: dict[Path, str]) -> list[Path]:
    """What stands in a folder of ours and is generated no more."""
    folders = {path.parent for path in files if path.suffix == ".json"}
    return sorted(path for one in folders for path in set(one.glob("*.json")) - files.keys())


def _json(resource: object) -> str:
    return msgspec.json.format(encode(resource), indent=2).decode() + "\n"


def proving() -> dict[str, list[str]]:
    """Ids of the cases that prove each rule, as the cases themselves say."""
    proofs: dict[str, list[str]] = {}
    for path in sorted(CASES.glob("*/case.toml")):
        case = tomllib.loads(path.read_text(encoding="utf-8"))
        for rule in case["proves"]:
            proofs.setdefault(rule, []).append(case["id"])
    return proofs


def main() -> None:
    """Write every file, and remove what is generated no more."""
    files = generated()
    for path in stale(files):
        path.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

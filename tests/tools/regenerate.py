"""Writes the generated files under profiles/: the rule catalogue (twice) and the ValueSets.

Run it from the top of the repository after a change of the protocol:

    python tests/tools/regenerate.py

A test compares what is committed with what would be written.
"""

import json
import tomllib
from pathlib import Path

from b12fhir.fhir.profiles import code_system, value_sets
from b12fhir.protocol.catalogue import catalogue
from b12fhir.protocol.catalogue_page import catalogue_page
from b12fhir.protocol.documents import read_documents
from b12fhir.protocol.load import DEFAULT_PACK, load_protocol

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
    }
    files[PROFILES / "CodeSystem-program-facts.json"] = _json(code_system(protocol))
    for name, resource in value_sets(protocol).items():
        files[PROFILES / "valuesets" / name] = _json(resource)
    return files


def _json(resource: object) -> str:
    return json.dumps(resource, indent=2, ensure_ascii=False) + "\n"


def proving() -> dict[str, list[str]]:
    """Ids of the cases that prove each rule, as the cases themselves say."""
    proofs: dict[str, list[str]] = {}
    for path in sorted(CASES.glob("*/case.toml")):
        case = tomllib.loads(path.read_text(encoding="utf-8"))
        for rule in case["proves"]:
            proofs.setdefault(rule, []).append(case["id"])
    return proofs


def main() -> None:
    """Write every file, and remove ValueSets that no role has any more."""
    files = generated()
    (PROFILES / "valuesets").mkdir(parents=True, exist_ok=True)
    for stale in set((PROFILES / "valuesets").glob("ValueSet-b12-*.json")) - files.keys():
        stale.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

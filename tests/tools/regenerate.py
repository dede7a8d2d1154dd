"""Writes the generated files under profiles/: the rule catalogue and the ValueSets.

Run it from the top of the repository after a change of the protocol:

    python tests/tools/regenerate.py

A test compares what is committed with what would be written.
"""

import json
from pathlib import Path

from b12fhir.fhir.profiles import value_sets
from b12fhir.protocol.catalogue import catalogue
from b12fhir.protocol.load import load_protocol

PROFILES = Path(__file__).parents[2] / "profiles"


def generated() -> dict[Path, str]:
    """Every generated file with its content."""
    protocol = load_protocol()
    files = {PROFILES / "rule-catalogue.md": catalogue(protocol)}
    for name, resource in value_sets(protocol).items():
        text = json.dumps(resource, indent=2, ensure_ascii=False) + "\n"
        files[PROFILES / "valuesets" / name] = text
    return files


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

"""The rule catalogue, its sources, and the tests that can be ordered."""

from b12fhir.kernel.codes import LOINC, Code
from b12fhir.protocol.builders.numbers import citation
from b12fhir.protocol.documents import Documents
from b12fhir.protocol.model import Rule, Test


def rules(documents: Documents) -> dict[str, Rule]:
    """Every rule by its id, in the order of the book."""
    return {
        entry["id"]: Rule(
            id=entry["id"],
            title=entry["title"],
            text=entry["text"],
            citation=citation(entry),
            section=entry["section"],
            kind=entry["kind"],
            state=entry["state"],
            step=entry.get("step", 0),
            note=entry.get("note", ""),
        )
        for entry in documents.list_of("rules", "rule")
    }


def sources(documents: Documents) -> dict[str, str]:
    """The title of every source by its short name."""
    return {entry["id"]: entry["title"] for entry in documents.list_of("rules", "source")}


def tests(documents: Documents) -> dict[str, Test]:
    """Every test by its id."""
    return {
        entry["id"]: Test(
            id=entry["id"],
            label=entry["label"],
            codes=tuple(Code(LOINC, code) for code in entry.get("codes", [])),
            laboratory=entry.get("laboratory", True),
        )
        for entry in documents.list_of("tests", "test")
    }

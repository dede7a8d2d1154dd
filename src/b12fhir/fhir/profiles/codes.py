"""Our own code systems, each with a ValueSet of all its codes.

Codes that a decision or a plan gives come from the code and the protocol; only those that FHIR
alone needs (what kind of thing this is) are listed here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from b12fhir.decision.model import Bucket, Classification, SeverityGrade
from b12fhir.fhir.compose.notice import STANDING_ISSUES
from b12fhir.fhir.profiles.header import Shelf
from b12fhir.fhir.profiles.issues import ISSUES
from b12fhir.fhir.topics import CARD_TOPIC, TOPICS
from b12fhir.protocol.names import CAUSES

_WORDS = {
    Classification.CONFIRMED: "Deficiency confirmed",
    Classification.INDETERMINATE: "Between the limits: to be confirmed",
    Classification.INDETERMINATE_CONFIRMED: "Between the limits, confirmed by a metabolite",
    Classification.FUNCTIONAL: "Functional deficiency: B12 not low, metabolites raised",
    Classification.UNLIKELY: "Deficiency unlikely",
    Classification.NO_DATA: "Not enough data",
    Classification.DATA_QUALITY: "Data fault: results that cannot be relied on",
    Classification.ON_TREATMENT: "Under treatment: the result does not tell",
}
# What a dose of the plan is, on a given day (section 12 of the rule book).
_DOSE_STATUS = {
    "scheduled": "Planned, its window is not open yet",
    "due": "Its window is open",
    "given": "Given in its window",
    "given-early": "Given before its window, and counted",
    "given-late": "Given after its window, and counted",
    "overdue": "Its window has passed, it can still be given",
    "missed": "Not given, and no longer to be given",
    "skipped": "Not given on purpose, with a reason",
    "cancelled": "No longer planned",
    "extra": "Given beyond the plan: recorded, not counted",
    "too-soon": "Given too soon after the one before: recorded, not counted",
}
_SYSTEMS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "plan-category": ("category of a plan", {"b12-deficiency": "Vitamin B12 deficiency"}),
    "assessment": (
        "what is assessed",
        {"b12-deficiency": "Vitamin B12 deficiency assessment"},
    ),
    "origin": ("origin of a resource", {"b12fhir": "Written by b12fhir"}),
    "classification": (
        "answers to: is there a deficiency?",
        {one.value: text for one, text in _WORDS.items()},
    ),
    "severity": ("severity", {one.value: one.value.capitalize() for one in SeverityGrade}),
    "issue": ("what a DetectedIssue is about", {**ISSUES, **STANDING_ISSUES}),
    "dose-status": ("status of a planned dose", _DOSE_STATUS),
    CARD_TOPIC: ("what a card is about", TOPICS),
}


def code_systems(shelf: Shelf) -> Iterator[dict[str, Any]]:
    """Every code system of our own."""
    for name, (title, codes) in _SYSTEMS.items():
        yield _system(shelf.own("CodeSystem", name, title), codes)
    # An assessment gives the pack's version with this code: which rules, in which state.
    method = shelf.packed("CodeSystem", "method", "method of an assessment")
    yield _system(method, {"b12-rules": "Numbered rules of a protocol pack"})
    yield _system(shelf.own("CodeSystem", "cause", "causes of a deficiency"), _causes())
    yield _system(shelf.packed("CodeSystem", "phase", "phases of a treatment"), _phases(shelf))


def code_value_sets(shelf: Shelf) -> Iterator[dict[str, Any]]:
    """For each code system the ValueSet of all its codes."""
    for system in code_systems(shelf):
        name = system["id"]
        yield {
            **shelf.own("ValueSet", f"b12-{name}", name.replace("-", " ")),
            "version": system["version"],
            "date": system["date"],
            "description": f"All codes of the code system '{name}'.",
            "compose": {"include": [{"system": system["url"], "version": system["version"]}]},
        }


def _system(header: dict[str, Any], codes: Mapping[str, str]) -> dict[str, Any]:
    return {
        **header,
        "description": f"Codes of this program: {header['title'].partition(': ')[2]}.",
        "caseSensitive": True,
        "valueSet": header["url"].replace("/CodeSystem/", "/ValueSet/b12-"),
        "content": "complete",
        "count": len(codes),
        "concept": [{"code": code, "display": text} for code, text in codes.items()],
    }


def _causes() -> dict[str, str]:
    """The buckets in the order in which they govern, then every cause that a pack can treat."""
    names = [*(bucket.value for bucket in Bucket), "congenital", *sorted(CAUSES)]
    return {name: name.replace("-", " ").capitalize() for name in names}


def _phases(shelf: Shelf) -> dict[str, str]:
    courses = shelf.protocol.pack.courses.values()
    names = dict.fromkeys(phase.id for course in courses for phase in course.phases)
    return {name: name.replace("-", " ").capitalize() for name in sorted(names)}

"""The PlanDefinition of a pack: for each cause its courses, phase after phase, and the follow-up.

It says what the pack says, for readers and for engines that show it. Who gets which row is decided
by the rules of this program, which no PlanDefinition can carry whole.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from b12fhir.fhir.profiles.activities import length, phase_activity_id, test_activity_id
from b12fhir.fhir.profiles.header import Shelf
from b12fhir.kernel.codes import UCUM
from b12fhir.protocol.model import MonitoringItem, PhaseTemplate, Regimen, Span

_D0 = "d0"
_TYPE = "http://terminology.hl7.org/CodeSystem/plan-definition-type"
_YEAR = Span(12, "mo")


def plan_definition(shelf: Shelf) -> dict[str, Any]:
    """What a composed plan names in ``instantiatesCanonical``."""
    pack = shelf.protocol.pack
    return {
        **shelf.packed("PlanDefinition", f"b12-{pack.id}", pack.label),
        "type": {"coding": [{"system": _TYPE, "code": "clinical-protocol"}]},
        "description": f"{pack.label}. Review: {pack.review.status}. It shows what the pack holds;"
        " which row a patient gets is decided by the numbered rules in the library.",
        "library": [f"{shelf.url('Library', f'b12-{pack.id}')}|{pack.version}"],
        "action": [
            {"id": _D0, "title": "d0: the day everything is counted from"},
            *(_regimen(shelf, row) for row in pack.regimens),
            *(_monitoring(shelf, name, items) for name, items in pack.monitoring.items()),
        ],
    }


def _regimen(shelf: Shelf, row: Regimen) -> dict[str, Any]:
    """One of the ways to treat a cause; exactly one is taken."""
    return {
        "id": row.id,
        "title": row.label,
        "description": " ".join((f"Rule {row.rule}.", *row.advice)),
        "code": [_cause(shelf, name) for name in row.causes] or [{"text": row.condition}],
        "groupingBehavior": "logical-group",
        "selectionBehavior": "exactly-one",
        "action": [_way(shelf, row, *way) for way in _ways(row)],
    }


def _cause(shelf: Shelf, name: str) -> dict[str, Any]:
    return {"coding": [{"system": shelf.code_system("cause"), "code": name}]}


def _ways(row: Regimen) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Each way with its words and its courses, in order: as a plan picks them for a patient."""
    after_neuro = row.im_maintenance_neuro or row.im_maintenance
    mother = (row.oral_mother, row.oral_maintenance) if row.oral_mother else ()
    for name, words, courses in (
        ("oral", "mild or moderate, by mouth", (row.oral, row.oral_maintenance)),
        ("oral-mother", "pregnant or breast-feeding, by mouth", mother),
        ("load", "mild or moderate, by injection", (row.load, row.im_maintenance)),
        ("severe", "severe", (row.severe, row.im_maintenance)),
        ("severe-neuro", "severe, with neurological signs", (row.severe_neuro, after_neuro)),
        ("prophylaxis", "prevention", (row.prophylaxis,)),
    ):
        given = tuple(course for course in courses if course)
        if given:
            yield name, words, given


def _way(
    shelf: Shelf, row: Regimen, name: str, words: str, courses: tuple[str, ...]
) -> dict[str, Any]:
    made = f"{row.id}-{name}"
    pack = shelf.protocol.pack
    listed = [(course, phase) for course in courses for phase in pack.courses[course].phases]
    steps: list[dict[str, Any]] = []
    for place, (course, phase) in enumerate(listed):
        before = steps[-1]["id"] if steps else _D0
        steps.append(_step(shelf, f"{made}-{place}-{phase.id}", before, course, phase))
    return {
        "id": made,
        "title": f"{row.label}: {words}",
        "groupingBehavior": "logical-group",
        "selectionBehavior": "all",
        "action": steps,
    }


def _step(
    shelf: Shelf, name: str, before: str, course: str, phase: PhaseTemplate
) -> dict[str, Any]:
    """A phase; it begins a while after the end of the one before it, the first of all on d0."""
    related: dict[str, Any] = {"actionId": before, "relationship": "after-end"}
    if phase.after is not None and before != _D0:
        related["offsetDuration"] = length(phase.after)
    activity = phase_activity_id(shelf, course, phase.id)
    return {
        "id": name,
        "title": f"{shelf.protocol.pack.courses[course].label}: {phase.id}",
        "code": [{"coding": [{"system": shelf.code_system("phase"), "code": phase.id}]}],
        "relatedAction": [related],
        "definitionCanonical": _activity(shelf, activity),
    }


def _monitoring(shelf: Shelf, name: str, items: Iterable[MonitoringItem]) -> dict[str, Any]:
    return {
        "id": f"monitoring-{name}",
        "title": f"Follow-up: {name.replace('-', ' ')}",
        "groupingBehavior": "logical-group",
        "selectionBehavior": "all",
        "action": [step for item in items for step in _item(shelf, name, item)],
    }


def _item(shelf: Shelf, name: str, item: MonitoringItem) -> Iterator[dict[str, Any]]:
    """One action for each day counted from d0; weekly and yearly ones once, with their timing."""
    spans = [*(Span(days, "d") for days in item.days), *(Span(m, "mo") for m in item.months)]
    for span in spans:
        made = _test(shelf, f"{name}-{item.id}-{span.value}{span.unit}", item)
        after = {"actionId": _D0, "relationship": "after-start", "offsetDuration": length(span)}
        yield made | {"relatedAction": [after]}
    last = spans[-1] if spans else Span(0, "d")
    for again, timing in _repeats(item):
        made = _test(shelf, f"{name}-{item.id}-{again}", item)
        after = {"actionId": _D0, "relationship": "after-start", "offsetDuration": length(last)}
        yield made | {"relatedAction": [after], "timingTiming": {"repeat": timing}}


def _repeats(item: MonitoringItem) -> Iterator[tuple[str, dict[str, Any]]]:
    if item.weekly_until:
        bounds = {"value": item.weekly_until, "unit": "week", "system": UCUM, "code": "wk"}
        yield (
            "weekly",
            {"boundsDuration": bounds, "frequency": 1, "period": 1, "periodUnit": "wk"},
        )
    if item.yearly:
        yield "yearly", {"frequency": 1, "period": _YEAR.value, "periodUnit": _YEAR.unit}


def _test(shelf: Shelf, name: str, item: MonitoringItem) -> dict[str, Any]:
    return {
        "id": name,
        "title": shelf.protocol.tests[item.test].label,
        "description": f"Rule {item.rule}.",
        "definitionCanonical": _activity(shelf, test_activity_id(item.test)),
    }


def _activity(shelf: Shelf, name: str) -> str:
    return f"{shelf.url('ActivityDefinition', name)}|{shelf.protocol.pack.version}"

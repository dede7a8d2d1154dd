"""Which row of the pack, and which of its courses (section 10)."""

from dataclasses import dataclass

from b12fhir.decision.model import Decision, SeverityGrade
from b12fhir.protocol.model import Course, Pack, PhaseTemplate, Regimen


@dataclass(frozen=True, slots=True)
class Chosen:
    """The regimen row with the phases to give, in order."""

    row: Regimen
    templates: tuple[PhaseTemplate, ...]


def choose(decision: Decision, pack: Pack) -> Chosen | None:
    """The row for the governing cause; ``None`` if the pack has none, or no course for it."""
    row = row_for(decision, pack)
    if row is None:
        return None
    names = _courses(decision, row)
    courses = [pack.courses[name] for name in names if name]
    return Chosen(row, _phases(courses)) if courses else None


def row_for(decision: Decision, pack: Pack) -> Regimen | None:
    """The row of a condition that has its own, else of the cause that is treated or prevented."""
    asked = decision.intent
    if asked.condition:
        return next((row for row in pack.regimens if row.condition == asked.condition), None)
    return next((row for row in pack.regimens if asked.cause in row.causes), None)


def _courses(decision: Decision, row: Regimen) -> tuple[str, ...]:
    if decision.intent.kind == "prophylaxis":
        return (row.prophylaxis,)
    if decision.route == "im":
        load = _load(decision, row)
        after_neuro = row.im_maintenance_neuro and load == row.severe_neuro
        return (load, row.im_maintenance_neuro if after_neuro else row.im_maintenance)
    oral = row.oral_mother if decision.needs.mother and row.oral_mother else row.oral
    return (oral, row.oral_maintenance)


def _load(decision: Decision, row: Regimen) -> str:
    if decision.severity is not SeverityGrade.SEVERE:
        return row.load
    return row.severe_neuro if decision.neuro else row.severe


def _phases(courses: list[Course]) -> tuple[PhaseTemplate, ...]:
    return tuple(phase for course in courses for phase in course.phases)

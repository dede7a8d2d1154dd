"""Which records are doses, each day once, whoever wrote it down (R-128, R-129, R-135).

Only what was completed counts. A nurse's entry and a patient's own note of one day are one dose.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from b12fhir.facts.medicines import Route
from b12fhir.kernel.evidence import Remark
from b12fhir.kernel.truth import Truth
from b12fhir.plan.course import DoseRecord


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose given on one day, or one that was left out on purpose (``declined``).

    ``reference`` is the surest record of it; ``orders`` are what its records name as their order.
    """

    day: date
    reference: str
    drug: str
    route: Route
    orders: frozenset[str]
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """The doses in the order of their days, and what must be asked about the others."""

    doses: tuple[Dose, ...]
    remarks: tuple[Remark, ...]


def doses_given(records: Iterable[DoseRecord], as_of: date) -> Given:
    """What the records up to ``as_of`` say."""
    known = [one for one in records if one.when is None or one.when.first <= as_of]
    groups: dict[tuple[date, bool], list[DoseRecord]] = {}
    for record in known:
        if record.day is not None and (record.given.is_yes or record.declined):
            groups.setdefault((record.day, record.route.is_oral), []).append(record)
    days = sorted(groups)
    return Given(
        tuple(_dose(day, groups[day, oral]) for day, oral in days),
        (
            *(remark for place in days for remark in _double(place[0], groups[place])),
            *(remark for record in known for remark in _asked(record)),
        ),
    )


def _dose(day: date, records: list[DoseRecord]) -> Dose:
    """A dose that was given outweighs a note of the same day that it was not."""
    happened = [one for one in records if one.given.is_yes]
    same = happened or records
    best = min(same, key=lambda one: (one.rank, not one.order, one.reference))
    return Dose(
        day=day,
        reference=best.reference,
        drug=next((one.drug for one in (best, *same) if one.drug), ""),
        route=best.route,
        orders=frozenset(one.order for one in same if one.order),
        declined=not happened,
    )


def _double(day: date, records: list[DoseRecord]) -> Iterable[Remark]:
    """Two records of one kind, or of two products, are more than one dose told twice."""
    happened = [one for one in records if one.given.is_yes]
    kinds = {one.rank for one in happened}
    drugs = {one.drug for one in happened if one.drug}
    if len(kinds) < len(happened) or len(drugs) > 1:
        told = " and ".join(sorted(one.reference for one in happened))
        text = f"{day.isoformat()}: {told}. Counted once; ask whether it is a duplicate or a double"
        yield Remark("double-dose", f"{text} dose.", "R-129")


def _asked(record: DoseRecord) -> Iterable[Remark]:
    if record.given is Truth.UNKNOWN:
        text = f"{record.reference} does not say that the dose was given. Not counted; ask before"
        yield Remark("dose-status", f"{text} the next one is given.", "R-128")
    elif record.given.is_yes and record.day is None:
        when = record.when.iso() if record.when is not None else "no day at all"
        text = f"{record.reference} gives an incomplete day ({when}). Not counted; ask before"
        yield Remark("dose-date", f"{text} the next one is given.", "R-135")

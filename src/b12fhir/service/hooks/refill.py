"""medication-refill: does the maintenance go on as it should, and who looks at the blood?

Only a refill of vitamin B12 itself is spoken to.
"""

from b12fhir.decision.model import Bucket
from b12fhir.facts.labs import Analyte, LabResult
from b12fhir.facts.medicines import B12Dose
from b12fhir.kernel.dates import days_between
from b12fhir.kernel.evidence import Remark
from b12fhir.ports import Resource
from b12fhir.service.hooks.build import Said, card_of
from b12fhir.service.hooks.dosing import due_text, next_dose, order_text
from b12fhir.service.hooks.gaps import gap_card
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card, Indicator, Role
from b12fhir.service.hooks.picture import advice
from b12fhir.service.hooks.rows import Row, basis, cautions, fact_text, missing
from b12fhir.service.hooks.text import day_text, fitting, listed
from b12fhir.service.wording import short

_WATCHED = {
    Analyte.HEMOGLOBIN: "blood count",
    Analyte.B12_TOTAL: "B12",
}
# A refill comes in the place of the order that runs, and is no dose.
_RENEWED = frozenset({"order-duplicate", "order-too-soon"})
_LASTING = frozenset({Bucket.PERMANENT, Bucket.BARIATRIC})


def refill(matter: Matter) -> tuple[Card, ...]:
    """What is wrong with the refill, or what is due beside it; else nothing."""
    card = _card(matter) or gap_card(matter)
    return () if card is None else (card,)


def _card(matter: Matter) -> Card | None:
    refilled = _refilled(matter)
    if not refilled:
        return None
    wrong = _wrong(matter, refilled)
    if wrong is not None:
        return _forbids(matter, refilled, *wrong)
    dose, due = next_dose(matter), _overdue_tests(matter)
    if dose is not None and dose.is_late:
        what = f"the dose of {day_text(dose.due)} is not on record"
        return _say(matter, refilled, dose.rule, Indicator.WARNING, what, "giving it, not two")
    if due:
        what = f"no {' and no '.join(due)} in the last year"
        return _say(matter, refilled, "R-139", Indicator.INFO, what, "ordering it with the refill")
    return None


def _refilled(matter: Matter) -> tuple[B12Dose, ...]:
    """The B12 among the medicines to refill."""
    named = {_reference(one) for one in matter.call.context}
    named |= {draft.reference for draft in matter.call.drafts}
    return tuple(one for one in matter.facts.doses if one.reference in named)


def _reference(one: Resource) -> str:
    return f"{one.get('resourceType')}/{one.get('id')}"


def _wrong(matter: Matter, refilled: tuple[B12Dose, ...]) -> tuple[Remark, Indicator] | None:
    """What the decision says against the order that is being written, the worst first."""
    decision = matter.decision
    names = {one.reference for one in refilled}
    told = (
        (decision.contraindications, Indicator.CRITICAL),
        (decision.cautions, Indicator.WARNING),
    )
    for remarks, indicator in told:
        for one in remarks:
            if one.about in names and one.id not in _RENEWED:
                return one, indicator
    return None


def _forbids(
    matter: Matter, refilled: tuple[B12Dose, ...], remark: Remark, indicator: Indicator
) -> Card:
    words = short(remark.text.partition(": ")[2] or remark.text)
    asked = advice(matter.role, "changing it before it is signed")
    text = fitting(
        (f"Refill of B12: {words}; {asked}", f"Refill of B12: see what speaks against it; {asked}")
    )
    said = Said(f"refill:{remark.id}", remark.rule, indicator, text, "order")
    return card_of(matter, said, _rows(matter, refilled))


def _say(  # noqa: PLR0913, PLR0917 - what the card is made of
    matter: Matter,
    refilled: tuple[B12Dose, ...],
    rule: str,
    indicator: Indicator,
    what: str,
    action: str,
) -> Card:
    text = fitting((f"Refill of B12: {what}; {advice(matter.role, action)}",))
    said = Said("refill", rule, indicator, text, "follow-up")
    return card_of(matter, said, _rows(matter, refilled))


def _rows(matter: Matter, refilled: tuple[B12Dose, ...]) -> list[Row]:
    shown = listed((f"{order_text(one)}." for one in refilled), 2)
    dose = next_dose(matter)
    due = due_text(dose) if dose is not None else ""
    rows = [("Refill", shown), ("How long", _lasts(matter)), ("Next dose", due)]
    if matter.role is not Role.PATIENT:
        told = f"{missing(matter)} {cautions(matter)}".strip()
        rows += [("Watched", _watched(matter)), ("Open", told)]
    return [*rows, ("Basis", basis(matter))]


def _lasts(matter: Matter) -> str:
    """For how long the cause asks for maintenance; feeling well is no reason to stop."""
    cause = matter.decision.governing
    if cause is None or cause.bucket is Bucket.UNKNOWN:
        return "No cause is on record: go on while it is unknown, and look for it (R-81)."
    name = cause.cause.replace("-", " ")
    if cause.bucket in _LASTING:
        return f"Cause: {name}. It lasts: never propose a stop (R-123, {cause.rule})."
    return f"Cause: {name}: {cause.lasts} ({cause.rule})."


def _overdue_tests(matter: Matter) -> list[str]:
    """What nobody has measured within the time for which a result counts."""
    newest = _newest(matter)
    most = matter.protocol.limits.stale_after_days
    return [
        name
        for analyte, name in _WATCHED.items()
        if analyte not in newest or days_between(newest[analyte].when.last, matter.day) > most
    ]


def _newest(matter: Matter) -> dict[Analyte, LabResult]:
    counted = [one for one in matter.facts.labs if not one.pending and one.when.last <= matter.day]
    return {one.analyte: one for one in sorted(counted, key=lambda one: one.when.last)}


def _watched(matter: Matter) -> str:
    newest = _newest(matter)
    told = [fact_text(matter, newest[one]) if one in newest else "" for one in _WATCHED]
    return "; ".join(one for one in told if one) or "No blood count and no B12 on record."

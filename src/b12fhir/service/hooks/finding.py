"""The card about the assessment itself: untreated deficiency, a test to order, or no answer.

It speaks only where somebody can do something about it; what is normal, or treated in order, stays
silent.
"""

from b12fhir.decision.bands import band_of
from b12fhir.decision.model import GIVEN, PERHAPS_GIVEN, RUNNING, Decision, Urgency
from b12fhir.decision.model import Classification as C
from b12fhir.facts.labs import Analyte
from b12fhir.kernel.evidence import Remark
from b12fhir.service.hooks.build import Said, card_of
from b12fhir.service.hooks.matter import B12_RULES, Matter
from b12fhir.service.hooks.model import Card, Indicator, Role
from b12fhir.service.hooks.patient import patient_card
from b12fhir.service.hooks.picture import (
    METABOLITES,
    advice,
    capital,
    phase_text,
    summary,
    value_text,
)
from b12fhir.service.hooks.rows import Row, assessment_rows, plan_text
from b12fhir.service.hooks.suggest import is_waiting, suggestions
from b12fhir.service.hooks.text import day_text, fitting, when_text
from b12fhir.service.hooks.under import first_dose, is_acute
from b12fhir.service.wording import short, test

KEY = "finding"
_ORDER = "order"
_FAULT, _MAINTENANCE = "b12-fault", "maintenance"
_B12 = frozenset({Analyte.B12_TOTAL, Analyte.B12_ACTIVE})
# Withdrawn, cancelled, not done: that there is no result is no news by itself.
_NO_NEWS = frozenset({"withdrawn", "superseded"})
# What a contraindication asks for, as a noun phrase.
_ASKED = {
    "allergy": "allergy referral{today}; every B12 product is forbidden",
    "hospital": "hospital{today}; low potassium or breathless at rest",
    "specialist": "a specialist{today}; an inborn defect of B12 handling",
    "leber": "specialist advice{today}; Leber disease forbids cyanocobalamin",
    "under-16": "specialist referral{today}; under 16, no adult regimen applies",
}
_STOPS = ("hospital", "allergy", "specialist", "under-16")
# The rule a class rests on, the most telling first.
_LEADS = {
    C.INDETERMINATE_CONFIRMED: ("R-37", "R-42", "R-48", *METABOLITES),
    C.FUNCTIONAL: ("R-47", "R-45", "R-46", "R-42"),
    C.INDETERMINATE: ("R-48", "R-47", "R-39", "R-40", "R-35", "R-32"),
    C.DATA_QUALITY: ("R-23", "R-24", "R-26", "R-25"),
    C.NO_DATA: ("R-18", "R-09"),
    C.UNLIKELY: ("R-49", "R-114", "R-115"),
    C.ON_TREATMENT: ("R-61", "R-21"),
}


def finding_card(
    matter: Matter, *, lead: str = "", key: str = "", extra: tuple[Row, ...] = ()
) -> Card | None:
    """The card, or ``None`` where there is nothing to say.

    ``lead`` goes before the summary ("Discharge: "), ``key`` makes it a matter of its own, and
    ``extra`` rows take the place of "Checked".
    """
    told = _told(matter, lead)
    if told is None or (told.topic != _ORDER and _is_settled(matter)):
        return None
    told = told._replace(key=key or told.key)
    if matter.role is Role.PATIENT:
        return patient_card(matter, told)
    plan = plan_text(matter)
    if is_waiting(matter):
        plan = f"A draft order of an earlier card waits for a signature. {plan}"
    rows = assessment_rows(matter, plan=plan)
    if extra:
        rows = [*extra, *(row for row in rows if row[0] != "Checked")]
    return card_of(matter, told, rows, suggestions(matter))


def _is_settled(matter: Matter) -> bool:
    """Rejected by a practitioner, with a reason, for as long as it is the same and can wait."""
    return matter.decision.urgency is not Urgency.URGENT and matter.is_rejected


def _told(matter: Matter, lead: str) -> Said | None:
    """What it says, by what the decision asks for."""
    barred = _barred(matter, lead)
    if barred is not None:
        return barred
    if matter.is_signed:
        return _under_treatment(matter, lead)
    if matter.decision.intent.kind in GIVEN and matter.plan.phases:
        return _treat(matter, lead)
    return _without_regimen(matter, lead)


def _barred(matter: Matter, lead: str) -> Said | None:
    """What stands in the way of any regimen."""
    decision = matter.decision
    forbidden = next((one for one in decision.contraindications if one.about), None)
    if forbidden is not None:
        return _forbids(matter, forbidden, lead)
    if not _concerns(decision):
        return None
    if matter.facts.patient.replaced or not matter.facts.patient.active:
        return _record_closed(matter, lead)
    if "age-unknown" in decision.flags:
        return _said(matter, "recording the date of birth: no regimen without it", lead)
    names = (*_STOPS, "leber") if decision.intent.kind == "stop" else _STOPS
    stop = next((r for name in names for r in decision.contraindications if r.id == name), None)
    if stop is None:
        return None
    asked = _ASKED[stop.id].format(today=_today(decision, " today"))
    return _said(matter, asked, lead, what=_meaning(decision), rule=stop.rule)


def _concerns(decision: Decision) -> bool:
    return (
        decision.classification.is_deficient
        or decision.classification is C.INDETERMINATE
        or decision.intent.kind == "stop"
        or decision.urgency is not Urgency.ROUTINE
    )


def _forbids(matter: Matter, remark: Remark, lead: str) -> Said:
    words = short(remark.text.partition(": ")[2] or remark.text)
    say = f"{lead}B12 order on record: {words}"
    asked = advice(matter.role, "stopping or changing it today")
    told = fitting((f"{say}; {asked}", f"{lead}A B12 order on record is forbidden; {asked}"))
    return Said(KEY, remark.rule, Indicator.CRITICAL, told, _ORDER)


def _record_closed(matter: Matter, lead: str) -> Said:
    what = " in a record that is inactive or merged"
    action = "assessing the record that replaced it"
    return _said(matter, action, lead, what=what, indicator=Indicator.INFO)


def _treat(matter: Matter, lead: str) -> Said:
    decision = matter.decision
    phase = phase_text(matter.plan.phases[0])
    if decision.intent.kind == "prophylaxis":
        what = ", and a cause of deficiency on record"
        rule = next(
            (r for r in ("R-114", "R-115") if matter.finding(r)), matter.plan.phases[0].rule
        )
        return _said(matter, f"prevention, {phase}", lead, what=what, rule=rule)
    return _said(
        matter, f"{phase}{_today(decision, ', from today')}", lead, what=_meaning(decision)
    )


def _today(decision: Decision, words: str) -> str:
    return words if decision.urgency is Urgency.URGENT else ""


def _meaning(decision: Decision) -> str:
    """What the numbers mean; the class says it in full in the detail."""
    name = decision.classification
    if name.is_deficient:
        return ", deficiency"
    return " is indeterminate" if name is C.INDETERMINATE else ""


def _without_regimen(matter: Matter, lead: str) -> Said | None:
    """Tests, a question, or nothing at all."""
    decision = matter.decision
    name = decision.classification
    running = name is C.ON_TREATMENT or RUNNING in decision.flags
    if name is C.DATA_QUALITY or (not running and any(g.id == _FAULT for g in decision.gaps)):
        return _cannot_decide(matter, lead)
    if running:
        return _under_treatment(matter, lead)
    if name is C.NO_DATA:
        return _no_data(matter, lead)
    if name is C.UNLIKELY and decision.urgency is Urgency.ROUTINE:
        return _not_final(matter, lead)
    what = _meaning(decision) or " is not low"
    if any(one.id == _MAINTENANCE for one in decision.gaps):
        action = "deciding on maintenance, since a permanent cause is on record"
        return _said(matter, action, lead, what=what, rule="R-123")
    return _said(matter, _tests(matter) or "a clinical decision", lead, what=what)


def _tests(matter: Matter) -> str:
    """The tests to order, at most two by name; of a recheck the day as well."""
    intent = matter.decision.intent
    if intent.orders:
        return _named(matter, intent.orders)
    again = next((m for m in matter.plan.monitoring if m.test in intent.rechecks and m.due), None)
    if again is None:
        return ""
    return f"{_named(matter, intent.rechecks)} again on {day_text(again.due[0])}"


def _named(matter: Matter, tests: tuple[str, ...]) -> str:
    labels = [test(one, matter.protocol) for one in tests]
    # "MMA" and the like keep their capitals.
    words = [f"{one[:1].lower()}{one[1:]}" if one[1:2].islower() else one for one in labels]
    if words[2:]:
        return f"{words[0]}, {words[1]} and {len(words) - 2} more tests"
    return " and ".join(words)


def _cannot_decide(matter: Matter, lead: str) -> Said:
    """A result that cannot be used is never passed over in silence."""
    neuro = matter.decision.neuro
    what = "Nerve signs, and B12 cannot be decided" if neuro else "B12 cannot be decided"
    why = "a result cannot be used as sent"
    asked = advice(matter.role, "asking the laboratory for value and unit")
    indicator = Indicator.WARNING if neuro else Indicator.INFO
    told = f"{what}: {why}; {asked}"
    text = fitting((f"{lead}{told}", told))
    return Said("data", _rule(matter, C.DATA_QUALITY), indicator, text, "data")


def _no_data(matter: Matter, lead: str) -> Said | None:
    decision = matter.decision
    if decision.neuro:
        what, soon = "Nerve signs and no usable B12 result", _today(decision, ", today")
        told = f"{what}: {advice(matter.role, f'{_tests(matter)}{soon}')}"
        least = f"{what}: {advice(matter.role, f'measuring it{soon}')}"
        text = fitting((f"{lead}{told}", told, least))
        return Said(KEY, _rule(matter, C.NO_DATA), Indicator.WARNING, text, "confirm")
    waiting = _pending(matter)
    if waiting:
        told = f"B12 cannot be decided: {waiting}; {advice(matter.role, _tests(matter))}"
        least = f"B12 cannot be decided: {waiting}"
        text = fitting((f"{lead}{told}", told, least))
        return Said("data", _rule(matter, C.NO_DATA), Indicator.INFO, text, "data")
    return None


def _not_final(matter: Matter, lead: str) -> Said | None:
    """A newer result that is low and preliminary: it decides nothing, and must not be missed."""
    rule, last = matter.deciding
    limits = matter.protocol.limits
    for one in matter.facts.labs:
        band, before = band_of(limits, one), last and band_of(limits, last)
        worse = band is not None and before is not None and band.rank < before.rank
        if worse and one.pending and last is not None and one.when.last > last.when.last:
            shown = f"B12 {value_text(one)} ({when_text(one.when)}) is preliminary and lower"
            told = f"{shown}: {advice(matter.role, 'waiting for the final result')}"
            return Said("data", rule, Indicator.INFO, fitting((f"{lead}{told}", told)), "data")
    return None


def _pending(matter: Matter) -> str:
    """A B12 result that is there and says nothing yet."""
    if any(one.analyte in _B12 and one.pending for one in matter.facts.labs):
        return "the result is preliminary"
    told = [one for one in matter.facts.refused if one.analyte in _B12]
    return "the result has no value" if any(one.code not in _NO_NEWS for one in told) else ""


def _under_treatment(matter: Matter, lead: str) -> Said | None:
    """Silent unless something is new, or nothing was given yet of what cannot wait."""
    decision = matter.decision
    if not is_acute(matter):
        return _perhaps_given(matter, lead)
    given = first_dose(matter) is not None
    if given:
        what, action = " under B12 treatment", "reviewing it today"
    else:
        what, action = ", B12 is ordered and no dose on record", "giving the first dose today"
    critical = decision.neuro and given
    indicator = Indicator.CRITICAL if critical else Indicator.WARNING
    return _said(matter, action, lead, what=what, rule="R-61", indicator=indicator)


def _perhaps_given(matter: Matter, lead: str) -> Said | None:
    """A low result after an order of which no dose is on record: given or not, nobody knows."""
    decision = matter.decision
    asked = PERHAPS_GIVEN in decision.flags and decision.classification.is_deficient
    if not asked or matter.is_signed or first_dose(matter) is not None:
        return None
    what = ", B12 is on order and no dose on record"
    action, info = "asking whether it was given", Indicator.INFO
    return _said(matter, action, lead, what=what, rule="R-21", indicator=info)


def _said(  # noqa: PLR0913 - what a summary is made of
    matter: Matter,
    action: str,
    lead: str,
    *,
    what: str = "",
    rule: str = "",
    indicator: Indicator | None = None,
) -> Said:
    decision = matter.decision
    shown = indicator or indicator_of(decision)
    told = summary(matter, what, action, lead=lead)
    topic = "deficiency" if decision.classification.is_deficient else "confirm"
    return Said(KEY, rule or _rule(matter, decision.classification), shown, capital(told), topic)


def _rule(matter: Matter, name: C) -> str:
    """The rule that leads; there is always one, since every decision says how soon."""
    if name is C.CONFIRMED:
        return matter.deciding[0]
    lead = matter.finding(*_LEADS[name], *B12_RULES, "R-61", "R-62", "R-63")
    return lead.rule if lead is not None else "R-118"


def indicator_of(decision: Decision) -> Indicator:
    """Critical for nerves that cannot wait, warning for a deficiency or a stop, else info."""
    treated = decision.intent.kind == "treat" or decision.classification.is_deficient
    urgent = decision.urgency is Urgency.URGENT
    if decision.neuro and urgent and (treated or decision.classification is C.ON_TREATMENT):
        return Indicator.CRITICAL
    if treated or urgent or decision.intent.kind == "stop":
        return Indicator.WARNING
    return Indicator.INFO

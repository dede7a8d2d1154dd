"""The short answer to each question of the pathway, and the lines that go with it."""

from collections.abc import Callable
from dataclasses import dataclass

from b12fhir.decision.bands import BandName, band_of
from b12fhir.decision.case import Case
from b12fhir.decision.model import GIVEN, Anaemia, Cause, Decision, SeverityGrade
from b12fhir.decision.neurology import neurology
from b12fhir.decision.person import person
from b12fhir.decision.treatment import treatment
from b12fhir.decision.usable import Usable, usable
from b12fhir.facts.labs import LabResult
from b12fhir.facts.patient import Sex
from b12fhir.fhir.dosage import ROUTES, route_text
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.evidence import Finding, Remark
from b12fhir.kernel.quantities import plain
from b12fhir.kernel.truth import Truth
from b12fhir.plan.model import Monitor
from b12fhir.service.propose import Proposal
from b12fhir.service.questions import question_of
from b12fhir.service.wording import (
    CLASSES,
    URGENCIES,
    action_in_words,
    plan_in_words,
    test,
    unit_text,
    why_none,
)

_SEXES = {Sex.FEMALE: "Female", Sex.MALE: "Male", Sex.UNKNOWN: "Sex not recorded"}
_PROPOSABLE = {
    Truth.YES: "a proposal may be made",
    Truth.NO: "no proposal may be made",
    Truth.UNKNOWN: "whether a proposal may be made is not known",
}
_RAISED = {
    Truth.YES: "raised",
    Truth.NO: "not raised",
    Truth.UNKNOWN: "cannot be told from the cut-off",
}
_ANAEMIA = {Anaemia.UNKNOWN: "Whether this is anaemia cannot be told", Anaemia.NONE: "No anaemia"}
_ROUTES = {name: route_text(name) for name in ROUTES} | {"iv": "intravenous"}
_COUNT = (Analyte.MCV, Analyte.WBC, Analyte.PLATELETS)
_B12 = (Analyte.B12_TOTAL, Analyte.B12_ACTIVE)
_BAND_RULES = ("R-28", "R-29", "R-30")
_MMA_RULE = "R-36"


@dataclass(frozen=True, slots=True)
class Seen:
    """A proposal with the case it answers and the results that counted."""

    proposal: Proposal
    case: Case
    results: Usable

    @property
    def decision(self) -> Decision:
        """The decision that is explained."""
        return self.proposal.decision

    def label(self, analyte: Analyte) -> str:
        """What was measured, in words."""
        return self.case.protocol.analytes.info[analyte].label


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer in one line, and lines that belong to it."""

    text: str
    lines: tuple[str, ...] = ()


def seen(proposal: Proposal) -> Seen:
    """What the answers look at; nothing is decided here."""
    day = proposal.as_of.astimezone(proposal.site.zone).date()
    case = Case(proposal.facts, proposal.protocol, day)
    return Seen(proposal, case, usable(case))


def _person(one: Seen) -> Answer:
    ages = one.case.ages
    if ages is None:
        age = "age not known"
    else:
        age = f"{ages[0]} years" if ages[0] == ages[1] else f"{ages[0]} or {ages[1]} years"
    states = [
        word
        for word, truth in (
            ("pregnant", one.case.pregnant),
            ("breast-feeding", one.case.breastfeeding()),
        )
        if truth.is_yes
    ]
    who = ", ".join((_SEXES[one.case.facts.patient.sex], age, *states))
    may = person(one.case).proposable
    why = why_none(one.decision) if may is Truth.NO else ""
    return Answer(f"{who}: {_PROPOSABLE[may]}{why}.")


def _results(one: Seen) -> Answer:
    lines: list[str] = []
    for analyte in Analyte:
        if result := one.results.get(analyte):
            lines.append(_result(one, result))
        elif old := one.results.stale(analyte):
            lines.append(f"too old: {_result(one, old)}")
    return Answer("The newest of each test:" if lines else "None on record.", tuple(lines))


def _result(one: Seen, result: LabResult) -> str:
    used = result.as_input()
    amount = f"{used.value} {unit_text(used.unit)}".strip()
    return f"{one.label(result.analyte)} {amount} on {used.date} [{used.reference}]"


def _given(one: Seen) -> Answer:
    given = treatment(one.case)
    shown = tuple(dict.fromkeys((*given.running, *given.sure, *given.possible)))
    lines = tuple(f"{dose.text} [{dose.reference}]" for dose in shown)
    if given.running:
        return Answer("Yes, or it is on order.", lines)
    if given.sure:
        return Answer("Not now; it was given before.", lines)
    return Answer("It may be: the record does not say." if lines else "Nothing on record.", lines)


def _class(one: Seen) -> Answer:
    reasons = "; ".join((*_by_b12(one), *_by_mma(one)))
    name = CLASSES[one.decision.classification]
    return Answer(f"{name}: {reasons}." if reasons else f"{name}.")


def _by_b12(one: Seen) -> list[str]:
    """Where each B12 result that counted lies between its limits, and by which rule."""
    results = [result for analyte in _B12 if (result := one.results.get(analyte))]
    return [
        f"{one.label(result.analyte)} {result.amount.text()}, {_place(one, result)} ({rule})"
        for result in results
        if (rule := _rule_for(one.decision, result))
    ]


def _rule_for(decision: Decision, result: LabResult) -> str:
    used = result.as_input()
    findings = (one for one in decision.findings if one.rule in _BAND_RULES)
    return next((finding.rule for finding in findings if used in finding.inputs), "")


def _place(one: Seen, result: LabResult) -> str:
    band = one.case.limits.bands[result.analyte, result.amount.unit]
    low, high = plain(band.low), plain(band.high)
    place = {
        BandName.LOW: f"below {low}",
        BandName.MIDDLE: f"within {low} to {high}",
        BandName.HIGH: f"above {high}",
    }
    name = band_of(one.case.limits, result)
    return place.get(name or BandName.SPANS, f"on either side of {low} or {high}")


def _by_mma(one: Seen) -> list[str]:
    result = one.results.get(Analyte.MMA)
    finding = _finding(one.decision, _MMA_RULE)
    if result is None or finding is None:
        return []
    label = one.label(Analyte.MMA)
    return [
        f"{label} {result.amount.text()}, {_RAISED[finding.truth]}, {finding.note} ({_MMA_RULE})"
    ]


def _finding(decision: Decision, rule: str) -> Finding | None:
    return next((one for one in decision.findings if one.rule == rule), None)


def _blood(one: Seen) -> Answer:
    grade = one.decision.anaemia
    hemoglobin = one.results.get(Analyte.HEMOGLOBIN)
    counted = (result for analyte in _COUNT if (result := one.results.get(analyte)))
    beside = "".join(f"; {_in_sentence(one, result)}" for result in counted)
    if hemoglobin is None:
        return Answer(f"Anaemia is not known: no haemoglobin of use{beside}.")
    word = _ANAEMIA.get(grade, f"Anaemia, {grade.value}")
    return Answer(f"{word}: {_in_sentence(one, hemoglobin)}{beside}.")


def _in_sentence(one: Seen, result: LabResult) -> str:
    label = one.label(result.analyte)
    return f"{label[:1].lower()}{label[1:]} {result.amount.text()}"


def _nerves(one: Seen) -> Answer:
    signs = tuple(sign.text for sign in neurology(one.case).signs)
    if one.decision.neuro:
        return Answer(f"Yes: {', '.join(dict.fromkeys(signs))}.")
    return Answer("No neurological sign on record.")


def _signs(one: Seen) -> Answer:
    """What was found, a measured one with its name and amount."""
    rules = one.case.protocol.rules
    told = [
        f"{finding.note} {used.value} {unit_text(used.unit)}" if used.unit else used.value
        for finding in one.decision.findings
        if finding.truth.is_yes and question_of(rules[finding.rule]) == "signs"
        for used in finding.inputs
    ]
    return Answer(f"{_capital(', '.join(dict.fromkeys(told)))}." if told else "None on record.")


def _severity(one: Seen) -> Answer:
    grade = one.decision.severity
    if grade is SeverityGrade.NONE:
        return Answer("Not graded: nothing is to be treated now.")
    return Answer(f"{_capital(grade.value)}{', with nerves' if one.decision.neuro else ''}.")


def _cause(one: Seen) -> Answer:
    governing = one.decision.governing
    others = tuple(f"also: {_named(c)}" for c in one.decision.causes if not c.governs)
    if governing is None or governing.cause == "unknown":
        return Answer("No cause that governs is known (R-81).", others)
    return Answer(f"{_capital(_named(governing))}.", others)


def _named(cause: Cause) -> str:
    name = cause.cause.replace("-", " ")
    return f"{name}, {cause.confidence.value} ({cause.rule}); lasts: {cause.lasts}"


def _stops(one: Seen) -> Answer:
    stops = one.decision.contraindications
    return Answer("This does:" if stops else "Nothing on record.", _remarks(stops))


def _action(one: Seen) -> Answer:
    return Answer(f"{_capital(action_in_words(one.decision))}.")


def _route(one: Seen) -> Answer:
    rejected = tuple(
        f"not {_ROUTES.get(row.route, row.route)}: {row.reason} ({row.rule})"
        for row in one.decision.intent.rejected_routes
    )
    name, proposed = one.decision.route, one.decision.intent.kind in GIVEN
    if name is None:
        return Answer("None.", rejected)
    if not proposed:
        goes_on = f"Nothing is proposed; where treatment goes on, {route_text(name)}."
        return Answer(goes_on, rejected)
    return Answer(f"{_capital(route_text(name))}.", rejected)


def _regimen(one: Seen) -> Answer:
    plan = one.proposal.plan
    if not plan.phases:
        return Answer("None.")
    told = plan_in_words(plan, one.decision, one.case.protocol)
    return Answer(_capital(told), tuple(dict.fromkeys(plan.advice)))


def _monitoring(one: Seen) -> Answer:
    plan = one.proposal.plan
    lines = tuple(_monitor(one, item) for item in plan.monitoring)
    return Answer("These tests and reviews:" if lines else "Nothing.", lines)


def _monitor(one: Seen, item: Monitor) -> str:
    days = [day.isoformat() for day in item.due]
    when = f"{len(days)} times, {days[0]} to {days[-1]}" if len(days) > 1 else "".join(days)
    yearly = ", then every year" if item.open_ended else ""
    return f"{test(item.test, one.case.protocol)}: {when}{yearly} ({item.rule})"


def _cautions(one: Seen) -> Answer:
    lines = _remarks(one.decision.cautions)
    return Answer("These cautions:" if lines else "Nothing.", lines)


def _mimics(one: Seen) -> Answer:
    lines = _remarks(one.decision.mimics)
    return Answer("Not excluded yet:" if lines else "Nothing is left open.", lines)


def _urgency(one: Seen) -> Answer:
    return Answer(f"{_capital(URGENCIES[one.decision.urgency])}.")


def _remarks(remarks: tuple[Remark, ...]) -> tuple[str, ...]:
    return tuple(f"{remark.text} ({remark.rule})" for remark in remarks)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


ANSWERS: dict[str, Callable[[Seen], Answer]] = {
    "person": _person,
    "results": _results,
    "given": _given,
    "nerves": _nerves,
    "blood": _blood,
    "signs": _signs,
    "class": _class,
    "severity": _severity,
    "cause": _cause,
    "stops": _stops,
    "action": _action,
    "route": _route,
    "regimen": _regimen,
    "monitoring": _monitoring,
    "cautions": _cautions,
    "mimics": _mimics,
    "urgency": _urgency,
}

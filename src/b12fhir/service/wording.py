"""Plain words for what a decision and a plan say in ids and numbers: the same at every door."""

import re
from collections.abc import Iterable
from functools import lru_cache

from b12fhir.decision.model import RUNNING, Classification, Decision, Urgency
from b12fhir.fhir.dosage import product_text, route_text
from b12fhir.fhir.timing import every_text, span_text
from b12fhir.kernel.evidence import Finding
from b12fhir.kernel.quantities import plain
from b12fhir.plan.model import Phase, Plan
from b12fhir.protocol.model import Citation, Protocol, Rule
from b12fhir.protocol.names import CAUSES

CLASSES = {
    Classification.CONFIRMED: "Deficient, confirmed",
    Classification.INDETERMINATE_CONFIRMED: "Deficient, confirmed after an indeterminate B12",
    Classification.FUNCTIONAL: "Deficient in function, B12 not low",
    Classification.INDETERMINATE: "Indeterminate, to be confirmed",
    Classification.ON_TREATMENT: "On treatment, B12 not classified",
    Classification.DATA_QUALITY: "Stopped by a data fault",
    Classification.NO_DATA: "Not enough data",
    Classification.UNLIKELY: "Deficiency unlikely",
}
URGENCIES = {
    Urgency.URGENT: "URGENT (same day)",
    Urgency.SOON: "soon (7 days)",
    Urgency.ROUTINE: "routine",
}
# What is done, by the kind of the decision's intent.
ACTIONS = {
    "treat": "treat",
    "prophylaxis": "prevent",
    "confirm": "tests first, no treatment yet",
    "stop": "no regimen, since a stop applies",
    "none": "no regimen",
}
# Why there is none, by the decision's flag; the first that fits.
_NO_PROPOSAL = {
    "deceased": ": the patient has died",
    "record-not-active": ": the record is not active, or was merged into another",
    "age-unknown": ": the date of birth is not known",
    "under-16": ": under 16",
    RUNNING: ": vitamin B12 is already being given or on order",
    "data-quality": " until the B12 result can be read",
}
# Why a result was not used, by the code of its issue.
FAULTS = {
    "not-understood": "marked with something no program here understands",
    "no-date": "without a date",
    "date-unreadable": "with a date that cannot be read",
    "code-contradiction": "with codes of different tests",
    "value-and-absent": "with a value and a reason why there is none",
    "value-unreadable": "with a value that cannot be read",
    "implausible": "with a value no body has",
    "unit-missing": "without a unit",
    "unit-unknown": "in a unit that is not known",
    "unit-contradiction": "with two units that contradict each other",
    "unit-kind": "in a unit that does not fit the test",
    "range-contradiction": "with a reference range that contradicts its unit",
}
# Ids that a sentence of a decision names and that read badly without their hyphens.
_IDS = {
    "gastrectomy-total": "the whole stomach removed",
    "gastrectomy-partial": "part of the stomach removed",
    "ileum-over-20cm": "more than 20 cm of ileum removed",
    "ileal-resection-length-unknown": "ileum removed, length not known",
    "other-drug": "another medicine",
    "infant-6-23m": "children of 6 to 23 months",
    "child-24-59m": "children of 24 to 59 months",
    "child-5-11y": "children of 5 to 11 years",
    "child-12-14y": "children of 12 to 14 years",
    "pregnant-t1": "pregnancy, first trimester",
    "pregnant-t2": "pregnancy, second trimester",
    "pregnant-t3": "pregnancy, third trimester",
}
_ID = re.compile(rf"\b(?:{'|'.join(sorted(CAUSES | _IDS.keys()))})\b(?!-)")
# Short name of the project itself among the sources; it cites nobody.
OURSELVES = "-"
# Longer leads are cut at their colon in a table; the full sentence stands in the details.
_LEAD = 80
_STOP = 160


def plan_in_words(plan: Plan, decision: Decision, protocol: Protocol) -> str:
    """The whole plan in one or two sentences; dose by dose it stands in the details."""
    if plan.phases:
        lead = "Prophylaxis: " if plan.kind == "prophylaxis" else ""
        return f"{lead}{_regimen(plan.phases)}, from {plan.phases[0].start.isoformat()}."
    ordered = [one.test for one in plan.monitoring] or list(decision.intent.orders)
    tests = f"{_tests(ordered, protocol)}." if ordered else ""
    if decision.intent.kind == "confirm":
        return f"Confirm first: {tests}"
    if decision.contraindications:
        tests = f" Tests: {tests}" if tests else ""
        return f"No regimen. {short(decision.contraindications[0].text, _STOP)}.{tests}"
    if tests:
        return f"Order: {tests}"
    return f"No proposal{why_none(decision)}."


def why_none(decision: Decision) -> str:
    """Why nothing is proposed, to follow "no proposal"; empty where no flag says so."""
    return next((text for flag, text in _NO_PROPOSAL.items() if flag in decision.flags), "")


def action_in_words(decision: Decision) -> str:
    """What is to be done, and where nothing is, why."""
    told = ACTIONS[decision.intent.kind]
    if decision.intent.kind != "none":
        return told
    why = why_none(decision)
    if not why and not decision.classification.is_deficient:
        name = CLASSES[decision.classification]
        why = f": {name[:1].lower()}{name[1:]}"
    return f"{told}{why}"


def short(text: str, most: int = _LEAD) -> str:
    """The lead of a remark: its first clause, cut before a long explanation."""
    lead = re.split(r"[;.] |[.]$", text, maxsplit=1)[0]
    return lead if len(lead) <= most else lead.split(": ", 1)[0]


# On one day the same few regimens come again and again.
@lru_cache(maxsize=512)
def _regimen(phases: tuple[Phase, ...]) -> str:
    before = (None, *phases)
    return ", then ".join(_phase(*pair) for pair in zip(phases, before, strict=False))


def _phase(phase: Phase, before: Phase | None) -> str:
    """One phase. Product, dose and route are said again only where they change."""
    count = f" x {phase.count}" if phase.count > 1 else ""
    length = f" for {span_text(phase.duration)}" if phase.duration else ""
    open_ended = " open-ended" if not phase.count and not phase.end else ""
    parts = [f"{every_text(phase)}{count}{length}{open_ended}"]
    if before is None or _giving(phase) != _giving(before):
        parts.insert(0, _giving(phase))
    if before is None or phase.product != before.product:
        parts.insert(0, f"{product_text(phase.product)}:")
    return " ".join(parts)


def _giving(phase: Phase) -> str:
    most = f" (up to {plain(phase.dose_max)})" if phase.dose_max else ""
    return f"{plain(phase.dose)}{most} microgram {route_text(phase.route)}"


def _tests(ids: Iterable[str], protocol: Protocol) -> str:
    return ", ".join(test(one, protocol) for one in dict.fromkeys(ids))


def test(key: str, protocol: Protocol) -> str:
    """The label of a test."""
    known = protocol.tests.get(key)
    return known.label if known else key.replace("_", " ")


def cited(citation: Citation) -> str:
    """Who says so, and how strong that is."""
    named = ("project" if source == OURSELVES else source for source in citation.sources)
    return f"{', '.join(named)} [{citation.evidence}]"


def sentence(rule: Rule, finding: Finding) -> str:
    """The rule's own sentence and what this case adds to it."""
    return f"{rule.text} ({finding.note})" if finding.note else rule.text


def in_words(said: str) -> str:
    """A sentence of a decision with plain words for the causes and groups it names by id."""
    return _ID.sub(lambda match: _IDS.get(match[0], match[0].replace("-", " ")), said)


def unit_text(unit: str) -> str:
    """A UCUM unit as a person writes it: "mL/min/1.73 m2" of ``mL/min/{1.73_m2}``."""
    if "{" not in unit and "_" not in unit:
        return unit.replace("}", "")
    return re.sub(r"(?<=\w)\{", " {", unit).translate(_BRACES)


_BRACES = str.maketrans({"{": "", "}": "", "_": " "})

"""The detail of a card in six rows: why, what to do, what was checked and missed, by whose rules.

Every reason names its rule; every fact its value, unit and day. The rows are put together as plain
text: `b12fhir.service.hooks.text.table` escapes them all.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date

from b12fhir.facts.labs import LabResult
from b12fhir.facts.medicines import B12Dose, DraftedDrug
from b12fhir.fhir.narrative import pack_notice
from b12fhir.kernel.evidence import Fact, Finding, Remark, Severity
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.model import Protocol
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.picture import capital
from b12fhir.service.hooks.text import day_text, line, listed, sentence, when_text
from b12fhir.service.wording import (
    CLASSES,
    FAULTS,
    OURSELVES,
    URGENCIES,
    in_words,
    plan_in_words,
    unit_text,
)

# What speaks for the answer, in the order in which a clinician asks.
_WHY = (
    *("R-175", "R-163", "R-165", "R-167", "R-28", "R-29", "R-30", "R-27"),
    *("R-37", "R-39", "R-40", "R-42", "R-45", "R-46", "R-47", "R-48", "R-49"),
    *("R-23", "R-24", "R-25", "R-26", "R-18", "R-58", "R-53", "R-60", "R-61", "R-62", "R-21"),
    *("R-70", "R-71", "R-72", "R-74", "R-75", "R-76", "R-77", "R-78", "R-79", "R-80"),
    *("R-91", "R-92", "R-93", "R-95", "R-99", "R-102", "R-103", "R-114", "R-115"),
)
_ORDER = {rule: place for place, rule in enumerate(_WHY)}
_MOST_WHY, _MOST_FACTS, _MOST_SAID, _MOST_UNREAD, _LEAD = 6, 2, 4, 20, 160
_RUNS = "b12-running"
_UNSIGNED = "unreviewed"
_DRAFT = {"draft": " (a draft)"}

# These say why it cannot wait; their facts stand under another rule already.
_HOW_SOON = {"R-61": "Same day", "R-62": "Within 7 days"}
_EXACT = len("2026-11-21")
_NOT_EXCLUDED = " is not excluded"

_OURS = re.compile(r"MedicationRequest/b12fhir-draft-\d+")

Row = tuple[str, str]


def assessment_rows(matter: Matter, *, plan: str = "") -> list[Row]:
    """All rows; ``plan`` stands in for the plan in words."""
    return [
        ("Why", why(matter)),
        ("Plan", plan or plan_text(matter)),
        ("Checked", checked(matter)),
        ("Missing", missing(matter)),
        ("Cautions", cautions(matter)),
        ("Basis", basis(matter)),
    ]


def head(matter: Matter) -> Row:
    """Class, severity and urgency; the day that was decided for."""
    decision = matter.decision
    grade = "" if decision.severity.value == "none" else f"; {decision.severity.value}"
    urgency = URGENCIES[decision.urgency]
    return "Vitamin B12", f"{CLASSES[decision.classification]}{grade}; {urgency}"


def why(matter: Matter) -> str:
    """The findings that speak for the answer, each with its facts and its rule."""
    spoke = [
        one
        for one in matter.decision.findings
        if one.truth is Truth.YES and one.rule in _ORDER and not _is_about_draft(one)
    ]
    spoke.sort(key=lambda one: _ORDER[one.rule])
    return listed((sentence(_finding(matter, one)) for one in spoke), _MOST_WHY)


def _is_about_draft(found: Finding) -> bool:
    """What speaks against an order that is being written is no reason for the assessment."""
    first = found.facts[0] if found.facts else None
    return isinstance(first, DraftedDrug) or (
        isinstance(first, B12Dose) and first.drafted is not None
    )


def _finding(matter: Matter, found: Finding) -> str:
    said = in_words(found.note) or matter.protocol.rules[found.rule].title
    if found.rule in _HOW_SOON:
        return f"{_HOW_SOON[found.rule]}: {said} ({found.rule})"
    facts = "; ".join(fact_text(matter, fact) for fact in found.facts[:_MOST_FACTS])
    more = len(found.facts) - _MOST_FACTS
    also = f" and {more} more" if more > 0 else ""
    told = f"{facts}{also}: {said}" if facts else capital(said)
    return f"{told} ({found.rule})"


def fact_text(matter: Matter, fact: Fact) -> str:
    """A fact as recorded, with what was measured and when."""
    if isinstance(fact, LabResult):
        label = matter.protocol.analytes.info[fact.analyte].label
        amount = f"{fact.recorded_value} {unit_text(fact.recorded_unit)}".strip()
        return f"{label} {amount}, {when_text(fact.when)}"
    used = fact.as_input()
    fault = FAULTS.get(used.value)
    shown = f"A result {fault}" if fault else line(used.value)[:_LEAD]
    return f"{shown}, {_day(used.date)}" if used.date else shown


def _day(recorded: str) -> str:
    """A recorded day in words; a span of days as it is."""
    return day_text(date.fromisoformat(recorded)) if len(recorded) == _EXACT else recorded


def plan_text(matter: Matter) -> str:
    """The whole plan; a card drafts its first phase only."""
    words = plan_in_words(matter.plan, matter.decision, matter.protocol)
    drafted = matter.may_order and not matter.is_signed and matter.plan.phases[1:]
    later = " Only the first phase is drafted here." if drafted else ""
    return f"{capital(words)}{later}"


def checked(matter: Matter) -> str:
    """What was looked for and not found, and what else could explain the picture."""
    facts, decision = matter.facts, matter.decision
    read = "As far as it could be read: " if matter.unchecked else ""
    told = [
        _b12_on_record(matter, (one for one in facts.doses if one.drafted is None)),
        "Allergy to B12 or cobalt: "
        + (", ".join(line(one.text)[:_LEAD] for one in facts.allergies) or "none on record"),
        f"Nerve signs: {'on record' if decision.neuro else 'none on record'}",
    ]
    if decision.mimics:
        others = (one.text.partition(_NOT_EXCLUDED)[0].rstrip(".") for one in decision.mimics)
        told.append(f"Not excluded yet: {'; '.join(others)}")
    return f"{read}{'. '.join(told)}."


def _b12_on_record(matter: Matter, doses: Iterable[B12Dose]) -> str:
    named = [f"{fact_text(matter, one)}{_DRAFT.get(one.order, '')}" for one in doses]
    shown = "; ".join(named[:_MOST_FACTS]) or "none on record"
    more = len(named) - _MOST_FACTS
    return f"B12 given or ordered: {shown}{f' and {more} more' if more > 0 else ''}"


def missing(matter: Matter) -> str:
    """What was not checked, first; then what is not known, and what was set aside."""
    issues = [one for one in matter.proposal.issues if one.relevant]
    aside = (one.text for one in issues if one.severity is Severity.ERROR)
    told = (*aside, *_remarks(matter.decision.gaps), *(one.text for one in issues))
    return f"{unread(matter)} {listed(map(_unnamed, told), _MOST_SAID)}".strip()


def unread(matter: Matter) -> str:
    """What could not be had or read: whatever the card says was judged without it."""
    told = [sentence(f"NOT CHECKED: {one}") for one in matter.unchecked]
    told += [sentence(f"Not read: {one}") for one in matter.call.unread]
    told += [matter.unfollowed] if matter.unfollowed else []
    return listed(told, _MOST_UNREAD)


def cautions(matter: Matter) -> str:
    """What forbids something, then what is to be heeded; that B12 runs is no caution of its own."""
    decision = matter.decision
    told = (one for one in decision.cautions if one.id != _RUNS or not matter.is_signed)
    return listed(_remarks((*decision.contraindications, *told)), _MOST_SAID)


def _remarks(remarks: Iterable[Remark]) -> Iterator[str]:
    for one in remarks:
        yield _unnamed(f"{one.text.partition('. ')[0].rstrip('.')} ({one.rule}).")


def _unnamed(said: str) -> str:
    """Without the names that only this program gives to orders that are being written."""
    return _OURS.sub("an order being written", said)


def basis(matter: Matter) -> str:
    """Which protocol speaks, who has signed it, and that this is an option."""
    pack = matter.protocol.pack
    unsigned = " No clinician has signed it." if pack.review.status == _UNSIGNED else ""
    day = day_text(matter.day)
    return f"{pack_notice(pack)}{unsigned} Assessed for {day}. An option: the clinician decides."


def cited(protocol: Protocol, rule: str) -> str:
    """Titles of who says so, for a rule; ``""`` where only the project does."""
    known = protocol.rules.get(rule)
    sources = known.citation.sources if known is not None else ()
    return "; ".join(protocol.sources.get(one, one) for one in sources if one != OURSELVES)

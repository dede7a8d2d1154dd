"""problem-list-item-create and allergyintolerance-create: what does the new entry change?

The proposal holds the new entry already. What would stand without it is decided anew from the same
facts, so that nothing is said where nothing changes.
"""

from dataclasses import replace

from b12fhir.decision.decide import decide
from b12fhir.decision.model import Decision
from b12fhir.facts.history import Concept
from b12fhir.facts.medicines import Allergy
from b12fhir.facts.record import Facts
from b12fhir.kernel.truth import Truth
from b12fhir.service.hooks.build import Said, card_of
from b12fhir.service.hooks.finding import finding_card
from b12fhir.service.hooks.gaps import gap_card
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card, Hook, Indicator
from b12fhir.service.hooks.picture import advice
from b12fhir.service.hooks.rows import Row, assessment_rows, fact_text
from b12fhir.service.hooks.suggest import suggestions
from b12fhir.service.hooks.text import fitting, listed, sentence
from b12fhir.service.wording import CLASSES, action_in_words

_WHAT = {Hook.PROBLEM_CREATE: "problem", Hook.ALLERGY_CREATE: "allergy"}
# To measure B12 at all, and to measure it every year.
_TEST = ("R-01", "R-05", "R-07", "R-03")
_FORBIDS = {
    "allergy": ("it forbids every B12 product", "allergy referral before any B12"),
    "specialist": ("an inborn defect of B12 handling", "specialist referral"),
    "leber": ("it forbids cyanocobalamin in every form", "specialist advice before any B12"),
}


def new_facts(matter: Matter) -> tuple[Card, ...]:
    """One card if the entry changes the answer, else none."""
    card = _card(matter) or gap_card(matter)
    return () if card is None else (card,)


def _card(matter: Matter) -> Card | None:
    entries = _entries(matter)
    if not entries:
        return None
    before = decide(_without(matter.facts, entries), matter.protocol, matter.day)
    changes = tuple(_changes(before, matter.decision))
    if not changes:
        return None
    row: Row = ("Changes", _told(matter, entries, changes))
    found = finding_card(matter, lead=f"New {_WHAT[matter.call.hook]}: ", extra=(row,))
    return found if found is not None else _other(matter, row)


def _entries(matter: Matter) -> tuple[Concept | Allergy, ...]:
    """The facts that the new entries gave."""
    named = {f"{one.get('resourceType')}/{one.get('id')}" for one in matter.call.context}
    facts: tuple[Concept | Allergy, ...] = (*matter.facts.concepts, *matter.facts.allergies)
    return tuple(one for one in facts if one.reference in named)


def _without(facts: Facts, entries: tuple[Concept | Allergy, ...]) -> Facts:
    named = {one.reference for one in entries}
    return replace(
        facts,
        concepts=tuple(one for one in facts.concepts if one.reference not in named),
        allergies=tuple(one for one in facts.allergies if one.reference not in named),
    )


def _changes(before: Decision, after: Decision) -> list[str]:
    """What is another answer than before, in words; empty where nothing is."""
    pairs = [
        ("class", CLASSES[before.classification], CLASSES[after.classification]),
        ("severity", before.severity.value, after.severity.value),
        ("urgency", before.urgency.value, after.urgency.value),
        ("action", action_in_words(before), action_in_words(after)),
        ("route", before.route or "none", after.route or "none"),
        ("maintenance", _lasts(before), _lasts(after)),
        ("testing", _testing(before), _testing(after)),
        ("forbidden", _forbidden(before), _forbidden(after)),
    ]
    return [f"{name}: {new} (was: {old})" for name, old, new in pairs if old != new]


def _lasts(decision: Decision) -> str:
    cause = decision.governing
    return cause.lasts if cause is not None else "not known"


def _testing(decision: Decision) -> str:
    """Is a B12 test advised, or a yearly one?"""
    holds = {one.rule for one in decision.findings if one.truth is Truth.YES}
    advised = [rule for rule in _TEST if rule in holds]
    return f"B12 test advised ({', '.join(advised)})" if advised else "none advised"


def _forbidden(decision: Decision) -> str:
    return ", ".join(sorted({one.rule for one in decision.contraindications})) or "nothing"


def _told(matter: Matter, entries: tuple[Concept | Allergy, ...], changes: tuple[str, ...]) -> str:
    named = listed((sentence(fact_text(matter, one)) for one in entries), 2)
    return f"{named} {'; '.join(changes)}."


def _other(matter: Matter, row: Row) -> Card:
    """It changes something, though nothing is to be treated now."""
    what = _WHAT[matter.call.hook]
    rule, say, action = _meaning(matter)
    text = fitting((f"New {what}: {say}; {advice(matter.role, action)}",))
    said = Said(f"new-{what}", rule, Indicator.INFO, text, "follow-up")
    rows = [row, *(one for one in assessment_rows(matter) if one[0] != "Checked")]
    tests = suggestions(matter) if rule in _TEST else ()
    return card_of(matter, said, rows, tests)


def _meaning(matter: Matter) -> tuple[str, str, str]:
    """The rule that leads, what the entry does, and what to consider."""
    barred = next((r for r in matter.decision.contraindications if r.id in _FORBIDS), None)
    if barred is not None:
        return barred.rule, *_FORBIDS[barred.id]
    advised = next((rule for rule in _TEST if matter.finding(rule)), "")
    if advised:
        return advised, "it raises the risk of B12 deficiency", "a B12 test"
    return "R-69", "it changes the B12 assessment", "reading how"

"""What is said of an order that is being written: the worst first, in the few words of a summary.

Which checks there are is the decision's (`b12fhir.decision.orders`, `b12fhir.decision.drafts`);
here each has its words, its weight and what to do when no plan says it better.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from b12fhir.decision.model import Classification
from b12fhir.decision.route import ORAL_FORBIDDEN
from b12fhir.facts.medicines import B12Dose, DraftedDrug, Route
from b12fhir.kernel.evidence import Fact, Remark
from b12fhir.kernel.quantities import plain
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Draft, Hook, Indicator
from b12fhir.service.hooks.text import day_text
from b12fhir.service.wording import in_words

PILL, ORAL, DOUBLED, FOLIC = "order-pill", "order-oral", "order-duplicate", "order-folic-acid"
CHANGED = "order-changed"
_UG_PER_MG = 1000
_UNMEASURED = frozenset({Classification.NO_DATA, Classification.DATA_QUALITY})
# An order is written from the medicine on: these are asked for when it is signed.
_LATER = frozenset({"order-incomplete", "order-route"})
_CRITICAL = frozenset({"order-allergy", "order-leber", "order-iv", "order-dose"})


class Wrong(NamedTuple):
    """One draft and what is wrong with it, the worst first; ``fact`` is how it was read."""

    draft: Draft
    fact: B12Dose | DraftedDrug
    remarks: tuple[Remark, ...]

    @property
    def lead(self) -> Remark:
        """What is worst."""
        return self.remarks[0]

    @property
    def ids(self) -> frozenset[str]:
        """Ids of all that is wrong."""
        return frozenset(one.id for one in self.remarks)


class Saying(NamedTuple):
    """Words for one check: what is wrong, and a noun phrase for what to do without a plan.

    ``by_plan``: an order of the plan proposed mends it.
    """

    what: Callable[[Matter, Wrong], str]
    action: str
    by_plan: bool = True


def wrong_of(matter: Matter, draft: Draft) -> Wrong | None:
    """What the decision holds against a draft; ``None`` where there is nothing to say now."""
    fact = _fact(matter, draft)
    decision = matter.decision
    told = (*decision.contraindications, *decision.cautions, *decision.gaps)
    remarks = {one.id: one for one in told if one.about == draft.reference}
    if matter.call.hook is Hook.ORDER_SELECT and PILL not in remarks:
        remarks = {key: one for key, one in remarks.items() if key not in _LATER}
    if fact is None or not remarks:
        return None
    return Wrong(draft, fact, tuple(sorted(remarks.values(), key=lambda one: _RANK[one.id])))


def is_ours(matter: Matter, draft: Draft) -> bool:
    """Is it an order of B12 or of folic acid, as far as it could be read?"""
    return _fact(matter, draft) is not None


def dose_of(matter: Matter, draft: Draft) -> B12Dose | None:
    """How a draft of B12 was read; ``None`` for another medicine or a multivitamin."""
    doses = (one for one in matter.facts.doses if one.reference == draft.reference)
    return next((one for one in doses if not one.combined), None)


def _fact(matter: Matter, draft: Draft) -> B12Dose | DraftedDrug | None:
    plays = matter.protocol.concepts.plays
    facts: tuple[B12Dose | DraftedDrug, ...] = (*matter.facts.doses, *matter.facts.drafted)
    for one in facts:
        wanted = isinstance(one, B12Dose) or "folic-acid" in plays.get(one.ingredient, ())
        if wanted and one.reference == draft.reference:
            return one
    return None


def weight(matter: Matter, wrong: Wrong) -> Indicator:
    """Critical for what is forbidden, or harms nerves by waiting; else a warning."""
    nerves = matter.decision.neuro and ORAL in wrong.ids
    return Indicator.CRITICAL if nerves or wrong.ids & _CRITICAL else Indicator.WARNING


def saying(wrong: Wrong) -> Saying:
    """The words for what is worst."""
    return _SAYINGS[wrong.lead.id]


def _dose(wrong: Wrong) -> str:
    """The single dose in microgram, or nothing."""
    amount = wrong.fact.dose_ug if isinstance(wrong.fact, B12Dose) else None
    return "" if amount is None else f" {plain(amount)} microgram"


def _drug(wrong: Wrong) -> str:
    return (wrong.fact.drug if isinstance(wrong.fact, B12Dose) else "") or "B12"


def _note(matter: Matter, wrong: Wrong, rule: str) -> str:
    """The number that the decision noted about this order under a rule."""
    return next(
        one.note
        for one in matter.decision.findings
        if one.rule == rule and one.facts[:1] == (wrong.fact,) and one.note[:1].isdigit()
    )


def _too_much(matter: Matter, wrong: Wrong) -> str:
    """In milligram: the unit that was probably written for microgram."""
    dose = wrong.fact.dose_ug if isinstance(wrong.fact, B12Dose) else None
    most = matter.protocol.limits.max_single_dose_ug
    amount = plain((dose or most) / _UG_PER_MG)
    return f"B12 {amount} mg in one dose, above {plain(most / _UG_PER_MG)} mg (microgram meant?)"


def _by_mouth(matter: Matter, _: Wrong) -> str:
    cause = matter.decision.governing
    if matter.decision.neuro:
        return "B12 by mouth beside nerve signs"
    if cause is not None and cause.cause in ORAL_FORBIDDEN:
        return f"B12 by mouth in {in_words(cause.cause)}"
    return "B12 by mouth where injections are needed"


def lost(wrong: Wrong) -> str:
    """What an injection loses that is ordered as a pill."""
    fact = wrong.fact
    no_route = isinstance(fact, B12Dose) and fact.route in {Route.INJECTION, Route.UNKNOWN}
    parts = ["dose", *(["route"] if no_route else [])]
    return f"{' and '.join(parts)} {'are' if no_route else 'is'} lost"


def _pill(_: Matter, wrong: Wrong) -> str:
    daily = "daily " if "order-too-often" in wrong.ids else ""
    return f"B12 injection ordered as {daily}pills: {lost(wrong)}"


def _too_soon(matter: Matter, wrong: Wrong) -> str:
    """The day of the last injection stands beside the order in the finding."""
    (last,) = beside(matter, wrong)
    when = last.when if isinstance(last, B12Dose) else None
    return f"B12 injection too soon after that of {day_text(when.last)}" if when else ""


def _missing(_: Matter, wrong: Wrong) -> str:
    said = wrong.lead.text.rpartition(": ")[2].rstrip(".")
    return f"B12 injection that does not say its {said}"


def _strength(matter: Matter, wrong: Wrong) -> str:
    fact = wrong.fact
    held = fact.concentration if isinstance(fact, B12Dose) else None
    amount = f"{plain(held)} microgram/mL" if held is not None else "another strength"
    return f"B12 of {amount}: {_note(matter, wrong, 'R-100')}"


def _doubled(matter: Matter, wrong: Wrong) -> str:
    drafts = {draft.reference for draft in matter.call.drafts}
    if {one.as_input().reference for one in beside(matter, wrong)} <= drafts:
        return f"B12{_dose(wrong)} drafted twice"
    return f"B12{_dose(wrong)} ordered, and B12 is on order or taken already"


def beside(matter: Matter, wrong: Wrong) -> tuple[Fact, ...]:
    """What stands beside the draft in the finding that leads: what it doubles, the last dose."""
    return next(
        one.facts[1:]
        for one in matter.decision.findings
        if one.rule == wrong.lead.rule and one.facts[:1] == (wrong.fact,)
    )


def _folic(matter: Matter, _: Wrong) -> str:
    """Between the limits it may be low: nobody has shown that it is not."""
    decision = matter.decision
    if decision.classification in _UNMEASURED:
        return "Folic acid alone while B12 is not known"
    low = "low" if decision.classification.is_deficient else "not shown to be enough"
    return f"Folic acid alone while B12 is {low}"


def _just(words: str) -> Callable[[Matter, Wrong], str]:
    return lambda _, wrong: words.replace("DRUG", _drug(wrong)).replace(" DOSE", _dose(wrong))


# The worst first: what stands higher leads the card.
_SAYINGS: Mapping[str, Saying] = {
    "order-allergy": Saying(
        _just("B12 ordered despite an allergy to cobalt or a cobalamin"),
        "allergy referral and no B12 product",
        by_plan=False,
    ),
    "order-leber": Saying(
        _just("DRUG ordered beside Leber optic atrophy, which forbids it"),
        "hydroxocobalamin after specialist advice",
    ),
    "order-iv": Saying(_just("B12 DOSE IV: not effective by this route"), "an intramuscular order"),
    "order-dose": Saying(_too_much, "checking the unit: mg or microgram"),
    ORAL: Saying(_by_mouth, "injections"),
    PILL: Saying(_pill, "an order with dose, route and interval"),
    DOUBLED: Saying(_doubled, "leaving this order out", by_plan=False),
    "order-too-soon": Saying(_too_soon, "a later first dose", by_plan=False),
    CHANGED: Saying(
        _just("DRUG in the place of another form of B12"),
        "checking that the change is meant",
        by_plan=False,
    ),
    FOLIC: Saying(_folic, "B12 first", by_plan=False),
    "order-form": Saying(_just("B12 DOSE: product and route contradict each other"), "one of them"),
    "order-two-amounts": Saying(
        _just("B12 order whose words and structure state different amounts"),
        "asking which one is meant",
    ),
    "order-too-rarely": Saying(
        _just("B12 DOSE by mouth more seldom than the pack treats"), "the interval of the pack"
    ),
    "order-too-often": Saying(
        _just("B12 DOSE by injection more often than the pack gives it"), "the interval of the pack"
    ),
    "order-sc": Saying(_just("DRUG DOSE SC: its label does not allow it"), "the IM route"),
    "order-ratio": Saying(
        lambda matter, wrong: f"B12{_dose(wrong)}: {_note(matter, wrong, 'R-102')}",
        "checking the dose",
    ),
    "order-strength": Saying(_strength, "checking the volume"),
    "order-allergy-unclear": Saying(
        _just("B12 ordered beside an allergy to a cobalamin that nobody confirmed"),
        "clearing it before dose 1",
        by_plan=False,
    ),
    "order-nasal": Saying(_just("B12 by the nose: not part of this pack"), "another route"),
    "order-route": Saying(_just("B12 DOSE without a route that can be read"), "naming the route"),
    "order-incomplete": Saying(_missing, "completing the order"),
}
_RANK = {key: place for place, key in enumerate(_SAYINGS)}

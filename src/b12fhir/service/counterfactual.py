"""What would change the answer: one fact changed at a time, and decided again by the same rules.

Nothing here knows a rule. The limits only say where to look; the answer is always the decision's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from b12fhir.decision.case import Case
from b12fhir.decision.decide import decide
from b12fhir.decision.model import Classification, Decision, Urgency
from b12fhir.decision.neurology import neurology
from b12fhir.decision.usable import usable
from b12fhir.facts.history import Concept, Standing
from b12fhir.facts.labs import LabResult, PresenceResult
from b12fhir.facts.record import Facts
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.dates import on
from b12fhir.kernel.quantities import Measure, plain
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.limits import Limits
from b12fhir.protocol.model import Protocol
from b12fhir.service.spans import Edge, Span, spans
from b12fhir.service.wording import unit_text

# Changes are ranked from 0 (at the limit, or the very test that decides) to 1 (as far as can be).
_AT_HAND = Decimal(0)
_NEAR = Decimal("0.5")
_FAR = Decimal(1)
_NOT_MEASURED = "not measured"
_OF_ONE_FACT = 2
_SHOWN = 6

# The tests of an analyte by which a decision asks for it.
_TESTS: dict[Analyte, tuple[str, ...]] = {
    Analyte.B12_TOTAL: ("b12",),
    Analyte.B12_ACTIVE: ("b12-active",),
    Analyte.MMA: ("mma", "mma-homocysteine", "mma-discordant", "recheck-mma"),
    Analyte.MMA_URINE: ("urine-mma-creatinine",),
    Analyte.HOMOCYSTEINE: ("homocysteine", "mma-homocysteine"),
    Analyte.HEMOGLOBIN: ("cbc",),
    Analyte.EGFR: ("egfr",),
    Analyte.POTASSIUM: ("potassium",),
    Analyte.FOLATE: ("folate",),
    Analyte.MCV: ("cbc",),
    Analyte.PLATELETS: ("cbc",),
}
_B12 = frozenset({Analyte.B12_TOTAL, Analyte.B12_ACTIVE})
_POSITIVE = {
    "intrinsic-factor-antibody": "a positive intrinsic-factor antibody",
    "coeliac-serology": "a positive coeliac serology",
}
# Role of a concept, the concept that stands for it, and its words.
_ADDED = (
    ("neuro-sign", "numbness", "a neurological sign, such as numbness"),
    ("symptom", "sore_tongue", "a symptom, such as a sore tongue"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader would act on: class, what is done, route and urgency."""

    classification: Classification
    action: str
    route: str | None
    urgency: Urgency

    @staticmethod
    def of(decision: Decision) -> "Outcome":
        """The outcome of a decision."""
        return Outcome(
            decision.classification, decision.intent.kind, decision.route, decision.urgency
        )

    def acts_as(self, other: "Outcome") -> bool:
        """Is the same done, by the same route, as soon?"""
        mine = (self.action, self.route, self.urgency)
        return mine == (other.action, other.route, other.urgency)


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """One changed fact and the answer it would give.

    ``change`` reads after "with"; ``now`` is what the record says instead. ``distance`` runs from 0
    (at the limit, or the very test that decides) to 1.
    """

    change: str
    now: str
    was: Outcome
    becomes: Outcome
    distance: Decimal


@dataclass(frozen=True, slots=True)
class _Asked:
    """The case with its answer, and how to ask again."""

    facts: Facts
    protocol: Protocol
    day: date
    decision: Decision

    @property
    def base(self) -> Outcome:
        return Outcome.of(self.decision)

    @property
    def wanted(self) -> frozenset[str]:
        """Tests the decision itself asks for."""
        gaps = (gap.id for gap in self.decision.gaps)
        return frozenset((*self.decision.intent.orders, *gaps))

    def again(self, facts: Facts) -> Outcome:
        return Outcome.of(decide(facts, self.protocol, self.day))

    def told(self, facts: Facts, change: str, now: str, distance: Decimal) -> Counterfactual:
        return Counterfactual(change, now, self.base, self.again(facts), distance)


def counterfactuals(
    facts: Facts, protocol: Protocol, day: date, decision: Decision, most: int = _SHOWN
) -> tuple[Counterfactual, ...]:
    """The nearest single changes that lead to another class, action, route or urgency.

    Every one is a whole new decision on the changed facts. At most ``most``, nearest first.
    """
    asked = _Asked(facts, protocol, day, decision)
    found = [*_by_signs(asked), *_by_results(asked), *_by_presence(asked)]
    changing = [one for one in found if one.becomes != one.was]
    return tuple(sorted(changing, key=_order)[:most])


def _order(one: Counterfactual) -> tuple[bool, Decimal]:
    """Nearest first; last what calls the deficiency by another name and changes nothing else."""
    was, becomes = one.was, one.becomes
    deficient = was.classification.is_deficient and becomes.classification.is_deficient
    return deficient and was.acts_as(becomes), one.distance


def _by_results(asked: _Asked) -> Iterator[Counterfactual]:
    """Every result moved over its limits, every missing one supplied."""
    picked = usable(Case(asked.facts, asked.protocol, asked.day))
    none_at_all = all(picked.get(analyte) is None for analyte in _B12)
    for analyte in _TESTS:
        result = picked.get(analyte)
        if result is not None:
            yield from _moved(asked, result)
        elif analyte is not Analyte.B12_ACTIVE or not none_at_all:
            yield from _supplied(asked, analyte)


def _moved(asked: _Asked, result: LabResult) -> Iterator[Counterfactual]:
    value, exact = result.amount.value, not result.amount.is_interval
    others = _without(asked.facts, result)
    found = spans(
        _limits(asked.protocol.limits, result),
        lambda to: asked.again(_with(others, _set(result, to))),
    )
    label = asked.protocol.analytes.info[result.analyte].label
    ranked = sorted(
        (_distance(span.nearest(value), value), place, span)
        for place, span in enumerate(found)
        if span.answer != asked.base and not (exact and span.holds(value))
    )
    for distance, _, span in ranked[:_OF_ONE_FACT]:
        change = f"{_in_sentence(label)} {_words(span, result.amount.unit)}"
        now = f"now {result.amount.number()}"
        yield Counterfactual(change, now, asked.base, span.answer, distance)


def _supplied(asked: _Asked, analyte: Analyte) -> Iterator[Counterfactual]:
    info = asked.protocol.analytes.info[analyte]
    unit = next(iter(info.units.values())).native
    empty = LabResult(analyte, Measure(Decimal(0), unit), on(asked.day), "", "", unit)
    found = spans(
        _limits(asked.protocol.limits, empty),
        lambda to: asked.again(_with(asked.facts, _set(empty, to))),
    )
    at_hand = not asked.wanted.isdisjoint(_TESTS[analyte])
    for span in found:
        change = f"{_in_sentence(info.label)} {_words(span, unit)}"
        distance = _missing(asked.base, span.answer) if at_hand else _FAR
        yield Counterfactual(change, _NOT_MEASURED, asked.base, span.answer, distance)


def _missing(was: Outcome, becomes: Outcome) -> Decimal:
    """A test that is asked for stands first where it decides what it is or what is done."""
    same = (was.classification, was.action) == (becomes.classification, becomes.action)
    return _NEAR if same else _AT_HAND


def _by_signs(asked: _Asked) -> Iterator[Counterfactual]:
    """The neurological signs taken away; a sign or symptom added where there is none."""
    case = Case(asked.facts, asked.protocol, asked.day)
    signs = neurology(case).signs
    if signs:
        left = tuple(fact for fact in asked.facts.concepts if fact not in signs)
        names = ", ".join(dict.fromkeys(sign.text for sign in signs))
        change = "no neurological sign"
        yield asked.told(replace(asked.facts, concepts=left), change, f"now {names}", _NEAR)
        return
    for role, concept, words in _ADDED:
        if not case.with_role(role):
            added = Concept(concept, Standing.ACTIVE, "", concept, onset=on(asked.day))
            more = replace(asked.facts, concepts=(*asked.facts.concepts, added))
            yield asked.told(more, words, "none on record", _NEAR)


def _by_presence(asked: _Asked) -> Iterator[Counterfactual]:
    """A yes/no test supplied that was not done."""
    done = {result.test for result in asked.facts.presences}
    for test, words in _POSITIVE.items():
        if test not in done:
            positive = PresenceResult(test, Truth.YES, on(asked.day), "", "positive")
            more = replace(asked.facts, presences=(*asked.facts.presences, positive))
            yield asked.told(more, words, "not done", _FAR)


def _without(facts: Facts, result: LabResult) -> Facts:
    """The facts without this result and those of its time or later, which would hide a change."""
    left = tuple(
        other
        for other in facts.labs
        if other.analyte is not result.analyte or other.when.last < result.when.first
    )
    return replace(facts, labs=left)


def _with(facts: Facts, result: LabResult) -> Facts:
    return replace(facts, labs=(*facts.labs, result))


def _set(result: LabResult, value: Decimal) -> LabResult:
    unit = result.amount.unit
    return result._replace(
        amount=Measure(value, unit), recorded_value=plain(value), recorded_unit=unit
    )


def _limits(limits: Limits, result: LabResult) -> tuple[Decimal, ...]:
    """Where to look: the protocol's limits of this analyte and the laboratory's own."""
    own = (result.lab_range.low, result.lab_range.high)
    return (*_OF[result.analyte](limits, result), *(one.value for one in own if one is not None))


def _band(limits: Limits, result: LabResult) -> tuple[Decimal, ...]:
    band = limits.bands[result.analyte, result.amount.unit]
    return band.low, band.high


def _mma(limits: Limits, _: LabResult) -> tuple[Decimal, ...]:
    return (*(row.value for row in limits.mma_cutoff), limits.mma_older_watch_low)


def _hemoglobin(limits: Limits, _: LabResult) -> tuple[Decimal, ...]:
    groups = limits.anaemia.values()
    return tuple(limit for row in groups for limit in (row.limit, row.mild, row.severe))


_OF: dict[Analyte, Callable[[Limits, LabResult], tuple[Decimal, ...]]] = {
    Analyte.B12_TOTAL: _band,
    Analyte.B12_ACTIVE: _band,
    Analyte.MMA: _mma,
    Analyte.MMA_URINE: lambda limits, _: (limits.urine_mma_high,),
    Analyte.HOMOCYSTEINE: lambda limits, _: (limits.homocysteine_high,),
    Analyte.HEMOGLOBIN: _hemoglobin,
    Analyte.EGFR: lambda limits, _: (limits.egfr_confounds_below, limits.egfr_prefer_hydroxo_below),
    Analyte.POTASSIUM: lambda limits, _: (limits.potassium_low,),
    Analyte.FOLATE: lambda limits, _: (limits.folate_low,),
    Analyte.MCV: lambda limits, _: (limits.mcv_high,),
    Analyte.PLATELETS: lambda limits, _: (
        limits.platelets_low,
        limits.platelets_im_caution_below,
    ),
}


def _distance(limit: Decimal, value: Decimal) -> Decimal:
    """How far the limit lies from the value, as a share of both: 0 at it, below 1 anywhere."""
    apart = abs(limit - value)
    return apart / (abs(limit) + abs(value)) if apart else apart


def _words(span: Span[Outcome], unit: str) -> str:
    """A span as a person says it; "at or below" and "below" are told apart."""
    low, high = span.low, span.high
    if low is None or high is None:
        return _open_ended(low, high, unit)
    if low.limit == high.limit:
        return f"exactly {plain(low.limit)} {unit_text(unit)}"
    return f"{_end(low, 'from', 'above')} {_end(high, 'up to', 'to below')} {unit_text(unit)}"


def _open_ended(low: Edge | None, high: Edge | None, unit: str) -> str:
    edge = low or high
    if edge is None:
        return "of any amount"
    words = ("at or below", "below") if low is None else ("at or above", "above")
    return f"{_end(edge, *words)} {unit_text(unit)}"


def _end(edge: Edge, inside: str, outside: str) -> str:
    return f"{inside if edge.inside else outside} {plain(edge.limit)}"


def _in_sentence(label: str) -> str:
    return label[:1].lower() + label[1:]

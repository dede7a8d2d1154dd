"""What becomes of cards: how many are accepted, overridden or left unanswered, and why.

A card counts once, with its last answer. Every rate bears a Wilson 95 % interval, because most
rules speak rarely: 2 of 3 accepted is not 67 %. Pure, in exact numbers.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from b12fhir.service.hooks.keeping import ACCEPTED, OVERRIDDEN
from b12fhir.service.hooks.model import Indicator

ALL = "all"
NO_REASON = "no reason given"
OTHER_REASON = "another code"
# HL7's codes. Whatever else a client sent as a code may be anybody's words, so it is not repeated.
KNOWN_REASONS = frozenset(
    {
        "action-completed",
        "action-not-priority",
        "does-not-align-latest-evidence",
        "expert-contradicts",
        "inappropriate-recipient",
        "indication-order-exists",
        "limited-time",
        "need-more-info",
        "patient-contraindication",
        "patient-ineligible",
        "patient-refuses",
        "policy-contradicts",
        "prefers-alternative",
        "risk-benefit-ratio",
        "service-not-available",
        "wrong-time-workflow",
    }
)

# The two-sided 95 % point of the normal distribution.
_Z = Decimal("1.959964")
_INDICATORS = {one.value: rank for rank, one in enumerate(Indicator)}


@dataclass(frozen=True, slots=True)
class Tally:
    """So many cards of one rule and indicator had this last answer; outcome ``""``: none."""

    rule: str
    indicator: str
    outcome: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``of``, with the ends of its 95 % interval; 0 to 1 where nothing was counted."""

    count: int
    of: int
    low: Decimal
    high: Decimal

    @property
    def rate(self) -> Decimal | None:
        """``None`` where nothing was counted."""
        return Decimal(self.count) / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Rates:
    """What became of the cards of one rule and indicator, or of all."""

    rule: str
    indicator: str
    accepted: Share
    overridden: Share
    unanswered: Share

    @property
    def issued(self) -> int:
        """How many cards were shown."""
        return self.accepted.of


@dataclass(frozen=True, slots=True)
class Reason:
    """How often overrides of one rule, or of all, gave this reason."""

    rule: str
    reason: str
    share: Share


@dataclass(frozen=True, slots=True)
class HeldBack:
    """How often cards of one rule and indicator were held back because of one kind of answer.

    ``reason`` is that of the override, or ``accepted``; ``answers`` counts the cards that were
    answered so, ``until`` is when the last of these silences ends.
    """

    rule: str
    indicator: str
    reason: str
    times: int
    answers: int
    until: datetime


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """Rates of all cards, by rule and indicator (most cards first), and reasons of overrides.

    ``held`` are the silences that held a card back since, each counted from its beginning.
    ``since`` is ``None`` for all that is kept. ``unjoined`` counts feedback on cards that are not
    in the book: never issued, issued to another client, or lost with a process that was killed.
    """

    since: datetime | None
    total: Rates
    rules: tuple[Rates, ...]
    reasons: tuple[Reason, ...]
    unjoined: int
    held: tuple[HeldBack, ...] = ()


def feedback_report(
    tallies: Iterable[Tally],
    since: datetime | None,
    unjoined: int,
    held: Iterable[HeldBack] = (),
) -> FeedbackReport:
    """The report of what was counted."""
    counted = list(tallies)
    names = {(one.rule, one.indicator) for one in counted}
    rules = [
        _rates(name, [one for one in counted if (one.rule, one.indicator) == name])
        for name in sorted(names, key=lambda name: (name[0], _INDICATORS.get(name[1], -1)))
    ]
    return FeedbackReport(
        since,
        _rates((ALL, ALL), counted),
        tuple(sorted(rules, key=lambda one: -one.issued)),
        tuple(_reasons(counted)),
        unjoined,
        tuple(sorted(map(_worded, held), key=_rank)),
    )


def share(count: int, of: int) -> Share:
    """A share with its Wilson score interval (Wilson 1927), without continuity correction."""
    if not of:
        return Share(0, 0, Decimal(0), Decimal(1))
    rate, square = Decimal(count) / of, _Z * _Z
    middle = rate + square / (2 * of)
    reach = _Z * (rate * (1 - rate) / of + square / (4 * of * of)).sqrt()
    low, high = ((middle + sign * reach) / (1 + square / of) for sign in (-1, 1))
    # Rounding must not put the rate of none, or of all, outside.
    return Share(count, of, max(min(low, rate), Decimal(0)), min(max(high, rate), Decimal(1)))


def _rates(name: tuple[str, str], tallies: Iterable[Tally]) -> Rates:
    counts: Counter[str] = Counter()
    for one in tallies:
        counts[one.outcome] += one.count
    issued = counts.total()
    accepted, overridden = counts[ACCEPTED], counts[OVERRIDDEN]
    rest = issued - accepted - overridden
    return Rates(*name, share(accepted, issued), share(overridden, issued), share(rest, issued))


def _reasons(tallies: Iterable[Tally]) -> Iterable[Reason]:
    """Of all overrides, then rule by rule; the commonest first."""
    by_rule: dict[str, Counter[str]] = {}
    for one in tallies:
        if one.outcome == OVERRIDDEN:
            for rule in (ALL, one.rule):
                by_rule.setdefault(rule, Counter())[_shown(one.reason)] += one.count
    rules = sorted(by_rule, key=lambda rule: (rule != ALL, -by_rule[rule].total(), rule))
    for rule in rules:
        counts = by_rule[rule]
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            yield Reason(rule, reason, share(count, counts.total()))


def _worded(one: HeldBack) -> HeldBack:
    return one if one.reason == ACCEPTED else replace(one, reason=_shown(one.reason))


def _rank(one: HeldBack) -> tuple[int, str, int, str]:
    """What was held back most often first."""
    return (-one.times, one.rule, _INDICATORS.get(one.indicator, -1), one.reason)


def _shown(reason: str) -> str:
    if not reason:
        return NO_REASON
    return reason if reason in KNOWN_REASONS else OTHER_REASON

"""Which cards are silent for a while, because this reader has answered them. Pure.

An answer silences one matter: the same patient, the same reader, the same ``key`` and rule of a
card. It never silences another reader's card. What the reader said last on a matter counts, from
the earlier of the client's time and ours, so that neither clock can stretch it. All spans are this
project's own proposal and wait, like the packs, for a clinician's review.

Nothing holds a card back that became worse since it was answered. Cards about one thing in
particular (an order, a refill, a new diagnosis or allergy, data that cannot be used) are silent
only while that thing and the decision are the very same, which their fingerprint tells. What cannot
be decided or was not read comes back after a day, for it may be another gap by then. A critical
card about an order that is being written (its key begins with ``draft:``) is never silent:
overriding one forbidden order says nothing about the next.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from b12fhir.errors import ConfigError
from b12fhir.service.hooks.keeping import ACCEPTED, Answered, Silence
from b12fhir.service.hooks.model import Card, Grade, Indicator

REASONS = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
DRAFT = "draft:"
# Cards about one thing: beginnings of their keys, and the topic of what cannot be decided or read.
PARTICULAR = (DRAFT, "order:", "refill:", "new-")
GAP = "data"

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
# Of a card, by its indicator: no answer silences it for longer.
INFO_AT_MOST = timedelta(days=90)
WARNING_AT_MOST = timedelta(days=30)
CRITICAL_AT_MOST = timedelta(hours=24)

GAP_AT_MOST = DAY

# An accepted order is on its way into the record; if it is not there the next day, it was lost.
AFTER_ACCEPTANCE = DAY
# Of an override, by its reason. The day: come back when there is time. The week: somebody is
# waiting for something, or said what the record should say by then. As long as the indicator
# allows: the patient's own decision, and what is done. No reason, or one that is not here: not at
# all, because nobody knows what it means.
AFTER_REASON: Mapping[str, timedelta] = {
    "limited-time": DAY,
    "wrong-time-workflow": DAY,
    "need-more-info": WEEK,
    "inappropriate-recipient": WEEK,
    "patient-contraindication": WEEK,
    "patient-ineligible": WEEK,
    "prefers-alternative": WEEK,
    "action-completed": INFO_AT_MOST,
    "patient-refuses": INFO_AT_MOST,
}

_SEVERITY = {Indicator.INFO: 0, Indicator.WARNING: 1, Indicator.CRITICAL: 2}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a card can be silent at most, by indicator. A site may shorten it: 0 is never.

    Raises `ConfigError` for what is longer than ours, or less than nothing.
    """

    info: timedelta = INFO_AT_MOST
    warning: timedelta = WARNING_AT_MOST
    critical: timedelta = CRITICAL_AT_MOST

    def __post_init__(self) -> None:
        asked = (self.info, self.warning, self.critical)
        ours = (INFO_AT_MOST, WARNING_AT_MOST, CRITICAL_AT_MOST)
        for word, given, most in zip(Indicator, asked, ours, strict=True):
            if not timedelta(0) <= given <= most:
                raise ConfigError(
                    f"A card of indicator {word.value} cannot be silent for {given}.",
                    hint=f"From nothing to {most}: a site may shorten this, not stretch it.",
                )

    def of(self, indicator: Indicator) -> timedelta:
        """The limit of an indicator."""
        if indicator is Indicator.CRITICAL:
            return self.critical
        return self.warning if indicator is Indicator.WARNING else self.info


LIMITS = Limits()


class Parted(NamedTuple):
    """Cards that are to be shown now, and why the others are not."""

    shown: tuple[Card, ...]
    silences: tuple[Silence, ...]


def parted(
    cards: Iterable[Card],
    answered: Sequence[Answered],
    user: str,
    now: datetime,
    limits: Limits = LIMITS,
) -> Parted:
    """Tell the cards to show from the others; ``answered``: to what cards of this patient.

    ``user`` is the pseudonym of the reader; nothing is held back from a reader nobody knows.
    """
    if not answered:
        return Parted(tuple(cards), ())
    shown, silences = [], []
    for card in cards:
        silence = why_silent(card, answered, user, now, limits)
        if silence is None:
            shown.append(card)
        else:
            silences.append(silence)
    return Parted(tuple(shown), tuple(silences))


def why_silent(
    card: Card,
    answered: Iterable[Answered],
    user: str,
    now: datetime,
    limits: Limits = LIMITS,
) -> Silence | None:
    """The answer that keeps a card silent now; ``None`` if it is to be shown."""
    if not user:
        return None
    last = _last_said(card, answered, user)
    if last is None or _is_another(card, last) or is_worse(card, last):
        return None
    since = said_at(last)
    at_most = min(limits.of(card.indicator), limits.of(last.issued.indicator))
    until = since + min(_span(last), at_most, GAP_AT_MOST if card.topic == GAP else at_most)
    if not since <= now < until:
        return None
    reason = last.heard.reason or last.heard.outcome
    told = (card.key, card.rule, card.indicator)
    return Silence(last.issued.uuid, *told, user, reason, since, until)


def matter(one: Answered) -> tuple[str, str, str]:
    """What an answer is about, among those of one patient: reader, key and rule."""
    return (one.issued.user, one.issued.key, one.issued.rule)


def said_at(one: Answered) -> datetime:
    """From when an answer counts: the earlier of the client's time and ours."""
    return min(one.heard.at, one.heard.received)


def order_of(one: Answered) -> tuple[datetime, datetime]:
    """Sorts answers to one matter: the last one counts."""
    return (said_at(one), one.heard.received)


def is_worse(card: Card, last: Answered) -> bool:
    """Did it become worse since the card was answered? What cannot be compared counts as worse."""
    new, old = card.grade, last.issued.grade
    return (
        _SEVERITY[card.indicator] > _SEVERITY[last.issued.indicator]
        or new.classes > old.classes
        or new.severity > old.severity
        or new.urgency > old.urgency
        or (new.neuro and not old.neuro)
        or not new.dangers <= old.dangers
        or _b12_fell(new, old)
    )


def _last_said(card: Card, answered: Iterable[Answered], user: str) -> Answered | None:
    about = (user, card.key, card.rule)
    return max((one for one in answered if matter(one) == about), key=order_of, default=None)


def _is_another(card: Card, last: Answered) -> bool:
    """Is the card about another order, fact or gap than the one that was answered?"""
    if card.key.startswith(DRAFT) and card.indicator is Indicator.CRITICAL:
        return True
    in_particular = card.key.startswith(PARTICULAR) or card.topic == GAP
    return in_particular and card.fingerprint != last.issued.fingerprint


def _span(last: Answered) -> timedelta:
    if last.heard.outcome == ACCEPTED:
        return AFTER_ACCEPTANCE
    known = last.heard.system == REASONS
    return AFTER_REASON.get(last.heard.reason, timedelta(0)) if known else timedelta(0)


def _b12_fell(new: Grade, old: Grade) -> bool:
    if new.b12 in {"", old.b12}:
        return False
    before, after = _exact(old.b12), _exact(new.b12)
    return before is None or after is None or after < before


def _exact(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None

"""When to try again, and how long to wait before."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

# Gateways send these when they are busy. A plain 500 is not among them: some EHRs disguise a
# lasting fault as 500, and HAPI answers it to a request that will never work.
AGAIN = frozenset({429, 502, 503, 504})
# Unless the server says itself that the fault will pass (FHIR's codes of issues).
PASSING = frozenset({"transient", "timeout", "throttled", "lock-error", "no-store"})

# Who asks us to come back later than this cannot mean this run.
_ABSURD_S = 3600.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try again and how long to wait, in seconds.

    The n-th wait is ``first * 2^n`` plus up to as much again by ``jitter`` (0 to 1), so that many
    clients do not come back at once. No wait, not even one the server asks for, exceeds ``most``,
    and all waits of one request together do not exceed ``budget``.
    """

    retries: int = 5
    first: float = 0.5
    most: float = 60.0
    budget: float = 180.0
    jitter: Callable[[], float] = random.random

    def asked(self, header: str | None, now: datetime) -> float | None:
        """What ``Retry-After`` asks for, as seconds or as a date.

        ``None`` if it makes no sense: nonsense, a moment that is over, or more than an hour.
        """
        seconds = _seconds(header.strip(), now) if header else None
        if seconds is None or not 0 <= seconds <= _ABSURD_S:
            return None
        return min(self.most, seconds)


class Waits:
    """The waits of one request: how many there were, and what is left of the budget."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._turn = 0
        self._left = patience.budget

    def after(self, asked: float | None = None) -> float | None:
        """How long to wait before the next try; ``None``: patience is at an end.

        What a server asks for is waited at the least, and never less than our own wait, which grows
        each time: a server that keeps asking for nothing makes no hot loop. What the budget does
        not hold is not waited in part, for it would be answered the same.
        """
        patience = self._patience
        if self._turn >= patience.retries:
            return None
        jitter: float = patience.jitter()
        own = min(patience.most, patience.first * 2.0**self._turn * (1 + jitter))
        wait = own if asked is None else max(own, asked + patience.first * jitter)
        if wait > self._left:
            return None
        self._turn += 1
        self._left -= wait
        return wait


def _seconds(text: str, now: datetime) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment - now).total_seconds() if moment.tzinfo else None

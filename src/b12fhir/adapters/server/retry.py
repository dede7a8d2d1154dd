"""When to try again, and how long to wait before."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

# Gateways send these when they are busy. A plain 500 is not among them: some EHRs disguise a
# lasting fault as 500, and HAPI answers it to a request that will never work.
AGAIN = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try again and how long to wait, in seconds.

    The n-th wait is ``first * 2^n`` plus up to as much again by ``jitter`` (0 to 1), so that many
    clients do not come back at once; no wait, not even one the server asks for, exceeds ``most``.
    """

    retries: int = 3
    first: float = 0.5
    most: float = 60.0
    jitter: Callable[[], float] = random.random

    def waits(self) -> Iterator[float | None]:
        """The wait after each failed try; ``None`` after the last."""
        for turn in range(self.retries):
            yield min(self.most, self.first * 2**turn * (1 + self.jitter()))
        yield None

    def asked(self, header: str | None, now: datetime) -> float | None:
        """What ``Retry-After`` asks for, as seconds or as a date; ``None`` if it makes no sense."""
        seconds = _seconds(header.strip(), now) if header else None
        return None if seconds is None or seconds < 0 else min(self.most, seconds)


def _seconds(text: str, now: datetime) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment - now).total_seconds() if moment.tzinfo else None

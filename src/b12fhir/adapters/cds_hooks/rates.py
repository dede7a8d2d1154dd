"""How often one caller may call: a bucket of tokens for each, in the memory of one worker."""

import threading
from collections import OrderedDict

_MOST_CALLERS = 10_000
_MINUTE = 60.0


class Rates:
    """Lets ``per_minute`` calls of one caller through, in one go or spread; 0 lets all through.

    ``now`` is a moment of a clock that never goes back. The callers heard of longest ago are
    forgotten first, so that many of them do not fill the memory.
    """

    def __init__(self, per_minute: int) -> None:
        self._most = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, caller: str, now: float) -> float:
        """Count a call; 0 if it may go through, else the seconds after which one may."""
        if not self._most:
            return 0
        with self._lock:
            left, since = self._buckets.pop(caller, (float(self._most), now))
            left = min(self._most, left + (now - since) * self._most / _MINUTE)
            passes = left >= 1
            self._buckets[caller] = (left - 1 if passes else left, now)
            if len(self._buckets) > _MOST_CALLERS:
                self._buckets.popitem(last=False)
        return 0 if passes else (1 - left) * _MINUTE / self._most

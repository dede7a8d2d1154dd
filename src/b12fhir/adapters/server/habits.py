"""What was learned of servers and holds for the next one who asks them."""

import time
from collections.abc import Callable
from threading import Lock

# A gateway may refuse POST for a while only, and a GET puts a patient's id into a URL.
HOUR_S = 3600.0
_MOST = 256


class SearchesByGet:
    """The servers that refuse searches by POST: for an hour, by base address.

    Shared by all calls of a process, and safe from threads. Of very many the one learned first is
    forgotten. ``ticks``: seconds that only go forward.
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._until: dict[str, float] = {}
        self._lock = Lock()

    def __contains__(self, base: str) -> bool:
        return self._ticks() < self._until.get(base, 0)

    def add(self, base: str) -> None:
        """It answered to GET what it had refused to POST."""
        with self._lock:
            self._until.pop(base, None)
            if len(self._until) >= _MOST:
                del self._until[next(iter(self._until))]
            self._until[base] = self._ticks() + HOUR_S

"""No token twice: what this process remembers, beside what all processes share."""

import threading
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b

from b12fhir.adapters.trust.refusal import Refusal
from b12fhir.errors import BookError
from b12fhir.ports import Replays

_SWEEP = 1024
_DIGEST_BYTES = 16


class MemoryReplays:
    """Token ids of this process, as digests, until they are over."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._until: dict[bytes, datetime] = {}
        self._sweep_at = _SWEEP
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._until)

    def first(self, issuer: str, jti: str, until: datetime) -> bool:
        """Is this the first use?"""
        key = blake2b(f"{issuer}\n{jti}".encode(), digest_size=_DIGEST_BYTES).digest()
        with self._lock:
            if key in self._until:
                return False
            self._until[key] = until
            if len(self._until) >= self._sweep_at:
                now = self._clock()
                self._until = {key: end for key, end in self._until.items() if end >= now}
                self._sweep_at = max(_SWEEP, 2 * len(self._until))
        return True


class BothReplays:
    """This process's memory first, then what all share.

    If the shared one is down, calls are judged by the memory alone, and that is counted: a stolen
    token may then count once in each process, while clinicians go on seeing cards.
    """

    def __init__(self, own: Replays, shared: Replays, tell: Callable[[Refusal], None]) -> None:
        self._own = own
        self._shared = shared
        self._tell = tell

    def first(self, issuer: str, jti: str, until: datetime) -> bool:
        """Is this the first use, as far as can be told?"""
        if not self._own.first(issuer, jti, until):
            return False
        try:
            return self._shared.first(issuer, jti, until)
        except BookError:
            self._tell(Refusal.STORE_DOWN)
            return True

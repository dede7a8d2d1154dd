"""No token twice, as far as one process knows. What all share: `b12fhir.adapters.database.book`."""

import threading
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b

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

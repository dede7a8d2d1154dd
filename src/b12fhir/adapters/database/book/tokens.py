"""Which tokens were used, for all workers and over restarts."""

import hashlib
import time
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from b12fhir.adapters.database.store import Store
from b12fhir.errors import BookError

_HELD = 50_000
# After a failure calls do not wait for the database during so many seconds.
PAUSE_S = 5
# A look for a file that was taken away costs a call of the system: not at each token.
LOOK_S = 1
_KEEP_ONCE = "INSERT INTO token_id (digest, until) VALUES (?, ?) ON CONFLICT DO NOTHING"


class UsedTokens:
    """A `Replays` on the book's database; ids stand in it as digests.

    While the database is away each process goes by what it saw itself: a token could then be used
    once in each. A stricter rule would take every card away with the database, and one that asks
    at each call would let each wait for it. For speed an id may be lost if power fails, not if a
    process does. ``ticks``: seconds that only go forward.
    """

    def __init__(self, store: Store, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._store = store.hasty()
        self._ticks = ticks
        self._away_until = 0.0
        self._look_at = 0.0
        self._lock = Lock()
        self._seen: dict[str, None] = {}

    def first(self, issuer: str, jti: str, until: datetime) -> bool:
        """Is this the first use of the token id? It is kept until the token is over."""
        digest = hashlib.sha256(f"{issuer}\0{jti}".encode()).hexdigest()
        if not self._first_here(digest):
            return False
        now = self._ticks()
        if now < self._away_until:
            return True
        if now >= self._look_at:
            self._look_at = now + LOOK_S
            self._store.leave_lost_file()
        try:
            return self._store.bare(_KEEP_ONCE, digest, int(until.timestamp())) == 1
        except BookError:
            self._away_until = self._ticks() + PAUSE_S
            return True

    def close(self) -> None:
        """Close every connection of this process."""
        self._store.close()

    def _first_here(self, digest: str) -> bool:
        """Not seen by this process; the older half is let go where there are very many."""
        with self._lock:
            if digest in self._seen:
                return False
            if len(self._seen) >= _HELD:
                self._seen = dict.fromkeys(list(self._seen)[_HELD // 2 :])
            self._seen[digest] = None
            return True

"""The keys of one client, kept as long as they may be and asked for again when one is unknown."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from b12fhir.adapters.trust.jwks import Key, KeysError, PublicKey, pick, read_keys

# However many tokens name an unknown key, and however short a set may be kept, it is asked for no
# more often than this: else anybody could make us hammer a client's server.
PAUSE = timedelta(seconds=10)
# While the client's server is down its last keys serve on, but not for ever: a key that was taken
# back must not be good as long as somebody can keep the server away from us.
STALE = timedelta(days=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A set of keys as it came, and for how long it may be kept."""

    body: bytes
    lifetime: timedelta


Loader = Callable[[], Fetched]


@dataclass(frozen=True, slots=True)
class _Held:
    keys: tuple[Key, ...] = ()
    fresh_until: datetime = _LONG_AGO
    good_until: datetime = _LONG_AGO
    next_try: datetime = _LONG_AGO


class KeyRing:
    """The keys of one client. ``down`` is called when they cannot be had."""

    def __init__(self, load: Loader, down: Callable[[], None]) -> None:
        self._load = load
        self._down = down
        self._held = _Held()
        self._lock = threading.Lock()

    def find(self, kid: str, algorithm: str, now: datetime) -> PublicKey | None:
        """The key that checks a signature, or nothing."""
        if now >= self._held.fresh_until:
            self._renew(now)
        key = pick(self._held.keys, kid, algorithm)
        if key is None:
            self._renew(now)
            key = pick(self._held.keys, kid, algorithm)
        return key

    def _renew(self, now: datetime) -> None:
        """Ask for the keys, one thread at a time; who has old ones does not wait for the new."""
        if not self._lock.acquire(blocking=not self._held.keys):
            return
        try:
            if now >= self._held.next_try:
                self._held = self._asked(now)
        finally:
            self._lock.release()

    def _asked(self, now: datetime) -> _Held:
        next_try = now + PAUSE
        try:
            fetched = self._load()
            keys = read_keys(fetched.body)
        except KeysError:
            self._down()
            good = now < self._held.good_until
            return replace(self._held, keys=self._held.keys if good else (), next_try=next_try)
        return _Held(keys, now + fetched.lifetime, now + STALE, next_try)

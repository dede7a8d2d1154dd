"""The token that is shown to a FHIR server: kept while it is good, renewed before it is not."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from b12fhir.adapters.smart.assertion import token_request
from b12fhir.adapters.smart.discovery import Endpoint, find_endpoint
from b12fhir.adapters.smart.grant import Grant, read_grant
from b12fhir.adapters.smart.keys import ALGORITHMS
from b12fhir.adapters.smart.registration import Registration
from b12fhir.errors import AuthError, ServerError
from b12fhir.kernel.http import Web

# A token is renewed so long before its end; one that lives a minute or less, after half its life.
AHEAD_S = 30.0
# However short tokens live, and however many are refused, one is asked for no more often.
PAUSE_S = 1.0
# After a failure nobody asks again for so long: all who wait hear of the one that failed.
REST_S = 10.0


@dataclass(frozen=True, slots=True)
class _Held:
    """A token, from when another one is to be asked for, and when this one ends."""

    token: str = field(default="", repr=False)
    scopes: str = ""
    since: float = 0.0
    renew: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, slots=True)
class _Failed:
    error: ServerError
    until: float


class SmartTokens:
    """The tokens of one registration, shared by all threads.

    ``clock`` dates what we sign, ``ticks`` are seconds that only go forward. The token goes to
    nobody but the caller, and into no error.
    """

    def __init__(
        self,
        who: Registration,
        web: Web,
        *,
        clock: Callable[[], datetime],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._who = who
        self._web = web
        self._clock = clock
        self._ticks = ticks
        self._held = _Held()
        self._failed: _Failed | None = None
        self._endpoint: Endpoint | None = None
        self._asking = Lock()

    def __call__(self) -> str:
        """A token that is good now.

        Raises `AuthError` if the authorization server gives none to us, and another `ServerError`
        if it cannot be asked.
        """
        held = self._held
        now = self._ticks()
        if now < held.renew:
            return held.token
        # Who has a token that is still good does not wait for the one who fetches the next.
        if not self._asking.acquire(blocking=now >= held.end):
            return held.token
        try:
            return self._current()
        finally:
            self._asking.release()

    def refused(self, token: str) -> None:
        """The FHIR server answered 401 to this token: it is not shown again.

        If it is not the present one, another thread has been here. One that was fetched this second
        is kept: a server that refuses every token must not make us ask for more and more.
        """
        with self._asking:
            if token == self._held.token and self._ticks() >= self._held.since + PAUSE_S:
                self._held = _Held()

    def endpoint(self) -> Endpoint:
        """Where tokens are asked for; raises as a call does."""
        with self._asking:
            return self._known()

    @property
    def scopes(self) -> str:
        """Those of the present token, as far as the server says."""
        return self._held.scopes

    def _current(self) -> str:
        """The token, fetched unless another thread has done so meanwhile.

        One that cannot be renewed serves as long as it is good.
        """
        held, now = self._held, self._ticks()
        if now < held.renew:
            return held.token
        try:
            if self._failed and now < self._failed.until:
                raise _once_more(self._failed.error)
            self._held = self._fetch()
        except ServerError:
            if self._ticks() < held.end:
                return held.token
            raise
        return self._held.token

    def _fetch(self) -> _Held:
        """Ask for a token; what failed is remembered, and where it is asked for looked up anew."""
        try:
            url = self._known().url
            answer = self._web.ask(url, lambda: token_request(self._who, url, self._clock()))
            return self._kept(read_grant(answer, url, self._clock()))
        except ServerError as error:
            self._failed = _Failed(error, self._ticks() + REST_S)
            self._endpoint = None
            raise

    def _kept(self, grant: Grant) -> _Held:
        now = self._ticks()
        left = grant.seconds - min(AHEAD_S, grant.seconds / 2)
        renew = now + max(left, PAUSE_S)
        return _Held(grant.token, grant.scopes, now, renew, now + grant.seconds)

    def _known(self) -> Endpoint:
        """The endpoint, looked up once; raises `AuthError` if our key does not suit it."""
        if self._endpoint is None:
            self._endpoint = find_endpoint(self._web, self._who.base, self._who.token_url)
        taken, ours = self._endpoint.algorithms, self._who.key.algorithm
        if taken and ours not in taken:
            known = ", ".join(one for one in ALGORITHMS if one in taken) or "none that we know"
            raise AuthError(
                f"{self._endpoint.url} does not take {ours}, which our key makes; of ours it takes "
                f"{known}.",
                hint="Make a key that suits it with `b12fhir keys new --alg`, and register it.",
            )
        return self._endpoint


def _once_more(error: ServerError) -> ServerError:
    """The same error for another thread: one that was raised keeps where that was."""
    return type(error)(error.message, hint=error.hint, status=error.status)

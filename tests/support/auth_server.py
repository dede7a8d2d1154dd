"""A strict authorization server on 127.0.0.1: SMART Backend Services as the specification has it.

It refuses whatever a real one may refuse: another grant, algorithm or key, a signature that does
not check, an issuer that is not the subject, an audience that is not its own address, an assertion
that lives too long or was used before, a scope that was not granted. What it says of a refusal
quotes the assertion, so that a client which repeats an answer is found out by the guard on tokens.

Tests that use it are marked `loopback`. Its clock is the test's, which stands still; for a client
in another process give it `real_time`.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

import jwt
import time_machine

from tests.support.phi import TOKEN
from tests.support.web import Asked, Reply, reply, serving

CLIENT = "b12fhir-at-ward-7"
SCOPES = "system/Patient.rs system/Observation.rs system/CarePlan.crus"
ALGORITHMS = {"RS384": "RSA", "ES384": "EC"}
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FORM = "application/x-www-form-urlencoded"
_NAMES = ["client_assertion", "client_assertion_type", "grant_type", "scope"]
_LONGEST_S = 300


def real_time() -> float:
    """Seconds since 1970 by the machine's clock, whatever a test's says."""
    travelling = time_machine.escape_hatch.is_travelling()
    return time_machine.escape_hatch.time.time() if travelling else time.time()


Trouble = Reply | Callable[[Asked], Reply | None]


class RefusedError(Exception):
    """Why a request for a token is refused: the code of OAuth, and what a test looks for."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass
class AuthServer:
    """What it knows, what comes next, and what it did.

    ``keys``: the client's JWKS as registered, ``jku`` its registered address. ``scopes``: those the
    client may have. ``lifetime``: what ``expires_in`` says (`None`: nothing at all); ``lives``:
    how long a token really is good, in seconds (`None`: as long as said). ``troubles``: answers
    that come before the right ones, each once; a function may answer nothing after waiting.
    ``refusals`` are the reasons of refusals, ``granted`` the scopes of each token in order.
    """

    keys: Sequence[Mapping[str, Any]]
    client: str = CLIENT
    scopes: str = SCOPES
    jku: str = ""
    lifetime: Any = 300
    lives: float | None = None
    algorithms: Sequence[str] = ("RS384", "ES384")
    now: Callable[[], float] = time.time
    troubles: deque[Trouble] = field(default_factory=deque)
    refusals: list[str] = field(default_factory=list)
    granted: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    origin: str = ""
    _tokens: dict[str, float] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    @property
    def token_url(self) -> str:
        """Where it issues tokens."""
        return f"{self.origin}/token"

    def valid(self, token: str) -> bool:
        """Is this bearer token one of ours, and good now? For a FHIR server or a proxy to ask."""
        return self.now() < self._tokens.get(token, 0)

    def admits(self, authorization: str | None) -> bool:
        """The same for a whole ``Authorization`` header."""
        scheme, _, token = (authorization or "").partition(" ")
        return scheme == "Bearer" and self.valid(token)

    def revoke(self) -> None:
        """Take every token back, as if all had expired at once."""
        self._tokens.clear()

    def configuration(self) -> dict[str, Any]:
        """What a FHIR server that it guards says at ``.well-known/smart-configuration``."""
        return {
            "token_endpoint": self.token_url,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(self.algorithms),
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": self.scopes.split(),
            "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        }

    def answer(self, asked: Asked) -> Reply:
        """The answer to one request at the token endpoint."""
        with self._lock:
            self.asked.append(asked)
            trouble = self.troubles.popleft() if self.troubles else None
        odd = trouble(asked) if callable(trouble) else trouble
        if odd is not None:
            return self._dated(odd)
        with self._lock:
            return self._dated(self._judged(asked))

    def _dated(self, given: Reply) -> Reply:
        date = {"Date": formatdate(self.now(), usegmt=True)}
        return Reply(given.status, given.body, {**date, **given.headers}, given.hang_up, given.cut)

    def _judged(self, asked: Asked) -> Reply:
        form = dict(parse_qsl(asked.body.decode(), keep_blank_values=True))
        try:
            scope = self._check(asked, form)
        except RefusedError as error:
            self.refusals.append(str(error))
            said = f"{error}: {TOKEN} {form.get('client_assertion', '')}"
            body = {"error": error.code, "error_description": said}
            return reply(400, json.dumps(body), Cache_Control="no-store")
        token = f"{TOKEN}-{len(self.granted)}"
        self.granted.append(scope)
        lives = self.lives if self.lives is not None else self.lifetime
        self._tokens[token] = self.now() + (float(lives) if isinstance(lives, int | float) else 300)
        told = {"access_token": token, "token_type": "bearer", "scope": scope}
        if self.lifetime is not None:
            told["expires_in"] = self.lifetime
        return reply(200, json.dumps(told), Cache_Control="no-store")

    def _check(self, asked: Asked, form: Mapping[str, str]) -> str:
        """The scope to grant; raises `RefusedError`."""
        named = sorted(name for name, _ in parse_qsl(asked.body.decode(), keep_blank_values=True))
        require(asked.method == "POST", "invalid_request", "not POST")
        require(asked.headers.get("Content-Type") == _FORM, "invalid_request", "not a form")
        require("Authorization" not in asked.headers, "invalid_request", "an Authorization header")
        require(named == _NAMES, "invalid_request", f"parameters {named}")
        require(form["grant_type"] == "client_credentials", "unsupported_grant_type", "grant")
        require(form["client_assertion_type"] == JWT_BEARER, "invalid_request", "assertion type")
        self._check_claims(self._signed(form["client_assertion"]))
        wanted = form["scope"].split(" ")
        require(set(wanted) <= set(self.scopes.split()), "invalid_scope", "a scope beyond ours")
        require(len(wanted) == len(set(wanted)), "invalid_scope", "a scope twice")
        return form["scope"]

    def _signed(self, assertion: str) -> dict[str, Any]:
        """The claims of an assertion that one registered key has signed."""
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.PyJWTError:
            raise RefusedError("invalid_client", "no JWT") from None
        algorithm = header.get("alg")
        require(algorithm in self.algorithms, "invalid_client", f"algorithm {algorithm}")
        require(header.get("typ") == "JWT", "invalid_client", "typ")
        require(set(header) <= {"alg", "typ", "kid", "jku"}, "invalid_client", "header")
        require(header.get("jku", self.jku) == self.jku, "invalid_client", "jku")
        found = [
            key
            for key in self.keys
            if key["kid"] == header.get("kid") and key["kty"] == ALGORITHMS[algorithm]
        ]
        require(len(found) == 1, "invalid_client", f"{len(found)} keys of that kid")
        only = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
        try:
            return jwt.decode(assertion, jwt.PyJWK(dict(found[0])), [algorithm], options=only)
        except jwt.PyJWTError:
            raise RefusedError("invalid_client", "signature") from None

    def _check_claims(self, claims: Mapping[str, Any]) -> None:
        now = self.now()
        require(claims.get("iss") == claims.get("sub") == self.client, "invalid_client", "iss, sub")
        require(claims.get("aud") == self.token_url, "invalid_client", "aud")
        exp, jti = claims.get("exp"), claims.get("jti")
        require(isinstance(exp, int | float), "invalid_client", "no exp")
        require(exp > now, "invalid_client", "expired")
        require(exp <= now + _LONGEST_S, "invalid_client", "exp more than five minutes ahead")
        require(claims.get("iat", 0) <= now, "invalid_client", "iat ahead")
        require(claims.get("nbf", 0) <= now, "invalid_client", "nbf ahead")
        require(isinstance(jti, str) and bool(jti), "invalid_client", "no jti")
        require(jti not in self._used, "invalid_client", "jti used before")
        self._used.add(jti)


@contextmanager
def authorizing(
    keys: Sequence[Mapping[str, Any]],
    fhir: Callable[[Asked], Reply] = lambda _: reply(404),
    **known: Any,
) -> Iterator[AuthServer]:
    """The server on a free port; ``fhir`` answers what is not asked at its token endpoint."""
    server = AuthServer(keys, **known)

    def answer(asked: Asked) -> Reply:
        return server.answer(asked) if asked.path == "/token" else fhir(asked)

    with serving(answer) as web:
        server.origin = web.origin
        yield server


def require(condition: bool, code: str, why: str) -> None:
    """Refuse unless it is so."""
    if not condition:
        raise RefusedError(code, why)


def slowly(seconds: float) -> Trouble:
    """Lets a request wait, and then answers as if nothing had been."""

    return lambda _: time.sleep(seconds)


HTML = reply(200, "<html>Log in</html>", "text/html")
FAULT = reply(500, '{"error": "server_error"}')
BUSY = reply(429, "", Retry_After="2")

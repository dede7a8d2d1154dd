"""The gate: each check of a token in the order that CDS Hooks gives, and one answer to all faults.

Issuer, audience, times, tenant, key and signature, and last whether it was used before: a token id
is only kept of tokens that are good, else anybody could use up another's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import jwt

from b12fhir.adapters.trust.jwks import KEY_TYPES
from b12fhir.adapters.trust.keyring import KeyRing
from b12fhir.adapters.trust.refusal import Refusal, RefusedError
from b12fhir.adapters.trust.token import Claims, Header, Token, read_token
from b12fhir.errors import UntrustedError
from b12fhir.ports import Caller, Client, Replays

_JWS = jwt.PyJWS()
_VERIFY = {name: _JWS.get_algorithm_by_name(name).verify for name in KEY_TYPES}

# Clocks differ. A token lives an hour at most, so that its id need not be kept longer.
LEEWAY_S = 60
LIFETIME_S = 3600


@dataclass(frozen=True, slots=True)
class _Known:
    """A client, ready to be checked."""

    client: Client
    keys: KeyRing
    servers: frozenset[str]


class TokenGate:
    """Admits who shows a good token. ``tell`` counts why others were refused."""

    def __init__(
        self,
        clients: Iterable[tuple[Client, KeyRing]],
        servers: frozenset[str],
        replays: Replays,
        tell: Callable[[Refusal], None],
    ) -> None:
        self._known: Mapping[str, _Known] = {
            client.issuer: _Known(client, keys, frozenset(client.fhir_servers) or servers)
            for client, keys in clients
        }
        self._replays = replays
        self._tell = tell

    def admit(self, authorization: str, url: str, now: datetime) -> Caller:
        """Who calls ``url``. Raises `UntrustedError`, whose text is the same for every reason."""
        try:
            return self._admit(read_token(authorization), url, now)
        except RefusedError as refused:
            self._tell(refused.reason)
            raise UntrustedError("No token, or none that is good: the call is refused.") from None

    def _admit(self, token: Token, url: str, now: datetime) -> Caller:
        header, claims = token.header, token.claims
        if header.alg not in KEY_TYPES:
            raise RefusedError(Refusal.ALGORITHM)
        known = self._known.get(claims.iss)
        if known is None:
            raise RefusedError(Refusal.ISSUER)
        if claims.aud != url and (isinstance(claims.aud, str) or url not in claims.aud):
            raise RefusedError(Refusal.AUDIENCE)
        _check_times(claims, now.timestamp())
        _check_tenant(claims.tenant or "", known.client)
        _check_signature(token, _key(header, known, now))
        until = datetime.fromtimestamp(claims.exp, UTC)
        if not self._replays.first(claims.iss, claims.jti, until):
            raise RefusedError(Refusal.REPLAY)
        return Caller(claims.iss, claims.tenant or "", known.servers)


class OpenGate:
    """Admits everybody: for trials, where no token is asked for."""

    def __init__(self, servers: frozenset[str]) -> None:
        self._caller = Caller(fhir_servers=servers)

    def admit(self, authorization: str, url: str, now: datetime) -> Caller:  # noqa: ARG002 - a port
        """Nobody in particular, with the servers of the settings."""
        return self._caller


def _check_times(claims: Claims, now: float) -> None:
    """``exp`` is not stretched; the clocks of ``iat`` and ``nbf`` may be a little ahead of ours."""
    if claims.exp <= now:
        raise RefusedError(Refusal.EXPIRED)
    if claims.iat > now + LEEWAY_S or (claims.nbf or 0) > now + LEEWAY_S:
        raise RefusedError(Refusal.NOT_YET)
    if claims.exp - claims.iat > LIFETIME_S:
        raise RefusedError(Refusal.LIFETIME)


def _check_tenant(tenant: str, client: Client) -> None:
    if tenant not in (client.tenants or {""}):
        raise RefusedError(Refusal.TENANT)


def _key(header: Header, known: _Known, now: datetime) -> object:
    """The client's key. An address of keys in a token is never fetched, only compared."""
    if header.jku is not None and header.jku != known.client.jku:
        raise RefusedError(Refusal.JKU)
    key = known.keys.find(header.kid, header.alg, now)
    if key is None:
        raise RefusedError(Refusal.KEY)
    return key


def _check_signature(token: Token, key: object) -> None:
    if not _VERIFY[token.header.alg](token.signed, key, token.signature):
        raise RefusedError(Refusal.SIGNATURE)

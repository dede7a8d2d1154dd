"""How a FHIR server knows who we are: a client with its key, a token file, or nobody in particular.

A certificate of ours may come with each. What needs the extra `server` is imported when asked for.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Protocol

from b12fhir.adapters.doctor import LACKING, OK, Check
from b12fhir.adapters.server import Limits, Tls, Web
from b12fhir.config import Settings
from b12fhir.fhir.scopes import needed_scopes
from b12fhir.kernel.address import parse_address
from b12fhir.wiring.extra import not_installed

_TOPIC = "authorization"
# Seconds to wait for an authorization server: nothing can be read meanwhile.
_READ_S = 30
_TOTAL_S = 60
_NOT_OWNER = stat.S_IRGRP | stat.S_IROTH


class Tokens(Protocol):
    """Where tokens come from; see `b12fhir.adapters.smart.SmartTokens`."""

    @property
    def scopes(self) -> str:
        """Those of the present token."""
        ...

    def __call__(self) -> str:
        """A token that is good now."""
        ...

    def refused(self, token: str) -> None:
        """A server did not take this one."""
        ...


def _none() -> Iterator[Check]:
    yield Check(_TOPIC, OK, "no token is sent")


@dataclass(frozen=True)
class Proof:
    """The token to show, what to do when it is refused, and TLS; ``how`` says it to a person."""

    token: Callable[[], str] = str
    refused: Callable[[str], None] = lambda _: None
    tls: Tls = field(default_factory=Tls)
    how: Callable[[], Iterator[Check]] = _none

    def checks(self) -> Iterator[Check]:
        """What `doctor` says of it; raises `ServerError` if no token can be had."""
        yield from self.how()
        if self.tls.cert:
            yield Check("certificate of ours", OK, f"{self.tls.cert}, where it is asked for")
        if self.tls.ca:
            yield Check("trusted authorities", OK, f"those of {self.tls.ca} only")


def make_proof(settings: Settings, clock: Callable[[], datetime]) -> Proof:
    """As the settings want it. Raises `ConfigError` for files that cannot be used."""
    tls = Tls(settings.tls_ca, settings.tls_cert, settings.tls_key)
    tls.check()
    if settings.smart_client_id:
        return _smart(settings, clock, tls)
    if settings.token_file:
        told = f"bearer token of {settings.token_file}"
        return Proof(settings.token, tls=tls, how=lambda: iter([Check(_TOPIC, OK, told)]))
    return Proof(tls=tls)


def left_open(settings: Settings) -> Iterator[str]:
    """A line for each secret file of those in use that others than its owner can read.

    A warning only: where secrets are mounted into a container, its owner may be another user. Where
    the system keeps no such modes there is nothing to say.
    """
    named = {"token_file": settings.token_file, "smart_key_file": settings.smart_key_file}
    own = settings.tls_key or settings.tls_cert
    for name, path in (named | {"tls_key": own}).items():
        if path and os.name == "posix" and path.exists() and path.stat().st_mode & _NOT_OWNER:
            yield f"WARNING: {name}: {path} can be read by others on this machine: chmod 600 {path}"


def smart() -> ModuleType:
    """The adapter that signs; raises `ConfigError` where its libraries are not installed."""
    try:
        from b12fhir.adapters import smart as found  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise not_installed(error, "no key can be used") from None
    return found


def _smart(settings: Settings, clock: Callable[[], datetime], tls: Tls) -> Proof:
    adapter = smart()
    key = adapter.read_key(settings.smart_key_file)
    who = adapter.Registration(
        base=parse_address(settings.server).base,
        client_id=settings.smart_client_id,
        key=key,
        scopes=settings.smart_scopes or needed_scopes(),
        token_url=settings.smart_token_url,
        jku=settings.smart_jku,
    )
    limits = Limits(read_s=min(settings.timeout, _READ_S), total_s=_TOTAL_S)
    tokens = adapter.SmartTokens(who, Web(limits=limits, tls=tls, clock=clock), clock=clock)

    def how() -> Iterator[Check]:
        yield Check(_TOPIC, OK, f"SMART Backend Services as {who.client_id}, {key.algorithm}")
        yield Check("key", OK, f"kid {key.kid}")
        at = tokens.endpoint()
        yield Check("token endpoint", OK, f"{at.url} ({at.told_by})")
        yield from _scopes(who.scopes, tokens)

    return Proof(tokens, tokens.refused, tls, how)


def _scopes(wanted: str, tokens: Tokens) -> Iterator[Check]:
    yield Check("scopes asked for", OK, wanted)
    tokens()
    missing = set(wanted.split()) - set(tokens.scopes.split() or wanted.split())
    if missing:
        said = "what it does not permit is told where it is asked for"
        yield Check("scopes granted", LACKING, tokens.scopes, said)

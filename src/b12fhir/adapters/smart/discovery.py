"""Where a FHIR server has its tokens issued: by its smart-configuration, or by its metadata."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from b12fhir.errors import AuthError, ConfigError
from b12fhir.kernel.address import parse_address
from b12fhir.kernel.http import Answer, Request, Web

_WELL_KNOWN = ".well-known/smart-configuration"
_METADATA = "metadata"
_OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_ALGORITHMS = "token_endpoint_auth_signing_alg_values_supported"
_ASYMMETRIC = "client-confidential-asymmetric"
_OK = 200
_HINT = "Set smart_token_url to the address of its token endpoint, or ask its operator."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The token endpoint, who told it, and the algorithms it takes (none told: empty).

    ``declares``: does the server say of itself that it takes clients with a key?
    """

    url: str
    told_by: str
    algorithms: tuple[str, ...] = ()
    declares: bool = True


def find_endpoint(web: Web, base: str, token_url: str = "") -> Endpoint:
    """The endpoint for a FHIR server. Raises `AuthError` if it does not say, or not safely."""
    if token_url:
        return Endpoint(token_url, "smart_token_url")
    said = _json(web.ask(base, lambda: _request(base, _WELL_KNOWN)))
    if url := said.get("token_endpoint"):
        algorithms = tuple(one for one in _list(said.get(_ALGORITHMS)) if isinstance(one, str))
        declares = _ASYMMETRIC in _list(said.get("capabilities"))
        return Endpoint(_safe(url, base), "its smart-configuration", algorithms, declares)
    statement = _json(web.ask(base, lambda: _request(base, _METADATA)))
    for url in _oauth_uris(statement):
        return Endpoint(_safe(url, base), "its CapabilityStatement")
    raise AuthError(
        f"{base} does not say where it has tokens issued, so none can be asked for.", hint=_HINT
    )


def _request(base: str, path: str) -> Request:
    kind = "application/fhir+json" if path == _METADATA else "application/json"
    doing = "reading where tokens are issued"
    return Request("GET", f"{base}/{path}", doing, {"Accept": kind, "Cache-Control": "no-cache"})


def _json(answer: Answer) -> Mapping[str, Any]:
    """The object that was answered; an empty one for anything else: then another place is asked."""
    if answer.status != _OK:
        return {}
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return {}


def _safe(url: object, base: str) -> str:
    """The address, if what we sign may be sent there.

    Unencrypted only within this machine, and only by the word of a server that runs on it.
    """
    try:
        scheme, *_ = parse_address(url if isinstance(url, str) else "").origin
        here = parse_address(str(url)).is_private and parse_address(base).origin[0] == "http"
    except ConfigError:
        scheme, here = "", False
    if scheme == "https" or here:
        return str(url)
    raise AuthError(
        f"{base} names a token endpoint that is no https address: what proves who we are is not "
        "sent there.",
        hint=_HINT,
    )


def _oauth_uris(statement: Mapping[str, Any]) -> Iterator[object]:
    """The token addresses of the extension that came before smart-configuration."""
    for rest in _rows(statement.get("rest")):
        security = rest.get("security")
        extensions = security.get("extension") if isinstance(security, Mapping) else None
        for extension in _rows(extensions):
            if extension.get("url") == _OAUTH:
                parts = _rows(extension.get("extension"))
                yield from (one.get("valueUri") for one in parts if one.get("url") == "token")


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [one for one in _list(value) if isinstance(one, Mapping)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

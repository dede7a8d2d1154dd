"""Addresses: one spelling for the base, and which links a token may follow.

A link is compared by parsed scheme, host and port, never by a prefix: ``https://ehr.example`` is a
prefix of ``https://ehr.example.attacker.net`` (CVE-2026-34361 was exactly that).
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from b12fhir.errors import ConfigError, ServerError

_PORTS = {"http": 80, "https": 443}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Address:
    """Normalised base of a server: lower-case host, no default port, no slash at the end."""

    base: str
    origin: tuple[str, str, int]

    @property
    def is_private(self) -> bool:
        """May a token travel there: encrypted, or not leaving this machine?"""
        scheme, host, _ = self.origin
        return scheme == "https" or host in LOOPBACK


def parse_address(text: str) -> Address:
    """Read a base address; raises `ConfigError` if it is none."""
    parts = _split(text.strip())
    if parts is None or not parts.hostname or _has_extras(parts):
        raise ConfigError(
            "The server address is not one of a FHIR server.",
            hint="Give the plain base, like https://ehr.example.org/fhir, without user or query.",
        )
    origin = _origin(parts)
    base = urlunsplit((origin[0], _netloc(origin), parts.path.rstrip("/"), "", ""))
    return Address(base, origin)


def next_url(link: object, address: Address, *, rewrite: bool = False) -> str:
    """Where a ``next`` link leads, resolved against the base.

    A link to another origin is refused, since the token would go there. ``rewrite`` is for servers
    behind a proxy that write their inner address into links: the path is then asked of the base.
    """
    parts = _joined(address.base, link) if isinstance(link, str) else None
    if parts is None or parts.username or parts.password:
        raise ServerError(f"{address.base} sent a link to the next page that is no web address.")
    if _origin(parts) == address.origin:
        return urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, ""))
    home = urlsplit(address.base)
    if rewrite and f"{parts.path}/".startswith(f"{home.path}/"):
        return urlunsplit((home.scheme, home.netloc, parts.path, parts.query, ""))
    raise ServerError(
        f"{address.base} sent a link to another server for the next page, which is not followed.",
        hint="If the server stands behind a proxy, correct its base address or allow rewriting.",
    )


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in _PORTS and parts.hostname else None


def _joined(base: str, link: str) -> SplitResult | None:
    try:
        return _split(urljoin(f"{base}/", link))
    except ValueError:
        return None


def _has_extras(parts: SplitResult) -> bool:
    return bool(parts.username or parts.password or parts.query or parts.fragment)


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


def _netloc(origin: tuple[str, str, int]) -> str:
    scheme, host, port = origin
    name = f"[{host}]" if ":" in host else host
    return name if port == _PORTS[scheme] else f"{name}:{port}"

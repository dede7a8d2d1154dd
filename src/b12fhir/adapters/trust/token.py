"""A token taken apart: header, claims, and what its signature covers. Nothing is believed yet."""

import binascii
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass

import msgspec

from b12fhir.adapters.trust.refusal import Refusal, RefusedError

_MAX_CHARS = 8192
_SCHEME = re.compile(r"bearer +(?=\S)", re.IGNORECASE)
_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)


class Header(msgspec.Struct, frozen=True):
    """The header. ``crit`` names what a reader must understand; we understand none of it."""

    alg: str
    kid: str
    typ: str
    jku: str | None = None
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Claims(msgspec.Struct, frozen=True):
    """The claims that decide; times in seconds since 1970."""

    iss: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    jti: str
    nbf: int | float | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """One token; ``signed`` are the bytes that ``signature`` covers."""

    header: Header
    claims: Claims
    signed: bytes
    signature: bytes


_HEADER = msgspec.json.Decoder(Header)
_CLAIMS = msgspec.json.Decoder(Claims)


def read_token(authorization: str) -> Token:
    """The token of an ``Authorization`` header; raises `RefusedError` if it is none.

    The parts are decoded strictly and once. That the parser of the library is not used spares the
    call a second reading, and lets the checks come in the order that CDS Hooks asks for.
    """
    scheme = _SCHEME.match(authorization)
    if scheme is None:
        raise RefusedError(Refusal.NO_TOKEN)
    text = authorization[scheme.end() :]
    parts = _PARTS.fullmatch(text) if len(text) <= _MAX_CHARS else None
    if parts is None:
        raise RefusedError(Refusal.GARBAGE)
    try:
        header = _HEADER.decode(_decoded(parts[1]))
        claims = _CLAIMS.decode(_decoded(parts[2]))
        signature = _decoded(parts[3])
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise RefusedError(Refusal.GARBAGE) from None
    if header.crit is not msgspec.UNSET or header.typ != "JWT" or not claims.jti:
        raise RefusedError(Refusal.GARBAGE)
    return Token(header, claims, text[: parts.end(2)].encode(), signature)


def _decoded(part: str) -> bytes:
    """Base64url without padding; raises `ValueError`."""
    raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if binascii.b2a_base64(raw, newline=False).rstrip(b"=").translate(_URLSAFE) != part.encode():
        raise ValueError("bits beyond the last byte")
    return raw


_URLSAFE = bytes.maketrans(b"+/", b"-_")

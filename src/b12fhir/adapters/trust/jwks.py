"""A set of public keys (JWKS), read so far as it can check our two algorithms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PublicKey = RSAPublicKey | EllipticCurvePublicKey

# The recommended two. Any other, `none` and those with a shared secret above all, is refused before
# a key is looked for.
KEY_TYPES: Mapping[str, str] = {"RS384": "RSA", "ES384": "EC"}
_ALGORITHM_OF = {kind: name for name, kind in KEY_TYPES.items()}
_CURVE = "P-384"
_RSA_BITS = 2048
_MAX_KEYS = 100


class KeysError(Exception):
    """The keys cannot be had, or are no JWKS."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a set. ``public`` is missing where it may not check a signature of ours."""

    kid: str
    kty: str
    public: PublicKey | None


def read_keys(body: bytes) -> tuple[Key, ...]:
    """The keys of a JWKS; raises `KeysError` if it is none.

    A key that is private, weak, for encryption or for another algorithm stays in the set without
    its value: another one of the same name and type would make the choice ambiguous.
    """
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise KeysError("no JSON") from None
    rows = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(rows, list) or len(rows) > _MAX_KEYS:
        raise KeysError("no JWKS")
    named = (row for row in rows if isinstance(row, dict))
    return tuple(
        Key(row["kid"], row["kty"], _public(row))
        for row in named
        if isinstance(row.get("kid"), str) and isinstance(row.get("kty"), str)
    )


def pick(keys: Iterable[Key], kid: str, algorithm: str) -> PublicKey | None:
    """The one key of that name and type, if it may be used; none if there are several."""
    found = [key for key in keys if key.kid == kid and key.kty == KEY_TYPES[algorithm]]
    return found[0].public if len(found) == 1 else None


def _public(row: Mapping[str, Any]) -> PublicKey | None:
    algorithm = _ALGORITHM_OF.get(row["kty"])
    if algorithm is None or "d" in row or not _may_verify(row, algorithm):
        return None
    try:
        key = jwt.PyJWK(dict(row), algorithm).key
    except (jwt.PyJWTError, TypeError, ValueError):
        return None
    if isinstance(key, RSAPublicKey):
        return key if key.key_size >= _RSA_BITS else None
    return key if isinstance(key, EllipticCurvePublicKey) else None


def _may_verify(row: Mapping[str, Any], algorithm: str) -> bool:
    """What the key says of its own use."""
    operations = row.get("key_ops", ["verify"])
    return (
        row.get("use", "sig") == "sig"
        and row.get("alg", algorithm) == algorithm
        and (isinstance(operations, list) and "verify" in operations)
        and (row["kty"] != KEY_TYPES["ES384"] or row.get("crv") == _CURVE)
    )

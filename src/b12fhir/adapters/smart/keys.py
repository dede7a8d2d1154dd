"""Our keys: a private one in a file, and the public half that the other side registers.

A key makes one of two algorithms, by its kind: EC P-384 makes ES384, RSA makes RS384. Its name
(`kid`) is the thumbprint of RFC 7638, unless a JWK says another.
"""

import os
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from b12fhir.errors import ConfigError

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

ES384, RS384 = ALGORITHMS = ("ES384", "RS384")
_RSA_BITS = 3072
_LEAST_RSA_BITS = 2048
_CURVE = "secp384r1"
_MAX_BYTES = 65_536
_OWNER_ONLY = 0o600
_EVERYBODY = 0o007
_JWK_SUFFIXES = frozenset({".json", ".jwk"})
# What a thumbprint is made of, by the kind of key (RFC 7638, section 3.2).
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "EC": ("crv", "kty", "x", "y"),
    "RSA": ("e", "kty", "n"),
}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, what it signs with, and its name."""

    algorithm: str
    kid: str
    private: PrivateKey = field(repr=False)

    @property
    def public(self) -> Mapping[str, str]:
        """The public half as a JWK: what a server needs to check a signature, and nothing else."""
        named = _public_numbers(self.algorithm, self.private)
        return {**named, "alg": self.algorithm, "kid": self.kid, "use": "sig"}


def read_key(path: Path) -> SigningKey:
    """The key in a PEM or JWK file.

    Raises `ConfigError`, without its content, for a file that everybody can read and for what is no
    private key that we could sign with.
    """
    raw = _content(path)
    try:
        return _from_jwk(raw) if raw.lstrip()[:1] == b"{" else _from_pem(raw)
    except (jwt.PyJWTError, msgspec.DecodeError, ValueError, TypeError, RecursionError):
        raise ConfigError(
            f"{path} holds no private key that can sign for us.",
            hint="It must be PEM or a JWK, without a password: EC P-384, or RSA of at least "
            f"{_LEAST_RSA_BITS} bits. `b12fhir keys new` makes one.",
        ) from None


def make_key(algorithm: str, path: Path) -> SigningKey:
    """Write a new private key that only its owner can read: a JWK if the file is named so, or PEM.

    Raises `ConfigError` if the file is there, whatever it holds, or cannot be written.
    """
    private: PrivateKey
    if algorithm == ES384:
        private = ec.generate_private_key(ec.SECP384R1())
    else:
        private = rsa.generate_private_key(public_exponent=65_537, key_size=_RSA_BITS)
    key = _named(algorithm, private)
    _write_new(path, _as_jwk(key) if path.suffix.lower() in _JWK_SUFFIXES else _as_pem(private))
    return key


def public_set(keys: Iterable[SigningKey]) -> bytes:
    """The JWKS to register, or to serve at its registered address; each key once."""
    rows = {key.kid: key.public for key in keys}
    return msgspec.json.format(msgspec.json.encode({"keys": list(rows.values())}), indent=2) + b"\n"


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(_MAX_BYTES)
    except OSError as error:
        msg = f"The key file {path} cannot be read ({error.strerror})."
        raise ConfigError(msg, hint="Check the path and its permissions.") from None
    if mode & _EVERYBODY:
        raise ConfigError(
            f"The key file {path} is open to every user of this machine.",
            hint=f"Close it: chmod 600 {path}; and if others may have read it, make a new key.",
        )
    return raw


def _from_pem(raw: bytes) -> SigningKey:
    private = serialization.load_pem_private_key(raw, password=None)
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name == _CURVE:
        return _named(ES384, private)
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= _LEAST_RSA_BITS:
        return _named(RS384, private)
    raise ValueError("another kind of key")


def _from_jwk(raw: bytes) -> SigningKey:
    row = msgspec.json.decode(raw, type=dict[str, Any])
    algorithm = {"EC": ES384, "RSA": RS384}[row["kty"]] if row.get("kty") in _REQUIRED else ""
    private = jwt.PyJWK(row, algorithm or None).key
    if not isinstance(private, PrivateKey) or row.get("alg", algorithm) != algorithm:
        raise ValueError("no private key of ours")
    # As PEM, so that kind and size are judged in one place.
    key = _from_pem(_as_pem(private))
    kid = row.get("kid")
    return SigningKey(key.algorithm, kid, private) if isinstance(kid, str) and kid else key


def _named(algorithm: str, private: PrivateKey) -> SigningKey:
    return SigningKey(algorithm, _thumbprint(_public_numbers(algorithm, private)), private)


def _thumbprint(public: Mapping[str, str]) -> str:
    members = {name: public[name] for name in _REQUIRED[public["kty"]]}
    return urlsafe_b64encode(sha256(msgspec.json.encode(members)).digest()).rstrip(b"=").decode()


def _public_numbers(algorithm: str, private: PrivateKey) -> dict[str, str]:
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key(), as_dict=True)
    return {name: made[name] for name in _REQUIRED[made["kty"]]}


def _as_pem(private: PrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _as_jwk(key: SigningKey) -> bytes:
    made = jwt.get_algorithm_by_name(key.algorithm).to_jwk(key.private, as_dict=True)
    row = {**made, "alg": key.algorithm, "kid": key.kid, "use": "sig", "key_ops": ["sign"]}
    return msgspec.json.format(msgspec.json.encode(row), indent=2) + b"\n"


def _write_new(path: Path, content: bytes) -> None:
    """Write what must never be overwritten nor be read by others, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritten(path, error) from None
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError:
        raise ConfigError(
            f"{path} is there already, and a key is never overwritten: it may be in use.",
            hint="Name another file.",
        ) from None
    except OSError as error:
        raise _unwritten(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise _unwritten(path, error) from None


def _unwritten(path: Path, error: OSError) -> ConfigError:
    msg = f"The key file {path} cannot be written ({error.strerror})."
    return ConfigError(msg, hint="Check the path, its permissions and the space on the disk.")

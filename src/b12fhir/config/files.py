"""The files that settings name: token, key, and the site's own codes."""

import re
from functools import lru_cache
from pathlib import Path

from b12fhir.errors import ConfigError
from b12fhir.fhir.codemap import CodeMap, read_code_map
from b12fhir.protocol.load import load_protocol

_TOKEN_SIZE = 16_384
_KEY_SIZE = 16
_SECRET_SIZE = 512


def read_token(path: Path) -> str:
    """The bearer token in a file; raises `ConfigError`, without its content, if it is none."""
    raw = _content(path, "token file")[: _TOKEN_SIZE + 1]
    token = raw.removeprefix(b"\xef\xbb\xbf").strip().removeprefix(b"Bearer ")
    if not re.fullmatch(rb"[\x21-\x7e]{1,%d}" % _TOKEN_SIZE, token):
        msg = f"The token file {path} does not hold one bearer token."
        raise ConfigError(msg, hint="It must hold the bare token on one line, nothing else.")
    return token.decode("ascii")


def read_key(path: Path) -> bytes:
    """The key in a file; raises `ConfigError` if it is too short to be one."""
    key = _content(path, "audit key file").rstrip(b"\r\n")
    if len(key) < _KEY_SIZE:
        msg = f"The audit key file {path} holds fewer than {_KEY_SIZE} bytes."
        raise ConfigError(msg, hint="Make one with: openssl rand -hex 32 > FILE")
    return key


def read_secret(path: Path | None) -> str:
    """The secret in a file, fit for a header; raises `ConfigError` if there is none."""
    if path is None:
        raise ConfigError(
            "No file of a secret is named, so anybody could ring the bell.",
            hint="Make one with: openssl rand -hex 32 > FILE; name it in "
            "B12FHIR_SUBSCRIPTION_SECRET_FILE.",
        )
    return _secret(path, "secret")


def read_site_key(path: Path) -> str:
    """What patients' pseudonyms are made with; raises `ConfigError` if the file holds none."""
    return _secret(path, "site key")


def _secret(path: Path, what: str) -> str:
    secret = _content(path, f"{what} file").strip()
    if not re.fullmatch(rb"[A-Za-z0-9._~+/=-]{%d,%d}" % (_KEY_SIZE, _SECRET_SIZE), secret):
        msg = f"The {what} file {path} does not hold one secret of {_KEY_SIZE} characters or more."
        raise ConfigError(msg, hint="Make one with: openssl rand -hex 32 > FILE")
    return secret.decode("ascii")


def _content(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"The {what} {path} cannot be read ({error.strerror})."
        raise ConfigError(msg, hint="Check the path and its permissions.") from None


def read_codes(path: Path, pack: str) -> CodeMap:
    """The site's own codes in a file; raises `ConfigError` for what is wrong in it."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        msg = f"The code map {path} cannot be read as UTF-8 text."
        raise ConfigError(msg, hint="Check the path, its permissions and its encoding.") from None
    return _checked(text, f"The code map {path}", pack)


@lru_cache(maxsize=4)
def _checked(text: str, where: str, pack: str) -> CodeMap:
    """Checked once, not for each patient of a run."""
    return read_code_map(text, where=where, protocol=load_protocol(pack))

"""How the text of a setting is read: one function a kind of value, refusing what it is not."""

import re
from collections.abc import Callable
from datetime import tzinfo
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from b12fhir.errors import ConfigError
from b12fhir.kernel.address import LOOPBACK, parse_address

OFF = "off"
_MAX_WORDS = 100
_MAX_PORT = 65_535
_TOKEN_URL = "Write it like https://login.example.org/token."  # noqa: S105 - an address


def server(text: str) -> str:
    """The base address of a FHIR server."""
    address = _split(text)
    if address is None:
        msg = "not the address of a FHIR server."
        raise ConfigError(msg, hint="Write it like https://ehr.example.org/fhir.")
    if address.username or address.password or address.query or address.fragment:
        msg = "the server address holds a user, a password, a query or a fragment."
        raise ConfigError(msg, hint="Give the plain base address; put a token into a token file.")
    return text.rstrip("/")


def canonical(text: str) -> str:
    """An absolute web address."""
    if not re.fullmatch(r"https?://[^\s|]+", text):
        msg = "not an absolute http(s) address."
        raise ConfigError(msg, hint="Write it like https://hospital.example.org/fhir.")
    return text.rstrip("/")


def zone(text: str) -> tzinfo:
    """A time zone by its IANA name."""
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        msg = f"{text[:40]!r} is not a known time zone."
        raise ConfigError(msg, hint="Use an IANA name such as Europe/Berlin or UTC.") from None


def word(text: str) -> str:
    """A logical name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}", text):
        msg = "only letters, digits and . _ : / - are allowed, at most 200."
        raise ConfigError(msg)
    return text


def someone(text: str) -> str:
    """One line that names a person, a role or an office."""
    if not text.isprintable() or len(text) > _MAX_WORDS:
        msg = f"not one line of at most {_MAX_WORDS} characters."
        raise ConfigError(msg, hint="Write it like Haematology, or PractitionerRole/7.")
    return text


def pack(text: str) -> str:
    """The name of a protocol pack."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", text):
        msg = f"{text[:40]!r} is no name of a protocol pack."
        raise ConfigError(msg, hint="See b12fhir packs.")
    return text


def switch(text: str) -> bool:
    """On or off."""
    word = text.lower()
    if word not in {"on", "off", "true", "false", "yes", "no", "1", "0"}:
        msg = f"{text[:20]!r} is neither on nor off."
        raise ConfigError(msg, hint="Write on or off.")
    return word in {"on", "true", "yes", "1"}


def number(most: int, *, least: int = 1) -> Callable[[str], int]:
    """A reader of whole numbers from ``least`` to ``most``."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,7}", text) or not least <= int(text) <= most:
            msg = f"{text[:20]!r} is not a whole number from {least} to {most}."
            raise ConfigError(msg)
        return int(text)

    return read


def listen(text: str) -> tuple[str, int]:
    """Host and port to listen at; port 0 is any free one."""
    host, _, port = text.rpartition(":")
    name = host.removeprefix("[").removesuffix("]")
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", name) or not re.fullmatch(r"[0-9]{1,5}", port):
        msg = f"{text[:40]!r} is no address and port."
        raise ConfigError(msg, hint="Write it like 127.0.0.1:8000 or [::1]:8000.")
    if int(port) > _MAX_PORT:
        msg = f"there is no port {port}."
        raise ConfigError(msg, hint=f"Ports go up to {_MAX_PORT}.")
    return name, int(port)


def web_address(text: str) -> str:
    """A web address without user, query or fragment, and without a slash at its end."""
    parts = _split(text)
    if parts is None or parts.username or parts.password or parts.query or parts.fragment:
        msg = "not a plain http(s) address."
        raise ConfigError(msg, hint="Write it like https://b12.hospital.example.org/cds.")
    return text.rstrip("/")


def secret_address(text: str) -> str:
    """A web address that something secret is sent to or proved by: https, or on this machine.

    It is kept to the letter, for others compare it so.
    """
    parts = _split(text)
    if parts is None or parts.username or parts.password or parts.fragment:
        raise ConfigError("not a plain web address.", hint=_TOKEN_URL)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ConfigError("not an https address.", hint=_TOKEN_URL)
    return text


def token(text: str) -> str:
    """One word of printable characters, as others gave it out."""
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", text):
        raise ConfigError("not one word of at most 200 printable characters.")
    return text


def scopes(text: str) -> str:
    """SMART scopes, one space between each two."""
    words = text.split()
    if not all(re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}", one) for one in words):
        raise ConfigError("not a list of scopes.", hint="Write them like system/Patient.rs.")
    return " ".join(words)


def auth(text: str) -> str:
    """Who must show a token."""
    if text.lower() not in {"on", "off", "open"}:
        msg = f"{text[:20]!r} is neither on, off nor open."
        raise ConfigError(msg, hint="Write on, unless this is a trial.")
    return text.lower()


def servers(text: str) -> tuple[str, ...]:
    """Base addresses of FHIR servers."""
    return tuple(base(one) for one in _parts(text))


def base(text: str) -> str:
    """The base address of a FHIR server, in the one spelling by which addresses are compared."""
    return parse_address(server(text)).base


def origins(text: str) -> tuple[str, ...]:
    """Web origins: scheme, host and port, as a browser sends them."""
    return tuple(_origin(one) for one in _parts(text))


def words(text: str) -> tuple[str, ...]:
    """Logical names."""
    return tuple(word(one) for one in _parts(text))


def store(text: str) -> str:
    """The address of a database. The error does not repeat it, for it may hold a password."""
    if not re.fullmatch(r"(sqlite|postgresql(\+psycopg)?)://[\x21-\x7e]+", text):
        msg = "not the address of a SQLite or PostgreSQL database."
        raise ConfigError(msg, hint="Write it like sqlite:///state/hooks.sqlite3.")
    return text


def store_or_off(text: str) -> str:
    """The address of a database, or ``off`` for none."""
    return OFF if text.lower() == OFF else store(text)


def _parts(text: str) -> list[str]:
    return [one for one in re.split(r"[\s,]+", text) if one]


def _origin(text: str) -> str:
    parts = _split(text)
    if parts is None or not re.fullmatch(r"https?://[a-z0-9.:\[\]-]+", text):
        msg = f"{text[:60]!r} is no web origin."
        hint = "Write each like https://ehr.example.org: no path, lower case, and never *."
        raise ConfigError(msg, hint=hint)
    return text


def _split(text: str) -> SplitResult | None:
    """A web address taken apart, or nothing."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    is_plain = text.isascii() and text.isprintable() and " " not in text
    return parts if is_plain and parts.scheme in {"http", "https"} and parts.hostname else None

"""How the text of a setting is read: one function a kind of value, refusing what it is not."""

import re
from collections.abc import Callable
from datetime import tzinfo
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from b12fhir.errors import ConfigError

_MAX_WORDS = 100


def server(text: str) -> str:
    """The base address of a FHIR server."""
    try:
        address = urlsplit(text)
        address.port  # noqa: B018  # the property raises for a port that is no number
    except ValueError:
        address = urlsplit("")
    if address.scheme not in {"http", "https"} or not address.hostname:
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


def number(most: int) -> Callable[[str], int]:
    """A reader of whole numbers from 1 to ``most``."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= most:
            msg = f"{text[:20]!r} is not a whole number from 1 to {most}."
            raise ConfigError(msg)
        return int(text)

    return read

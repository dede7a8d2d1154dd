"""The ``[[client]]`` tables of the file: who may call, and whose keys prove it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from b12fhir.config import readers
from b12fhir.errors import ConfigError
from b12fhir.kernel.address import LOOPBACK
from b12fhir.ports import Client

_MAX_ISSUER = 500


def read_clients(rows: object, where: str) -> tuple[tuple[Client, ...], list[ConfigError]]:
    """The clients of a file, and what is wrong with them, by number and key.

    A faulty client is left out; the caller refuses the file as soon as anything is wrong in it.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        msg = f"{where}: client is no list of tables."
        return (), [ConfigError(msg, hint="Begin each with [[client]].")]
    clients: dict[str, Client] = {}
    problems: list[ConfigError] = []
    for number, row in enumerate(rows, 1):
        place = f"{where}: [[client]] {number}"
        found = [*_unknown(row, place), *_faults(row, place)]
        problems += found
        if found:
            continue
        client = _client(row)
        if client.issuer in clients:
            hint = "Put its tenants and servers into one table."
            problems.append(ConfigError(f"{place}: its issuer has a table already.", hint=hint))
        clients[client.issuer] = client
    return tuple(clients.values()), problems


def _unknown(row: Mapping[str, object], place: str) -> list[ConfigError]:
    hint = f"Known: {', '.join(sorted(_READERS))}."
    return [
        ConfigError(f"{place}: {key[:40]!r} is no key of a client.", hint=hint)
        for key in sorted(row)
        if key not in _READERS
    ]


def _faults(row: Mapping[str, object], place: str) -> list[ConfigError]:
    """A key that cannot be read, or that is missing."""
    problems = []
    if "issuer" not in row:
        problems.append(ConfigError(f"{place}: issuer is missing.", hint="It is the tokens' iss."))
    if not {"jku", "jwks_file"} & set(row):
        hint = "Give one: without the client's public keys no token of it can be checked."
        problems.append(ConfigError(f"{place}: neither jku nor jwks_file.", hint=hint))
    for key in sorted(set(row) & set(_READERS)):
        try:
            _READERS[key](row[key])
        except ConfigError as error:
            problems.append(ConfigError(f"{place}: {key}: {error.message}", hint=error.hint))
    return problems


def _client(row: Mapping[str, object]) -> Client:
    read = {key: _READERS[key](value) for key, value in row.items()}
    return Client(**{"name": read["issuer"], **read})  # type: ignore[arg-type]  # as in `load`


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError("not a text.", hint='Write it in quotes, like "https://ehr.example.org".')
    return value.strip()


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigError("not a list of texts.", hint='Write it like ["a", "b"].')
    return tuple(_text(one) for one in value)


def _line(value: object) -> str:
    text = _text(value)
    if not text.isprintable() or len(text) > _MAX_ISSUER:
        raise ConfigError(f"not one line of at most {_MAX_ISSUER} characters.")
    return text


def _jku(value: object) -> str:
    """Keys that travel unprotected prove nothing, except on this machine."""
    text = _text(value)
    readers.web_address(text)
    parts = urlsplit(text)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ConfigError("not an https address.", hint="Keys are only fetched over https.")
    return text


_READERS: Mapping[str, Callable[[object], object]] = {
    "name": _line,
    "issuer": _line,
    "jku": _jku,
    "jwks_file": lambda value: Path(_text(value)),
    "tenants": lambda value: frozenset(_line(one) for one in _texts(value)),
    "fhir_servers": lambda value: tuple(readers.base(one) for one in _texts(value)),
}

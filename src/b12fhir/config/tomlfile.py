"""The settings file: TOML, flat keys with the names of the settings, and tables of clients."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from b12fhir.config.clients import read_clients
from b12fhir.config.table import SETTINGS
from b12fhir.errors import ConfigError
from b12fhir.ports import Client

_CLIENT = "client"
_TEXT_KEYS = frozenset(row.name for row in SETTINGS if row.in_file and not row.table)


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says: texts by name of the setting, clients, and what is wrong in it."""

    texts: Mapping[str, str] = field(default_factory=dict)
    clients: tuple[Client, ...] = ()
    problems: Sequence[ConfigError] = ()


def read_file(path: Path) -> Told:
    """Read a settings file; raises `ConfigError` if it is no TOML."""
    where = str(path)
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        msg = f"The settings file {where} cannot be read as UTF-8 text."
        raise ConfigError(msg, hint="Check the path, its permissions and its encoding.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML: {error}.", hint="Nothing was started.") from None
    clients, problems = read_clients(document.pop(_CLIENT, []), where)
    texts: dict[str, str] = {}
    for key, value in document.items():
        text = _as_text(value)
        if key not in _TEXT_KEYS:
            hint = f"Known: {', '.join(sorted(_TEXT_KEYS))}."
            problems.append(ConfigError(f"{where}: {key[:40]!r} is no setting.", hint=hint))
        elif text is None:
            hint = "Write text in quotes, true or false, a whole number, or a list of texts."
            problems.append(ConfigError(f"{where}: {key}: not a value of a setting.", hint=hint))
        else:
            texts[key] = text.strip()
    return Told(texts, clients, problems)


def _as_text(value: object) -> str | None:
    """A value as its variable would hold it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | str):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " ".join(value)
    return None

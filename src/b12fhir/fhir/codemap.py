"""A site's map from its own laboratory codes to LOINC (ruling 16).

::

    [[code]]
    system = "urn:example:lab"
    code = "VITB12"
    loinc = "2132-9"

A name never decides what a result is: a local code counts only through a row of this map.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

from b12fhir.errors import ConfigError
from b12fhir.kernel.codes import LOINC, Code, is_loinc, normal_system

_KEYS = {"system", "code", "loinc"}
_HINT = "Each [[code]] has system, code and loinc, and nothing else."


def read_code_map(text: str, *, where: str) -> Mapping[Code, Code]:
    """The map in a TOML text. Raises `ConfigError` naming every faulty row at once."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML ({error}).", hint=_HINT) from None
    rows = table.get("code")
    if set(table) != {"code"} or not isinstance(rows, list):
        raise ConfigError(f"{where} holds no list of [[code]].", hint=_HINT)
    problems = [f"row {n}: {p}" for n, row in enumerate(rows, start=1) if (p := _problem(row))]
    if problems:
        raise ConfigError(f"{where}: {'; '.join(problems)}.", hint=_HINT)
    return _unambiguous(rows, where)


def _problem(row: Any) -> str:
    if not isinstance(row, dict) or set(row) != _KEYS:
        return "wants system, code and loinc"
    if not all(isinstance(value, str) and value.strip() for value in row.values()):
        return "every value is a text that is not empty"
    return "" if is_loinc(row["loinc"]) else f"{row['loinc']!r} is no LOINC code (check digit)"


def _unambiguous(rows: list[dict[str, str]], where: str) -> Mapping[Code, Code]:
    """One local code means one test: two meanings would be a guess."""
    codes: dict[Code, Code] = {}
    for row in rows:
        local = Code(normal_system(row["system"]), row["code"].strip())
        target = Code(LOINC, row["loinc"])
        if codes.setdefault(local, target) != target:
            raise ConfigError(
                f"{where}: {local.code!r} of {local.system} stands there twice with different"
                " LOINC codes.",
                hint="Keep one row.",
            )
    return codes

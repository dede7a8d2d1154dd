"""A site's map of its own codes: laboratory tests and medicines (ruling 16).

One TOML file with three kinds of rows, each explained in ``profiles/code-map.toml``: ``[[code]]``
maps a laboratory code to LOINC, ``[[drug]]`` says what a local medicine is, ``[[product]]`` how the
site codes a product of the protocol. A name never decides what a result is, and a code of which
anything is in doubt is refused: a wrong row would be a wrong dose.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator

from b12fhir.errors import ConfigError
from b12fhir.fhir.drugrows import Rows, formulary_of
from b12fhir.fhir.formulary import Formulary
from b12fhir.kernel.codes import LOINC, Code, is_loinc, normal_system
from b12fhir.protocol.model import Protocol

KINDS = ("code", "drug", "product")
_HINT = "profiles/code-map.toml explains every row and key. Nothing is read with half a map."
# What jsonschema would say with a word of its own trade.
_WHY = {
    "additionalProperties": "has a key that is not known",
    "dependentRequired": "lacks a key that goes with another",
    "minLength": "is empty",
}


@dataclass(frozen=True, slots=True)
class CodeMap:
    """Local laboratory codes as LOINC, and the site's medicines."""

    labs: Mapping[Code, Code] = field(default_factory=dict)
    drugs: Formulary = field(default_factory=Formulary)


def read_code_map(text: str, *, where: str, protocol: Protocol) -> CodeMap:
    """The map in a TOML text. Raises `ConfigError` naming every faulty row at once.

    ``where`` is what the file is called in messages; ``protocol`` knows ingredients and products.
    """
    table = _table(text, where)
    wrong = _shape(table)
    rows: Rows = {
        kind: [(n, row) for n, row in enumerate(table.get(kind, []), 1) if (kind, n) not in wrong]
        for kind in KINDS
    }
    labs, problems = _labs(rows["code"])
    drugs, more = formulary_of(rows, protocol)
    said = [*(one for told in wrong.values() for one in told), *problems, *more]
    if said:
        raise ConfigError(f"{where}: {'; '.join(said)}.", hint=_HINT)
    return CodeMap(labs, drugs)


def _table(text: str, where: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(text, parse_float=_number)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML ({error}).", hint=_HINT) from None
    lists = [table[kind] for kind in KINDS if kind in table]
    if not lists or set(table) - set(KINDS) or not all(isinstance(one, list) for one in lists):
        raise ConfigError(
            f"{where} holds no list of [[code]], [[drug]] or [[product]].", hint=_HINT
        )
    return table


def _number(said: str) -> Decimal | str:
    """An exact decimal; infinity and "not a number" stay words, which the schema refuses."""
    number = Decimal(said)
    return number if number.is_finite() else said


def _shape(table: dict[str, Any]) -> dict[tuple[str, int], list[str]]:
    """What the schema says against each row; such a row is not checked further."""
    found: dict[tuple[str, int], list[str]] = {}
    for error in sorted(_validator().iter_errors(table), key=lambda one: list(one.absolute_path)):
        kind, place, *rest = error.absolute_path
        key = f", {rest[0]}" if rest else ""
        why = _WHY.get(str(error.validator), "")
        told = f"{why} ({error.message})" if why else error.message
        name = (str(kind), int(place) + 1)
        found.setdefault(name, []).append(f"{kind} {name[1]}{key}: {told}")
    return found


@lru_cache
def _validator() -> Any:
    text = files("b12fhir.fhir").joinpath("codemap.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def _labs(rows: list[tuple[int, dict[str, Any]]]) -> tuple[dict[Code, Code], list[str]]:
    """Local codes to LOINC; one of them means one test, as two meanings would be a guess."""
    codes: dict[Code, set[Code]] = {}
    problems = []
    for number, row in rows:
        if any(not value.strip() for value in row.values()):
            problems.append(f"code {number}: every value is a text that is not empty")
        elif not is_loinc(row["loinc"]):
            problems.append(
                f"code {number}, loinc: {row['loinc']!r} is no LOINC code (check digit)"
            )
        else:
            local = Code(normal_system(row["system"]), row["code"].strip())
            codes.setdefault(local, set()).add(Code(LOINC, row["loinc"]))
    meanings = Counter({local: len(targets) for local, targets in codes.items()})
    problems += [
        f"code: {local.code!r} of {local.system} stands there twice with different LOINC codes;"
        " keep one row"
        for local, count in meanings.items()
        if count > 1
    ]
    return {local: min(targets) for local, targets in codes.items()}, problems

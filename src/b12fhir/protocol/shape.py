"""The shape of each protocol file: JSON Schema over TOML."""

import json
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from b12fhir.protocol.documents import CODES, KNOWLEDGE, PACK, Documents, home
from b12fhir.protocol.problems import Problem

# The columns of codes.csv; a CSV has no schema of its own.
CODE_COLUMNS = (
    "system",
    "code",
    "concept",
    "display",
    "certainty",
    "ask",
    "drug",
    "strength",
    "strength_unit",
)


def _is_date(_checker: object, value: object) -> bool:
    return type(value) is date


# TOML has dates, JSON has none: a schema may ask for `"type": "date"`.
_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("date", _is_date),
)


def shape_problems(documents: Documents) -> list[Problem]:
    """What the schemas say against the documents; every fault of every file."""
    problems = [
        Problem(f"{name}.toml", _path(error), error.message)
        for name in (*KNOWLEDGE, *PACK)
        for error in _validator(name).iter_errors(documents.toml[name])
    ]
    return [*problems, *_table(documents)]


@lru_cache
def _validator(name: str) -> Any:  # noqa: ANN401 - a class made at run time
    text = home().joinpath("schema", f"{name}.json").read_text(encoding="utf-8")
    return _Validator(json.loads(text))


def _path(error: ValidationError) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return "".join(parts).lstrip(".") or "(whole file)"


def _table(documents: Documents) -> Iterator[Problem]:
    for number, row in enumerate(documents.codes, start=2):
        if tuple(row) != CODE_COLUMNS or None in row.values():
            expected = ", ".join(CODE_COLUMNS)
            yield Problem(CODES, f"line {number}", f"has not the columns {expected}")

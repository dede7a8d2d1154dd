"""Every number a rule compares with, as in force on a day."""

from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

from b12fhir.kernel.analyte import Analyte
from b12fhir.protocol.builders.numbers import decimal
from b12fhir.protocol.documents import Document, Documents
from b12fhir.protocol.limits import AgeLimit, AnaemiaLimit, Band, DoseWindow, Limits
from b12fhir.protocol.versions import in_force

_TABLES = frozenset({"bands", "mma_cutoff", "anaemia", "dose_windows"})
# Names of the plain numbers, and whether each is a whole number.
LIMIT_IDS = {field.name: field.type is int for field in fields(Limits) if field.name not in _TABLES}


def limits(documents: Documents, on: date | None) -> Limits:
    """Every limit in its version of the day."""
    numbers: dict[str, Any] = {
        entry["id"]: _number(entry["id"], held["value"])
        for entry in documents.list_of("limits", "limit")
        if (held := in_force(entry["version"], on)) is not None
    }
    return Limits(
        bands=_bands(documents, on),
        mma_cutoff=_cutoffs(documents, on),
        anaemia=_anaemia(documents, on),
        dose_windows=_windows(documents, on),
        **numbers,
    )


def _number(name: str, value: Decimal | int) -> Decimal | int:
    return int(value) if LIMIT_IDS[name] else decimal(value)


def _bands(documents: Documents, on: date | None) -> dict[tuple[Analyte, str], Band]:
    return {
        (Analyte(entry["analyte"]), entry["unit"]): Band(
            decimal(held["low"]), decimal(held["high"])
        )
        for entry in documents.list_of("limits", "band")
        if (held := in_force(entry["version"], on)) is not None
    }


def _cutoffs(documents: Documents, on: date | None) -> tuple[AgeLimit, ...]:
    return tuple(
        AgeLimit(decimal(one["from_years"]), decimal(one["to_years"]), decimal(one["value"]))
        for one in _held(documents, "mma_cutoff", on).get("ages", [])
    )


def _anaemia(documents: Documents, on: date | None) -> dict[str, AnaemiaLimit]:
    return {
        one["group"]: AnaemiaLimit(
            group=one["group"],
            sex=one["sex"],
            from_years=decimal(one["from_years"]),
            to_years=decimal(one["to_years"]),
            trimester=one["trimester"],
            limit=decimal(one["limit"]),
            mild=decimal(one["mild"]),
            severe=decimal(one["severe"]),
        )
        for one in _held(documents, "anaemia", on).get("groups", [])
    }


def _windows(documents: Documents, on: date | None) -> tuple[DoseWindow, ...]:
    return tuple(DoseWindow(**row) for row in _held(documents, "dose_windows", on).get("rows", []))


def _held(documents: Documents, key: str, on: date | None) -> Document:
    return in_force(documents.list_of("limits", key), on) or {}

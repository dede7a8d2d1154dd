"""Analytes, their units and the codes they travel under."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from b12fhir.kernel.analyte import Analyte
from b12fhir.protocol.analytes import AnalyteInfo, AnalyteTable, LabCode, UnitRule
from b12fhir.protocol.builders.numbers import decimal
from b12fhir.protocol.documents import Document, Documents
from b12fhir.protocol.versions import in_force

_ONE = Decimal(1)
_SCALED = "plausible_divide"


def analyte_table(documents: Documents, on: date | None) -> AnalyteTable:
    """The whole table, with the ranges in force on a day."""
    entries = documents.list_of("analytes", "analyte")
    infos = [_info(entry, on) for entry in entries]
    return AnalyteTable(
        info={info.analyte: info for info in infos},
        codes={code.code: code for entry in entries for code in _codes(entry)},
        presence={
            code: test["id"]
            for test in documents.list_of("analytes", "presence")
            for code in test["codes"]
        },
        not_these={
            entry["code"]: entry["reason"] for entry in documents.list_of("analytes", "not_these")
        },
        panels=frozenset(documents.toml["analytes"]["panels"]["codes"]),
    )


def ranges_by_unit(entry: Document) -> dict[str, list[Document]]:
    """The dated ranges of one analyte, by native unit."""
    grouped: dict[str, list[Document]] = {}
    for one in entry["range"]:
        grouped.setdefault(one["native"], []).append(one)
    return grouped


def _info(entry: Document, on: date | None) -> AnalyteInfo:
    held = {unit: in_force(all_of, on) for unit, all_of in ranges_by_unit(entry).items()}
    ranges = {unit: one for unit, one in held.items() if one is not None}
    return AnalyteInfo(
        analyte=Analyte(entry["id"]),
        label=entry["label"],
        units=dict(_units(entry)),
        plausible={unit: _plausible(one) for unit, one in ranges.items()},
        usual={unit: _pair(one["usual"]) for unit, one in ranges.items()},
        decides=entry.get("decides", False),
        scales={unit: _scale(one) for unit, one in ranges.items() if _SCALED in one},
    )


def _units(entry: Document) -> Iterator[tuple[str, UnitRule]]:
    for unit in entry["unit"]:
        rule = UnitRule(
            unit=unit["unit"],
            kind=unit["kind"],
            native=unit["native"],
            multiply=decimal(unit.get("multiply", _ONE)),
            divide=decimal(unit.get("divide", _ONE)),
            note=unit.get("note", ""),
        )
        for spelling in unit["spellings"]:
            yield spelling, rule


def _codes(entry: Document) -> Iterator[LabCode]:
    for code in entry["code"]:
        yield LabCode(
            code["code"],
            Analyte(entry["id"]),
            code["kind"],
            code.get("note", ""),
            code["display"],
        )


def _plausible(one: Document) -> tuple[Decimal, Decimal]:
    """The range, or one written in another unit and turned into this one exactly."""
    low, high = _pair(one["plausible"])
    multiply, divide = _scale(one)
    return low * multiply / divide, high * multiply / divide


def _scale(one: Document) -> tuple[Decimal, Decimal]:
    return decimal(one.get("plausible_multiply", _ONE)), decimal(one.get(_SCALED, _ONE))


def _pair(ends: list[Decimal | int]) -> tuple[Decimal, Decimal]:
    return decimal(ends[0]), decimal(ends[1])

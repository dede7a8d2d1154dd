"""The unit of a result: UCUM code first, unit text if there is none, never a guess (section 24)."""

from b12fhir.facts.labs import Analyte
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.issues import (
    UNIT_DIFFERS,
    UNIT_KIND,
    UNIT_MISSING,
    UNIT_NOTE,
    UNIT_OF_RANGE,
    UNIT_SYSTEM,
    UNIT_UNKNOWN,
    RefusedError,
    quote,
)
from b12fhir.fhir.extract.moment import Notes
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.extract.value import Reading
from b12fhir.kernel.quantities import normal_unit
from b12fhir.protocol.analytes import AnalyteInfo, AnalyteTable, LabCode, UnitRule

_ANY = "any"


def unit_of(
    reading: Reading,
    part: Resource,
    codes: tuple[LabCode, ...],
    table: AnalyteTable,
    notes: Notes,
) -> UnitRule:
    """The unit's rule in the analyte's table; the unit's kind agrees with the code's."""
    info = table.info[codes[0].analyte]
    stated = reading.code or reading.unit
    rule = _stated(reading, info, table) if stated else _from_range(part, info, notes)
    _check_kind(reading, rule, codes, info)
    if reading.system:
        notes.append((UNIT_SYSTEM, f"codes its unit in {quote(reading.system)}, not in UCUM"))
    if rule.note:
        notes.append((UNIT_NOTE, f"has the unit {quote(stated)}: {rule.note}"))
    return rule


def quantity_rule(quantity: Resource, info: AnalyteInfo) -> UnitRule | None:
    """The rule of a limit's own unit; ``None`` if it has none or an unknown one."""
    stated = text(quantity.get("code")) or text(quantity.get("unit"))
    return info.units.get(normal_unit(stated))


def _stated(reading: Reading, info: AnalyteInfo, table: AnalyteTable) -> UnitRule:
    stated = reading.code or reading.unit
    rule = info.units.get(normal_unit(stated))
    if reading.code and reading.unit and _contradicts(reading, info.analyte, table):
        raise RefusedError(
            UNIT_DIFFERS,
            f"has unit {quote(reading.unit)} and code {quote(reading.code)} for {info.label}:"
            " they contradict each other",
        )
    if rule is None:
        known = ", ".join(sorted({one.unit for one in info.units.values()}))
        raise RefusedError(
            UNIT_UNKNOWN, f"has unit {quote(stated)} for {info.label}; known: {known}"
        )
    return rule


def _contradicts(reading: Reading, analyte: Analyte, table: AnalyteTable) -> bool:
    """Only a text that is itself a known unit, with another meaning, contradicts the code.

    "grams per millilitre" or "percent" are names, not units of the tables: they say nothing.
    """
    code, unit = normal_unit(reading.code), normal_unit(reading.unit)
    if code == unit:
        return False
    own = table.info[analyte].units
    if code in own and unit in own:
        return not _same(own[code], own[unit])
    others = [info.units for info in table.info.values()]
    both = [units for units in others if code in units and unit in units]
    if both:
        return not any(_same(units[code], units[unit]) for units in both)
    return any(unit in units for units in others) and any(code in units for units in others)


def _same(one: UnitRule, other: UnitRule) -> bool:
    return (
        one.native == other.native
        and one.kind == other.kind
        and one.multiply * other.divide == other.multiply * one.divide
    )


def _from_range(part: Resource, info: AnalyteInfo, notes: Notes) -> UnitRule:
    """R-23: a result without unit takes the one unit its own reference ranges state."""
    limits = [
        obj(given.get(side))
        for given in items(part.get("referenceRange"))
        for side in ("low", "high")
    ]
    rules = [quantity_rule(limit, info) for limit in limits if _has_unit(limit)]
    first = rules[0] if rules else None
    if first is None or not all(rule is not None and _same(first, rule) for rule in rules):
        raise RefusedError(UNIT_MISSING, f"has no unit for {info.label}")
    notes.append((UNIT_OF_RANGE, f"has no unit; its reference range is in {first.unit}"))
    return first


def _has_unit(limit: Resource) -> bool:
    return bool(text(limit.get("code")) or text(limit.get("unit")))


def _check_kind(
    reading: Reading, rule: UnitRule, codes: tuple[LabCode, ...], info: AnalyteInfo
) -> None:
    kinds = {code.kind for code in codes}
    if _ANY in kinds or rule.kind in kinds:
        return
    number = reading.measure.number()
    wanted = sorted({one.native for one in info.units.values() if one.kind in kinds})
    raise RefusedError(
        UNIT_KIND,
        f"has LOINC {codes[0].code} (a code for {' or '.join(sorted(kinds))}) with the unit"
        f" {quote(rule.unit)} ({rule.kind}): it could mean {number} {rule.unit} or {number}"
        f" {' or '.join(wanted)}",
    )

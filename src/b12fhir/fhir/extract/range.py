"""The laboratory's reference range: taken if one fits, and a witness against a wrong unit."""

from decimal import Decimal

from b12fhir.facts.labs import Range
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.issues import RANGE_DIFFERS, RANGE_DROPPED, RefusedError
from b12fhir.fhir.extract.moment import Notes
from b12fhir.fhir.extract.tree import codes_of, items, obj
from b12fhir.fhir.extract.unit import quantity_rule
from b12fhir.kernel.quantities import Measure, normal_unit
from b12fhir.protocol.analytes import AnalyteInfo, UnitRule

_YEAR = {"a": 1, "year": 1, "years": 1, "yr": 1}
_MAGNITUDE = 30


def lab_range(
    part: Resource, rule: UnitRule, info: AnalyteInfo, age: tuple[int, int] | None, notes: Notes
) -> Range:
    """The range that fits, in the native unit; an empty one if none or several fit.

    A range that cannot share the result's unit is left out, and said so. One that lies wholly
    outside the usual adult range contradicts the unit: the result is refused (ruling 25).
    """
    candidates = [given for given in items(part.get("referenceRange")) if _is_numeric(given)]
    fitting = [given for given in candidates if _is_normal(given) and _fits_age(given, age)]
    if len(fitting) > 1:
        fitting = [given for given in fitting if not given.get("appliesTo")]
    if len(fitting) != 1:
        return Range()
    low = _limit(fitting[0], "low", rule, info, notes)
    high = _limit(fitting[0], "high", rule, info, notes)
    if low and high and low.value > high.value:
        notes.append((RANGE_DROPPED, "has a reference range whose low end is above its high end"))
        return Range()
    _check_overlap(low, high, rule, info)
    return Range(low, high)


def _is_numeric(given: Resource) -> bool:
    return any(_amount(obj(given.get(side))) is not None for side in ("low", "high"))


def _is_normal(given: Resource) -> bool:
    """Ranges of another type (therapeutic, recommended, critical) are no limits of normal."""
    types = {code.code for code in codes_of(given.get("type"))}
    return not types or "normal" in types


def _fits_age(given: Resource, age: tuple[int, int] | None) -> bool:
    span = obj(given.get("age"))
    if not span:
        return True
    low, high = _years(obj(span.get("low"))), _years(obj(span.get("high")))
    if age is None or (low is None and high is None):
        return False
    return (low is None or age[0] >= low) and (high is None or age[1] <= high)


def _years(quantity: Resource) -> Decimal | None:
    unit = str(quantity.get("code") or quantity.get("unit"))
    return _amount(quantity) if unit in _YEAR else None


def _amount(quantity: Resource) -> Decimal | None:
    value = quantity.get("value")
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        return None
    number = Decimal(value)
    return number if number.is_finite() and abs(number.adjusted()) <= _MAGNITUDE else None


def _limit(
    given: Resource, side: str, rule: UnitRule, info: AnalyteInfo, notes: Notes
) -> Measure | None:
    quantity = obj(given.get(side))
    value = _amount(quantity)
    if value is None:
        return None
    stated = quantity.get("code") or quantity.get("unit")
    own = quantity_rule(quantity, info) if stated else rule
    if own is None or own.native != rule.native:
        shown = normal_unit(str(stated))
        notes.append(
            (RANGE_DROPPED, f"has a reference range in '{shown}', which cannot be compared")
        )
        return None
    return Measure(own.convert(value), own.native)


def _check_overlap(
    low: Measure | None, high: Measure | None, rule: UnitRule, info: AnalyteInfo
) -> None:
    usual = info.usual.get(rule.native)
    if usual is None:
        return
    if (low is not None and low.value > usual[1]) or (high is not None and high.value < usual[0]):
        shown = " to ".join(end.text() for end in (low, high) if end is not None)
        raise RefusedError(
            RANGE_DIFFERS,
            f"has a reference range ({shown} for {info.label}) that cannot be in the unit stated",
        )

"""The value of a result, whatever JSON type it came in (R-26, R-27)."""

from decimal import Decimal
from typing import NamedTuple

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.issues import (
    IMPLAUSIBLE,
    NO_RESULT,
    STRING_VALUE,
    UNREADABLE,
    VALUE_AND_ABSENT,
    RefusedError,
    quote,
)
from b12fhir.fhir.extract.moment import Notes
from b12fhir.fhir.extract.tree import codes_of, items, obj, text
from b12fhir.kernel.codes import DATA_ABSENT, UCUM, normal_system
from b12fhir.kernel.quantities import Comparator, Measure, parse_measure

_ABSENT_EXTENSION = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_COMPARATORS = {sign.value: sign for sign in Comparator}
# Beyond this no unit makes a laboratory value; it keeps huge exponents out of the arithmetic.
_MAGNITUDE = 30


class Reading(NamedTuple):
    """A number as sent.

    ``code`` is its UCUM code, ``unit`` its unit text, ``system`` the unit's code system if that is
    not UCUM.
    """

    measure: Measure
    code: str = ""
    unit: str = ""
    system: str = ""


def value_elements(part: Resource) -> list[str]:
    """The names of the value elements that are present."""
    return [name for name in part if name.startswith("value") and part[name] is not None]


def is_absent(part: Resource) -> bool:
    """Is a dataAbsentReason given?"""
    return bool(part.get("dataAbsentReason"))


def read_value(part: Resource, notes: Notes) -> Reading:
    """The number an Observation, or one of its components, holds."""
    names = value_elements(part)
    if not names or _says_absent(part, names[0]):
        reason = "says that there is no result" if names or is_absent(part) else "has no value"
        raise RefusedError(NO_RESULT, reason)
    if is_absent(part):
        raise RefusedError(VALUE_AND_ABSENT, "has a value and a reason why it has none (obs-6)")
    if len(names) > 1:
        raise RefusedError(UNREADABLE, f"has several values ({', '.join(sorted(names))})")
    return _READERS.get(names[0], _no_number)(part[names[0]], notes)


def _says_absent(part: Resource, name: str) -> bool:
    value = obj(part[name])
    if name == "valueCodeableConcept":
        return any(code.system == DATA_ABSENT for code in codes_of(value))
    return "value" not in value and any(
        extension.get("url") == _ABSENT_EXTENSION for extension in items(value.get("extension"))
    )


def _quantity(value: object, notes: Notes) -> Reading:
    quantity = obj(value)
    if any(one.get("url") == _ABSENT_EXTENSION for one in items(quantity.get("extension"))):
        raise RefusedError(VALUE_AND_ABSENT, "has a value and a reason why it has none")
    measure = _number(quantity.get("value"), quantity.get("comparator"), notes)
    system = normal_system(text(quantity.get("system")))
    code, unit = text(quantity.get("code")), text(quantity.get("unit"))
    if system in {"", UCUM}:
        return Reading(measure, code, unit)
    return Reading(measure, "", unit, system)


def _number(value: object, comparator: object, notes: Notes) -> Measure:
    sign = _COMPARATORS.get(text(comparator)) if comparator is not None else Comparator.EQ
    if sign is None:
        raise RefusedError(UNREADABLE, f"has the comparator {quote(comparator)}")
    if isinstance(value, str):
        return _number_in_text(value, sign, notes)
    if value is None:
        raise RefusedError(NO_RESULT, "has a quantity without a number")
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise RefusedError(UNREADABLE, f"has the value {quote(value)}, which is no number")
    return Measure(_sane(Decimal(value)), "", sign)


def _number_in_text(value: str, sign: Comparator, notes: Notes) -> Measure:
    """A quantity's number sent as a JSON string: only a bare number, with at most one sign."""
    said = parse_measure(value)
    if said is None or said.unit or Comparator.EQ not in {sign, said.comparator}:
        raise RefusedError(UNREADABLE, f"has the value {quote(value)} sent as text")
    notes.append((STRING_VALUE, f"has its number sent as text ({quote(value)})"))
    return Measure(said.value, "", sign if said.comparator is Comparator.EQ else said.comparator)


def _string(value: object, notes: Notes) -> Reading:
    said = parse_measure(value) if isinstance(value, str) else None
    if said is None:
        raise RefusedError(UNREADABLE, f"has the text {quote(value)} as value, not a number")
    notes.append((STRING_VALUE, f"has a string value ({quote(value)})"))
    return Reading(Measure(said.value, "", said.comparator), "", said.unit)


def _integer(value: object, notes: Notes) -> Reading:
    return Reading(_number(value, None, notes))


def _no_number(value: object, notes: Notes) -> Reading:  # noqa: ARG001 - one signature for all
    kind = "a boolean" if isinstance(value, bool) else "no number"
    raise RefusedError(UNREADABLE, f"has a value that is {kind}")


def is_sane(number: Decimal) -> bool:
    """Is it a number, and of a size that arithmetic can take?"""
    return number.is_finite() and abs(number.adjusted()) <= _MAGNITUDE


def _sane(number: Decimal) -> Decimal:
    if not is_sane(number):
        raise RefusedError(IMPLAUSIBLE, "has a value of impossible size")
    return number


_READERS = {
    "valueQuantity": _quantity,
    "valueString": _string,
    "valueInteger": _integer,
}

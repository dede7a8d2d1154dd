"""The short way for a result that is reported like one read before.

A laboratory reports a test in one way: code, unit and range are the same with each result, only
number and day differ. What followed from code, unit and range is remembered, once the long way
(`lab`) has gone through with them; whatever is odd in any way takes the long way again.
"""

from decimal import Decimal
from typing import NamedTuple

from b12fhir.facts.labs import Analyte, LabResult, Range
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.code import Meaning
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import Kind
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.tree import first_code, items, obj, text
from b12fhir.fhir.extract.value import is_sane
from b12fhir.kernel.quantities import Comparator, Measure, plain
from b12fhir.protocol.analytes import UnitRule

CORRECTED = frozenset({"amended", "corrected"})
_EMPTY: Resource = {}
_NUMBERS = frozenset({Decimal, int, type(None)})


class Form(NamedTuple):
    """What follows from a shape: all of a result but its number, day, status and reference.

    ``unit`` is the unit as recorded; ``notes`` are what code and unit always bring along.
    """

    analyte: Analyte
    rule: UnitRule
    plausible: tuple[Decimal, Decimal]
    unit: str
    lab_range: Range
    notes: tuple[tuple[Kind, str], ...]


# Code, unit and range, each part as sent.
Shape = tuple[object, ...]


def shape_of(part: Resource, meaning: Meaning) -> Shape:
    """How a result is reported: a lone number in a unit, with at most one plain range.

    Empty where there is anything else to be read, or where the codes contradict each other.
    """
    quantity = part.get("valueQuantity")
    if not isinstance(quantity, dict) or not meaning.numbers:
        return ()
    # One search through all names at once: is there another value element?
    if " ".join(part).count("value") != 1 or "dataAbsentReason" in part:
        return ()
    if "comparator" in quantity or "extension" in quantity or not _is_exact(quantity.get("value")):
        return ()
    stated = (meaning.numbers, quantity.get("code"), quantity.get("unit"), quantity.get("system"))
    if "referenceRange" not in part:
        return stated
    limits = _limits(part["referenceRange"])
    return stated + limits if limits else ()


def form_of(shape: Shape, record: Record) -> Form | None:
    """What is known of a shape."""
    found: Form | None = record.memories.forms.recall(shape)
    return found


def learn(shape: Shape, form: Form, record: Record) -> None:
    """Remember what followed from a shape."""
    if shape:
        record.memories.forms.keep(shape, form)


def read_usual(source: Source, form: Form, record: Record) -> list[Found]:
    """The result and its notes; nothing where day, status or number need the long way."""
    part = source.resource
    when = record.when(part.get("effectiveDateTime"))
    status = text(part.get("status"))
    number = Decimal(part["valueQuantity"]["value"])
    value = form.rule.convert(number)
    least, most = form.plausible
    if when is None or when.assumed_zone or status == "preliminary" or not least <= value <= most:
        return []
    # By place: by name it costs twice as much, and this is made for nearly each result there is.
    result = LabResult(
        form.analyte,
        Measure(value, form.rule.native, Comparator.EQ),
        when,
        source.reference,
        plain(number),
        form.unit,
        form.lab_range,
        flag_of(part) if "interpretation" in part else "",
        False,  # noqa: FBT003 - not pending
        status in CORRECTED,
        False,  # noqa: FBT003 - the day is that of the sample
        specimen_of(part) if "specimen" in part else "",
    )
    if not form.notes:
        return [result]
    return [result, *(kind.issue(source.reference, why) for kind, why in form.notes)]


def flag_of(part: Resource) -> str:
    """The laboratory's own flag, or ``""``."""
    flags = items(part.get("interpretation"))
    return first_code(flags[0]) if flags else ""


def specimen_of(part: Resource) -> str:
    """Reference of the sample, or ``""``."""
    return text(obj(part.get("specimen")).get("reference"))


def _is_exact(value: object) -> bool:
    if type(value) is int:
        return is_sane(Decimal(value))
    return type(value) is Decimal and is_sane(value)


def _limits(ranges: object) -> Shape:
    """Numbers and units of a single range for everybody; empty for any other.

    Digits count: 1.0 and 1.00 are equal, and are not written alike.
    """
    given = ranges[0] if isinstance(ranges, list) and len(ranges) == 1 else None
    if not isinstance(given, dict) or "age" in given or "type" in given:
        return ()
    low, high = given.get("low", _EMPTY), given.get("high", _EMPTY)
    if not isinstance(low, dict) or not isinstance(high, dict):
        return ()
    least, most = low.get("value"), high.get("value")
    if type(least) not in _NUMBERS or type(most) not in _NUMBERS:
        return ()
    return (
        *(type(least), str(least), low.get("code"), low.get("unit")),
        *(type(most), str(most), high.get("code"), high.get("unit")),
    )

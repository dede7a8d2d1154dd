"""The short way for a result that is reported like one read before.

A laboratory reports a test in one way: code, unit and range are the same with each result, only
number and day differ. What followed from code, unit and range is remembered, once the long way
(`lab`) has gone through with them; whatever is odd in any way takes the long way again.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from b12fhir.facts.labs import Analyte, LabResult, Range
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.code import Meaning, meaning_of
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import Kind
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.subject import base_of
from b12fhir.fhir.extract.tree import first_code, obj, text
from b12fhir.fhir.extract.value import is_sane
from b12fhir.kernel.quantities import Comparator, Measure, plain
from b12fhir.protocol.analytes import UnitRule

CORRECTED = frozenset({"amended", "corrected"})
_EXACT = Comparator.EQ
_EMPTY: Resource = {}
_made = tuple.__new__
# Stands where one coding has its system; no JSON is equal to it.
_SEVERAL = ("several",)
_NUMBERS = frozenset({Decimal, int, type(None)})
# The statuses that decide, and whether each replaces what was reported before.
_REPLACES = {"final": False, "amended": True, "corrected": True}
# Elements that stand in a usual result: those read here, and those that change nothing of it.
# Any other, be it a second value, a component or a modifier, takes the long way.
_USUAL = frozenset(
    (
        *("resourceType", "id", "meta", "text", "language", "contained", "extension"),
        *("identifier", "basedOn", "partOf", "status", "category", "code", "subject", "focus"),
        *("encounter", "effectiveDateTime", "issued", "performer", "valueQuantity", "note"),
        *("interpretation", "bodySite", "method", "specimen", "device", "referenceRange"),
        "derivedFrom",
    )
)


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


def learn(part: Resource, meaning: Meaning, form: Form, record: Record) -> None:
    """Remember what followed from the shape of a result, if it has one."""
    quantity = part.get("valueQuantity")
    shape = _shape(part, quantity, record) if isinstance(quantity, dict) else ()
    if shape and meaning.numbers:
        record.memories.forms.keep(shape, form)


def read_usual(source: Source, record: Record) -> list[Found]:
    """The result and its notes; nothing where anything of it needs the long way."""
    part = source.resource
    if not _USUAL.issuperset(part) or (record.base and not _is_of_his_server(source, record)):
        return []
    memories = record.memories
    try:
        his = part["subject"]["reference"] in record.subjects
        quantity = part["valueQuantity"]
        analyte, rule, (least, most), unit, own, notes = memories.forms[
            _shape(part, quantity, record)
        ]
        sent = quantity["value"]
        replaces = _REPLACES[part["status"]]
        day = part["effectiveDateTime"]
        when = memories.moments.get(day) or record.when(day)
    except (AttributeError, KeyError, TypeError):
        # Something is missing, or is not of the type it should be.
        return []
    number = Decimal(sent) if type(sent) is int else sent
    readable = type(number) is Decimal and is_sane(number)
    if not (his and readable) or when is None or when.assumed_zone:
        return []
    value = rule.convert(number)
    if not least <= value <= most:
        return []
    # By place, and past the checks of names: this is made for nearly each result there is.
    result = _made(
        LabResult,
        (
            analyte,
            _made(Measure, (value, rule.native, _EXACT)),
            when,
            source.reference,
            plain(number),
            unit,
            own,
            flag_of(part) if "interpretation" in part else "",
            False,  # not pending
            replaces,
            False,  # the day is that of the sample
            specimen_of(part) if "specimen" in part else "",
        ),
    )
    if not notes:
        return [result]
    return [result, *(kind.issue(source.reference, why) for kind, why in notes)]


def flag_of(part: Resource) -> str:
    """The laboratory's own flag, or ``""``."""
    flags = part.get("interpretation")
    for flag in flags if isinstance(flags, list) else ():
        if isinstance(flag, dict):
            return first_code(flag)
    return ""


def specimen_of(part: Resource) -> str:
    """Reference of the sample, or ``""``."""
    return text(obj(part.get("specimen")).get("reference"))


def _is_of_his_server(source: Source, record: Record) -> bool:
    """A reference counts on the server it came from; `not_ours` asks in full."""
    return not source.url or base_of(source.url) == record.base


def _shape(part: Resource, quantity: Any, record: Record) -> Shape:
    """How a result is reported: its code, a lone number in a unit, at most one plain range.

    Empty where there is anything else to be read. Raises `KeyError` or `TypeError` where there is
    no code.
    """
    if "comparator" in quantity or "extension" in quantity:
        return ()
    codings = part["code"]["coding"]
    coding = codings[0] if len(codings) == 1 else _as_one(part["code"], record)
    shape = (
        *(coding.get("system"), coding.get("code")),
        *(quantity.get("code"), quantity.get("unit"), quantity.get("system")),
    )
    if "referenceRange" not in part:
        return shape
    limits = _limits(part["referenceRange"])
    return shape + limits if limits else ()


def _as_one(code: object, record: Record) -> Mapping[str, object]:
    """Several codings, as one that says what they mean together; its system is no text."""
    return {"system": _SEVERAL, "code": meaning_of(code, record).numbers}


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
        *(str(least), low.get("code"), low.get("unit")),
        *(str(most), high.get("code"), high.get("unit")),
    )

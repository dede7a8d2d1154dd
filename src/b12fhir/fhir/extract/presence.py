"""Yes/no tests such as an intrinsic-factor antibody."""

from collections.abc import Iterator
from decimal import Decimal

from b12fhir.facts.labs import PresenceResult
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.answer import answer_of, flag_of
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import (
    NO_RESULT,
    PENDING,
    PRESENCE,
    VALUE_AND_ABSENT,
    RefusedError,
    quote,
)
from b12fhir.fhir.extract.moment import Notes, collected
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.tree import items, obj, text, words_of
from b12fhir.fhir.extract.value import is_absent, read_value, value_elements
from b12fhir.kernel.quantities import Comparator, Measure, normal_unit
from b12fhir.kernel.truth import Truth


def read_presence(source: Source, test: str, record: Record) -> Iterator[Found]:
    """The result of a yes/no test; a titre only counts by the laboratory's own flag or limit."""
    part = source.resource
    notes: Notes = []
    try:
        when, _ = collected(part, record, notes)
        present, recorded = _outcome(part)
    except RefusedError as refused:
        yield refused.kind.issue(source.reference, refused.why)
        return
    if text(part.get("status")) == "preliminary":
        yield PENDING.issue(source.reference, f"({test}) is preliminary")
        return
    if present.is_unknown:
        notes.append((PRESENCE, f"({test}) has the answer {quote(recorded)}"))
    yield PresenceResult(test, present, when, source.reference, recorded)
    for kind, why in notes:
        yield kind.issue(source.reference, why)


def _outcome(part: Resource) -> tuple[Truth, str]:
    names = value_elements(part)
    if is_absent(part) and names:
        raise RefusedError(VALUE_AND_ABSENT, "has a value and a reason why it has none (obs-6)")
    present, flagged = answer_of(part), flag_of(part)
    if not present.is_unknown:
        return present, _shown(part, names)
    if not names:
        if is_absent(part) or flagged.is_unknown:
            raise RefusedError(NO_RESULT, "has no value")
        return flagged, ""
    if names[0] in {"valueQuantity", "valueString", "valueInteger"} and flagged.is_unknown:
        return _against_limit(part, _shown(part, names))
    return flagged, _shown(part, names)


def _shown(part: Resource, names: list[str]) -> str:
    if "valueCodeableConcept" in names:
        return words_of(part["valueCodeableConcept"])
    quantity = obj(part.get("valueQuantity"))
    if quantity:
        unit = text(quantity.get("unit")) or text(quantity.get("code"))
        return f"{text(quantity.get('comparator'))}{quantity.get('value', '')} {unit}".strip()
    return str(part[names[0]]) if names else ""


def _against_limit(part: Resource, recorded: str) -> tuple[Truth, str]:
    """Above the laboratory's own upper limit, in the very same unit, is positive."""
    try:
        reading = read_value(part, [])
    except RefusedError as refused:
        if refused.kind is NO_RESULT:
            raise
        return Truth.UNKNOWN, recorded
    highs = [obj(given.get("high")) for given in items(part.get("referenceRange"))]
    limits = {_limit(high, reading.code or reading.unit) for high in highs}
    if len(limits) != 1 or None in limits:
        return Truth.UNKNOWN, recorded
    return _above(reading.measure, limits.pop() or Decimal(0)), recorded


def _limit(high: Resource, unit: str) -> Decimal | None:
    stated = text(high.get("code")) or text(high.get("unit"))
    value = high.get("value")
    same = normal_unit(stated) == normal_unit(unit) or not stated
    usable = same and isinstance(value, Decimal | int) and not isinstance(value, bool)
    return Decimal(value) if usable and value is not None else None


def _above(measure: Measure, limit: Decimal) -> Truth:
    if measure.comparator is Comparator.EQ:
        return Truth.of(measure.value > limit)
    return measure.above(limit)

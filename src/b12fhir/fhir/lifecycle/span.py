"""From when to when a request runs, read from its dosage: the days that hang on a signature."""

from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any

from b12fhir.fhir.extract.tree import items, obj
from b12fhir.kernel.dates import add_days, parse_when, shift
from b12fhir.ports import Resource

_UNITS = frozenset({"d", "wk", "mo"})


@dataclass(frozen=True, slots=True)
class Span:
    """First and last day, both included; ``end`` is ``None`` for one that goes on."""

    start: date
    end: date | None


def span_of(resource: Resource, zone: tzinfo) -> Span | None:
    """The days of one request of medicine; ``None`` if they cannot be told for certain.

    A counted phase ends with the day its last dose is due at the latest. Two dosages, or an
    interval in another unit than days, weeks and months, are somebody else's and not guessed at.
    """
    dosages = items(resource.get("dosageInstruction"))
    if len(dosages) != 1:
        return None
    repeat = obj(obj(dosages[0].get("timing")).get("repeat"))
    bounds = obj(repeat.get("boundsPeriod"))
    start = _day(bounds.get("start"), zone)
    if start is None or ("end" in bounds and _day(bounds["end"], zone) is None):
        return None
    if "count" not in repeat:
        return Span(start, _day(bounds.get("end"), zone))
    last = _last_dose(repeat, start)
    ends = [day for day in (last, _day(bounds.get("end"), zone)) if day is not None]
    return Span(start, min(ends)) if last is not None else None


def _day(value: object, zone: tzinfo) -> date | None:
    when = parse_when(value, zone)
    return when.first if when is not None and when.is_exact else None


def _last_dose(repeat: Resource, start: date) -> date | None:
    """Day of the last dose, or of the end of its interval where several fall into one."""
    count, often = repeat["count"], repeat.get("frequency", 1)
    if count == 1 and _is_count(count):
        return start
    length: Any = repeat.get("periodMax", repeat.get("period"))
    unit = repeat.get("periodUnit")
    whole = all(_is_count(number) for number in (count, often, length))
    if not whole or unit not in _UNITS:
        return None
    if often == 1:
        return shift(start, length * (count - 1), unit)
    return add_days(shift(start, length * -(-count // often), unit), -1)


def _is_count(value: object) -> bool:
    """A whole number above 0; a server may have stored it as a decimal."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0

"""A stored Timing as a schedule: the way back of `b12fhir.fhir.timing`.

An order on a server may have been edited. What cannot be read in its timing is said, in the words
that a person can look up in the resource, and never guessed: a dose on a wrong day is worse than a
day that is asked for. R4 says neither on which days of a week three doses fall nor which day is
meant by every two to three months; the pack that wrote the order does, so its phases are asked.

A signature needs less, the first and the last day (`stretch_of`), but reads them by the same rules:
what is no schedule for the doses has no end that a next phase may rely on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.kernel.dates import add_days, parse_when, shift
from b12fhir.plan.schedule import Schedule, due_day
from b12fhir.ports import Resource
from b12fhir.protocol.model import PhaseTemplate, Span

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Unit of a period: ours, and how many of ours it is.
_UNITS = {"d": ("d", 1), "wk": ("wk", 1), "mo": ("mo", 1), "a": ("mo", 12)}
_OFTEN = frozenset({"frequency", "period", "periodUnit", "periodMax"})
# How long a dose takes and at what hour does not change its day. A code only repeats the rest.
_DAY_STAYS = frozenset({"id", "duration", "durationMax", "durationUnit", "when", "timeOfDay"})
_READ = _OFTEN | _DAY_STAYS | {"boundsPeriod", "count", "dayOfWeek"}
_DIGITS = 3  # of a period or a count: more is a slip of the keyboard
_YEARS = 120  # so is a last dose that nobody lives to see, and it would run off the calendar


class Reading(NamedTuple):
    """The schedule, or what could not be read (then the schedule is ``None``)."""

    schedule: Schedule | None
    problem: str = ""


class Stretch(NamedTuple):
    """First and last day, both included; ``end`` is ``None`` for one that goes on."""

    start: date
    end: date | None


class _UnreadableError(Exception):
    """Says what in a timing cannot be read."""


@dataclass(frozen=True, slots=True)
class _Stated:
    """What a Timing says, before it is asked on which days of an interval the doses fall.

    ``every`` is the interval with its range, ``None`` for a single dose; ``often`` the doses in it.
    """

    start: date
    last: date | None = None
    count: int = 0
    every: Span | None = None
    often: int = 1
    weekdays: tuple[int, ...] = ()
    dates: tuple[date, ...] = ()


def read_timing(timing: object, zone: tzinfo, known: Iterable[PhaseTemplate] = ()) -> Reading:
    """The schedule that a stored Timing asks for.

    ``known`` are phases of the pack that the order came from: they date what R4 leaves open.
    """
    try:
        return Reading(_within_a_life(_schedule(_stated(obj(timing), zone), tuple(known))))
    except _UnreadableError as problem:
        return Reading(None, str(problem))


def read_request(request: Resource, zone: tzinfo, known: Iterable[PhaseTemplate] = ()) -> Reading:
    """The schedule of a stored request of medicine; see `read_timing`."""
    try:
        timing = _timing(request)
    except _UnreadableError as problem:
        return Reading(None, str(problem))
    return read_timing(timing, zone, known)


def stretch_of(request: Resource, zone: tzinfo) -> Stretch | None:
    """From when to when a request of medicine runs; ``None`` if that cannot be told for certain.

    A counted phase ends with the day on which its last dose is due at the latest.
    """
    try:
        stated = _stated(obj(_timing(request)), zone)
        return Stretch(stated.start, _end(stated))
    except _UnreadableError:
        return None


def _timing(request: Resource) -> object:
    """The timing of the one dosage, which is not left to the day."""
    dosages = items(request.get("dosageInstruction"))
    if len(dosages) != 1:
        raise _UnreadableError(f"it has {len(dosages)} dosage instructions, not one")
    if dosages[0].get("asNeededBoolean") or "asNeededCodeableConcept" in dosages[0]:
        raise _UnreadableError("it is to be given as needed")
    return dosages[0].get("timing")


def _stated(timing: Any, zone: tzinfo) -> _Stated:
    _only(timing, {"id", "event", "repeat", "code"}, "Timing")
    if timing.get("event"):
        if timing.get("repeat"):
            raise _UnreadableError("Timing.event stands beside Timing.repeat")
        return _dated(timing["event"], zone)
    repeat = obj(timing.get("repeat"))
    if not repeat:
        raise _UnreadableError("Timing has neither repeat nor event")
    _only(repeat, _READ, "Timing.repeat")
    _once_a_day(repeat)
    bounds = obj(repeat.get("boundsPeriod"))
    start, last = _day(bounds.get("start"), zone), _day(bounds.get("end"), zone)
    if start is None:
        raise _UnreadableError("boundsPeriod.start is missing: the first day is not stated")
    if last is not None and last < start:
        raise _UnreadableError("boundsPeriod ends before it starts")
    count = _whole(repeat, "count") or 0
    stated = _Stated(start, last, count)
    if repeat.get("dayOfWeek"):
        return _weekly(repeat, stated)
    if count == 1 and not _OFTEN & repeat.keys():
        return stated
    every, often = _interval(repeat)
    return replace(stated, every=every, often=often)


def _schedule(stated: _Stated, known: tuple[PhaseTemplate, ...]) -> Schedule:
    plain = Schedule(
        stated.start,
        count=stated.count,
        last=stated.last,
        weekdays=stated.weekdays,
        dates=stated.dates,
    )
    if stated.every is None:
        return plain
    every, days = _dated_interval(stated.every, stated.often, known)
    return replace(plain, interval=every, days=days)


def _end(stated: _Stated) -> date | None:
    """The day of the last dose at the latest, or the last day allowed, whichever comes first."""
    if not stated.count:
        return stated.last
    try:
        last = _last_dose(stated)
    except (ValueError, OverflowError):
        last = date.max
    _check_lived(stated.start, last)
    return min(last, stated.last or last)


def _last_dose(stated: _Stated) -> date:
    """Day of the last dose, or of the end of its interval where several fall into one."""
    if stated.every is None:
        known = _schedule(stated, ())
        return due_day(known, stated.count - 1) or stated.start
    length, unit = max(stated.every.value, stated.every.max or 0), stated.every.unit
    if stated.often == 1:
        return shift(stated.start, length * (stated.count - 1), unit)
    whole = -(-stated.count // stated.often)
    return add_days(shift(stated.start, length * whole, unit), -1)


def _within_a_life(schedule: Schedule) -> Schedule:
    try:
        last = due_day(schedule, max(schedule.count - 1, 1))
    except (ValueError, OverflowError):
        last = date.max
    _check_lived(schedule.start, last)
    return schedule


def _check_lived(start: date, last: date | None) -> None:
    if last is not None and last.year - start.year > _YEARS:
        raise _UnreadableError("its doses run over more than a lifetime")


def _only(element: Any, names: Iterable[str], where: str) -> None:
    """Refuse what is not understood: an extension or a second bound may change every day."""
    odd = sorted(element.keys() - set(names))
    if odd:
        raise _UnreadableError(f"{where}.{odd[0]} is not read")


def _once_a_day(repeat: Any) -> None:
    for name in ("when", "timeOfDay"):
        value = repeat.get(name)
        if isinstance(value, list) and len(value) > 1:
            raise _UnreadableError(f"{name} asks for several doses a day")


def _dated(events: object, zone: tzinfo) -> _Stated:
    listed = events if isinstance(events, list) else []
    days = sorted(day for event in listed if (day := _day(event, zone)) is not None)
    if not days or len(set(days)) < len(days):
        raise _UnreadableError("Timing.event names one day twice, or none")
    return _Stated(days[0], count=len(days), dates=tuple(days))


def _weekly(repeat: Any, stated: _Stated) -> _Stated:
    """Only by itself: R4 forbids a period beside it, since the two can contradict each other."""
    listed = repeat["dayOfWeek"]
    if _OFTEN & repeat.keys():
        raise _UnreadableError("dayOfWeek stands beside frequency or period")
    if not isinstance(listed, list) or not all(day in _WEEKDAYS for day in listed):
        raise _UnreadableError("dayOfWeek holds what is no day of the week")
    days = tuple(sorted({_WEEKDAYS.index(day) for day in listed}))
    if len(days) == len(_WEEKDAYS):
        return replace(stated, every=Span(1, "d"))
    return replace(stated, weekdays=days)


def _interval(repeat: Any) -> tuple[Span, int]:
    """How long, and how many doses in it."""
    period, longest = _whole(repeat, "period"), _whole(repeat, "periodMax")
    unit = text(repeat.get("periodUnit"))
    if period is None:
        raise _UnreadableError("it is not stated how often: period is missing")
    if unit not in _UNITS:
        raise _UnreadableError("periodUnit is none of d, wk, mo and a")
    name, times = _UNITS[unit]
    often = _whole(repeat, "frequency") or 1
    upto = None if longest in (None, period) else (longest or 0) * times
    return Span(period * times, name, upto), often


def _dated_interval(
    span: Span, often: int, known: tuple[PhaseTemplate, ...]
) -> tuple[Span, tuple[int, ...]]:
    """One dose an interval, or where the pack says on which of its days they fall."""
    if often == 1 and span.max is None:
        return span, ()
    patterns = set(_patterns(span, often, known))
    if len(patterns) != 1:
        number = span.value
        asked = f"{often} in {number}" if span.max is None else f"every {number} to {span.max}"
        raise _UnreadableError(f"'{asked} {span.unit}' does not say on which days")
    return patterns.pop()


def _patterns(
    span: Span, often: int, known: tuple[PhaseTemplate, ...]
) -> Iterator[tuple[Span, tuple[int, ...]]]:
    """How phases of the same frequency and interval are dated."""
    for phase in known:
        one = phase.interval
        upto = None if one.max == one.value else one.max
        alike = (one.value, one.unit, upto) == (span.value, span.unit, span.max)
        if alike and (len(phase.days) or 1) == often:
            yield phase.step or Span(span.value, span.unit), phase.days


def _day(value: object, zone: tzinfo) -> date | None:
    """A whole day in the site's zone; ``None`` if there is no value."""
    if value is None:
        return None
    when = parse_when(value, zone)
    if when is None or not when.is_exact:
        raise _UnreadableError("a date is not a whole day")
    return when.first


def _whole(repeat: Any, name: str) -> int | None:
    """A whole number from 1; ``None`` if there is none."""
    value = repeat.get(name)
    if value is None:
        return None
    number = Decimal(value) if isinstance(value, int | Decimal) else Decimal(0)
    usable = number.is_finite() and number > 0 and number.adjusted() < _DIGITS
    if isinstance(value, bool) or not usable or number != number.to_integral_value():
        raise _UnreadableError(f"{name} is not a whole number from 1")
    return int(number)

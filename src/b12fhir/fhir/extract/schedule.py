"""How often a Dosage is taken, and from when to when."""

from decimal import Decimal

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.record import Record
from b12fhir.fhir.extract.tree import codes_of, items, obj, text
from b12fhir.kernel.dates import When, add_days, add_months
from b12fhir.kernel.quantities import normal_unit

# Days in a period; a month is taken as 30 days, which only serves to tell a daily amount.
_DAYS = {"d": Decimal(1), "wk": Decimal(7), "mo": Decimal(30), "h": Decimal(1) / Decimal(24)}
_DAYS["a"] = Decimal(365)
_WEEK = _DAYS["wk"]
# Doses in (this many days): the v3-GTSAbbreviation codes.
_CODES = {
    "QD": (1, 1), "AM": (1, 1), "PM": (1, 1), "BED": (1, 1), "BID": (2, 1), "TID": (3, 1),
    "QID": (4, 1), "Q4H": (6, 1), "QOD": (1, 2), "WK": (1, 7), "MO": (1, 30),
}  # fmt: skip


def per_day(dosage: Resource) -> Decimal | None:
    """Doses a day, the fewest the timing can mean; ``None`` if it is not structured."""
    if dosage.get("asNeededBoolean") is True or dosage.get("asNeededCodeableConcept"):
        return None
    timing = obj(dosage.get("timing"))
    repeat = obj(timing.get("repeat"))
    from_repeat = _from_repeat(repeat) if repeat else None
    if from_repeat is not None:
        return from_repeat
    for code in codes_of(timing.get("code")):
        if code.code in _CODES:
            doses, days = _CODES[code.code]
            return Decimal(doses) / days
    return None


def _from_repeat(repeat: Resource) -> Decimal | None:
    frequency = _number(repeat.get("frequency"))
    if repeat.get("dayOfWeek"):
        days = repeat["dayOfWeek"]
        return (frequency or 1) * Decimal(len(days)) / _WEEK if isinstance(days, list) else None
    period = _number(repeat.get("periodMax")) or _number(repeat.get("period"))
    length = _DAYS.get(text(repeat.get("periodUnit")))
    if period and length:
        return (frequency or 1) / (period * length)
    for name in ("timeOfDay", "when"):
        if isinstance(repeat.get(name), list) and repeat[name]:
            return Decimal(len(repeat[name]))
    return None


def bounds(dosages: list[Resource], record: Record) -> tuple[When | None, When | None]:
    """Earliest start and latest end that the timings state as dates."""
    starts, ends = [], []
    for dosage in dosages:
        timing = obj(dosage.get("timing"))
        period = obj(obj(timing.get("repeat")).get("boundsPeriod"))
        events = timing.get("event")
        dated = [record.when(one) for one in events] if isinstance(events, list) else []
        starts += [record.when(period.get("start")), *dated]
        ends += [record.when(period.get("end")), *dated]
    return earliest(starts), latest(ends)


def bounds_end(start: When | None, dosages: list[Resource]) -> When | None:
    """The end that a bounding duration tells, counted from the start."""
    spans = [
        obj(obj(obj(dosage.get("timing")).get("repeat")).get("boundsDuration"))
        for dosage in dosages
    ]
    return latest([lasting(start, span) for span in spans])


def lasting(start: When | None, duration: object) -> When | None:
    """A start plus a Duration in days, weeks, months or years."""
    span = obj(duration)
    value = _number(span.get("value"))
    unit = normal_unit(text(span.get("code")) or text(span.get("unit"))).rstrip("s")
    if start is None or not value or value != int(value):
        return None
    steps = {"d": ("d", 1), "day": ("d", 1), "wk": ("d", 7), "week": ("d", 7), "mo": ("mo", 1),
             "month": ("mo", 1), "a": ("mo", 12), "year": ("mo", 12)}  # fmt: skip
    if unit not in steps:
        return None
    kind, times = steps[unit]
    move = add_days if kind == "d" else add_months
    try:
        return When(move(start.first, int(value) * times), move(start.last, int(value) * times))
    except (ValueError, OverflowError):
        return None


def earliest(dates: list[When | None]) -> When | None:
    """The earliest of the dates that are known."""
    known = [date for date in dates if date is not None]
    return min(known, key=lambda date: (date.first, date.last, date.text), default=None)


def latest(dates: list[When | None]) -> When | None:
    """The latest of the dates that are known."""
    known = [date for date in dates if date is not None]
    return max(known, key=lambda date: (date.last, date.first, date.text), default=None)


def dosages_of(resource: Resource) -> list[Resource]:
    """The Dosages of a medicine, whatever its resource calls them."""
    single = resource.get("dosage")
    if isinstance(single, dict):
        return [single]
    return [*items(resource.get("dosageInstruction")), *items(single)]


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        return None
    number = Decimal(value)
    usable = number.is_finite() and number > 0 and abs(number.adjusted()) < len("12345")
    return number if usable else None

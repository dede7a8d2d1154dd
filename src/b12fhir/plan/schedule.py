"""Phases with dates, and when their doses fall due; every date hangs on d0 (sections 10 to 12, 27).

An injection's volume is its dose over the concentration (R-100).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count, pairwise
from typing import NamedTuple

from b12fhir.kernel.dates import add_days, add_each, days_between, shift
from b12fhir.kernel.values import remembered
from b12fhir.plan.phase import DoseSlot, Phase
from b12fhir.protocol.model import PhaseTemplate, Product, Span


class Anchor(NamedTuple):
    """The day that dose number ``dose`` (from 0) has or had: the next ones are counted from it."""

    day: date
    dose: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the doses of one phase fall due.

    ``count`` is the number of doses (0 = open-ended); on ``last``, if there is one, a dose may
    still fall. The doses come one an ``interval`` or one on each of its ``days`` (see
    `PhaseTemplate`), or on ``weekdays`` (0 is Monday), or on fixed ``dates``. Without any of these
    there is a single dose, on ``start``.
    """

    start: date
    interval: Span | None = None
    days: tuple[int, ...] = ()
    count: int = 0
    last: date | None = None
    weekdays: tuple[int, ...] = ()
    dates: tuple[date, ...] = ()

    @property
    def is_daily(self) -> bool:
        """One dose a day: nobody keeps a slot for each."""
        return self.interval == Span(1, "d") and not self.days

    @property
    def is_fixed(self) -> bool:
        """Bound to the calendar: a late dose does not move the next one."""
        return bool(self.weekdays or self.dates)


def phases(
    templates: tuple[PhaseTemplate, ...], products: Mapping[str, Product], start: date
) -> tuple[Phase, ...]:
    """Give each phase its dates: the first on ``start``, each next after the one before it."""
    dated: list[Phase] = []
    for template in templates:
        begin = _begin(template, dated[-1] if dated else None, start)
        dated.append(_phase(template, products[template.product], begin, start))
    return tuple(dated)


def _begin(template: PhaseTemplate, previous: Phase | None, start: date) -> date:
    if previous is None:
        return start
    if previous.last is not None and template.after is not None:
        return shift(previous.last, template.after.value, template.after.unit)
    return previous.end or previous.last or previous.start


@remembered
def _phase(template: PhaseTemplate, product: Product, begin: date, start: date) -> Phase:
    """The template with its dates. Remembered: most plans of one day hold the same few phases."""
    interval = template.interval
    last = _dose_day(begin, interval, template.days, template.count - 1)
    return Phase(
        id=template.id,
        product=product,
        route=template.route,
        dose=template.dose,
        dose_max=template.dose_max,
        volume_ml=template.dose / product.strength if product.is_injection else None,
        interval=interval,
        count=template.count,
        start=begin,
        last=last if template.count else None,
        end=_end(template.duration, begin) if not template.count else None,
        duration=template.duration,
        reviews=tuple(add_each(start, template.reviews)),
        gate=template.gate,
        stop_rule=template.stop_rule,
        alternative=template.alternative,
        rule=template.rule,
        days=template.days,
        step=template.step,
    )


def _end(duration: Span | None, begin: date) -> date | None:
    return shift(begin, duration.value, duration.unit) if duration is not None else None


def slots(planned: tuple[Phase, ...], until: date) -> tuple[DoseSlot, ...]:
    """Each dose of the phases that are not taken daily, open-ended ones up to ``until``."""
    return tuple(
        DoseSlot(f"{phase.id}:{number}", due)
        for phase in planned
        if not (schedule := schedule_of(phase)).is_daily
        for number, due in enumerate(due_days(schedule, until), start=1)
    )


def schedule_of(phase: Phase) -> Schedule:
    """When the doses of a planned phase fall due; a range of intervals is dated by its step."""
    single = phase.count == 1
    return Schedule(
        start=phase.start,
        interval=None if single else phase.step or Span(phase.interval.value, phase.interval.unit),
        days=() if single else phase.days,
        count=phase.count,
        last=add_days(phase.end, -1) if phase.end is not None else None,
    )


def due_days(schedule: Schedule, until: date) -> tuple[date, ...]:
    """The days on which doses fall due if each is given on its day.

    An open-ended schedule is followed up to ``until``, a counted one to its last dose.
    """
    end = schedule.last or date.max
    if not schedule.count:
        end = min(end, until)
    days: list[date] = []
    for index in range(schedule.count) if schedule.count else count():
        due = due_day(schedule, index)
        if due is None or due > end:
            break
        days.append(due)
    return tuple(days)


def due_day(schedule: Schedule, index: int, anchor: Anchor | None = None) -> date | None:
    """Day of dose ``index`` (from 0), its bound apart; ``None`` if the schedule has no such dose.

    ``anchor`` is a dose that was given on another day than its own: the interval is kept from
    there (R-131, R-133). Counted from the anchor, not from dose to dose: months keep their day.
    Fixed dates stay where they are.
    """
    if schedule.dates:
        return schedule.dates[index] if index < len(schedule.dates) else None
    if schedule.weekdays:
        return _weekday(schedule, index, anchor)
    if schedule.interval is None:
        return schedule.start if not index else None
    if anchor is None:
        return _dose_day(schedule.start, schedule.interval, schedule.days, index)
    places = schedule.days or (0,)
    begun, place = divmod(anchor.dose, len(places))
    base = add_days(anchor.day, -places[place])
    return _dose_day(base, schedule.interval, places, index - begun * len(places))


def _weekday(schedule: Schedule, index: int, anchor: Anchor | None) -> date:
    """The next of the listed days of the week, so many after the anchor."""
    day, behind = anchor or Anchor(add_days(schedule.start, -1), -1)
    while behind < index:
        day = add_days(day, 1)
        behind += day.weekday() in schedule.weekdays
    return day


def usual_gap(schedule: Schedule) -> int:
    """Days between two doses, the fewest that the schedule asks for; 0 if it has only one."""
    doses = max(len(schedule.days), len(schedule.weekdays), len(schedule.dates), 1) + 1
    dated = [day for index in range(doses) if (day := due_day(schedule, index)) is not None]
    return min((days_between(one, other) for one, other in pairwise(dated)), default=0)


def _dose_day(start: date, interval: Span, days: tuple[int, ...], number: int) -> date:
    """Day of dose ``number`` (from 0): one an interval, or one on each of its ``days``."""
    if not days:
        return shift(start, interval.value * number, interval.unit)
    whole, place = divmod(number, len(days))
    return add_days(shift(start, interval.value * whole, interval.unit), days[place])

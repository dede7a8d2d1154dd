"""A stored Timing is read as it was written, and what cannot be read is said and never guessed."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from b12fhir.fhir.stored_timing import read_timing
from b12fhir.fhir.timing import due_timing, phase_timing
from b12fhir.plan.schedule import Schedule, due_days, schedule_of, slots
from b12fhir.plan.schedule import phases as dated
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import Span
from tests.support.builders import build_maintenance, build_oral, build_phase

ZONE = ZoneInfo("Asia/Kathmandu")
D0 = date(2026, 11, 21)
UNTIL = date(2027, 11, 21)
PACK = load_protocol().pack
START = {"boundsPeriod": {"start": "2026-11-21"}}
EOD = {"frequency": 1, "period": 2, "periodUnit": "d"}


def repeat(**changes: object) -> dict[str, object]:
    """A Timing that begins on d0."""
    return {"repeat": {**START, **changes}}


def read(timing: object) -> Schedule:
    found = read_timing(timing, ZONE)
    assert found.problem == ""
    assert found.schedule is not None
    return found.schedule


@pytest.mark.parametrize("course", PACK.courses.values(), ids=lambda course: course.id)
def test_every_phase_of_the_pack_comes_back_with_its_own_days(course) -> None:
    for phase, template in zip(
        dated(course.phases, dict(PACK.products), D0), course.phases, strict=True
    ):
        found = read_timing(phase_timing(phase), ZONE, [template])
        assert found.schedule == schedule_of(phase)
        days = [slot.due for slot in slots((phase,), UNTIL)]
        if not found.schedule.is_daily:
            assert list(due_days(found.schedule, UNTIL)) == days
            assert days


@pytest.mark.parametrize(
    "phase",
    [build_phase(), build_maintenance(), build_oral(), build_phase(count=1)],
    ids=["load", "maintenance", "tablets", "single"],
)
def test_without_the_pack_an_unedited_phase_is_read_as_well(phase) -> None:
    assert read(phase_timing(phase)) == schedule_of(phase)


def test_days_of_a_test_come_back() -> None:
    days = (date(2026, 12, 1), date(2027, 1, 1))
    assert due_days(read(due_timing(days)), UNTIL) == days


def test_three_a_week_needs_the_pack_to_say_on_which_days() -> None:
    """R4 says three in a week; days 0, 2 and 4 are the pack's."""
    hydroxo = PACK.courses["hydroxo-load"].phases
    (phase,) = dated(hydroxo, dict(PACK.products), D0)
    timing = phase_timing(phase)
    assert read_timing(timing, ZONE).problem == "'3 in 1 wk' does not say on which days"
    assert read_timing(timing, ZONE, hydroxo).schedule.days == (0, 2, 4)


def test_a_range_needs_the_pack_to_say_which_day() -> None:
    timing = repeat(frequency=1, period=2, periodMax=3, periodUnit="mo")
    said = "'every 2 to 3 mo' does not say on which days"
    assert read_timing(timing, ZONE).problem == said
    ranged = PACK.courses["hydroxo-every-2-3-months"].phases
    assert read_timing(timing, ZONE, ranged).schedule.interval == Span(84, "d")
    edited = repeat(frequency=1, period=2, periodMax=4, periodUnit="mo")
    assert "every 2 to 4 mo" in read_timing(edited, ZONE, ranged).problem


READ = {
    "every other day": (repeat(count=6, **EOD), Schedule(D0, interval=Span(2, "d"), count=6)),
    "a range of one length": (
        repeat(period=2, periodMax=2, periodUnit="mo"),
        Schedule(D0, interval=Span(2, "mo")),
    ),
    "decimals without a rest": (
        repeat(frequency=Decimal("1.0"), period=Decimal("2.0"), periodUnit="wk"),
        Schedule(D0, interval=Span(2, "wk")),
    ),
    "every year": (repeat(period=1, periodUnit="a"), Schedule(D0, interval=Span(12, "mo"))),
    "Monday and Thursday": (
        repeat(dayOfWeek=["thu", "mon"], count=4),
        Schedule(D0, weekdays=(0, 3), count=4),
    ),
    "each day of the week": (
        repeat(dayOfWeek=["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
        Schedule(D0, interval=Span(1, "d")),
    ),
    "an hour and how long it takes": (
        repeat(timeOfDay=["08:00:00"], duration=1, durationUnit="min", **EOD),
        Schedule(D0, interval=Span(2, "d")),
    ),
    "a code beside the structure": (
        {**repeat(**EOD), "code": {"text": "QOD"}},
        Schedule(D0, interval=Span(2, "d")),
    ),
    "an end": (
        {"repeat": {"boundsPeriod": {"start": "2026-11-21", "end": "2026-12-05"}, **EOD}},
        Schedule(D0, interval=Span(2, "d"), last=date(2026, 12, 5)),
    ),
    # 20:00 in UTC on the 20th is the 21st in Kathmandu
    "an instant, in the site's zone": (
        {"repeat": {"boundsPeriod": {"start": "2026-11-20T20:00:00Z"}, **EOD}},
        Schedule(D0, interval=Span(2, "d")),
    ),
    "a single dose": (repeat(count=1), Schedule(D0, count=1)),
    "one dose that still says how often": (
        repeat(count=1, **EOD),
        Schedule(D0, interval=Span(2, "d"), count=1),
    ),
    "fixed days, in order": (
        {"event": ["2026-12-01T10:00:00+05:45", "2026-11-21"]},
        Schedule(D0, dates=(D0, date(2026, 12, 1)), count=2),
    ),
}


@pytest.mark.parametrize(("timing", "schedule"), READ.values(), ids=READ)
def test_what_can_be_read(timing, schedule) -> None:
    assert read(timing) == schedule


UNREAD = {
    "nothing": (None, "Timing has neither repeat nor event"),
    "a code alone": ({"code": {"text": "QOD"}}, "Timing has neither repeat nor event"),
    "both": ({"event": ["2026-11-21"], **repeat(**EOD)}, "Timing.event stands beside"),
    "an extension": ({**repeat(**EOD), "modifierExtension": [{}]}, "Timing.modifierExtension is"),
    "a longest count": (repeat(countMax=8, **EOD), "Timing.repeat.countMax is not read"),
    "a duration as bound": (
        {"repeat": {"boundsDuration": {"value": 2, "code": "wk"}, **EOD}},
        "Timing.repeat.boundsDuration is not read",
    ),
    "no start": ({"repeat": EOD}, "boundsPeriod.start is missing"),
    "a month as start": (
        {"repeat": {"boundsPeriod": {"start": "2026-11"}, **EOD}},
        "a date is not a whole day",
    ),
    "no date as start": ({"repeat": {"boundsPeriod": {"start": 7}, **EOD}}, "not a whole day"),
    "an end before the start": (
        {"repeat": {"boundsPeriod": {"start": "2026-11-21", "end": "2026-11-20"}, **EOD}},
        "boundsPeriod ends before it starts",
    ),
    "not how often": (repeat(count=7), "it is not stated how often"),
    "no unit": (repeat(period=2), "periodUnit is none of d, wk, mo and a"),
    "hours": (repeat(period=48, periodUnit="h"), "periodUnit is none of"),
    "half a week": (repeat(period=Decimal("0.5"), periodUnit="wk"), "period is not a whole"),
    "a period in words": (repeat(period="2", periodUnit="d"), "period is not a whole number"),
    "a period that is true": (repeat(period=True, periodUnit="d"), "period is not a whole number"),
    "an endless period": (repeat(period=Decimal("1e999"), periodUnit="d"), "period is not"),
    "no doses": (repeat(count=0, **EOD), "count is not a whole number from 1"),
    "a slip of the keyboard": (repeat(count=1000, **EOD), "count is not a whole number from 1"),
    "more than a lifetime": (
        repeat(count=500, period=1, periodUnit="a"),
        "its doses run over more than a lifetime",
    ),
    "off the calendar": (repeat(count=999, period=999, periodUnit="a"), "more than a lifetime"),
    "twice a day": (repeat(frequency=2, period=1, periodUnit="d"), "'2 in 1 d' does not say"),
    "two hours": (repeat(timeOfDay=["08:00:00", "20:00:00"], **EOD), "several doses a day"),
    "two meals": (repeat(when=["CM", "CV"], **EOD), "when asks for several doses a day"),
    "a weekday and a period": (repeat(dayOfWeek=["mon"], **EOD), "dayOfWeek stands beside"),
    "no weekday": (repeat(dayOfWeek=["monday"]), "dayOfWeek holds what is no day"),
    "a weekday that is no list": (repeat(dayOfWeek="mon"), "dayOfWeek holds what is no day"),
    "a weekday that is no text": (repeat(dayOfWeek=[{}]), "dayOfWeek holds what is no day"),
    "one day twice": ({"event": ["2026-11-21", "2026-11-21T10:00:00Z"]}, "names one day twice"),
    "events that are no list": ({"event": "2026-11-21"}, "names one day twice, or none"),
    "an event of a month": ({"event": ["2026-11"]}, "a date is not a whole day"),
}


@pytest.mark.parametrize(("timing", "said"), UNREAD.values(), ids=UNREAD)
def test_what_cannot_be_read_is_said(timing, said) -> None:
    found = read_timing(timing, ZONE)
    assert found.schedule is None
    assert said in found.problem


def test_two_phases_of_the_pack_that_contradict_each_other_decide_nothing() -> None:
    (known,) = PACK.courses["hydroxo-load"].phases
    other = type(known)(
        **{name: getattr(known, name) for name in known.__slots__} | {"days": (0, 1, 2)}
    )
    timing = repeat(frequency=3, period=1, periodUnit="wk")
    assert "does not say on which days" in read_timing(timing, ZONE, [known, other]).problem

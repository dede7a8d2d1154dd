"""A phase is what the pack says it is, field by field, and starts where the one before it ends."""

from datetime import date
from decimal import Decimal

import pytest

from b12fhir.plan.schedule import Schedule, phases, schedule_of, slots
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import PhaseTemplate, Product, Span

D0 = date(2026, 11, 21)
UNTIL = date(2027, 11, 21)
PACK = load_protocol().pack
VIAL = Product("vial", "cyanocobalamin", "injection", Decimal(500), "ug/mL", ("im",))
TABLET = Product("tablet", "cyanocobalamin", "tablet", Decimal(500), "ug", ("oral",))
PRODUCTS = {"vial": VIAL, "tablet": TABLET}


def template(name: str = "induction", /, **changes: object) -> PhaseTemplate:
    """Three injections, one every two days, with everything said that can be said."""
    plain = {
        "product": "vial",
        "route": "im",
        "dose": Decimal(1000),
        "interval": Span(2, "d"),
        "count": 3,
        "rule": "R-117",
        "dose_max": Decimal(2000),
        "reviews": (14,),
        "gate": "nerves stable",
        "stop_rule": "give all",
        "alternative": "by mouth",
    }
    return PhaseTemplate(name, **(plain | changes))


@pytest.mark.parametrize("course", PACK.courses.values(), ids=lambda course: course.id)
def test_nothing_of_the_pack_is_lost(course: object) -> None:
    """A gate or a stop rule that does not reach the plan reaches nobody."""
    made = phases(course.phases, dict(PACK.products), D0)
    shared = (
        *("id", "route", "dose", "dose_max", "interval", "count", "duration", "gate"),
        *("stop_rule", "alternative", "rule", "days", "step"),
    )
    for phase, known in zip(made, course.phases, strict=True):
        assert phase.product is PACK.products[known.product]
        for name in shared:
            assert getattr(phase, name) == getattr(known, name), name
        assert (phase.last is not None) is (phase.count > 0)
        assert phase.end is None or phase.duration is not None


def test_every_field_reaches_the_phase() -> None:
    (phase,) = phases((template(),), PRODUCTS, D0)
    assert (phase.gate, phase.stop_rule, phase.alternative) == (
        "nerves stable",
        "give all",
        "by mouth",
    )
    assert phase.dose_max == Decimal(2000)
    assert phase.volume_ml == Decimal(2)
    assert phase.reviews == (date(2026, 12, 5),)
    assert phase.rule == "R-117"
    assert (phase.start, phase.last, phase.end) == (D0, date(2026, 11, 25), None)


def test_a_tablet_has_no_volume() -> None:
    (phase,) = phases((template(product="tablet", route="oral"),), PRODUCTS, D0)
    assert phase.volume_ml is None


def test_a_counted_phase_ends_with_its_last_dose_and_not_with_its_duration() -> None:
    (phase,) = phases((template(duration=Span(3, "wk")),), PRODUCTS, D0)
    assert phase.end is None
    assert phase.duration == Span(3, "wk")


FOLLOWED = [
    # the first phase, the gap of the second, the day the second starts
    (template(), Span(1, "wk"), date(2026, 12, 2)),
    (template(), Span(1, "mo"), date(2026, 12, 25)),
    (template(), None, date(2026, 11, 25)),
    (template(count=0, duration=Span(2, "wk")), None, date(2026, 12, 5)),
    (template(count=0, duration=Span(2, "wk")), Span(1, "wk"), date(2026, 12, 5)),
    (template(count=0), None, D0),
]


@pytest.mark.parametrize(("first", "after", "start"), FOLLOWED)
def test_where_the_next_phase_starts(first: PhaseTemplate, after: Span | None, start: date) -> None:
    _, second = phases((first, template("maintenance", after=after)), PRODUCTS, D0)
    assert second.start == start


def test_slots_are_numbered_from_one() -> None:
    made = phases((template(), template("maintenance", after=Span(2, "d"))), PRODUCTS, D0)
    assert [(slot.slot, slot.due.day) for slot in slots(made, UNTIL)] == [
        ("induction:1", 21),
        ("induction:2", 23),
        ("induction:3", 25),
        ("maintenance:1", 27),
        ("maintenance:2", 29),
        ("maintenance:3", 1),
    ]
    assert {slot.status for slot in slots(made, UNTIL)} == {"scheduled"}


def test_three_a_week_is_given_on_three_days_of_each_week() -> None:
    three = template(count=6, interval=Span(1, "wk"), days=(0, 2, 4))
    made = phases((three,), PRODUCTS, D0)
    assert [(slot.due - D0).days for slot in slots(made, UNTIL)] == [0, 2, 4, 7, 9, 11]
    assert made[0].last == date(2026, 12, 2)


def test_a_timed_phase_has_no_dose_on_the_day_it_ends() -> None:
    """Weekly for three weeks: days 0, 7 and 14; day 21 is the first of the next phase."""
    weekly = template(count=0, interval=Span(1, "wk"), duration=Span(3, "wk"))
    after = template("maintenance", count=1)
    made = phases((weekly, after), PRODUCTS, D0)
    assert [(slot.slot, (slot.due - D0).days) for slot in slots(made, UNTIL)] == [
        ("induction:1", 0),
        ("induction:2", 7),
        ("induction:3", 14),
        ("maintenance:1", 21),
    ]


@pytest.mark.parametrize("interval", [Span(1, "d"), Span(2, "d"), Span(1, "wk")])
def test_a_single_dose_is_one_slot_whatever_its_interval(interval: Span) -> None:
    """Also where a pack calls it daily: daily courses have no slots, one dose has one."""
    made = phases((template(count=1, interval=interval, days=(0, 2)),), PRODUCTS, D0)
    assert schedule_of(made[0]) == Schedule(D0, count=1)
    assert [slot.due for slot in slots(made, UNTIL)] == [D0]


def test_two_doses_are_no_single_one() -> None:
    made = phases((template(count=2),), PRODUCTS, D0)
    assert schedule_of(made[0]) == Schedule(D0, interval=Span(2, "d"), count=2)


def test_a_range_of_intervals_is_dated_by_its_step() -> None:
    """Every 2 to 3 months, dated every 84 days."""
    wide = template(count=0, interval=Span(2, "mo", 3), step=Span(84, "d"))
    due = [slot.due for slot in slots(phases((wide,), PRODUCTS, D0), UNTIL)]
    assert [(day - D0).days for day in due] == [0, 84, 168, 252, 336]


def test_months_keep_their_day() -> None:
    monthly = template(count=4, interval=Span(1, "mo"))
    due = [slot.due for slot in slots(phases((monthly,), PRODUCTS, date(2027, 1, 31)), UNTIL)]
    assert due == [date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)]


def test_an_open_phase_is_written_up_to_the_horizon_and_not_beyond() -> None:
    weekly = phases((template(count=0, interval=Span(1, "wk")),), PRODUCTS, D0)
    due = [slot.due for slot in slots(weekly, date(2026, 12, 5))]
    assert due == [D0, date(2026, 11, 28), date(2026, 12, 5)]


@pytest.mark.parametrize(("interval", "slotted"), [((1, "d"), 0), ((2, "d"), 3), ((1, "wk"), 3)])
def test_only_daily_doses_have_no_slots(interval: tuple[int, str], slotted: int) -> None:
    made = phases((template(interval=Span(*interval)),), PRODUCTS, D0)
    assert len(slots(made, UNTIL)) == slotted

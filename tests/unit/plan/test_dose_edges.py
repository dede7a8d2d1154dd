"""Section 12 at its edges: the very day, the last one that counts, orders at odds with themselves.

The windows (days early / on time up to late / missed if more than / least gap) are: every other day
1/1/2/1, weekly 2/3/7/4, monthly and longer 7/14/28/21. Days are counted from d0, a Saturday.
"""

from dataclasses import replace
from datetime import date

import pytest

from b12fhir.facts.medicines import Route
from b12fhir.kernel.dates import When
from b12fhir.kernel.truth import Truth
from b12fhir.plan.given import doses_given
from b12fhir.plan.schedule import Anchor, Schedule, due_day, due_days, usual_gap
from b12fhir.plan.slot import Slot, SlotStatus
from b12fhir.protocol.model import Span
from tests.support.courses import (
    D0,
    EVERY_OTHER_DAY,
    asked,
    course,
    day,
    dose,
    log,
    maintenance,
    phase,
    short,
    told,
)

WEEK = Span(1, "wk")
WEEKLY = Schedule(D0, interval=WEEK, count=4)
SINGLE = Schedule(D0, count=1)


def left_out(number: int):
    return dose(
        number, given=Truth.NO, declined=True, reference=f"MedicationAdministration/no{number}"
    )


def first_of(found, name: str) -> date:
    """Day of the first slot of a phase."""
    return next(slot.due for slot in found.slots if slot.phase == name)


# --- the interval from the day a dose was really given --------------------------------------------


def test_an_early_dose_brings_the_next_one_forward() -> None:
    """Due on 21 December, given on the 13th: next on 13 January, or the gap would be 39 days."""
    plan = course(phase(Schedule(D0, interval=Span(1, "mo"))))
    found = log(dose(0), dose(date(2026, 12, 13)), plan=plan, as_of=30)
    assert [slot.status.value for slot in found.slots[:2]] == ["given", "given-early"]
    assert found.slots[2].due == date(2027, 1, 13)


def test_months_keep_the_day_of_the_dose_that_moved_them() -> None:
    """Moved to the 31st by a late dose, then given on its day in February: next on 31 March.

    Counted from 28 February, each short month would bring every later dose forward for good.
    """
    late, next_one = dose(date(2027, 1, 31)), dose(date(2027, 2, 28))
    found = log(late, next_one, plan=course(maintenance()), as_of=date(2027, 3, 1))
    assert [slot.status.value for slot in found.slots[:2]] == ["given-late", "given"]
    assert found.slots[2].due == date(2027, 3, 31)


def test_an_early_dose_by_days_of_the_week_does_not_bring_forward_the_next() -> None:
    """Wednesday's dose (day 4) a day early: the next is Friday's (day 6), as listed."""
    plan = course(phase(Schedule(day(2), weekdays=(0, 2, 4), count=6)))
    found = log(dose(2), dose(3), plan=plan, as_of=3)
    assert short(found)[:3] == ["1 given 2->2", "2 given 4->3", "3 scheduled 6"]


# --- the day of a change, of a stop ---------------------------------------------------------------


def test_a_dose_on_the_day_of_a_change_is_judged_like_any_other() -> None:
    """Weekly since day 5, given on days 0 and 3 before: day 5 is within the least gap of 4."""
    plan = course(phase(WEEKLY, changed=day(5)))
    found = log(dose(0), dose(3), dose(5), plan=plan, as_of=5)
    assert [(one.status.value, one.given) for one in found.beside] == [("too-soon", day(5))]
    assert short(found)[2] == "3 scheduled 10"


def test_a_dose_left_out_on_the_day_of_a_change_is_skipped() -> None:
    found = log(dose(0), left_out(2), plan=course(phase(changed=day(2))), as_of=2)
    assert short(found)[1:3] == ["2 skipped 2", "3 scheduled 4"]


@pytest.mark.parametrize(("given", "counts"), [(2, True), (3, False)])
def test_a_dose_on_the_day_of_the_stop_still_belongs_to_the_order(given, counts) -> None:
    plan = course(phase(status="stopped", changed=day(2)))
    found = log(dose(0), dose(given), plan=plan, as_of=9)
    assert ("2 given 2->2" in short(found)) is counts
    assert asked(found) == ([] if counts else ["extra-dose"])


def test_a_stopped_order_keeps_its_old_days_however_late_it_was_stopped() -> None:
    """Stopped on day 9: the slot that nobody filled was that of day 4 (R-136)."""
    plan = course(phase(status="stopped", changed=day(9)))
    assert short(log(dose(0), dose(2), plan=plan, as_of=30))[2:4] == [
        "3 cancelled 4",
        "4 cancelled 6",
    ]


# --- left out on purpose: from one day early to the last day before it is missed ------------------


@pytest.mark.parametrize(
    ("number", "skipped"), [(0, False), (1, True), (3, True), (4, True), (5, False)]
)
def test_when_a_note_skips_the_slot_of_day_2(number, skipped) -> None:
    found = log(dose(0), left_out(number), as_of=6)
    assert (found.slots[1].status is SlotStatus.SKIPPED) is skipped


def test_a_skipped_slot_shows_the_note_and_no_dose() -> None:
    skipped = log(dose(0), left_out(2), as_of=2).slots[1]
    assert (skipped.given, skipped.reference) == (None, "MedicationAdministration/no2")


def test_a_single_dose_left_out_and_given_after_all_counts() -> None:
    """It has no other day, so the day it was given stands for its day."""
    found = log(left_out(0), dose(1), plan=course(phase(SINGLE)), as_of=2)
    assert short(found) == ["1 skipped 0", "2 given 1->1"]


def test_a_single_dose_left_out_does_not_hold_up_the_next_phase() -> None:
    """Nobody knows another day for it, so the day that was signed for the next phase stands."""
    found = log(left_out(0), plan=course(phase(SINGLE), maintenance()), as_of=2)
    assert first_of(found, "maintenance") == date(2027, 1, 3)


# --- one phase after the other --------------------------------------------------------------------


def weekly_from(number: int, **changes):
    return phase(Schedule(day(number), interval=WEEK, count=4), id="induction-2", **changes)


@pytest.mark.parametrize(
    ("begins", "first"),
    [
        # the load is planned to end on day 12 and ends on day 14, since dose 2 comes on day 4
        (10, 21),  # before the end: nobody can have meant that, so one interval after
        (12, 21),  # on the day of the last dose: the same
        (13, 15),  # as much after it as was signed
        (18, 20),
        (19, 21),  # one interval
        (25, 25),  # more than one: an interval after the end at the soonest, and not before day 25
    ],
)
def test_the_next_phase_keeps_the_gap_that_was_signed(begins, first) -> None:
    found = log(dose(0), dose(4), plan=course(phase(), weekly_from(begins)), as_of=5)
    assert first_of(found, "induction-2") == day(first)


def test_a_load_whose_bounds_end_before_it_begins_has_no_gap_to_keep() -> None:
    """Nothing can be planned from such an order: one interval after what is still to be given."""
    broken = replace(EVERY_OTHER_DAY, last=day(-1))
    found = log(plan=course(phase(broken), weekly_from(13)), as_of=0)
    assert first_of(found, "induction-2") == day(12 + 7)


def test_who_signs_on_the_day_of_the_last_dose_may_not_have_known_it() -> None:
    """Load ended late, on day 20: maintenance signed that very day moves to 11 January."""
    doses = [dose(2 * n) for n in range(6)] + [dose(20)]
    plan = course(phase(), maintenance(since=day(20), changed=day(20)))
    assert first_of(log(*doses, plan=plan, as_of=25), "maintenance") == date(2027, 1, 11)


def test_a_phase_stopped_after_a_late_dose_leaves_the_next_on_its_day() -> None:
    """Stopped on day 15 with a dose on day 14: the next may come from day 18, and begins on 19."""
    plan = course(phase(status="stopped", changed=day(15)), weekly_from(19))
    found = log(dose(0), dose(14), plan=plan, as_of=16)
    assert first_of(found, "induction-2") == day(19)


def test_the_next_phase_follows_a_fixed_date_that_was_put_off() -> None:
    """Fixed on days 0, 7 and 14; the second given on day 12 puts the third off to day 16.

    The next phase was signed for a week after the third: day 23, not day 21.
    """
    fixed = Schedule(D0, dates=(day(0), day(7), day(14)), count=3)
    found = log(dose(0), dose(12), plan=course(phase(fixed), weekly_from(21)), as_of=12)
    assert first_of(found, "induction-2") == day(23)


def test_the_log_holds_every_phase_in_order() -> None:
    found = log(*(dose(2 * n) for n in range(7)), plan=course(phase(), weekly_from(19)), as_of=13)
    names = [name for name, _, _ in told(found)]
    assert names == [
        *(f"induction:{n}" for n in range(1, 8)),
        *(f"induction-2:{n}" for n in range(1, 5)),
    ]


# --- days of the week -----------------------------------------------------------------------------


def test_a_listed_day_before_the_start_is_not_a_day_of_the_order() -> None:
    """Sundays and Mondays from Monday, 23 November: the first is that Monday."""
    assert due_day(Schedule(day(2), weekdays=(0, 6)), 0) == day(2)


@pytest.mark.parametrize(("changed", "first"), [(3, 4), (5, 6), (6, 6), (7, 9)])
def test_a_changed_order_takes_the_first_listed_day_from_then(changed, first) -> None:
    """Monday, Wednesday, Friday (days 2, 4, 6, then 9); changed between two of them, or on one."""
    plan = course(phase(Schedule(day(2), weekdays=(0, 2, 4), count=6), changed=day(changed)))
    assert log(plan=plan, as_of=changed).slots[0].due == day(first)


GAPS = [
    # the shortest gap between two doses tells which windows hold
    (SINGLE, 0),
    (EVERY_OTHER_DAY, 2),
    (Schedule(D0, interval=WEEK, days=(0, 5)), 2),  # days 0, 5, 7: the gap across the week
    (Schedule(day(2), weekdays=(0, 5)), 2),  # Monday, Saturday, Monday
    (Schedule(D0, dates=(day(0), day(7), day(9)), count=3), 2),
    (Schedule(date(2027, 2, 1), interval=Span(1, "mo")), 28),
]


@pytest.mark.parametrize(("schedule", "days"), GAPS)
def test_the_shortest_gap_of_a_schedule(schedule, days) -> None:
    assert usual_gap(schedule) == days


@pytest.mark.parametrize(
    ("number", "given", "due"),
    [
        # three a week on days 0, 2, 4; dose 3 (number 2) given on day 6, or dose 4 on day 9
        (2, 6, [6, 9, 11, 13]),
        (3, 9, [9, 11, 13, 16]),
    ],
)
def test_a_pattern_inside_the_week_is_kept_from_a_dose_on_another_day(number, given, due) -> None:
    three = Schedule(D0, interval=WEEK, days=(0, 2, 4))
    anchor = Anchor(day(given), number)
    assert [due_day(three, number + n, anchor) for n in range(4)] == [day(n) for n in due]


def test_a_bound_ends_a_schedule_and_the_horizon_only_an_open_one() -> None:
    open_ended = Schedule(D0, interval=WEEK)
    assert due_days(open_ended, day(14)) == (D0, day(7), day(14))
    assert due_days(replace(open_ended, last=day(7)), day(14)) == (D0, day(7))
    assert due_days(replace(open_ended, last=day(21)), day(14)) == (D0, day(7), day(14))
    assert due_days(WEEKLY, D0) == (D0, day(7), day(14), day(21))
    assert due_days(replace(WEEKLY, last=day(20)), D0) == (D0, day(7), day(14))


# --- which record of a dose is shown --------------------------------------------------------------


def test_of_two_records_the_one_that_names_its_order_is_shown() -> None:
    nameless = dose(0, reference="MedicationAdministration/a")
    named = dose(0, reference="MedicationAdministration/b", order="MedicationRequest/induction")
    found = log(nameless, named, as_of=0)
    assert found.slots[0].reference == "MedicationAdministration/b"


def test_a_dose_of_an_unnamed_form_is_of_no_form() -> None:
    (only,) = doses_given([dose(0, drug="")], D0).doses
    assert (only.drug, only.orders, only.declined) == ("", frozenset(), False)


def test_a_form_that_only_one_of_two_records_names_is_that_of_the_dose() -> None:
    surest = dose(0, drug="", reference="MedicationAdministration/nurse")
    own = dose(0, rank=2, reference="MedicationStatement/own")
    (only,) = doses_given([surest, own], D0).doses
    assert (only.reference, only.drug) == ("MedicationAdministration/nurse", "hydroxocobalamin")


# --- what is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "rule", "parts"),
    [
        (dose(0, given=Truth.UNKNOWN), "R-128", ("MedicationAdministration/2026-11-21",)),
        (
            dose(When(date(2026, 11, 1), date(2026, 11, 30), text="2026-11")),
            "R-135",
            ("MedicationAdministration/2026-11", "2026-11-01/2026-11-30"),
        ),
        (dose(None), "R-135", ("MedicationAdministration/undated", "no day")),
    ],
    ids=["status unknown", "a month", "no day"],
)
def test_a_doubtful_dose_is_named_and_must_be_asked_about_first(record, rule, parts) -> None:
    (remark,) = log(record, as_of=0).remarks
    assert remark.rule == rule
    for part in (*parts, "Not counted", "before the next one is given"):
        assert part in remark.text


def test_a_doubled_dose_names_both_records() -> None:
    second = dose(0, reference="MedicationAdministration/again")
    (remark,) = log(dose(0), second, as_of=0).remarks
    both = "MedicationAdministration/2026-11-21 and MedicationAdministration/again"
    assert f"2026-11-21: {both}" in remark.text


def test_a_dose_too_soon_is_shown_whole() -> None:
    """Weekly: day 3 is before the least gap of 4 days after day 0."""
    found = log(dose(0), dose(3), plan=course(phase(WEEKLY)), as_of=3)
    reference = "MedicationAdministration/2026-11-24"
    assert found.beside == (
        Slot("induction", 0, 0, None, SlotStatus.TOO_SOON, day(3), reference, None),
    )
    (remark,) = found.remarks
    assert remark.rule == "R-130"
    for part in (reference, "4 days", "dose of 2026-11-21", "ask before the next dose"):
        assert part in remark.text


def test_a_dose_beyond_the_last_says_that_all_were_given() -> None:
    found = log(*(dose(2 * n) for n in range(8)), as_of=20)
    reference = "MedicationAdministration/2026-12-05"
    assert found.beside == (Slot("induction", 0, 0, None, SlotStatus.EXTRA, day(14), reference),)
    (remark,) = found.remarks
    assert remark.rule == "R-131"
    for part in (reference, "all doses of its phase were given", "ask before the next dose"):
        assert part in remark.text
    assert "is ordered" not in remark.text


def test_tablets_of_another_form_are_no_dose_of_the_injections() -> None:
    tablet = dose(0, route=Route.ORAL, drug="cyanocobalamin")
    assert log(tablet, as_of=0).beside == ()


def test_a_question_about_a_restart_names_phase_day_and_limit() -> None:
    """More than 7 days after the last dose, of 21 November (R-132)."""
    remark = next(one for one in log(dose(0), as_of=8).remarks if one.id == "restart-load")
    for part in ("No dose of induction after 2026-11-21", "7 days", "The clinician decides"):
        assert part in remark.text


@pytest.mark.parametrize(("last", "ids"), [(12, []), (11, ["order-ends"])])
def test_an_order_that_just_holds_all_its_doses_needs_no_renewal(last, ids) -> None:
    """Seven doses, the last on day 12; the first was given."""
    bounded = replace(EVERY_OTHER_DAY, last=day(last))
    assert asked(log(dose(0), plan=course(phase(bounded)), as_of=1)) == ids

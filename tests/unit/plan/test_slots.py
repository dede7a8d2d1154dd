"""Which dose is given, due, late or missed: section 12 of the rule book, day by day.

The windows (days early / on time up to late / missed if more than / least gap) are: every other day
1/1/2/1, weekly 2/3/7/4, monthly and longer 7/14/28/21. Days are counted from d0.
"""

from dataclasses import replace
from datetime import date

import pytest

from b12fhir.facts.medicines import Route
from b12fhir.kernel.dates import When, on
from b12fhir.kernel.truth import Truth
from b12fhir.plan.schedule import Schedule
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

WEEKLY = Schedule(D0, interval=Span(1, "wk"), count=4)
MONTHLY = Schedule(D0, interval=Span(1, "mo"))
UNSIGNED_DAY = When(date(2026, 11, 1), date(2026, 11, 30), text="2026-11")


def test_a_new_plan_has_all_its_slots() -> None:
    assert short(log()) == ["1 due 0", *(f"{n} scheduled {2 * n - 2}" for n in range(2, 8))]


# --- the first open slot, as the days pass --------------------------------------------------------

STANDING = [
    # schedule, day, what the slot due on d0 + one interval is when the first was given on d0
    (EVERY_OTHER_DAY, 0, "scheduled"),  # due on day 2, window opens on day 1
    (EVERY_OTHER_DAY, 1, "due"),
    (EVERY_OTHER_DAY, 3, "due"),
    (EVERY_OTHER_DAY, 4, "overdue"),
    (EVERY_OTHER_DAY, 5, "missed"),
    (WEEKLY, 4, "scheduled"),  # due on day 7, window opens on day 5
    (WEEKLY, 5, "due"),
    (WEEKLY, 10, "due"),
    (WEEKLY, 11, "overdue"),
    (WEEKLY, 14, "overdue"),
    (WEEKLY, 15, "missed"),
    (MONTHLY, 22, "scheduled"),  # due on 21 December, day 30; window opens on day 23
    (MONTHLY, 23, "due"),
    (MONTHLY, 44, "due"),
    (MONTHLY, 45, "overdue"),
    (MONTHLY, 58, "overdue"),
    (MONTHLY, 59, "missed"),
]


@pytest.mark.parametrize(("schedule", "as_of", "status"), STANDING)
def test_an_open_slot_by_the_windows_of_its_interval(schedule, as_of, status) -> None:
    found = log(dose(0), plan=course(phase(schedule)), as_of=as_of)
    assert found.slots[1].status.value == status
    assert found.slots[1].is_open
    assert (found.late is not None) is (status in {"overdue", "missed"})


@pytest.mark.parametrize(
    ("schedule", "given", "status"),
    [
        # every other day: due on day 2; day 1 is on time (1 early) and day 0 was the dose before
        (EVERY_OTHER_DAY, 1, "given"),
        (EVERY_OTHER_DAY, 2, "given"),
        (EVERY_OTHER_DAY, 3, "given"),
        (EVERY_OTHER_DAY, 4, "given-late"),
        # weekly: due on day 7
        (WEEKLY, 3, "too-soon"),
        (WEEKLY, 4, "given-early"),
        (WEEKLY, 5, "given"),
        (WEEKLY, 10, "given"),
        (WEEKLY, 11, "given-late"),
        # monthly: due on day 30
        (MONTHLY, 20, "too-soon"),
        (MONTHLY, 21, "given-early"),
        (MONTHLY, 22, "given-early"),
        (MONTHLY, 23, "given"),
        (MONTHLY, 44, "given"),
        (MONTHLY, 45, "given-late"),
    ],
)
def test_a_dose_against_the_day_it_was_due(schedule, given, status) -> None:
    found = log(dose(0), dose(given), plan=course(phase(schedule)), as_of=60)
    shown = [*found.beside, found.slots[1]]
    assert shown[0].status.value == status


# --- never double up, the interval from the actual dose (R-131, R-133) ----------------------------


def test_only_the_first_open_slot_is_late_and_those_behind_it_wait() -> None:
    """Two late doses would be an invitation to give two at once."""
    found = log(dose(0), as_of=30)
    assert short(found)[:4] == ["1 given 0->0", "2 missed 2", "3 scheduled 4", "4 scheduled 6"]
    assert [slot.status.value for slot in found.slots].count("missed") == 1


def test_a_late_dose_moves_the_rest_and_the_number_of_doses_stays() -> None:
    """Due on day 2, given on day 5: the next are due on 7, 9, ... and there are still 7 (R-131)."""
    found = log(dose(0), dose(5), as_of=5)
    assert short(found) == [
        "1 given 0->0",
        "2 given-late 2->5",
        *(f"{n} scheduled {2 * n + 1}" for n in range(3, 8)),
    ]


def test_a_late_maintenance_dose_moves_the_next_by_a_calendar_month() -> None:
    """Due on 3 January, given on the 31st: next on 28 February, then on the 31st again (R-133)."""
    plan = course(maintenance())
    found = log(dose(date(2027, 1, 31)), plan=plan, as_of=date(2027, 2, 1))
    assert [slot.due for slot in found.slots[:4]] == [
        date(2027, 1, 3),
        date(2027, 2, 28),
        date(2027, 3, 31),
        date(2027, 4, 30),
    ]


def test_a_load_that_is_all_given_is_over() -> None:
    found = log(*(dose(2 * n) for n in range(7)), as_of=13)
    assert [slot.status.value for slot in found.slots] == ["given"] * 7
    assert found.late is None
    assert asked(found) == []


def test_a_dose_beyond_the_last_is_recorded_and_not_counted() -> None:
    found = log(*(dose(2 * n) for n in range(8)), as_of=20)
    assert len(found.slots) == 7
    assert [(one.status.value, one.given) for one in found.beside] == [("extra", day(14))]
    assert asked(found) == ["extra-dose"]


def test_a_dose_too_soon_leaves_the_next_one_where_it_was() -> None:
    """Weekly: day 0, then day 3 (least gap 4). The slot of day 7 stays open on its day (R-130)."""
    found = log(dose(0), dose(3), plan=course(phase(WEEKLY)), as_of=3)
    assert short(found)[1] == "2 scheduled 7"
    assert asked(found) == ["too-soon-dose"]
    assert found.beside[0].ordinal == 0
    assert found.beside[0].due is None


def test_the_least_gap_counts_from_the_last_dose_that_counted() -> None:
    """Day 5 is five days after day 0 and two after the dose of day 3, which did not count."""
    found = log(dose(0), dose(3), dose(5), plan=course(phase(WEEKLY)), as_of=5)
    assert short(found)[1] == "2 given 7->5"


# --- what is a dose (R-128, R-129, R-135) ---------------------------------------------------------


def test_a_nurses_record_and_a_patients_own_are_one_dose() -> None:
    own = dose(0, reference="MedicationStatement/own", rank=2, drug="")
    found = log(own, dose(0, reference="MedicationAdministration/nurse"), as_of=1)
    assert short(found)[:2] == ["1 given 0->0", "2 due 2"]
    assert found.slots[0].reference == "MedicationAdministration/nurse"
    assert asked(found) == []


@pytest.mark.parametrize(
    "second",
    [
        dose(0, reference="MedicationAdministration/again"),
        dose(0, reference="MedicationStatement/own", rank=2, drug="cyanocobalamin"),
    ],
    ids=["two records of one kind", "two products"],
)
def test_two_injections_in_one_day_count_once_and_are_asked_about(second) -> None:
    found = log(dose(0), second, as_of=0)
    assert short(found)[:2] == ["1 given 0->0", "2 scheduled 2"]
    assert asked(found) == ["double-dose"]
    assert "MedicationAdministration" in found.remarks[0].text
    assert found.remarks[0].rule == "R-129"


@pytest.mark.parametrize(("given", "id_"), [(Truth.UNKNOWN, ["dose-status"]), (Truth.NO, [])])
def test_what_was_not_completed_does_not_count(given, id_) -> None:
    found = log(dose(0, given=given), as_of=0)
    assert short(found)[0] == "1 due 0"
    assert asked(found) == id_


@pytest.mark.parametrize("when", [UNSIGNED_DAY, None], ids=["a month", "no day"])
def test_an_incomplete_day_is_never_on_time(when) -> None:
    found = log(dose(when), as_of=0)
    assert short(found)[0] == "1 due 0"
    assert asked(found) == ["dose-date"]
    assert found.remarks[0].rule == "R-135"


def test_a_dose_after_the_day_asked_about_is_not_known_yet() -> None:
    assert short(log(dose(0), dose(2), as_of=1))[1] == "2 due 2"


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"drug": ""}, True),  # "vitamin B12 injection": the form is not named
        ({"route": Route.SC}, True),  # any needle: a second one would be a double dose
        ({"route": Route.INJECTION}, True),
        ({"route": Route.UNKNOWN}, True),
        ({"route": Route.ORAL}, False),
        ({"drug": "cyanocobalamin"}, False),
        ({"drug": "cyanocobalamin", "order": "MedicationRequest/induction"}, True),
        ({"drug": "", "order": f"{course().key}:induction"}, True),
        ({"order": "MedicationRequest/of-the-other-system"}, True),
    ],
)
def test_a_dose_belongs_by_its_order_or_else_by_drug_and_route(change, counts) -> None:
    found = log(dose(0, **change), as_of=0)
    assert found.slots[0].status.value == ("given" if counts else "due")


def test_another_form_of_b12_is_not_counted_but_asked_about() -> None:
    found = log(dose(0, drug="cyanocobalamin"), as_of=0)
    assert asked(found) == ["extra-dose"]
    assert "cyanocobalamin was given, hydroxocobalamin is ordered" in found.remarks[0].text


def test_tablets_beside_injections_are_no_concern_of_the_dose_log() -> None:
    found = log(dose(0, route=Route.ORAL), as_of=0)
    assert (found.beside, found.remarks) == ((), ())


def test_doses_before_the_plan_was_signed_are_not_its_doses() -> None:
    found = log(dose(-3), as_of=0)
    assert short(found)[0] == "1 due 0"
    assert (found.beside, found.remarks) == ((), ())


# --- left out on purpose --------------------------------------------------------------------------


def left_out(number: int):
    return dose(
        number, given=Truth.NO, declined=True, reference=f"MedicationAdministration/no{number}"
    )


def test_a_dose_left_out_is_skipped_and_the_number_of_doses_stays() -> None:
    """Slot 2 (day 2) skipped: slot 3 keeps day 4, and an eighth slot brings the seventh dose."""
    found = log(dose(0), left_out(2), as_of=2)
    assert short(found)[:3] == ["1 given 0->0", "2 skipped 2", "3 scheduled 4"]
    assert short(found)[-1] == "8 scheduled 14"
    assert [slot.number for slot in found.slots] == [1, 2, 2, 3, 4, 5, 6, 7]
    assert found.slots[1].reference == "MedicationAdministration/no2"


def test_a_dose_given_the_same_day_outweighs_a_note_that_it_was_not() -> None:
    found = log(dose(0), left_out(0), as_of=0)
    assert found.slots[0].status.value == "given"


@pytest.mark.parametrize("number", [0, 5])
def test_a_note_far_from_the_day_of_the_slot_skips_nothing(number) -> None:
    """Due on day 2: on time from day 1, no longer to be given after day 4."""
    found = log(dose(0), left_out(number), as_of=5)
    assert found.slots[1].status.value == "missed"


def test_a_note_after_the_last_dose_means_nothing() -> None:
    plan = course(phase(replace(EVERY_OTHER_DAY, count=1, interval=None)))
    found = log(dose(0), left_out(2), plan=plan, as_of=3)
    assert (len(found.slots), found.beside) == (1, ())


def test_a_single_dose_left_out_has_no_other_day() -> None:
    plan = course(phase(replace(EVERY_OTHER_DAY, count=1, interval=None)))
    found = log(left_out(0), left_out(2), plan=plan, as_of=3)
    assert short(found) == ["1 skipped 0"]


# --- changes of the order (R-136) -----------------------------------------------------------------


def test_an_order_retimed_after_two_doses_makes_no_missed_dose() -> None:
    """Every other day from d0, two given; on day 3 re-timed to weekly, same start, same 7 doses.

    By the new timing alone dose 2 would have been given too soon and be due on day 7; by the old
    one day 4 would be missed. Both keep their numbers, and the third falls due one new interval
    after the second: on day 9.
    """
    weekly = replace(EVERY_OTHER_DAY, interval=Span(1, "wk"))
    found = log(dose(0), dose(2), plan=course(phase(weekly, changed=day(3))), as_of=8)
    assert short(found)[:4] == ["1 given 0->0", "2 given 2->2", "3 due 9", "4 scheduled 16"]
    assert len(found.slots) == 7
    assert found.beside == ()


def test_an_order_moved_to_a_later_start_keeps_the_doses_given() -> None:
    """Two given; on day 3 everything is moved to begin on day 10: the third is due on day 10."""
    later = replace(EVERY_OTHER_DAY, start=day(10))
    found = log(dose(0), dose(2), plan=course(phase(later, changed=day(3))), as_of=9)
    assert short(found)[:4] == ["1 given 0->0", "2 given 2->2", "3 due 10", "4 scheduled 12"]
    assert found.slots[-1].due == day(18)


def test_an_order_signed_late_is_not_late_on_its_first_day() -> None:
    """Planned from d0, signed on day 5: the first dose is due on the day it was signed."""
    found = log(plan=course(phase(since=day(5), changed=day(5))), as_of=5)
    assert short(found)[:2] == ["1 due 5", "2 scheduled 7"]


def test_a_shortened_interval_is_due_at_once_and_not_missed() -> None:
    """Monthly, one given on d0; on day 20 changed to weekly: due that day, not since day 7."""
    plan = course(phase(WEEKLY, changed=day(20)))
    assert short(log(dose(0), plan=plan, as_of=20))[1] == "2 due 20"
    assert short(log(dose(0), plan=plan, as_of=24))[1] == "2 overdue 20"


def test_a_change_does_not_skip_a_dose_of_before() -> None:
    """What was left out before the change belongs to a schedule that nobody knows any more."""
    plan = course(phase(changed=day(10)))
    assert short(log(dose(0), left_out(2), plan=plan, as_of=10))[1] == "2 due 10"


# --- orders and plans that are not in force -------------------------------------------------------


@pytest.mark.parametrize(
    "status", ["stopped", "on-hold", "completed", "cancelled", "entered-in-error"]
)
def test_an_order_not_in_force_has_cancelled_slots_on_their_old_days(status) -> None:
    plan = course(phase(status=status, changed=day(3)))
    found = log(dose(0), dose(2), plan=plan, as_of=30)
    assert short(found)[:4] == ["1 given 0->0", "2 given 2->2", "3 cancelled 4", "4 cancelled 6"]
    assert (found.late, asked(found)) == (None, [])


@pytest.mark.parametrize("status", ["on-hold", "revoked", "completed"])
def test_a_plan_not_in_force_cancels_every_open_slot(status) -> None:
    found = log(dose(0), plan=course(status=status), as_of=30)
    assert {slot.status.value for slot in found.slots[1:]} == {"cancelled"}


def test_a_dose_after_the_stop_is_asked_about() -> None:
    plan = course(phase(status="stopped", changed=day(3)))
    assert asked(log(dose(5), plan=plan, as_of=6)) == ["extra-dose"]


# --- several phases -------------------------------------------------------------------------------


def two(**changes):
    return course(phase(), maintenance(**changes))


def test_maintenance_waits_for_the_load() -> None:
    found = log(dose(0), plan=two(), as_of=60)
    first = next(slot for slot in found.slots if slot.phase == "maintenance")
    assert first.status.value == "scheduled"


def test_a_late_load_moves_maintenance_by_as_much() -> None:
    """The last of 7 planned on day 12, 3 December; maintenance on 3 January, a month after it.

    With dose 7 on day 20, 11 December, maintenance falls due on 11 January.
    """
    doses = [dose(2 * n) for n in range(6)] + [dose(20)]
    found = log(*doses, plan=two(), as_of=25)
    first = next(slot for slot in found.slots if slot.phase == "maintenance")
    assert first.due == date(2027, 1, 11)


def test_a_load_still_going_on_moves_maintenance_ahead_of_time() -> None:
    """Dose 2 late by 8 days (day 10): the last is then due on day 20, maintenance on 11 January."""
    found = log(dose(0), dose(10), plan=two(), as_of=11)
    first = next(slot for slot in found.slots if slot.phase == "maintenance")
    assert first.due == date(2027, 1, 11)


def test_who_signed_maintenance_after_the_late_load_has_the_last_word() -> None:
    doses = [dose(2 * n) for n in range(6)] + [dose(20)]
    plan = two(since=day(22), changed=day(22))
    first = next(s for s in log(*doses, plan=plan, as_of=25).slots if s.phase == "maintenance")
    assert first.due == date(2027, 1, 3)


def test_but_never_sooner_than_the_least_gap() -> None:
    """Signed to begin two days after the last dose: monthly doses are at least 21 days apart."""
    doses = [dose(2 * n) for n in range(7)]
    soon = Schedule(day(14), interval=Span(1, "mo"))
    plan = two(schedule=soon, since=day(13), changed=day(13))
    first = next(s for s in log(*doses, plan=plan, as_of=14).slots if s.phase == "maintenance")
    assert first.due == day(33)


def test_a_gap_that_was_signed_shorter_than_an_interval_stays() -> None:
    """The weekly phase begins 4 days after the load (day 12 + 4); the load ends 2 days late."""
    weekly = phase(Schedule(day(16), interval=Span(1, "wk"), count=4), id="induction-2")
    found = log(dose(0), dose(4), plan=course(phase(), weekly), as_of=5)
    first = next(slot for slot in found.slots if slot.phase == "induction-2")
    assert first.due == day(18)


def test_a_phase_that_begins_at_once_still_waits_one_interval() -> None:
    """Planned to begin before the load has ended: one interval after its last dose instead."""
    weekly = phase(Schedule(day(10), interval=Span(1, "wk"), count=4), id="induction-2")
    found = log(plan=course(phase(), weekly), as_of=0)
    first = next(slot for slot in found.slots if slot.phase == "induction-2")
    assert first.due == day(12 + 7)


@pytest.mark.parametrize(
    "fixed",
    [
        Schedule(day(13), weekdays=(4,)),
        Schedule(day(13), dates=(day(13), day(43)), count=2),
        Schedule(day(13), count=1),
    ],
    ids=["weekdays", "dates", "single"],
)
def test_a_phase_bound_to_the_calendar_only_keeps_its_least_gap(fixed) -> None:
    found = log(plan=course(phase(), phase(fixed, id="later")), as_of=0)
    first = next(slot for slot in found.slots if slot.phase == "later")
    least = {"weekdays": 4, "dates": 21}.get(
        "weekdays" if fixed.weekdays else "dates" if fixed.dates else "", 1
    )
    assert first.due >= day(12 + least)


def test_doses_after_the_load_go_to_maintenance() -> None:
    doses = [dose(2 * n) for n in range(7)] + [dose(date(2027, 1, 4))]
    found = log(*doses, plan=two(), as_of=date(2027, 1, 5))
    shown = [slot for slot in found.slots if slot.phase == "maintenance"]
    assert (shown[0].status.value, shown[0].given) == ("given", date(2027, 1, 4))
    assert shown[1].due == date(2027, 2, 4)


def test_a_phase_stopped_early_does_not_hold_up_the_next() -> None:
    stopped = phase(status="stopped", changed=day(5))
    found = log(dose(0), plan=course(stopped, maintenance()), as_of=date(2027, 1, 3))
    first = next(slot for slot in found.slots if slot.phase == "maintenance")
    assert (first.due, first.status.value) == (date(2027, 1, 3), "due")


def test_daily_and_unreadable_phases_have_no_slots() -> None:
    daily = phase(Schedule(D0, interval=Span(1, "d")), id="oral", route=Route.ORAL)
    assert log(plan=course(daily, phase(None, problem="?")), as_of=0).slots == ()


# --- calendars instead of intervals ---------------------------------------------------------------


def test_days_of_the_week_do_not_move_with_a_late_dose() -> None:
    """Monday, Wednesday, Friday from Monday 23 November (day 2). Monday's dose comes on Tuesday."""
    plan = course(phase(Schedule(day(2), weekdays=(0, 2, 4), count=6)))
    found = log(dose(3), plan=plan, as_of=3)
    assert short(found)[:4] == ["1 given 2->3", "2 due 4", "3 scheduled 6", "4 scheduled 9"]
    assert len(found.slots) == 6


def test_an_early_dose_does_not_leave_its_own_day_of_the_week_open() -> None:
    """Monday's dose on Sunday (day 1): the next is Wednesday, not the Monday after."""
    plan = course(phase(Schedule(day(2), weekdays=(0, 2, 4), count=6)))
    assert short(log(dose(1), plan=plan, as_of=1))[:2] == ["1 given 2->1", "2 scheduled 4"]


def test_a_changed_order_takes_the_next_of_its_days_of_the_week() -> None:
    """Signed on Tuesday (day 3) with Monday's date in it: Wednesday is the first day."""
    plan = course(phase(Schedule(day(2), weekdays=(0, 2, 4), count=6), changed=day(3)))
    assert short(log(plan=plan, as_of=3))[0] == "1 due 4"


def test_fixed_dates_stay_and_keep_the_least_gap() -> None:
    """Days 0, 7, 14: the second is given on day 12, so that day 14 would be too soon (4 days)."""
    fixed = Schedule(D0, dates=(day(0), day(7), day(14)), count=3)
    found = log(dose(0), dose(12), plan=course(phase(fixed)), as_of=12)
    assert short(found) == ["1 given 0->0", "2 given-late 7->12", "3 scheduled 16"]


def test_a_pattern_inside_the_week_goes_on_from_a_late_dose() -> None:
    """Three a week on days 0, 2, 4, 7, ...: dose 2 on day 3 moves the rest by one day."""
    three = Schedule(D0, interval=Span(1, "wk"), days=(0, 2, 4), count=6)
    found = log(dose(0), dose(3), plan=course(phase(three)), as_of=3)
    assert [slot.due for slot in found.slots] == [day(n) for n in (0, 2, 5, 8, 10, 12)]


# --- what is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(("as_of", "ids"), [(7, ["dose-late"]), (8, ["dose-late", "restart-load"])])
def test_more_than_7_days_without_a_loading_dose_ask_about_a_restart(as_of, ids) -> None:
    found = log(dose(0), as_of=as_of)
    assert asked(found) == ids
    assert found.remarks[0].rule == "R-131"
    assert [one.rule for one in found.remarks[1:]] == ["R-132"] * (len(ids) - 1)


def test_a_load_that_never_began_has_nothing_to_restart() -> None:
    assert asked(log(as_of=30)) == ["dose-late"]


@pytest.mark.parametrize("schedule", [WEEKLY, MONTHLY])
def test_a_gap_in_other_phases_asks_no_restart(schedule) -> None:
    found = log(dose(0), plan=course(phase(schedule)), as_of=100)
    assert asked(found) == ["dose-late"]
    assert found.remarks[0].rule == ("R-131" if schedule.count else "R-133")


def test_what_a_late_dose_says() -> None:
    text = log(dose(0), as_of=5).remarks[0].text
    assert text == (
        "Dose 2 of 7 of induction was due on 2026-11-23 and none is on record: give it now unless"
        " something speaks against it. The total stays; later doses follow from the day it is"
        " given. Never give two to catch up."
    )
    open_ended = log(plan=course(maintenance()), as_of=date(2027, 3, 1)).remarks[0].text
    assert "Dose 1 of maintenance was due on 2027-01-03" in open_ended
    assert "total" not in open_ended


def test_an_order_that_ends_before_its_doses_are_given_is_said() -> None:
    """Bounds to day 12 for 7 doses; one late by two days leaves no day for the seventh."""
    bounded = replace(EVERY_OTHER_DAY, last=day(12))
    found = log(dose(0), dose(4), plan=course(phase(bounded)), as_of=4)
    assert len(found.slots) == 6
    assert asked(found) == ["order-ends"]
    assert "ends on 2026-12-03, before all 7 doses" in found.remarks[0].text


def test_an_open_ended_order_with_an_end_stops_there() -> None:
    plan = course(maintenance(Schedule(D0, interval=Span(1, "mo"), last=date(2027, 1, 31))))
    found = log(plan=plan, as_of=0)
    assert told(found) == [
        ("maintenance:1", 0, "due"),
        ("maintenance:2", 30, "scheduled"),
        ("maintenance:3", 61, "scheduled"),
    ]
    assert asked(found) == []


def test_an_open_ended_phase_is_written_out_for_12_months() -> None:
    found = log(plan=course(maintenance()), as_of=date(2027, 1, 3))
    assert [found.slots[0].due, found.slots[-1].due] == [date(2027, 1, 3), date(2028, 1, 3)]
    assert len(found.slots) == 13


def test_a_slot_knows_the_day_from_which_it_is_late() -> None:
    found = log(dose(0), as_of=0)
    assert found.slots[1].overdue_from == day(4)
    assert on(found.slots[1].overdue_from).is_exact

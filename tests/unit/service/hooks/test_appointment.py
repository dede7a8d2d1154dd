"""appointment-book: an injection that the visit could give, or what must not wait for it."""

from dataclasses import replace

import pytest

from b12fhir.service.hooks.model import Hook, Indicator
from tests.support.cards import call, cards, read
from tests.support.courses import administered, monthly, order, signed_plan
from tests.support.facts import WOMAN, injection
from tests.support.hook_records import condition
from tests.support.proposals import proposed
from tests.unit.service.test_propose import b12

LOW = b12(95, day="2026-11-18")
NUMB = condition("91019004", "Paresthesia")
GIVEN = (administered("2026-11-21T10:00:00Z"), administered("2026-11-23T10:00:00Z"))
PLAN = (LOW, signed_plan(), order(), *GIVEN)
# 3 January is the day of the next monthly dose; it may be given 7 days before.
MONTHLY = (LOW, signed_plan(), monthly())

LATE, CALL = injection(400), call(Hook.APPOINTMENT_BOOK)


def visit(**more):
    return {"resourceType": "Appointment", "id": "b12fhir-new-1", "status": "proposed", **more}


def booked(*record, day="2026-11-24", **more):
    context = (visit(**more),)
    return read(*record, day=day, hook=Hook.APPOINTMENT_BOOK, context=context)


def test_a_dose_that_is_due_by_then_is_told_with_the_visit() -> None:
    (found,) = booked(*PLAN, start="2026-11-25T09:00:00Z")
    assert (found.key, found.indicator) == ("dose:induction:3", Indicator.INFO)
    assert found.summary == (
        "Visit of 25 Nov 2026: B12 dose 3 of 7 is due on 25 Nov 2026: consider giving"
        " hydroxocobalamin 1000 microgram IM"
    )


@pytest.mark.parametrize(
    ("start", "said"),
    [("2026-12-26T09:00:00Z", False), ("2026-12-27T09:00:00Z", True), ("2027-02-01", True)],
)
def test_a_dose_is_due_at_a_visit_from_the_first_day_of_its_window(start, said) -> None:
    assert bool(booked(*MONTHLY, start=start)) is said


def test_several_days_that_are_asked_for_count_to_the_last() -> None:
    periods = [{"start": "2026-12-01"}, {"start": "2027-01-04"}, {"end": "2027-01-05"}, "odd"]
    (found,) = booked(*MONTHLY, requestedPeriod=periods)
    assert found.summary.startswith("Visit of 1 Dec 2026: B12 dose 1 is due on 3 Jan 2027")


def test_without_a_day_four_weeks_are_looked_ahead() -> None:
    assert booked(*MONTHLY, day="2026-11-28") == ()
    (found,) = booked(*MONTHLY, day="2026-11-29")
    assert found.summary.startswith("B12 dose 1 is due on 3 Jan 2027")


@pytest.mark.parametrize("start", ["2026-11-01T09:00:00Z", "2026-12", "soon", 7, None])
def test_a_day_that_is_over_or_cannot_be_read_is_none(start) -> None:
    assert booked(*MONTHLY, start=start) == ()


def test_a_late_dose_waits_for_no_visit() -> None:
    (found,) = booked(*PLAN, day="2026-11-28", start="2026-11-29T09:00:00Z")
    assert found.indicator is Indicator.WARNING


def test_what_is_urgent_is_told_with_the_day_that_is_too_late() -> None:
    anaemic = {**b12(95, day="2026-11-18"), "id": "x"}
    (found,) = booked(anaemic, condition("84027009", "Pernicious anaemia"), start="2027-01-05")
    assert found.summary.startswith("Before the visit of 5 Jan 2027: B12 95 ng/L")
    assert found.key == "finding"


def test_a_visit_in_time_is_not_blamed() -> None:
    """Permanent malabsorption: within 7 days."""
    record = (LOW, condition("84027009", "Pernicious anaemia"))
    for day, lead in (("2026-12-01", "B12 95"), ("2026-12-02", "Before the visit")):
        (found,) = booked(*record, start=day)
        assert found.summary.startswith(lead)


def test_number_and_action_stay_where_the_lead_does_not_fit() -> None:
    (found,) = booked(LOW, NUMB, start="2027-01-05")
    assert found.summary.startswith("B12 95 ng/L (18 Nov 2026), nerve signs")
    assert found.summary.endswith("IM every 2 days, from today")


def test_what_can_wait_is_not_told_to_who_books() -> None:
    assert booked(LOW, start="2026-12-01") == ()
    assert booked(b12(500), start="2026-12-01") == ()


def test_the_dead_have_no_visits() -> None:
    assert cards(proposed(LATE, patient=replace(WOMAN, deceased=True)), CALL) == ()


def test_what_could_not_be_read_is_said_here_too() -> None:
    (found,) = read(b12(500), hook=Hook.APPOINTMENT_BOOK, unchecked=("Medicines",))
    assert found.key == "unchecked"
    # An appointment that could not be read alone is no reason for a card about vitamin B12.
    assert read(b12(500), hook=Hook.APPOINTMENT_BOOK, unread=("an appointment",)) == ()

"""A number taken under treatment is not a diagnosis, and a course is never doubled."""

from dataclasses import replace
from datetime import UTC

import pytest

from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.medicines import Route
from b12fhir.kernel.dates import on, parse_when
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, ids
from tests.support.facts import concept, days_ago, injection, lab, tablets

LOW = lab(A.B12_TOTAL, "100", ago=3)

UNDER_TREATMENT = [
    (injection(3 + 365), "on-treatment"),
    (injection(3 + 366), "confirmed"),
    (injection(30, dose="100"), "on-treatment"),
    (injection(30, dose="99"), "confirmed"),
    (injection(None), "on-treatment"),
    (injection(30, given=Truth.NO), "confirmed"),
    (tablets("50"), "on-treatment"),
    (tablets("49"), "confirmed"),
    (tablets("1000", active=False, until=on(days_ago(93))), "on-treatment"),
    (tablets("1000", start=200, active=False, until=on(days_ago(94))), "confirmed"),
    (tablets("1000", route=Route.SUBLINGUAL), "on-treatment"),
    (tablets("1000", given=Truth.NO, ordered=True), "on-treatment"),
    (tablets("1000", given=Truth.NO, ordered=True, active=False), "confirmed"),
    (tablets("1000", start=-1), "confirmed"),
]


@pytest.mark.parametrize(("dose", "expected"), UNDER_TREATMENT)
def test_a_sample_after_b12_is_not_classified(dose: object, expected: str) -> None:
    assert decided(LOW, dose).classification.value == expected


def test_a_sample_before_the_first_dose_keeps_its_class_but_no_second_course_is_drafted() -> None:
    answer = decided(LOW, injection(1))
    assert answer.classification.value == "confirmed"
    assert answer.intent.kind == "none"
    assert "b12-already-given-or-ordered" in answer.flags
    assert "b12-running" in ids(answer.cautions)


def test_a_dose_on_the_day_of_the_sample_counts_as_before_it() -> None:
    """Which came first is not known: the number is not trusted."""
    assert decided(LOW, injection(3)).classification.value == "on-treatment"


def test_an_active_injection_order_is_asked_about_and_not_doubled() -> None:
    answer = decided(LOW, injection(30, given=Truth.NO, ordered=True, active=True))
    assert answer.classification.value == "confirmed"
    assert "possibly-on-treatment" in answer.flags
    assert "b12-given" in ids(answer.gaps)
    assert answer.intent.kind == "none"


def test_an_injection_of_unknown_strength_is_asked_about() -> None:
    answer = decided(LOW, injection(30, dose=None))
    assert answer.classification.value == "confirmed"
    assert "possibly-on-treatment" in answer.flags


def test_treated_without_any_earlier_sample() -> None:
    assert decided(injection(20)).classification.value == "on-treatment"
    assert decided(injection(20)).route == "im"
    assert decided(tablets("1000")).route == "oral"
    assert decided(injection(20, route=Route.IV)).route is None


def test_an_order_that_ended_is_asked_about_and_does_not_stop_a_course() -> None:
    """Nobody recorded that it was given, and nobody recorded that it was not."""
    ended = injection(100, given=Truth.NO, ordered=True)
    answer = decided(LOW, ended)
    assert "possibly-on-treatment" in answer.flags
    assert answer.intent.kind == "treat"


def test_possibly_treated_without_any_sample_stays_no_data() -> None:
    answer = decided(injection(20, dose=None))
    assert answer.classification.value == "no-data"
    assert "possibly-on-treatment" in answer.flags


def test_a_dose_that_lies_in_the_future_is_none() -> None:
    assert decided(LOW, injection(-2)).classification.value == "confirmed"
    assert decided(LOW, injection(-2)).intent.kind == "treat"


def test_an_old_course_that_ended_does_not_stop_a_new_one() -> None:
    answer = decided(LOW, injection(3 + 366))
    assert answer.intent.kind == "treat"


def test_the_route_goes_on_as_last_given() -> None:
    answer = decided(injection(100), tablets("1000", start=10))
    assert answer.route == "oral"


SINCE = [
    # days since each dose, days since the sign began, is it new since the first dose?
    ((200, 20), 100, True),
    ((20, 200), 100, True),
    ((200, 20), 250, False),
    ((20, 200), 250, False),
]


@pytest.mark.parametrize(("doses", "began", "new"), SINCE)
def test_a_sign_is_new_since_the_first_dose_in_whatever_order_they_come(
    doses: tuple[int, ...], began: int, *, new: bool
) -> None:
    sign = concept("paresthesia", ago=began)
    answer = decided(LOW, *map(injection, doses), sign)
    assert answer.classification.value == "on-treatment"
    assert (answer.urgency.value == "urgent") is new


def test_doses_of_which_only_one_has_a_clock_time_have_an_order() -> None:
    timed = parse_when("2026-11-01T08:00:00Z", UTC)
    assert timed is not None
    answer = decided(
        LOW, injection(20), replace(injection(20), when=timed), concept("paresthesia", ago=5)
    )
    assert answer.urgency.value == "urgent"


def test_signs_under_doses_without_a_day_are_not_called_new() -> None:
    """Nobody knows whether they came before the doses; being there, they are seen soon (R-62)."""
    answer = decided(LOW, injection(None), concept("paresthesia", ago=5))
    assert answer.classification.value == "on-treatment"
    assert answer.urgency.value == "soon"


BETWEEN = [
    # was an order's dose given between the B12 sample and the MMA, do they belong together?
    (Truth.NO, "indeterminate-confirmed"),  # an order alone changes no MMA
    (Truth.YES, "indeterminate"),
]


@pytest.mark.parametrize(("given", "expected"), BETWEEN)
def test_only_b12_that_was_given_parts_a_metabolite_from_its_sample(
    given: Truth, expected: str
) -> None:
    sample, kidneys = lab(A.B12_TOTAL, "250", ago=30), lab(A.EGFR, "90")
    order = injection(20, given=given, ordered=True, active=True)
    answer = decided(sample, lab(A.MMA, "900", ago=3), kidneys, order)
    assert answer.classification.value == expected

"""Which of several results counts, and which results never do."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from b12fhir.facts.labs import Analyte as A
from b12fhir.kernel.dates import When, on, parse_when
from tests.support.decided import decided, ids, rules
from tests.support.facts import TODAY, WOMAN, days_ago, lab


def test_the_newest_result_decides_in_whatever_order_they_come() -> None:
    old, new = lab(A.B12_TOTAL, "120", ago=40), lab(A.B12_TOTAL, "500", ago=4)
    assert decided(old, new).classification.value == "unlikely"
    assert decided(new, old).classification.value == "unlikely"


def test_a_pending_result_never_decides_and_is_shown() -> None:
    answer = decided(lab(A.B12_TOTAL, "100", pending=True), lab(A.B12_TOTAL, "500", ago=40))
    assert answer.classification.value == "unlikely"
    assert any("pending" in f.note for f in answer.findings if f.rule == "R-15")


NOT_YET = [
    (on(TODAY + timedelta(days=1)), WOMAN),
    (on(date(1979, 12, 31)), WOMAN),
    (on(days_ago(5)), replace(WOMAN, deceased=True, death=on(days_ago(10)))),
]


@pytest.mark.parametrize(
    ("when", "patient"), NOT_YET, ids=["future", "before birth", "after death"]
)
def test_impossible_times_are_not_used(when: When, patient: object) -> None:
    answer = decided(lab(A.B12_TOTAL, "100", when=when), patient=patient)
    assert answer.classification.value == "no-data"
    assert "R-20" in rules(answer)


REFUSED = [
    # when the sample was taken, when the patient died, what is said of it
    (TODAY + timedelta(days=1), None, "in the future"),
    (date(1979, 12, 31), None, "before birth"),
    (days_ago(5), days_ago(10), "after death"),
    (TODAY, days_ago(1), "after death"),  # possible by the calendar, not for this patient
]


@pytest.mark.parametrize(("day", "death", "said"), REFUSED)
def test_why_a_result_cannot_be_is_said(day: date, death: date | None, said: str) -> None:
    patient = replace(WOMAN, deceased=death is not None, death=on(death) if death else None)
    answer = decided(
        lab(A.B12_TOTAL, "100", when=on(day), reference="Observation/b12"), patient=patient
    )
    (finding,) = [one for one in answer.findings if one.rule == "R-20" and "lies" in one.note]
    assert f"Observation/b12 lies {said}" in finding.note
    assert [one.reference for one in finding.inputs] == ["Observation/b12"]


def test_the_first_day_of_life_is_not_before_birth() -> None:
    born = replace(WOMAN, birth=on(days_ago(0)))
    answer = decided(lab(A.B12_TOTAL, "100", ago=0), patient=born)
    assert answer.classification.value == "confirmed"


def test_of_equal_results_of_a_day_the_one_with_a_clock_time_is_shown() -> None:
    timed = _instant("2026-11-18T08:00:00Z")
    day = lab(A.B12_TOTAL, "150", when=on(timed.first), reference="Observation/b")
    answer = decided(day, lab(A.B12_TOTAL, "150", when=timed, reference="Observation/a"))
    (finding,) = [one for one in answer.findings if one.rule == "R-28"]
    assert [one.reference for one in finding.inputs] == ["Observation/a"]


def test_two_unequal_results_of_one_time_count_as_the_worse() -> None:
    answer = decided(
        lab(A.B12_TOTAL, "400", reference="Observation/a"),
        lab(A.B12_TOTAL, "150", reference="Observation/b"),
    )
    assert answer.classification.value == "confirmed"
    assert "conflicting-results" in answer.flags
    shown = next(f.inputs for f in answer.findings if f.rule == "R-17")
    assert {used.reference for used in shown} == {"Observation/a", "Observation/b"}


def test_the_higher_of_two_equal_time_mma_results_counts() -> None:
    answer = decided(
        lab(A.B12_TOTAL, "240"), lab(A.EGFR, "90"), lab(A.MMA, "300"), lab(A.MMA, "900")
    )
    assert answer.classification.value == "indeterminate-confirmed"


def test_the_same_value_twice_is_no_conflict() -> None:
    answer = decided(
        lab(A.B12_TOTAL, "150", reference="Observation/a"),
        lab(A.B12_TOTAL, "150", reference="Observation/b"),
    )
    assert "conflicting-results" not in answer.flags


def test_one_sample_in_two_units_conflicts_only_if_the_classes_differ() -> None:
    agreeing = decided(lab(A.B12_TOTAL, "150"), lab(A.B12_TOTAL, "111", unit="pmol/L"))
    differing = decided(lab(A.B12_TOTAL, "181"), lab(A.B12_TOTAL, "132", unit="pmol/L"))
    assert "conflicting-results" not in agreeing.flags
    assert "conflicting-results" in differing.flags
    assert differing.classification.value == "confirmed"


def test_a_correction_replaces_its_equal_time_original() -> None:
    answer = decided(
        lab(A.B12_TOTAL, "150", reference="Observation/a"),
        lab(A.B12_TOTAL, "400", reference="Observation/b", corrected=True),
    )
    assert answer.classification.value == "unlikely"
    assert "conflicting-results" not in answer.flags


def _instant(text: str) -> When:
    when = parse_when(text, UTC)
    assert when is not None
    return when


def test_clock_times_are_ordered_across_zones() -> None:
    """01:00+05:00 is earlier than 22:00Z the evening before, though its text sorts later."""
    early = _instant("2026-11-18T01:00:00+05:00")
    late = _instant("2026-11-17T22:00:00Z")
    answer = decided(
        lab(A.B12_TOTAL, "150", when=early), lab(A.B12_TOTAL, "400", when=late, reference="o/2")
    )
    assert answer.classification.value == "unlikely"


def test_a_partial_date_that_leaves_the_order_open_is_not_guessed() -> None:
    month = _instant("2026-11")
    answer = decided(lab(A.B12_TOTAL, "150", when=month), lab(A.B12_TOTAL, "400", ago=4))
    assert answer.classification.value == "confirmed"
    assert "conflicting-results" in answer.flags


def test_a_partial_date_that_may_be_too_old_asks() -> None:
    """2025-11 may be 356 or 385 days ago: it neither counts nor passes for stale."""
    answer = decided(lab(A.B12_TOTAL, "100", when=_instant("2025-11")))
    assert answer.classification.value == "no-data"
    assert "collection-date" in ids(answer.gaps)
    assert "R-18" in rules(answer, "unknown")


def test_an_old_result_that_decides_no_class_is_told_without_the_flag() -> None:
    """ "stale" says that the class lacks a B12; an old potassium does not say that."""
    answer = decided(lab(A.B12_TOTAL, "150"), lab(A.POTASSIUM, "4", ago=400))
    assert "stale" not in answer.flags
    assert "R-19" in rules(answer)


def test_a_partial_date_that_is_surely_too_old_is_stale() -> None:
    answer = decided(lab(A.B12_TOTAL, "100", when=_instant("2024")))
    assert "stale" in answer.flags


def test_the_day_of_the_decision_itself_counts() -> None:
    noon = When(TODAY, TODAY, datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert decided(lab(A.B12_TOTAL, "100", when=noon)).classification.value == "confirmed"

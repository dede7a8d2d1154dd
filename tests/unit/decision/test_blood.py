"""Anaemia by the WHO table, macrocytosis, pancytopenia, what a normal count does not exclude."""

from dataclasses import replace
from datetime import date

import pytest

from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.patient import Pregnancy, Sex
from b12fhir.kernel.dates import When, on
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, ids, rules
from tests.support.facts import MAN, WOMAN, antibody, concept, days_ago, lab

CHILD = {years: replace(WOMAN, birth=on(date(2026 - years, 1, 1))) for years in (0, 1, 3, 8, 13)}
NEWBORN = replace(WOMAN, birth=on(date(2026, 7, 1)))
NOBODY = replace(WOMAN, sex=Sex.UNKNOWN)

LIMITS = [
    (WOMAN, "120", "none"),
    (WOMAN, "119.9", "mild"),
    (WOMAN, "110", "mild"),
    (WOMAN, "109.9", "moderate"),
    (WOMAN, "80", "moderate"),
    (WOMAN, "79.9", "severe"),
    (WOMAN, "< 80", "severe"),
    (WOMAN, "< 90", "unknown"),
    (WOMAN, "> 120", "none"),
    (MAN, "130", "none"),
    (MAN, "129", "mild"),
    (MAN, "79", "severe"),
    (NOBODY, "130", "none"),
    (NOBODY, "129", "unknown"),
    (NOBODY, "120", "unknown"),
    (NOBODY, "119", "mild"),
    (CHILD[13], "120", "none"),
    (CHILD[13], "119", "mild"),
    (CHILD[8], "115", "none"),
    (CHILD[8], "114", "mild"),
    (CHILD[8], "109", "moderate"),
    (CHILD[8], "79", "severe"),
    (CHILD[3], "110", "none"),
    (CHILD[3], "109", "mild"),
    (CHILD[3], "99", "moderate"),
    (CHILD[3], "69", "severe"),
    (CHILD[1], "105", "none"),
    (CHILD[1], "69", "severe"),
    (CHILD[0], "60", "severe"),
    (NEWBORN, "60", "unknown"),
    (replace(WOMAN, birth=None), "52", "severe"),
    (replace(WOMAN, birth=None), "118", "unknown"),
    (replace(WOMAN, birth=None), "140", "none"),
]


@pytest.mark.parametrize(("patient", "value", "expected"), LIMITS)
def test_grade_of_anaemia(patient: object, value: str, expected: str) -> None:
    assert decided(lab(A.HEMOGLOBIN, value), patient=patient).anaemia.value == expected


def _weeks(weeks: int) -> When:
    return on(days_ago(7 * weeks))


PREGNANT = [
    (_weeks(10), "110", "none"),
    (_weeks(10), "109", "mild"),
    (on(days_ago(13 * 7 + 6)), "109", "mild"),
    (_weeks(14), "109", "none"),
    (_weeks(14), "104", "mild"),
    (on(days_ago(27 * 7 + 6)), "105", "none"),
    (_weeks(28), "109", "mild"),
    (_weeks(28), "69", "severe"),
    (None, "110", "none"),
    (None, "109", "unknown"),
    (None, "105", "unknown"),
    (None, "104", "mild"),
]


@pytest.mark.parametrize(("since", "value", "expected"), PREGNANT)
def test_grade_in_pregnancy(since: When | None, value: str, expected: str) -> None:
    pregnancy = Pregnancy(Truth.YES, last_period=since)
    answer = decided(lab(A.HEMOGLOBIN, value), pregnancy=pregnancy)
    assert answer.anaemia.value == expected
    assert ("anaemia-group" in ids(answer.gaps)) is (expected == "unknown")


@pytest.mark.parametrize(("weeks", "mother"), [(44, True), (45, False)])
def test_a_pregnancy_does_not_last_for_years(weeks: int, mother: bool) -> None:
    """A "pregnant" that nobody took back would set limits and doses for ever."""
    pregnancy = Pregnancy(Truth.YES, last_period=_weeks(weeks))
    assert ("pregnant" in decided(pregnancy=pregnancy).flags) is mother


def test_without_haemoglobin_severity_may_be_higher() -> None:
    answer = decided(lab(A.B12_TOTAL, "150"))
    assert answer.anaemia.value == "unknown"
    assert "cbc" in ids(answer.gaps)


@pytest.mark.parametrize(("ago", "asked"), [(30, False), (31, True)])
def test_an_old_haemoglobin_still_grades_and_is_repeated(ago: int, asked: bool) -> None:
    answer = decided(lab(A.HEMOGLOBIN, "100", ago=ago))
    assert answer.anaemia.value == "moderate"
    assert ("repeat-cbc" in ids(answer.gaps)) is asked


MACRO = [("100", "", "no"), ("100.1", "", "yes"), ("98", "97", "yes"), ("> 100", "", "yes")]


@pytest.mark.parametrize(("mcv", "high", "truth"), MACRO)
def test_macrocytosis(mcv: str, high: str, truth: str) -> None:
    answer = decided(lab(A.MCV, mcv, high=high))
    assert "R-02" in rules(answer, truth)


@pytest.mark.parametrize("shown", [concept("macrocytosis"), antibody("macrocytes")])
def test_macrocytosis_on_record_is_a_sign(shown: object) -> None:
    answer = decided(lab(A.B12_TOTAL, "420"), lab(A.MMA, "900"), shown)
    assert answer.intent.kind == "treat"


def test_a_normal_count_excludes_nothing() -> None:
    assert "R-14" in rules(decided(lab(A.HEMOGLOBIN, "140"), lab(A.MCV, "92")))
    assert "R-14" not in rules(decided(lab(A.HEMOGLOBIN, "140")))
    assert "R-14" not in rules(decided(lab(A.HEMOGLOBIN, "140"), lab(A.MCV, "105")))


TIRED = concept("fatigue")
LOW_B12 = lab(A.B12_TOTAL, "150")
CELLS = [
    ("3.9", "149", "118", TIRED, "severe"),
    ("4.0", "149", "118", TIRED, "moderate"),
    ("3.9", "150", "118", TIRED, "moderate"),
    ("3.9", "149", "130", TIRED, "moderate"),
    ("3.9", "149", "118", concept("glossitis"), "moderate"),
]


@pytest.mark.parametrize(("wbc", "platelets", "hb", "felt", "expected"), CELLS)
def test_pancytopenia_with_symptoms_is_severe(
    wbc: str, platelets: str, hb: str, felt: object, expected: str
) -> None:
    answer = decided(
        LOW_B12, lab(A.WBC, wbc), lab(A.PLATELETS, platelets), lab(A.HEMOGLOBIN, hb), felt
    )
    assert answer.severity.value == expected
    assert (answer.urgency.value == "urgent") is (expected == "severe")


def test_pancytopenia_on_record_counts() -> None:
    assert decided(LOW_B12, concept("pancytopenia"), TIRED).severity.value == "severe"


def test_the_laboratorys_own_cell_limits_go_first() -> None:
    answer = decided(
        LOW_B12,
        lab(A.WBC, "3.9", low="3.5"),
        lab(A.PLATELETS, "149"),
        lab(A.HEMOGLOBIN, "118"),
        TIRED,
    )
    assert answer.severity.value == "moderate"

"""Neurological signs, severity, and how soon somebody must act."""

from dataclasses import replace
from datetime import date

import pytest

from b12fhir.facts.history import Standing
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.labs import RefusedLab
from b12fhir.facts.patient import Pregnancy
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, ids, rules
from tests.support.facts import WOMAN, concept, days_ago, lab

LOW = lab(A.B12_TOTAL, "150")
TINGLING = concept("paresthesia")

SIGNS = [
    (concept("paresthesia"), True),
    (concept("paresthesia", ago=4000), True),
    (concept("paresthesia", ago=None), True),
    (concept("paresthesia", source="observation", ago=365), True),
    (concept("paresthesia", source="observation", ago=366), False),
    (concept("paresthesia", source="observation", ago=None), True),
    (concept("paresthesia", standing=Standing.PAST), False),
    (concept("paresthesia", standing=Standing.UNCONFIRMED), False),
    (concept("paresthesia", ago=-5), False),
    (concept("diabetic_neuropathy"), True),
    (concept("depressed_mood"), False),
    (concept("leber_optic_atrophy"), False),
    (concept("fatigue"), False),
]


@pytest.mark.parametrize(("fact", "neuro"), SIGNS)
def test_what_counts_as_a_neurological_sign(fact: object, neuro: bool) -> None:
    assert decided(LOW, fact).neuro is neuro


def test_an_unconfirmed_sign_is_asked_about() -> None:
    answer = decided(LOW, concept("paresthesia", standing=Standing.UNCONFIRMED))
    assert "neuro-sign" in ids(answer.gaps)
    assert "R-58" in rules(answer, "unknown")
    both = decided(LOW, concept("numbness", standing=Standing.UNCONFIRMED), TINGLING)
    assert "neuro-sign" not in ids(both.gaps)


def test_mood_alone_is_a_symptom_and_is_said_so() -> None:
    answer = decided(LOW, concept("depressed_mood"))
    assert "R-59" in rules(answer)
    assert answer.severity.value == "moderate"


SEVERITY = [
    ((), "mild"),
    ((concept("fatigue"),), "moderate"),
    ((lab(A.HEMOGLOBIN, "119"),), "moderate"),
    ((lab(A.HEMOGLOBIN, "79"),), "severe"),
    ((TINGLING,), "severe"),
    ((concept("macrocytosis"),), "mild"),
]


@pytest.mark.parametrize(("extra", "expected"), SEVERITY)
def test_severity_of_a_deficiency(extra: tuple[object, ...], expected: str) -> None:
    assert decided(LOW, *extra).severity.value == expected


def test_a_very_low_number_alone_is_not_severe() -> None:
    assert decided(lab(A.B12_TOTAL, "20")).severity.value == "mild"


def test_a_class_that_is_not_deficient_has_no_severity() -> None:
    answer = decided(lab(A.B12_TOTAL, "400"), lab(A.HEMOGLOBIN, "60"))
    assert answer.severity.value == "none"


URGENCY = [
    # facts, urgency
    ((LOW,), "routine"),
    ((LOW, concept("fatigue")), "soon"),
    ((LOW, lab(A.HEMOGLOBIN, "119")), "soon"),
    ((LOW, lab(A.HEMOGLOBIN, "79")), "urgent"),
    ((LOW, TINGLING), "urgent"),
    ((LOW, concept("pernicious_anemia")), "soon"),
    ((LOW, concept("folate_deficiency")), "soon"),
    ((LOW, lab(A.FOLATE, "6.9")), "soon"),
    ((LOW, lab(A.FOLATE, "7")), "routine"),
    ((LOW, concept("polycythemia_vera")), "soon"),
    ((LOW, concept("leber_optic_atrophy")), "soon"),
    ((lab(A.B12_TOTAL, "400"), lab(A.B12_ACTIVE, "18")), "soon"),
    ((lab(A.B12_TOTAL, "150"), lab(A.B12_ACTIVE, "90")), "routine"),
    ((lab(A.B12_TOTAL, "240"),), "routine"),
    ((lab(A.B12_TOTAL, "240"), TINGLING), "urgent"),
    ((lab(A.B12_TOTAL, "420"), TINGLING), "soon"),
    ((lab(A.B12_TOTAL, "420"), lab(A.HEMOGLOBIN, "79")), "urgent"),
    ((lab(A.B12_TOTAL, "240"), concept("gastrectomy_total")), "soon"),
    ((lab(A.B12_TOTAL, "240"), concept("pernicious_anemia")), "soon"),
    ((lab(A.B12_TOTAL, "420"), concept("pernicious_anemia")), "soon"),
    ((lab(A.B12_TOTAL, "420"), concept("gastrectomy_partial")), "soon"),
    ((lab(A.B12_TOTAL, "420"), concept("gastrectomy_total")), "routine"),
    ((), "routine"),
    ((concept("paresthesia", ago=365),), "urgent"),
    ((concept("paresthesia", ago=366),), "soon"),
    ((concept("paresthesia", ago=366, worse=True),), "urgent"),
    ((concept("paresthesia", ago=None),), "urgent"),
    ((lab(A.B12_TOTAL, "150", ago=120),), "soon"),
]


@pytest.mark.parametrize(("facts", "expected"), URGENCY)
def test_urgency(facts: tuple[object, ...], expected: str) -> None:
    assert decided(*facts).urgency.value == expected


def test_a_data_fault_with_a_new_neurological_sign_is_urgent() -> None:
    fault = RefusedLab(A.B12_TOTAL, "Observation/x", "unit-mismatch", faulty=True)
    assert decided(TINGLING, refused=(fault,)).urgency.value == "urgent"


PEOPLE = [
    (Pregnancy(Truth.YES), (LOW,), "soon"),
    (Pregnancy(breastfeeding=Truth.YES), (LOW,), "soon"),
    (Pregnancy(Truth.YES), (lab(A.B12_TOTAL, "400"), lab(A.HEMOGLOBIN, "90")), "soon"),
    (Pregnancy(Truth.NO), (LOW,), "routine"),
]


@pytest.mark.parametrize(("pregnancy", "facts", "expected"), PEOPLE)
def test_urgency_of_mothers(pregnancy: Pregnancy, facts: tuple[object, ...], expected: str) -> None:
    assert decided(*facts, pregnancy=pregnancy).urgency.value == expected


CHILD = replace(WOMAN, birth=on(date(2018, 5, 1)))
CHILDREN = [
    ((LOW,), "urgent"),
    ((lab(A.B12_TOTAL, "400"), lab(A.HEMOGLOBIN, "98")), "urgent"),
    ((lab(A.B12_TOTAL, "400"), TINGLING), "urgent"),
    ((lab(A.B12_TOTAL, "400"),), "routine"),
]


@pytest.mark.parametrize(("facts", "expected"), CHILDREN)
def test_urgency_of_children(facts: tuple[object, ...], expected: str) -> None:
    answer = decided(*facts, patient=CHILD)
    assert answer.urgency.value == expected
    assert answer.intent.kind == "none"


def test_start_at_once_when_nerves_are_at_stake() -> None:
    assert "R-64" in rules(decided(LOW, TINGLING))
    assert "R-64" not in rules(decided(lab(A.B12_TOTAL, "400"), TINGLING))


LASTING = [
    (concept("paresthesia", ago=91), False),
    (concept("paresthesia", ago=100), True),
    (concept("paresthesia", ago=None), False),
]


@pytest.mark.parametrize(("sign", "warned"), LASTING)
def test_long_standing_signs_may_stay(sign: object, warned: bool) -> None:
    answer = decided(LOW, sign)
    assert ("lasting-damage" in ids(answer.cautions)) is warned
    assert ("R-60" in rules(answer)) is warned


def test_a_low_result_left_untreated_for_months_is_warned_about() -> None:
    answer = decided(lab(A.B12_TOTAL, "150", when=on(days_ago(100))))
    assert "permanent" in next(c.text for c in answer.cautions if c.id == "lasting-damage")

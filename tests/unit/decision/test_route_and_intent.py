"""Which route, why not the others, and what the plan is to do."""

import pytest

from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.labs import RefusedLab
from tests.support.decided import decided, ids
from tests.support.facts import concept, drug, lab

LOW = lab(A.B12_TOTAL, "150")
FOLATE = lab(A.FOLATE, "5")

ROUTES = [
    ((), "oral"),
    ((concept("paresthesia"),), "im"),
    ((lab(A.HEMOGLOBIN, "79"),), "im"),
    ((concept("pernicious_anemia"),), "im"),
    ((concept("celiac_disease"),), "im"),
    ((concept("nitrous_oxide_use"),), "im"),
    ((concept("gastric_bypass"),), "oral"),
    ((concept("gastric_bypass"), concept("numbness")), "im"),
    ((concept("diet_vegan"),), "oral"),
    ((drug("metformin"),), "oral"),
    ((FOLATE,), "oral"),
    ((FOLATE, lab(A.HEMOGLOBIN, "119")), "im"),
]


@pytest.mark.parametrize(("facts", "expected"), ROUTES)
def test_route(facts: tuple[object, ...], expected: str) -> None:
    answer = decided(LOW, *facts)
    assert answer.route == expected
    refused = {r.route for r in answer.intent.rejected_routes}
    assert refused == {"im", "sc", "oral", "sublingual", "nasal", "iv"} - {expected}


REASONS = [
    ((concept("pernicious_anemia"),), "not dependable"),
    ((concept("paresthesia"),), "neurological sign"),
    ((lab(A.HEMOGLOBIN, "79"),), "severe"),
    ((concept("celiac_disease"),), "absorption"),
    ((FOLATE, lab(A.HEMOGLOBIN, "119")), "folic acid"),
]


@pytest.mark.parametrize(("facts", "why"), REASONS)
def test_why_not_oral(facts: tuple[object, ...], why: str) -> None:
    refused = decided(LOW, *facts).intent.rejected_routes
    assert why in next(r.reason for r in refused if r.route == "oral")


PREVENTION = [
    # B12, cause, kind, route
    ("400", "gastrectomy_total", "prophylaxis", "im"),
    ("400", "gastric_bypass", "prophylaxis", "oral"),
    ("400", "diet_vegan", "prophylaxis", "oral"),
    ("240", "gastric_bypass", "prophylaxis", "oral"),
    ("400", "gastrectomy_partial", "none", None),
    ("400", "pernicious_anemia", "none", None),
    ("240", "pernicious_anemia", "confirm", None),
    ("400", "celiac_disease", "none", None),
]


@pytest.mark.parametrize(("b12", "cause", "kind", "route"), PREVENTION)
def test_prophylaxis(b12: str, cause: str, kind: str, route: str | None) -> None:
    answer = decided(lab(A.B12_TOTAL, b12), concept(cause))
    assert (answer.intent.kind, answer.route) == (kind, route)


BESIDE_A_DIET = [
    # B12, kind, the cause whose row of the pack is used
    ("150", "treat", "coeliac"),  # the malabsorption governs (section 7): its load, by injection
    ("400", "prophylaxis", "vegan"),  # nothing is deficient: only the diet has a prophylaxis
]


@pytest.mark.parametrize(("b12", "kind", "cause"), BESIDE_A_DIET)
def test_the_row_is_that_of_what_is_treated_or_prevented(b12: str, kind: str, cause: str) -> None:
    """Coeliac disease and a vegan diet: tablets for the diet would not be absorbed."""
    answer = decided(lab(A.B12_TOTAL, b12), concept("celiac_disease"), concept("diet_vegan"))
    assert (answer.intent.kind, answer.intent.cause) == (kind, cause)


def test_prophylaxis_of_an_undecided_patient_takes_mma_first() -> None:
    assert decided(lab(A.B12_TOTAL, "240"), concept("gastric_bypass")).intent.orders == ("mma",)


def test_a_permanent_cause_without_maintenance_is_left_to_the_clinician() -> None:
    answer = decided(lab(A.B12_TOTAL, "400"), concept("pernicious_anemia"))
    assert "maintenance" in ids(answer.gaps)
    assert answer.intent.yearly_b12


def test_prophylaxis_waits_for_a_usable_result() -> None:
    missing = decided(concept("gastric_bypass"))
    fault = RefusedLab(A.B12_TOTAL, "Observation/x", "unit-missing", faulty=True)
    faulty = decided(concept("gastric_bypass"), refused=(fault,))
    for answer in (missing, faulty):
        assert answer.intent.kind == "none"
        assert "prophylaxis" in ids(answer.gaps)

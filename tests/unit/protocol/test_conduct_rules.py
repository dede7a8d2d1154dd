"""What nobody may do (section 21), kept by the data that ships and by the decision."""

import pytest

from b12fhir.decision.model import Bucket
from b12fhir.facts.labs import Analyte as A
from b12fhir.fhir.dosage import dosage_text
from b12fhir.plan.make import make_plan
from b12fhir.protocol.load import load_protocol
from tests.support.decided import decided, ids
from tests.support.facts import TODAY, concept, drug, lab

PROTOCOL = load_protocol()
PACK = PROTOCOL.pack
LOW, MIDDLE = lab(A.B12_TOTAL, "150"), lab(A.B12_TOTAL, "240")
LARGEST_INTAKE_UG = 4
MALABSORPTION = {"pernicious-gastrectomy", "gastrectomy-total", "ileum-over-20cm"}
MALABSORPTION |= {"reversible-malabsorption", "nitrous-oxide"}


def test_no_dose_is_an_intake() -> None:
    """R-119: 4 microgram a day feeds the healthy and treats nobody."""
    phases = [phase for course in PACK.courses.values() for phase in course.phases]
    assert min(phase.dose for phase in phases) > LARGEST_INTAKE_UG


@pytest.mark.parametrize("name", ["pernicious_anemia", "diet_vegan", "leber_optic_atrophy"])
def test_no_dose_without_form_and_concentration(name: str) -> None:
    """R-197: 1 mL of what?"""
    plan = make_plan(decided(LOW, concept(name)), PROTOCOL, TODAY)
    assert plan.phases
    for phase in plan.phases:
        assert phase.product.drug
        assert "1000 microgram" in dosage_text(phase)


def test_malabsorption_is_never_left_to_tablets() -> None:
    """R-198."""
    rows = [row for row in PACK.regimens if row.id in MALABSORPTION]
    assert len(rows) == len(MALABSORPTION)
    assert not any(row.oral or row.oral_maintenance for row in rows)


def test_tests_go_with_every_treatment_and_the_cause_is_looked_for() -> None:
    answer = decided(LOW)
    assert "cause" in ids(answer.gaps)
    assert make_plan(answer, PROTOCOL, TODAY).monitoring


@pytest.mark.parametrize("name", ["metformin", "omeprazole"])
def test_no_medicine_is_stopped_because_of_b12(name: str) -> None:
    """R-199."""
    answer = decided(LOW, drug(name))
    assert answer.governing.bucket is Bucket.DRUG
    said = " ".join(make_plan(answer, PROTOCOL, TODAY).advice)
    assert "goes on; it is not stopped" in said


def test_a_borderline_number_with_signs_is_never_called_normal() -> None:
    """R-196: nerves do not wait for anaemia or for a lower number."""
    answer = decided(MIDDLE, concept("paresthesia"), lab(A.HEMOGLOBIN, "140"))
    assert answer.intent.kind == "treat"
    assert answer.mimics

"""medication-refill: only a refill of B12 is spoken to, where something is wrong or due."""

import pytest

from b12fhir.service.hooks.model import Draft, Hook, Indicator, Role
from tests.support.cards import read, rows
from tests.support.courses import administered, monthly
from tests.support.hook_records import condition
from tests.unit.service.test_propose import b12

LOW = b12(95, day="2026-11-18")
GIVEN = administered("2026-12-21T10:00:00Z", request=None)
PERNICIOUS = condition("84027009", "Pernicious anaemia")


def hemoglobin(day):
    return {
        **b12(0, day=day),
        "id": f"hb-{day}",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "valueQuantity": {
            "value": 130,
            "unit": "g/L",
            "system": "http://unitsofmeasure.org",
            "code": "g/L",
        },
    }


def running(**more):
    """The order that runs: a monthly injection of 1000 microgram."""
    return monthly(id="o9", identifier=None, **more)


def again(**more):
    """The same, being renewed."""
    return running() | {"id": "b12fhir-draft-1", "status": "draft"} | more


def refilled(*record, day="2027-01-10", drug=None, **more):
    context = (drug or again(),)
    return read(*record, day=day, hook=Hook.MEDICATION_REFILL, context=context, **more)


WATCHED = (LOW, hemoglobin("2026-11-18"))


def test_maintenance_in_order_is_renewed_in_silence() -> None:
    """That it is on order already is what a refill is about."""
    assert refilled(*WATCHED, running(), GIVEN) == ()


def test_blood_that_nobody_looked_at_is_told() -> None:
    (found,) = refilled(LOW, running(), GIVEN)
    assert (found.rule, found.indicator, found.key) == ("R-139", Indicator.INFO, "refill")
    assert found.summary == (
        "Refill of B12: no blood count in the last year; consider ordering it with the refill"
    )


def test_a_result_counts_for_a_year() -> None:
    """365 days are still within it (R-18)."""
    record = (b12(200, day="2027-06-01"), running(), hemoglobin("2026-11-18"))
    given = administered("2027-11-10T10:00:00Z", request=None)
    assert refilled(*record, given, day="2027-11-18") == ()
    (found,) = refilled(*record, given, day="2027-11-19")
    assert "no blood count in the last year" in found.summary


def test_of_several_results_the_newest_counts() -> None:
    both = (hemoglobin("2025-01-01"), hemoglobin("2026-11-18"))
    assert refilled(LOW, *both, running(), GIVEN) == ()
    future = hemoglobin("2027-03-01")
    assert len(refilled(LOW, future, running(), GIVEN)) == 1


def test_a_dose_that_is_late_is_told_before_the_next_supply() -> None:
    (found,) = refilled(*WATCHED, running(), GIVEN, day="2027-02-20")
    assert (found.rule, found.indicator) == ("R-133", Indicator.WARNING)
    assert "the dose of 20 Jan 2027 is not on record; consider giving it, not two" in found.summary


def test_how_long_it_goes_on_is_said() -> None:
    (unknown,) = refilled(LOW, running(), GIVEN)
    assert "go on while it is unknown" in rows(unknown)["How long"]
    (lasting,) = refilled(LOW, PERNICIOUS, running(), GIVEN)
    assert "never propose a stop (R-123, R-70)" in rows(lasting)["How long"]
    (mended,) = refilled(LOW, condition("396331005", "Coeliac disease"), running(), GIVEN)
    assert rows(mended)["How long"] == "Cause: coeliac: until corrected and proven (R-77)."


def test_a_refill_that_is_forbidden_is_critical() -> None:
    drug = again()
    drug["dosageInstruction"][0]["route"] = {
        "coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]
    }
    (found,) = refilled(*WATCHED, running(), GIVEN, drug=drug)
    assert (found.indicator, found.rule) == (Indicator.CRITICAL, "R-93")
    assert found.summary.startswith("Refill of B12: intravenous vitamin B12 is refused")


def test_a_refill_with_an_odd_dose_is_a_warning() -> None:
    drug = again()
    quantity = drug["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]
    drug["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"] = {**quantity, "value": 100}
    (found,) = refilled(LOW, PERNICIOUS, running(), GIVEN, drug=drug)
    assert found.indicator is Indicator.WARNING
    assert found.key.startswith("refill:order-")


def test_an_allergy_forbids_every_refill() -> None:
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": {"reference": "Patient/p1"},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": {"text": "Cobalt"},
    }
    (found,) = refilled(*WATCHED, allergy, running(), GIVEN)
    assert (found.indicator, found.rule) == (Indicator.CRITICAL, "R-163")


def test_another_medicine_is_no_matter_of_ours() -> None:
    drug = again(medicationCodeableConcept={"text": "Amlodipine 5 mg tablet"})
    assert refilled(LOW, drug=drug) == ()


def test_a_refill_that_is_sent_as_a_draft_is_seen_too() -> None:
    drug = again()
    draft = Draft("MedicationRequest/b12fhir-draft-1", drug, drug)
    found = read(
        LOW, running(), GIVEN, drug, day="2027-01-10", hook=Hook.MEDICATION_REFILL, drafts=(draft,)
    )
    assert len(found) == 1


@pytest.mark.parametrize("role", Role)
def test_who_refills_reads_it_in_his_words(role) -> None:
    (found,) = refilled(LOW, running(), GIVEN, role=role)
    assert ("Watched" in rows(found)) is (role is not Role.PATIENT)


def test_what_of_the_refill_could_not_be_read_is_said() -> None:
    (found,) = read(b12(500), hook=Hook.MEDICATION_REFILL, unread=("context.medications[0]",))
    assert found.key == "unchecked"
    assert "Not read: context.medications\\[0\\]." in rows(found)["Missing"]

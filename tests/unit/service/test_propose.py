"""The three public steps: what they refuse, what stands still, and the shape of the answer."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import jsonschema
import pytest

from b12fhir.errors import Defect, PatientError
from b12fhir.fhir.json import canonical
from b12fhir.fhir.site import Site
from b12fhir.fhir.validate import validate
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import Span
from b12fhir.service import proposal_schema, propose, to_json

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def patient(id_: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id_,
        "gender": "female",
        "birthDate": "1968-05-01",
        **more,
    }


def b12(value: Any, *, who: str = "p1", day: str = "2026-11-18") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"b12-{day}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
        "subject": {"reference": f"Patient/{who}"},
        "effectiveDateTime": day,
        "valueQuantity": {
            "value": value,
            "unit": "pg/mL",
            "system": "http://unitsofmeasure.org",
            "code": "pg/mL",
        },
    }


def proposed(*resources: dict[str, Any], as_of: datetime = NOON, site: Site | None = None) -> Any:
    return propose(resources, load_protocol(), as_of, site or Site())


def test_a_moment_without_zone_is_our_mistake() -> None:
    with pytest.raises(Defect, match="zone"):
        proposed(patient(), as_of=datetime(2026, 11, 21))  # noqa: DTZ001


@pytest.mark.parametrize("people", [(), (patient("a"), patient("b"))])
def test_none_or_several_patients_are_refused(people: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(PatientError):
        proposed(*people, b12(120))


def test_the_day_is_that_of_the_site() -> None:
    """Late in the evening of UTC it is tomorrow in Kathmandu: the plan starts tomorrow there."""
    late = datetime(2026, 11, 21, 22, tzinfo=UTC)
    east = Site(zone=timezone(timedelta(hours=5, minutes=45)))
    here = proposed(patient(), b12(120), as_of=late)
    there = proposed(patient(), b12(120), as_of=late, site=east)
    assert (here.plan.start, there.plan.start) == (date(2026, 11, 21), date(2026, 11, 22))


def _own_plan(bundle: dict[str, Any], **changes: Any) -> dict[str, Any]:
    plan = next(
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "CarePlan"
    )
    return {**plan, "id": "stored", **changes}


def test_the_dates_of_an_open_proposal_stand_still() -> None:
    """A later run takes d0 from the stored draft; otherwise every night would write a new plan."""
    first = proposed(patient(), b12(120))
    stored = _own_plan(first.bundle())
    later = proposed(patient(), b12(120), stored, as_of=NOON + timedelta(days=5))
    assert later.plan.start == first.plan.start
    assert canonical(later.bundle()) == canonical(first.bundle())


def test_a_treatment_does_not_begin_on_the_day_of_an_older_plan_of_tests() -> None:
    """Eight weeks after a "confirm" plan the whole load would lie in the past."""
    undecided = proposed(patient(), b12(240))
    stored = _own_plan(undecided.bundle())
    later = NOON + timedelta(days=55)
    treated = proposed(patient(), b12(240), b12(120, day="2027-01-10"), stored, as_of=later)
    assert treated.plan.phases[0].start == date(2027, 1, 15)
    still = proposed(patient(), b12(240), stored, as_of=later)
    assert still.plan.start == date(2026, 11, 21)


def test_a_stop_is_written_although_it_holds_no_medicine() -> None:
    """A clinician must meet it where the plan would have been (ruling 9)."""
    allergic = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": {"reference": "Patient/p1"},
        "code": {"text": "hydroxocobalamin"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
    }
    proposal = proposed(patient(), b12(120), allergic)
    kinds = [entry["resource"]["resourceType"] for entry in proposal.bundle()["entry"]]
    assert "CarePlan" in kinds
    assert "MedicationRequest" not in kinds
    assert validate(proposal.bundle()) == []


@pytest.mark.parametrize("status", ["revoked", "completed", "entered-in-error"])
def test_a_closed_proposal_holds_no_date(status: str) -> None:
    first = proposed(patient(), b12(120))
    stored = _own_plan(first.bundle(), status=status)
    later = proposed(patient(), b12(120), stored, as_of=NOON + timedelta(days=5))
    assert later.plan.start == date(2026, 11, 26)


def test_the_same_input_gives_the_same_bytes() -> None:
    one, two = (canonical(to_json(proposed(patient(), b12(120)))) for _ in range(2))
    assert one == two


def test_nothing_to_write_gives_no_bundle() -> None:
    shown = to_json(proposed(patient(), b12(500)))
    assert shown["bundle"] is None
    assert shown["decision"]["action"] == "none"
    jsonschema.validate(shown, proposal_schema())


def test_a_range_of_intervals_is_shown() -> None:
    """Packs such as "every 2 to 3 months" have one; the pack that ships has not."""
    proposal = proposed(patient(), b12(120))
    phase = replace(proposal.plan.phases[0], interval=Span(2, "mo", 3))
    shown = to_json(replace(proposal, plan=replace(proposal.plan, phases=(phase,))))
    assert shown["plan"]["phases"][0]["interval"] == {
        "value": 2,
        "max": 3,
        "unit": "mo",
        "frequency": 1,
    }


def test_the_answer_names_nobody() -> None:
    """A proposal says who it is about by reference only."""
    named = patient(
        name=[{"family": "Doe", "given": ["Jane"]}],
        identifier=[{"system": "urn:mrn", "value": "12345"}],
    )
    text = canonical(to_json(proposed(named, b12(120)))).decode()
    assert "Doe" not in text
    assert "12345" not in text

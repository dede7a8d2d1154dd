"""The project's own codes: an EHR that records them moves the route."""

from fhir.resources.R4B.codesystem import CodeSystem

from b12fhir.fhir.extract import extract
from b12fhir.fhir.profiles import PROGRAM_FACTS, code_system
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol

PROTOCOL = load_protocol()


def _observed(code: str, **value: object) -> set[str]:
    patient = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-01-01"}
    observation = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": PROGRAM_FACTS, "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-11-20",
        **value,
    }
    facts = extract([patient, observation], PROTOCOL, Site())
    return {concept.concept for concept in facts.concepts}


def test_the_code_system_is_valid_and_holds_every_code() -> None:
    made = code_system(PROTOCOL)
    CodeSystem.model_validate(made)
    assert made["count"] == len(made["concept"]) > 1


def test_a_code_without_a_value_holds() -> None:
    assert _observed("monitoring-not-available") == {"monitoring_missing"}
    assert _observed("oral-b12-failed", valueBoolean=True) == {"oral_b12_failed"}


def test_a_denial_and_a_strange_code_say_nothing() -> None:
    """Absent means unknown; "not failed" is no statement about monitoring."""
    assert _observed("oral-b12-failed", valueBoolean=False) == set()
    assert _observed("something-else") == set()

"""Records for tests of cards: diagnoses, and what the engine proposed and somebody signed."""

from datetime import UTC, datetime
from typing import Any

from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import SNOMED
from b12fhir.protocol.load import load_protocol
from b12fhir.service import propose
from tests.support.courses import PATIENT


def condition(code: str, words: str, day: str = "2026-11-01", **more: Any) -> dict[str, Any]:
    """An active, confirmed diagnosis or sign."""
    base = "http://terminology.hl7.org/CodeSystem/condition-"
    return {
        "resourceType": "Condition",
        "id": f"c-{code}",
        "subject": {"reference": "Patient/p1"},
        "clinicalStatus": {"coding": [{"system": f"{base}clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{base}ver-status", "code": "confirmed"}]},
        "code": {"coding": [{"system": SNOMED, "code": code}], "text": words},
        "recordedDate": day,
        **more,
    }


def proposal_of(*record: dict[str, Any], site: Site) -> list[dict[str, Any]]:
    """What the engine proposes for a record, as a server would hold it."""
    moment = datetime(2026, 11, 21, 9, tzinfo=UTC)
    bundle = propose([PATIENT, *record], load_protocol(), moment, site, "Patient/p1").bundle()
    return [
        {
            **entry["resource"],
            "id": f"s{number}",
            "meta": {"versionId": "1", "lastUpdated": "2026-11-21T09:00:00Z"},
        }
        for number, entry in enumerate(bundle["entry"])
    ]


def signed(stored: list[dict[str, Any]], site: Site, phase: str) -> list[dict[str, Any]]:
    """The same after the signature of one phase."""
    plan = next(one for one in stored if one["resourceType"] == "CarePlan")
    key = plan["identifier"][0]["value"]
    first = next(
        one
        for one in stored
        if one["resourceType"] == "MedicationRequest"
        and one["identifier"][0]["value"].endswith(f":{phase}")
    )
    approved = {
        **plan,
        "id": "approved",
        "identifier": [{"system": site.system("approved-plan"), "value": key}],
        "status": "active",
        "intent": "plan",
    }
    ordered = {
        **first,
        "id": "ordered",
        "identifier": [{"system": site.system("order"), "value": f"{key}:{phase}"}],
        "status": "active",
        "intent": "order",
        "requester": {"reference": "Practitioner/dr1"},
    }
    return [*stored, approved, ordered]

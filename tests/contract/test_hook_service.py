"""The CDS Hooks service against a real FHIR server: what it asks for must be understood there."""

import time
from typing import Any

import pytest
import requests

from b12fhir.adapters.server import Limits, Patience, RestServer
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service.hooks.model import Hook
from b12fhir.service.hooks.services import Query, queries
from tests.support.hook_messages import body
from tests.support.hook_parts import LOINC, SNOMED, Gate, House, bundle, observation

QUERIES = queries(load_protocol(), Site())
FHIR = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}


def asked(base: str, query: Query, patient: str) -> dict[str, Any]:
    """A template filled in and sent as a client would send it."""
    url = f"{base}/{query.template.replace('{{context.patientId}}', patient)}"
    answer = requests.get(url, headers=FHIR, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def record(hapi, fresh) -> list[dict[str, Any]]:
    """Something for every query: each must find its own."""
    who = {"subject": {"reference": f"Patient/{fresh}"}}
    patient = {"patient": who["subject"]}
    plan = {"system": Site().system("plan"), "value": f"{fresh}:e1:r1"}
    sign = {"coding": [{"system": SNOMED, "code": "44077006"}]}
    given = {"medicationCodeableConcept": {"text": "x"}, "status": "completed", **who}
    resources = [
        {"resourceType": "Patient", "id": fresh, "gender": "female", "birthDate": "1970-01-01"},
        observation(f"{fresh}-lab", "120", patient=fresh),
        {**observation(f"{fresh}-sign", "1", patient=fresh), "code": sign},
        {
            **observation(f"{fresh}-answer", "1", code="75325-1", patient=fresh),
            "valueCodeableConcept": sign,
        },
        {"resourceType": "Condition", "id": f"{fresh}-c", "code": {"text": "x"}, **who},
        {"resourceType": "Procedure", "id": f"{fresh}-p", "status": "completed", **who},
        {"resourceType": "MedicationRequest", "id": f"{fresh}-mr", "intent": "order", **given},
        {"resourceType": "MedicationStatement", "id": f"{fresh}-ms", **given},
        {
            "resourceType": "MedicationAdministration",
            "id": f"{fresh}-ma",
            "effectiveDateTime": "2020-01-01",
            **given,
        },
        {"resourceType": "MedicationDispense", "id": f"{fresh}-md", **given},
        {
            "resourceType": "AllergyIntolerance",
            "id": f"{fresh}-a",
            "code": {"text": "x"},
            **patient,
        },
        {
            "resourceType": "FamilyMemberHistory",
            "id": f"{fresh}-f",
            "status": "completed",
            "relationship": {"text": "x"},
            **patient,
        },
        {
            "resourceType": "CarePlan",
            "id": f"{fresh}-cp",
            "status": "draft",
            "intent": "proposal",
            "identifier": [plan],
            **who,
        },
    ]
    for resource in resources[2:4]:
        resource.pop("valueQuantity")
    with RestServer(hapi) as server:
        for part in (resources[:1], resources[1:]):
            server.transaction(bundle_of_puts(part))
    return resources


def bundle_of_puts(resources: list[dict[str, Any]]) -> dict[str, Any]:
    entries = [
        {
            "fullUrl": f"http://example.org/fhir/{one['resourceType']}/{one['id']}",
            "resource": one,
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
        }
        for one in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def house_of(base: str, pages: int = 20) -> House:
    """The service, with the real client of a server."""

    def opened(at: str, token: str) -> RestServer:
        limits = Limits(until=time.monotonic() + 60)
        patience = Patience(retries=1)
        return RestServer(
            at, token=lambda: token, limits=limits, patience=patience, max_pages=pages
        )

    return House(gate=Gate(fhir_servers=frozenset({base})), open_server=opened)


def told(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json["extension"]["org.b12fhir"]


def test_every_template_resolves_and_finds_its_own(hapi, fresh, record):
    """Each of the 13 queries finds exactly the one resource that was stored for it."""
    found = {}
    for query in QUERIES:
        answer = asked(hapi, query, fresh)
        rows = answer.get("entry", []) if answer["resourceType"] == "Bundle" else None
        held = [answer] if rows is None else [row["resource"] for row in rows]
        found[query.key] = [one["id"] for one in held]
    expected = ("", "lab", "c", "mr", "sign", "answer", "p", "ma", "ms", "md", "a", "f", "cp")
    assert list(found.values()) == [[f"{fresh}-{end}".rstrip("-")] for end in expected]


def test_the_newest_result_may_stand_on_a_later_page(hapi, fresh):
    """A client sends the first page of two; the low result is the last one of the second."""
    who = {"resourceType": "Patient", "id": fresh, "birthDate": "1970-01-01"}
    labs = [
        {**observation(f"{fresh}-{n}", "600", patient=fresh), "effectiveDateTime": f"2025-01-0{n}"}
        for n in range(1, 5)
    ]
    labs.append(
        {**observation(f"{fresh}-5", "90", patient=fresh), "effectiveDateTime": "2026-11-01"}
    )
    with RestServer(hapi) as server:
        for part in ([who], labs):
            server.transaction(bundle_of_puts(part))
    url = f"{hapi}/Observation?patient={fresh}&code={LOINC}|2132-9&_sort=date&_count=3"
    page = requests.get(url, headers=FHIR, timeout=60).json()
    assert len(page["entry"]) == 3
    given = {query.key: bundle() for query in QUERIES} | {"patient": who, "labs": page}
    call = body(Hook.PATIENT_VIEW, fresh, fhirServer=hapi, prefetch=given)
    assert told(house_of(hapi).call(call))["classification"] == "confirmed"
    answer = house_of(hapi, pages=1).call(call)
    assert answer.status_code == 412
    assert answer.json["issue"][0]["expression"] == ["prefetch.labs"]

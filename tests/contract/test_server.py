"""What every FHIR server must do for us: HAPI does, and so does the memory server."""

import pytest

from b12fhir.errors import ConflictError, DuplicateError, RefusedError
from b12fhir.fhir.capabilities import read_capabilities

SYSTEM = "urn:b12fhir:contract"


def patient(fresh: str, **elements: object) -> dict:
    return {"resourceType": "Patient", "id": fresh, "active": True, **elements}


def device(value: str, name: str = "one") -> dict:
    return {
        "resourceType": "Device",
        "identifier": [{"system": SYSTEM, "value": value}],
        "deviceName": [{"name": name, "type": "model-name"}],
    }


def create(resource: dict, *, url: str = "urn:uuid:00000000-0000-4000-8000-000000000001") -> dict:
    value = resource["identifier"][0]["value"]
    request = {
        "method": "POST",
        "url": resource["resourceType"],
        "ifNoneExist": f"identifier={SYSTEM}|{value}",
    }
    return {"fullUrl": url, "resource": resource, "request": request}


def update(resource: dict, version: str) -> dict:
    url = f"{resource['resourceType']}/{resource['id']}"
    request = {"method": "PUT", "url": url, "ifMatch": version}
    return {"fullUrl": f"http://example.org/fhir/{url}", "resource": resource, "request": request}


def transaction(*entries: dict) -> dict:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def statuses(answer) -> list[str]:
    return [entry["response"]["status"][:3] for entry in answer["entry"]]


def test_it_says_what_it_can(server):
    can = read_capabilities(server.capabilities())
    assert can.version == "4.0.1"
    assert "transaction" in can.system
    assert can.searches("Observation")
    assert can.includes("MedicationRequest", "MedicationRequest:medication")


def test_a_conditional_create_writes_once(server, fresh):
    assert statuses(server.transaction(transaction(create(device(fresh))))) == ["201"]
    assert statuses(server.transaction(transaction(create(device(fresh))))) == ["200"]
    found = list(server.search("Device", {"identifier": f"{SYSTEM}|{fresh}"}))
    assert [r["meta"]["versionId"] for r in found] == ["1"]


def test_a_search_sees_what_was_written_since_the_last_one(server, fresh):
    """HAPI answers an identical search from its cache for a minute unless told not to."""
    query = {"identifier": f"{SYSTEM}|{fresh}"}
    assert list(server.search("Device", query)) == []
    server.transaction(transaction(create(device(fresh))))
    assert len(list(server.search("Device", query))) == 1


def test_two_matches_for_one_create_are_duplicates(server, store, fresh):
    store(device(fresh) | {"id": f"{fresh}-a"}, device(fresh) | {"id": f"{fresh}-b"})
    with pytest.raises(DuplicateError) as caught:
        server.transaction(transaction(create(device(fresh))))
    assert caught.value.status == 412


@pytest.mark.parametrize("form", ['W/"{}"', '"{}"', "{}"])
def test_an_update_of_the_version_read_succeeds(server, store, fresh, form):
    store(patient(fresh))
    changed = patient(fresh, gender="female")
    assert statuses(server.transaction(transaction(update(changed, form.format(1))))) == ["200"]
    (found,) = server.search("Patient", {"_id": fresh})
    assert (found["gender"], found["meta"]["versionId"]) == ("female", "2")


def test_an_update_without_change_makes_no_version(server, store, fresh):
    store(patient(fresh))
    server.transaction(transaction(update(patient(fresh), 'W/"1"')))
    (found,) = server.search("Patient", {"_id": fresh})
    assert found["meta"]["versionId"] == "1"


def test_a_stale_update_is_refused_and_nothing_of_its_transaction_stays(server, store, fresh):
    store(patient(fresh))
    store(patient(fresh, gender="male"))
    stale = update(patient(fresh, gender="female"), 'W/"1"')
    with pytest.raises(ConflictError) as caught:
        server.transaction(transaction(create(device(fresh)), stale))
    assert caught.value.status == 409
    assert list(server.search("Device", {"identifier": f"{SYSTEM}|{fresh}"})) == []
    (found,) = server.search("Patient", {"_id": fresh})
    assert found["gender"] == "male"


def test_temporary_addresses_become_references(server, store, fresh):
    store(patient(fresh))
    url = "urn:uuid:00000000-0000-4000-8000-000000000002"
    plan = {
        "resourceType": "CarePlan",
        "identifier": [{"system": SYSTEM, "value": fresh}],
        "status": "draft",
        "intent": "proposal",
        "subject": {"reference": f"Patient/{fresh}"},
        "author": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"},
    }
    server.transaction(transaction(create(plan, url=url), create(device(fresh))))
    (found,) = server.search("CarePlan", {"patient": fresh})
    (made,) = server.search("Device", {"identifier": f"{SYSTEM}|{fresh}"})
    assert found["author"]["reference"] == f"Device/{made['id']}"


def test_a_link_into_nothing_is_refused_in_plain_words(server, fresh):
    plan = {
        "resourceType": "CarePlan",
        "identifier": [{"system": SYSTEM, "value": fresh}],
        "status": "draft",
        "intent": "proposal",
        "subject": {"reference": f"Patient/{fresh}"},
    }
    with pytest.raises(RefusedError):
        server.transaction(transaction(create(plan)))


def test_an_unknown_parameter_is_refused(server):
    with pytest.raises(RefusedError):
        list(server.search("Patient", {"nonsense": "1"}))


def observation(fresh: str, number: int, **elements: object) -> dict:
    return {
        "resourceType": "Observation",
        "id": f"{fresh}-{number}",
        "identifier": [{"system": SYSTEM, "value": f"{fresh}-{number}"}],
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
        "subject": {"reference": f"Patient/{fresh}"},
        **elements,
    }


def test_a_search_yields_every_page(server, store, fresh):
    store(patient(fresh), *(observation(fresh, n) for n in range(7)))
    found = list(server.search("Observation", {"patient": fresh, "_count": "2"}))
    assert {r["id"] for r in found} == {f"{fresh}-{n}" for n in range(7)}
    assert len(found) == 7


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("patient", "{}", {0, 1, 2}),
        ("subject", "Patient/{}", {0, 1, 2}),
        ("_id", "{}-0,{}-2", {0, 2}),
        ("identifier", SYSTEM + "|{}-1", {1}),
        ("status", "preliminary", {1}),
        ("code", "http://loinc.org|718-7,http://loinc.org|1-8", {2}),
        ("code", "1-8,718-7", {2}),
        ("value-concept", "1-8,718-7", {1}),
    ],
)
def test_the_searches_we_use(server, store, fresh, name, value, expected):
    other = {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}
    store(
        patient(fresh),
        observation(fresh, 0),
        observation(fresh, 1, status="preliminary", valueCodeableConcept=other),
        observation(fresh, 2, code=other),
    )
    query = {name: value.replace("{}", fresh)} | {"patient": fresh}
    found = list(server.search("Observation", query))
    assert {r["id"] for r in found} == {f"{fresh}-{n}" for n in expected}


def test_a_medicine_comes_along_with_its_prescription(server, store, fresh):
    medication = {"resourceType": "Medication", "id": fresh, "code": {"text": "cyanocobalamin"}}
    store(patient(fresh), medication)
    store(
        {
            "resourceType": "MedicationRequest",
            "id": fresh,
            "status": "active",
            "intent": "order",
            "medicationReference": {"reference": f"Medication/{fresh}"},
            "subject": {"reference": f"Patient/{fresh}"},
        }
    )
    query = {"patient": fresh, "_include": "MedicationRequest:medication"}
    found = list(server.search("MedicationRequest", query))
    assert [r["resourceType"] for r in found] == ["MedicationRequest", "Medication"]
    alone = list(server.search("MedicationRequest", {"patient": fresh}))
    assert [r["resourceType"] for r in alone] == ["MedicationRequest"]

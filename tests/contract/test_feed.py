"""What a server tells of changes, deletions and whole records: HAPI and memory alike."""

import pytest

from b12fhir.errors import RefusedError
from b12fhir.kernel.dates import parse_when

KINDS = ("Patient", "Observation", "MedicationRequest", "Medication", "Task")


def patient(id_: str, **elements: object) -> dict:
    return {"resourceType": "Patient", "id": id_, **elements}


def order_of_it(id_: str) -> dict:
    """An order that names its medicine by a Medication of the same id."""
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": f"Medication/{id_}"},
        "subject": {"reference": f"Patient/{id_}"},
    }


def observation(id_: str, owner: str, **elements: object) -> dict:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"text": "vitamin B12"},
        "subject": {"reference": f"Patient/{owner}"},
        **elements,
    }


def stamp(resource: dict):
    return parse_when(resource["meta"]["lastUpdated"], None).instant


def test_changes_are_found_from_a_stamp_on_in_the_order_of_their_stamps(server, store, fresh):
    store(patient(fresh), observation(f"{fresh}-1", fresh))
    store(observation(f"{fresh}-2", fresh))
    store(observation(f"{fresh}-1", fresh, status="amended"))
    newest = next(server.search("Observation", {"_sort": "-_lastUpdated", "_count": "1"}))
    assert newest["id"] == f"{fresh}-1"
    second = next(server.search("Observation", {"_id": f"{fresh}-2"}))
    query = {
        "_lastUpdated": f"ge{second['meta']['lastUpdated']}",
        "_sort": "_lastUpdated",
        "_count": "1",
        "_elements": "subject",
    }
    found = list(server.search("Observation", query))
    assert [r["id"] for r in found] == [f"{fresh}-2", f"{fresh}-1"]
    assert [r["subject"]["reference"] for r in found] == [f"Patient/{fresh}"] * 2
    assert [r["meta"]["versionId"] for r in found] == ["1", "2"]
    assert "code" not in newest or newest["code"], (
        "the rest may come along: servers ignore _elements"
    )


def test_what_is_written_together_has_one_stamp(server, store, fresh):
    """So nothing may be asked for as later than a stamp: the others of it would be lost."""
    store(patient(fresh), *(observation(f"{fresh}-{n}", fresh) for n in range(3)))
    found = list(server.search("Observation", {"patient": fresh}))
    assert len({stamp(r) for r in found}) == 1


def test_a_deletion_is_told_by_the_history_of_the_type(server, store, delete, fresh):
    store(patient(fresh), observation(f"{fresh}-1", fresh), observation(f"{fresh}-2", fresh))
    (kept,) = server.search("Observation", {"_id": f"{fresh}-2"})
    delete("Observation", f"{fresh}-1")
    found = list(server.deleted("Observation", stamp(kept)))
    assert [(v.kind, v.id, v.version) for v in found] == [("Observation", f"{fresh}-1", "2")]
    assert found[0].at >= stamp(kept)


def test_a_history_tells_whose_a_resource_was(server, store, delete, fresh):
    store(patient(fresh), patient(f"{fresh}-b"), observation(f"{fresh}-1", fresh))
    store(observation(f"{fresh}-1", f"{fresh}-b"))
    delete("Observation", f"{fresh}-1")
    store(observation(f"{fresh}-1", fresh, status="amended"))
    found = [
        (r["meta"]["versionId"], r["subject"]["reference"])
        for r in server.history("Observation", f"{fresh}-1")
    ]
    assert found == [
        ("4", f"Patient/{fresh}"),
        ("2", f"Patient/{fresh}-b"),
        ("1", f"Patient/{fresh}"),
    ]


def test_the_orders_of_a_medicine_are_found(server, store, fresh):
    store(patient(fresh), {"resourceType": "Medication", "id": fresh, "code": {"text": "B12"}})
    order = order_of_it(fresh)
    store(order)
    query = {"medication": f"Medication/{fresh},Medication/other"}
    assert [r["id"] for r in server.search("MedicationRequest", query)] == [fresh]


def test_a_whole_record_is_whole_and_as_fresh_as_the_last_write(server, store, fresh):
    """Not from a cache, with medicines and Tasks, over several pages; others may come along."""
    medication = {"resourceType": "Medication", "id": fresh, "code": {"text": "B12"}}
    order = order_of_it(fresh)
    task = {
        "resourceType": "Task",
        "id": fresh,
        "status": "requested",
        "intent": "order",
        "for": {"reference": f"Patient/{fresh}"},
    }
    store(patient(fresh), medication)
    store(order, task)

    def read() -> set[str]:
        found = server.everything(fresh, KINDS, 3)
        return {f"{r['resourceType']}/{r['id']}".replace(fresh, "x") for r in found}

    expected = {"Patient/x", "Medication/x", "MedicationRequest/x", "Task/x"}
    assert read() == expected
    store(*(observation(f"{fresh}-{n}", fresh) for n in range(9)))
    assert read() == expected | {f"Observation/x-{n}" for n in range(9)}


def test_nobody_has_no_record(server, fresh):
    with pytest.raises(RefusedError) as caught:
        list(server.everything(fresh, KINDS, 200))
    assert caught.value.status == 404


def test_requests_are_counted(server, fresh):
    before = server.requests
    list(server.search("Patient", {"_id": fresh}))
    assert server.requests == before + 1

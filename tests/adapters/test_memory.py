"""The shipped fake: what only it can do, and that it refuses what it cannot."""

import pytest

from b12fhir.adapters.memory import MemoryServer, counting_clock
from b12fhir.errors import InputError, RefusedError

PATIENT = {"resourceType": "Patient", "id": "p", "active": True}


def transaction(method: str = "POST", kind: str = "transaction", **request: str) -> dict:
    resource = {"resourceType": "Device"}
    entry = {
        "fullUrl": "urn:uuid:1",
        "resource": resource,
        "request": {"method": method, **request},
    }
    return {"resourceType": "Bundle", "type": kind, "entry": [entry]}


def test_versions_and_times_come_from_a_counter():
    server = MemoryServer([PATIENT])
    server.put(PATIENT | {"active": False})
    (found,) = server.all("Patient")
    assert found["meta"] == {"versionId": "2", "lastUpdated": "2026-01-01T00:00:01Z"}


def test_an_hour_is_an_hour():
    tick = counting_clock()
    for _ in range(3725):
        tick()
    assert tick() == "2026-01-01T01:02:05Z"


def test_what_it_gives_out_is_a_copy():
    server = MemoryServer([PATIENT])
    next(server.search("Patient", {}))["active"] = "changed"
    server.all("Patient")[0]["active"] = "changed"
    assert server.all("Patient")[0]["active"] is True


def test_ndjson_is_loaded_line_by_line():
    server = MemoryServer()
    server.load_ndjson([b'{"resourceType": "Patient", "id": "a", "x": 1.00}\n', b"\n"])
    (found,) = server.all("Patient")
    assert str(found["x"]) == "1.00"


@pytest.mark.parametrize("line", [b"{", b'{"id": "a"}', b'{"resourceType": "Patient"}'])
def test_a_bad_line_is_named(line):
    with pytest.raises(InputError, match=r"(?i)line 2"):
        MemoryServer().load_ndjson([b"", line])


@pytest.mark.parametrize(
    "bundle",
    [
        transaction(kind="batch"),
        transaction("DELETE"),
        transaction(ifNoneExist="name=x"),
    ],
)
def test_what_it_cannot_do_is_refused(bundle):
    server = MemoryServer()
    with pytest.raises(RefusedError):
        server.transaction(bundle)
    assert server.all("Device") == []


@pytest.mark.parametrize(
    ("lacks", "bundle"),
    [
        ("transaction", transaction()),
        ("conditional_create", transaction(ifNoneExist="identifier=urn:x|1")),
        ("if_match", transaction("PUT", url="Device/known", ifMatch='W/"1"')),
        ("client_ids", transaction("PUT", url="Device/new")),
        ("write.Device", transaction()),
    ],
)
def test_what_it_is_made_to_lack_is_refused_and_nothing_else(lacks, bundle):
    known = {"resourceType": "Device", "id": "known"}
    MemoryServer([known]).transaction(bundle)
    server = MemoryServer([known], lacks={lacks})
    with pytest.raises(RefusedError):
        server.transaction(bundle)
    assert [(one["id"], one["meta"]["versionId"]) for one in server.all("Device")] == [
        ("known", "1")
    ]


def test_a_create_without_condition_always_creates():
    server = MemoryServer()
    server.transaction(transaction())
    server.transaction(transaction())
    assert len(server.all("Device")) == 2


def test_a_code_without_system_matches_any_system():
    coding = {"system": "http://loinc.org", "code": "1-8"}
    server = MemoryServer(
        [
            {"resourceType": "Observation", "id": "o", "code": {"coding": [coding]}},
            {"resourceType": "Observation", "id": "none"},
        ]
    )
    assert [r["id"] for r in server.search("Observation", {"code": "1-8"})] == ["o"]
    assert list(server.search("Observation", {"code": "http://x|1-8"})) == []


def test_an_included_medicine_that_is_gone_is_left_out():
    link = {"reference": "Medication/gone"}
    server = MemoryServer(
        [{"resourceType": "MedicationRequest", "id": "r", "medicationReference": link}]
    )
    found = list(server.search("MedicationRequest", {"_include": "MedicationRequest:medication"}))
    assert len(found) == 1


def test_requests_are_counted():
    server = MemoryServer()
    list(server.search("Patient", {}))
    server.transaction(transaction())
    assert (server.searches, server.transactions) == (1, 1)


def test_a_deleted_resource_is_gone():
    server = MemoryServer([PATIENT])
    server.delete("Patient", "p")
    assert server.all("Patient") == []


@pytest.mark.parametrize("value", ["gt2026-01-01T00:00:00Z", "ge2026", "genow"])
def test_changes_are_asked_for_from_an_instant_on_or_not_at_all(value):
    """HAPI's search cache takes gt for ge, so nobody may rely on another prefix."""
    with pytest.raises(RefusedError):
        list(MemoryServer([PATIENT]).search("Patient", {"_lastUpdated": value}))


def test_what_it_is_made_to_lack_of_the_past_is_refused():
    server = MemoryServer([PATIENT], lacks={"history", "everything"})
    with pytest.raises(RefusedError):
        list(server.history("Patient", "p"))
    with pytest.raises(RefusedError):
        list(server.everything("p", ("Patient",), 10))

"""Subscriptions: valid R4, without a payload, and one for each type at one address."""

import pytest

from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.fhir.subscription import (
    Change,
    changes,
    leads_to,
    removal,
    subscription,
    transaction,
    watched,
)
from b12fhir.fhir.validate import structure

HERE = "https://b12.example.org/subscriptions/notify"
SECRET = "0123456789abcdef"  # noqa: S105 - invented
BASE = "https://ehr.example.org/fhir"


def stored(kind="Observation", id_="7", secret=SECRET, **others):
    """One as HAPI gives it back: active, with a tag of its own."""
    made = subscription(kind, HERE, secret)
    meta = {"versionId": "2", "tag": [{"code": "IN_MEMORY"}]}
    return {**made, "id": id_, "meta": meta, "status": "active", **others}


def channel(**others):
    return stored(channel={**stored()["channel"], **others})


def test_it_is_valid_and_sends_no_resource():
    one = subscription("Observation", HERE, SECRET)
    bundle = transaction(BASE, [Change("Observation?", resource=one)])
    assert structure(bundle) == structure(one) == []
    assert one["criteria"] == "Observation?"
    assert one["channel"]["endpoint"] == HERE
    assert one["channel"]["header"] == [f"Authorization: Bearer {SECRET}"]
    # R4: without a payload the server only calls, and no datum of a patient travels.
    assert "payload" not in one["channel"]


def test_all_that_a_decision_reads_is_watched_as_far_as_the_server_has_it():
    every = set(watched(read_capabilities({})))
    assert {"Patient", "Observation", "MedicationRequest", "Condition", "Medication"} <= every
    # What is written beside a plan is no input.
    assert not every & {"Goal", "Task", "RiskAssessment", "DetectedIssue", "Provenance"}
    types = [{"type": "Observation", "interaction": [{"code": "search-type"}]}]
    few = read_capabilities({"rest": [{"mode": "server", "resource": types}]})
    assert watched(few) == ("Observation",)


def test_only_a_rest_hook_to_the_same_address_is_ours():
    assert leads_to(stored(), HERE)
    assert not leads_to(stored(), f"{HERE}/")
    assert not leads_to(channel(type="websocket"), HERE)
    assert not leads_to({"resourceType": "Subscription"}, HERE)
    assert not leads_to({**stored(), "resourceType": "Basic"}, HERE)


WANTED = [subscription("Observation", HERE, SECRET)]


@pytest.mark.parametrize("held", [stored(), stored(status="requested")])
def test_what_stands_as_wanted_is_left_alone(held):
    assert changes([held], WANTED) == []


@pytest.mark.parametrize(
    "held",
    [
        stored(secret="fedcba9876543210"),  # noqa: S106 - invented
        stored(status="error"),
        stored(status="off"),
        channel(payload="application/fhir+json"),
        channel(extension=[]),
        channel(extension=None),
    ],
)
def test_what_is_different_is_replaced_where_it_stands_and_only_in_the_version_that_was_read(held):
    (change,) = changes([held], WANTED)
    assert change == Change("Observation?", "7", "2", {**WANTED[0], "id": "7"})
    (entry,) = transaction(BASE, [change])["entry"]
    assert entry["request"] == {"method": "PUT", "url": "Subscription/7", "ifMatch": 'W/"2"'}
    assert entry["fullUrl"] == f"{BASE}/Subscription/7"


def test_a_server_without_versions_is_not_asked_for_one():
    held = stored(status="off")
    del held["meta"]
    (entry,) = transaction(BASE, changes([held], WANTED))["entry"]
    assert entry["request"] == {"method": "PUT", "url": "Subscription/7"}


def test_what_is_missing_is_created_and_what_is_too_much_is_deleted():
    """Two runs at once may each have made one; the one that is right stays."""
    old = stored("Observation", "8", status="error")
    gone = stored("Basic", "9")
    more = [*WANTED, subscription("Patient", HERE, SECRET)]
    chosen = changes([old, stored(), gone], more)
    assert chosen == [
        Change("Patient?", resource=more[1]),
        Change("Observation?", "8"),
        Change("Basic?", "9"),
    ]
    made, *deleted = transaction(BASE, chosen)["entry"]
    assert made["request"] == {"method": "POST", "url": "Subscription"}
    assert made["fullUrl"].startswith("urn:uuid:")
    assert deleted == [
        {"request": {"method": "DELETE", "url": f"Subscription/{id_}"}} for id_ in ("8", "9")
    ]
    assert removal(gone) == chosen[2]

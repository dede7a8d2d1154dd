"""Who wrote what: once for each write, never doubled, and only for what was written."""

from datetime import UTC, datetime

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.fhir.compose import compose
from b12fhir.fhir.provenance import Account, provenance_after, versions, with_provenance
from b12fhir.fhir.publish import reconcile
from b12fhir.fhir.stored import KINDS
from b12fhir.fhir.validate import structure, validate
from tests.support.builders import (
    SITE,
    build_decision,
    build_facts,
    build_maintenance,
    build_phase,
    build_plan,
    build_protocol,
)

AS_OF = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
POLICY = "https://b12fhir.example/fhir/PlanDefinition/b12-seed-default|1.0.0"
LONGER = build_plan(phases=(build_phase(count=11), build_maintenance()))


def account(kind="create", **changes) -> Account:
    given = {
        "kind": kind,
        "reason": "no plan was stored",
        "recorded": AS_OF,
        "policy": POLICY,
        "inputs": (("Observation/b12-1", "3"), ("Condition/pa", "")),
        "site": SITE,
    }
    return Account(**(given | changes))


def wanted(plan=None) -> dict:
    bundle = compose(build_facts(), build_decision(), plan or build_plan(), build_protocol(), SITE)
    assert bundle is not None
    return bundle


def stored(server) -> list[dict]:
    return [resource for kind in KINDS for resource in server.all(kind)]


def provenance(bundle) -> dict:
    (entry,) = (e for e in bundle["entry"] if e["resource"]["resourceType"] == "Provenance")
    return entry


def publish(server, bundle) -> dict:
    write = reconcile(stored(server), bundle, SITE)
    sent = with_provenance(write.bundle, account(write.kind, reason=write.reason))
    assert validate(sent) == []
    server.transaction(sent)
    return sent


def test_it_says_who_wrote_what_when_why_by_which_rules_and_on_what():
    bundle = wanted()
    sent = with_provenance(bundle, account())
    resource = provenance(sent)["resource"]
    parts = [e["fullUrl"] for e in bundle["entry"] if e["resource"]["resourceType"] != "Device"]
    assert [link["reference"] for link in resource["target"]] == parts
    assert resource["recorded"] == "2026-11-21T10:00:00+00:00"
    assert resource["policy"] == [POLICY]
    assert resource["reason"] == [{"text": "no plan was stored"}]
    assert resource["activity"]["coding"][0]["code"] == "CREATE"
    (agent,) = resource["agent"]
    assert agent["type"]["coding"][0]["code"] == "assembler"
    assert agent["who"] == {"reference": bundle["entry"][0]["fullUrl"]}
    assert resource["entity"] == [
        {
            "role": "source",
            "what": {
                "reference": "Observation/b12-1",
                "display": "Observation/b12-1 version 3",
            },
        },
        {"role": "source", "what": {"reference": "Condition/pa", "display": "Condition/pa"}},
    ]
    assert structure(resource) == []


def test_it_stands_under_an_id_that_only_this_write_has():
    first, again = (provenance(with_provenance(wanted(), account())) for _ in range(2))
    assert first == again
    own = first["resource"]["id"]
    assert first["request"] == {"method": "PUT", "url": f"Provenance/{own}"}
    assert own.startswith("b12-")
    assert len(own) <= 64
    other = provenance(with_provenance(wanted(LONGER), account()))["resource"]["id"]
    assert other != own


def test_the_moment_is_no_part_of_the_id():
    """A second try after a lost answer comes later and must fall on the same Provenance."""
    later = account(recorded=datetime(2026, 11, 22, tzinfo=UTC))
    ids = {provenance(with_provenance(wanted(), a))["resource"]["id"] for a in (account(), later)}
    assert len(ids) == 1


def test_the_same_transaction_twice_leaves_one():
    server = MemoryServer()
    sent = publish(server, wanted())
    server.transaction(sent)
    (kept,) = server.all("Provenance")
    assert kept["meta"]["versionId"] == "1"
    assert kept["target"][0]["reference"].startswith("CarePlan/")
    assert kept["agent"][0]["who"]["reference"].startswith("Device/")


def test_a_way_there_and_back_leaves_a_trace_of_each_step():
    """The plan reads the same at the end as at the beginning, and yet it was written twice more."""
    server = MemoryServer()
    for plan in (build_plan(), LONGER, build_plan(), LONGER):
        publish(server, wanted(plan))
    publish(server, None)
    kept = server.all("Provenance")
    codes = [p["activity"]["coding"][0]["code"] for p in kept]
    assert codes == ["CREATE", "UPDATE", "UPDATE", "UPDATE", "UPDATE"]
    assert {p["meta"]["versionId"] for p in kept} == {"1"}


def test_a_withdrawal_names_the_stored_resources_and_our_device():
    server = MemoryServer()
    publish(server, wanted())
    sent = publish(server, None)
    assert sent["entry"][0]["resource"]["resourceType"] == "Device"
    targets = [t["reference"] for t in provenance(sent)["resource"]["target"]]
    assert set(targets) == {f"{r['resourceType']}/{r['id']}" for r in stored(server)}
    assert server.all("Provenance")[1]["agent"][0]["who"]["reference"].startswith("Device/")


def test_records_are_named_with_the_version_that_was_read():
    read = [
        {"resourceType": "Observation", "id": "1", "meta": {"versionId": "7"}},
        {"resourceType": "Condition", "id": "1"},
    ]
    found = versions(["Observation/1", "Condition/1", "Procedure/9"], read)
    assert found == (("Observation/1", "7"), ("Condition/1", ""), ("Procedure/9", ""))


# --- where a server takes no ids of ours ------------------------------------------------------


def test_afterwards_it_names_what_the_answer_says_was_written():
    server = MemoryServer()
    bundle = wanted()
    after = provenance_after(bundle, server.transaction(bundle), account())
    assert after is not None
    server.transaction(after)
    (kept,) = server.all("Provenance")
    targets = {t["reference"] for t in kept["target"]}
    assert targets == {f"{r['resourceType']}/{r['id']}" for r in stored(server)}
    assert kept["agent"][0]["who"]["reference"] == f"Device/{server.all('Device')[0]['id']}"
    assert len(server.all("Device")) == 1
    assert all(structure(entry["resource"]) == [] for entry in after["entry"])


def test_what_was_there_already_is_not_accounted_for_again():
    server = MemoryServer()
    server.transaction(wanted())
    bundle = wanted()
    assert provenance_after(bundle, server.transaction(bundle), account()) is None


def test_an_update_that_changed_nothing_is_left_out():
    """A plan is always written along to guard the rest; the server makes no version of it."""
    server = MemoryServer()
    server.transaction(wanted())
    write = reconcile(stored(server), wanted(LONGER), SITE)
    (medicine,) = (
        e for e in write.bundle["entry"] if e["resource"]["resourceType"] == "MedicationRequest"
    )
    plain = {**write.bundle, "entry": [medicine]}
    first = provenance_after(plain, server.transaction(plain), account("update"))
    (target,) = provenance(first)["resource"]["target"]
    assert target == {"reference": medicine["request"]["url"]}
    # The same content over the version that now stands there.
    again = medicine | {"request": medicine["request"] | {"ifMatch": 'W/"2"'}}
    plain = {**write.bundle, "entry": [again]}
    assert provenance_after(plain, server.transaction(plain), account("update")) is None


def test_an_answer_that_tells_no_place_still_names_what_was_updated():
    server = MemoryServer()
    server.transaction(wanted())
    write = reconcile(stored(server), wanted(LONGER), SITE)
    mute = {"entry": [{"response": {"status": "200"}} for _ in write.bundle["entry"]]}
    after = provenance_after(write.bundle, mute, account("update"))
    targets = [t["reference"] for t in provenance(after)["resource"]["target"]]
    updated = [e["request"]["url"] for e in write.bundle["entry"][1:]]
    assert targets == updated


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e["resource"].update(status="completed"),
        lambda e: e["request"].update(url="Provenance/other"),
        lambda e: e["resource"].update(id="other"),
        lambda e: e["resource"]["agent"][0].update(who={"reference": "Practitioner/1"}),
        lambda e: e["resource"].update(target=[{"reference": "Patient/p1"}]),
    ],
)
def test_a_provenance_of_another_kind_is_not_let_out(change):
    """The engine answers for its own proposals, and in nobody else's name."""
    sent = with_provenance(wanted(), account())
    change(provenance(sent))
    assert validate(sent) != []

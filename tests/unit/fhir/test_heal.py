"""Copies of one identity: which one counts, what of the others may be changed, and what is said.

The order of authority: order, plan, proposal; active, decided on, draft, withdrawn; then the oldest
and the lowest id. Only what is still as the engine left it is changed.
"""

from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.fhir.digest import untouched
from b12fhir.fhir.doubled import doubled_write
from b12fhir.fhir.heal import heal
from b12fhir.fhir.stored import KINDS
from b12fhir.fhir.validate import validate
from tests.unit.fhir.test_publish import KEY, SITE, named, publish, signed, stored, wanted

ORDER, PLAN = SITE.system("order"), SITE.system("plan")


@pytest.fixture
def server() -> MemoryServer:
    """A server on which the default plan was proposed."""
    fresh = MemoryServer()
    publish(fresh, wanted())
    return fresh


def one(server: MemoryServer, id_: str) -> dict[str, Any]:
    return next(r for kind in KINDS for r in server.all(kind) if r["id"] == id_)


def twin(server: MemoryServer, ending: str, id_: str = "twin", **changes: Any) -> dict[str, Any]:
    """A copy stored later under another id; the original."""
    original = named(server, ending)
    server.put(original | {"id": id_} | changes)
    return original


def healed(server: MemoryServer) -> int:
    """Put right what can be; how many resources were withdrawn."""
    found = heal(stored(server), SITE)
    assert found.problem == ""
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(found.entries)}
    assert validate(bundle) == []
    server.transaction(bundle)
    return found.withdrawn


def problem(server: MemoryServer) -> str:
    before = stored(server)
    found = heal(before, SITE)
    assert (found.entries, found.withdrawn, found.relinked) == ((), 0, 0)
    assert stored(server) == before
    return found.problem


def test_without_copies_there_is_nothing_to_do(server):
    assert heal(stored(server), SITE).entries == ()
    assert problem(server) == ""


def test_the_older_one_counts_and_the_other_gives_its_identity_up(server):
    original = twin(server, ":induction")
    assert healed(server) == 1
    kept, copy = one(server, original["id"]), one(server, "twin")
    # Not even a new version: it was only guarded.
    assert kept == original
    assert copy["status"] == "cancelled"
    why = f"It has the identity of MedicationRequest/{original['id']}, which counts."
    assert copy["statusReason"] == {"text": why}
    assert copy["identifier"][0] == {
        "system": SITE.system("duplicate"),
        "value": f"{KEY}:induction:twin",
    }
    assert "profile" not in copy["meta"]
    assert untouched(copy, SITE)
    assert heal(stored(server), SITE).entries == ()


@pytest.mark.parametrize(("id_", "counts"), [("a", "a"), ("zz", "original")])
def test_of_two_of_one_moment_the_lowest_id_counts(id_, counts):
    server = MemoryServer(clock=lambda: "2026-11-21T10:00:00Z")
    publish(server, wanted())
    original = twin(server, ":induction", id_)
    assert original["id"].startswith("m")
    healed(server)
    kept = id_ if counts == "a" else original["id"]
    assert one(server, kept)["status"] == "draft"


def test_one_without_a_time_is_the_youngest(server):
    original = named(server, ":induction")
    copy = original | {"id": "a", "meta": {"versionId": "1"}}
    found = heal([*stored(server), copy], SITE)
    urls = [entry["request"]["url"] for entry in found.entries]
    assert "MedicationRequest/a" in urls
    assert found.entries[-1]["resource"]["id"] == "a"
    assert found.withdrawn == 1
    assert original["status"] == "draft"


@pytest.mark.parametrize(
    "changes",
    [
        {"intent": "order"},
        {"intent": "plan"},
        {"intent": "instance-order"},
        {"status": "active"},
        {"status": "completed"},
        {"status": "on-hold"},
    ],
)
def test_what_a_clinician_made_counts_more_than_our_draft(server, changes):
    original = twin(server, ":induction", **changes)
    before = one(server, "twin")
    assert healed(server) == 1
    assert one(server, "twin") == before
    assert one(server, original["id"])["status"] == "cancelled"
    # The plan leads to what counts now.
    links = str(named(server, ":r1")["activity"])
    assert "MedicationRequest/twin" in links
    assert f"MedicationRequest/{original['id']}" not in links
    assert untouched(named(server, ":r1"), SITE)


def test_an_order_goes_before_an_active_plan_and_that_before_a_proposal(server):
    original = twin(server, ":induction", "p", intent="plan", status="active")
    server.put(original | {"id": "o", "intent": "order"})
    told = problem(server)
    # The second is not ours either: both are named, the order first.
    assert (
        f"MedicationRequest/o and MedicationRequest/p and MedicationRequest/{original['id']}"
        in told
    )


def test_a_draft_counts_more_than_what_we_withdrew_ourselves(server):
    """The withdrawn one is older; were it kept, the next run would begin a new revision."""
    fresh = named(server, ":induction")
    publish(server, None)
    old = named(server, ":induction")
    server.put(fresh | {"id": "twin"})
    assert healed(server) == 1
    copy = one(server, old["id"])
    assert copy["status"] == "cancelled"
    assert copy["note"] == old["note"]
    assert copy["identifier"][0]["system"] == SITE.system("duplicate")


def test_a_copy_that_somebody_changed_stays_and_is_named(server):
    original = twin(server, ":induction", note=[{"text": "Left arm"}])
    told = problem(server)
    assert f"MedicationRequest/{original['id']} and MedicationRequest/twin" in told
    assert "by hand" in told


def test_a_copy_of_another_patient_is_never_touched(server):
    """The worst mistake of all: it is said, not put right."""
    twin(server, ":induction", subject={"reference": "Patient/p2"})
    assert "MedicationRequest/twin" in problem(server)


def test_orders_with_one_identity_are_named(server):
    order = signed(named(server, ":induction"), "order", "o1") | {"intent": "order"}
    server.put(order)
    server.put(order | {"id": "o2"})
    assert "MedicationRequest/o1 and MedicationRequest/o2" in problem(server)


def test_what_leads_to_a_copy_and_is_not_ours_holds_everything_up(server):
    copy = twin(server, ":r1")
    assert copy["id"] != "twin"
    task = named(server, ":r1", "Task")
    server.put(task | {"status": "accepted", "focus": {"reference": "CarePlan/twin"}})
    told = problem(server)
    assert told.startswith(f"Task/{task['id']} leads to one of several")


def test_an_order_may_rest_on_the_copy_that_goes(server):
    original = twin(server, ":induction", intent="order")
    server.put(
        one(server, "twin") | {"basedOn": [{"reference": f"MedicationRequest/{original['id']}"}]}
    )
    assert healed(server) == 1


def test_without_a_version_nothing_is_changed(server):
    twin(server, ":induction")
    unversioned = [r | {"meta": {**r["meta"], "versionId": ""}} for r in stored(server)]
    found = heal(unversioned, SITE)
    assert found.entries == ()
    assert "has no version" in found.problem


def test_whoever_signs_what_is_kept_in_the_meantime_wins(server):
    """The plan and the kept one are guarded by the version that was read."""
    original = twin(server, ":induction")
    found = heal(stored(server), SITE)
    guarded = {e["request"]["url"] for e in found.entries}
    plan = named(server, ":r1")
    assert {f"MedicationRequest/{original['id']}", f"CarePlan/{plan['id']}"} <= guarded
    assert all(e["request"]["ifMatch"] for e in found.entries)


# --- the finding about two therapies --------------------------------------------------------------


def load(server: MemoryServer) -> dict[str, Any]:
    """The proposal of the first phase."""
    system = SITE.system("medication-request")
    (found,) = (
        r
        for r in server.all("MedicationRequest")
        if r["identifier"][0] == {"system": system, "value": f"{KEY}:induction"}
    )
    return found


def orders(server: MemoryServer, *ids: str, **changes: Any) -> None:
    order = signed(load(server), "order", "") | {"intent": "order"} | changes
    for id_ in ids:
        server.put(order | {"id": id_})


def tell(server: MemoryServer) -> tuple[str, int]:
    """Write the finding as it is to be; the kind of the write, and how many resources."""
    write = doubled_write(stored(server), "Patient/p1", SITE)
    if write.bundle is not None:
        assert validate(write.bundle) == []
        server.transaction(write.bundle)
    return write.kind, write.created + write.updated + write.withdrawn


def finding(server: MemoryServer) -> dict[str, Any]:
    system = SITE.system("doubled-therapy")
    (found,) = (r for r in server.all("DetectedIssue") if r["identifier"][0]["system"] == system)
    return found


def test_two_active_orders_are_told_once_and_taken_back_by_themselves(server):
    assert tell(server) == ("nothing", 0)
    orders(server, "o1", "o2")
    assert tell(server) == ("create", 1)
    assert tell(server) == ("nothing", 0)
    assert "MedicationRequest/o1 and MedicationRequest/o2" in finding(server)["detail"]
    orders(server, "o3")
    assert tell(server) == ("update", 1)
    assert len(finding(server)["implicated"]) == 3
    orders(server, "o2", "o3", status="stopped")
    assert tell(server) == ("withdraw", 1)
    assert tell(server) == ("nothing", 0)
    orders(server, "o2")
    assert tell(server) == ("update", 1)
    assert finding(server)["status"] == "preliminary"


def test_an_order_and_a_proposal_that_somebody_made_active_are_two(server):
    orders(server, "o1")
    server.put(load(server) | {"status": "active"})
    assert tell(server) == ("create", 1)


def test_a_draft_beside_an_order_is_no_second_therapy(server):
    orders(server, "o1")
    assert tell(server) == ("nothing", 0)


@pytest.mark.parametrize("changes", [{"status": "final"}, {"detail": "Seen."}])
def test_a_finding_somebody_settled_is_never_touched(server, changes):
    orders(server, "o1", "o2")
    tell(server)
    server.put(finding(server) | changes)
    orders(server, "o3")
    assert tell(server) == ("nothing", 0)
    orders(server, "o2", "o3", status="stopped")
    assert tell(server) == ("nothing", 0)


def test_another_patients_orders_are_not_counted(server):
    orders(server, "o1")
    orders(server, "o2", subject={"reference": "Patient/p2"})
    assert tell(server) == ("nothing", 0)

"""Races and what they leave behind, the same on the memory server and on HAPI.

A plain create knows no condition: where it races ours, two resources bear one identity, and every
later conditional create is answered with 412. Whatever happens, one plan must be left.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.signoff import refuse
from b12fhir.errors import ConflictError, DuplicateError, TemporaryServerError
from b12fhir.fhir.lifecycle import State
from b12fhir.fhir.stored import KINDS
from tests.support.ward import Ward

TODAY = "2026-11-21"


class Between:
    """A server on which something happens around the transactions that write a plan."""

    def __init__(self, server: Any, *acts: Callable[[Any, Mapping[str, Any]], Any]) -> None:
        self.server, self.acts = server, list(acts)
        self.base = server.base

    def __getattr__(self, name: str) -> Any:
        return getattr(self.server, name)

    def transaction(self, bundle: Mapping[str, Any]) -> Any:
        if len(bundle["entry"]) > 1:
            act = self.acts.pop(0) if self.acts else None
            if act is not None:
                return act(self.server, bundle)
        return self.server.transaction(bundle)


@pytest.fixture
def ward(server, store, fresh) -> Ward:
    return Ward(server, fresh, store)


def of(ward: Ward, kind: str, system: str) -> list[dict[str, Any]]:
    wanted = ward.site.system(system)
    return [one for one in ward.stored(kind) if one["identifier"][0]["system"] == wanted]


def plans(ward: Ward) -> list[dict[str, Any]]:
    return of(ward, "CarePlan", "plan")


def identities(ward: Ward) -> Counter[tuple[str, str]]:
    """How often each identity of a proposal is borne."""
    own = ward.site.system("duplicate")
    return Counter(
        (kind, one["identifier"][0]["value"])
        for kind in KINDS
        for one in ward.stored(kind)
        if one["identifier"][0]["system"] != own
    )


def unconditional(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """The same transaction as a program that knows no conditions would send it."""
    engine = next(e for e in bundle["entry"] if e["resource"]["resourceType"] == "Device")
    entries = [
        e if e is engine else {**e, "request": {"method": "POST", "url": e["request"]["url"]}}
        for e in bundle["entry"]
        if e["resource"]["resourceType"] != "Provenance"
    ]
    return {**bundle, "entry": entries}


def links_lead_to_what_counts(ward: Ward) -> bool:
    """Every link of the plan and of its Task leads to a resource that kept its identity."""
    own = ward.site.system("duplicate")
    copies = {
        f"{kind}/{one['id']}"
        for kind in KINDS
        for one in ward.stored(kind)
        if one["identifier"][0]["system"] == own
    }
    held = [
        *plans(ward),
        *of(ward, "Task", "approval-task"),
        *of(ward, "MedicationRequest", "medication-request"),
    ]
    return bool(copies) and not any(name in str(one) for one in held for name in copies)


def race(server: Any, bundle: Mapping[str, Any]) -> Any:
    """A plain create of the whole plan arrives first."""
    server.transaction(unconditional(bundle))
    server.transaction(unconditional(bundle))
    return server.transaction(bundle)


def test_a_plain_create_that_raced_ours_is_put_right_in_one_run(ward):
    """412 on our create: read again, put right, go on; then nothing is left to do."""
    result = ward.once(TODAY, Between(ward.server, race))
    assert result.kind == "nothing"
    assert "copies of one identity put right first" in result.reason
    assert set(identities(ward).values()) == {1}
    assert len(plans(ward)) == 1
    assert plans(ward)[0]["status"] == "draft"
    (copy,) = of(ward, "CarePlan", "duplicate")
    assert copy["status"] == "revoked"
    kept = f"CarePlan/{plans(ward)[0]['id']}"
    assert copy["note"][0]["text"] == (f"Withdrawn: It has the identity of {kept}, which counts.")
    assert links_lead_to_what_counts(ward)
    again = ward.once(TODAY)
    assert (again.kind, again.beside) == ("nothing", 0)
    # The one that is left can be signed as any other.
    ward.sign(TODAY)
    assert ward.orders() == {"induction": "active"}
    assert ward.propose(TODAY) == "nothing"


def test_a_medicine_that_was_copied_is_one_again(ward):
    ward.once(TODAY)
    (load,) = (
        one
        for one in ward.stored("MedicationRequest")
        if one["identifier"][0]["value"].endswith(":induction")
    )
    bare = {k: v for k, v in load.items() if k != "meta"}
    ward.store({**bare, "id": f"{ward.fresh}-copy"[:64]})
    assert ward.once(TODAY).beside > 0
    assert set(identities(ward).values()) == {1}
    # The older one counts.
    held = of(ward, "MedicationRequest", "medication-request")
    assert load["id"] in {one["id"] for one in held}
    assert ward.once(TODAY).beside == 0


def test_a_card_that_was_accepted_counts_more_than_our_proposal(ward):
    """An order that the clinical system made of a card is its own: never touched, and said."""
    ward.once(TODAY)
    (load,) = (
        one
        for one in ward.stored("MedicationRequest")
        if one["identifier"][0]["value"].endswith(":induction")
    )
    accepted = {
        **{k: v for k, v in load.items() if k != "meta"},
        "id": f"{ward.fresh}-card"[:64],
        "intent": "order",
        "basedOn": [{"reference": f"MedicationRequest/{load['id']}"}],
    }
    ward.store(accepted)
    before = next(o for o in ward.stored("MedicationRequest") if o["id"] == accepted["id"])
    result = ward.once(TODAY)
    assert result.kind == "blocked"
    assert accepted["id"] in result.reason
    after = {one["id"]: one for one in ward.stored("MedicationRequest")}
    assert after[accepted["id"]] == before
    assert after[load["id"]]["status"] == "cancelled"
    (plan,) = plans(ward)
    assert f"MedicationRequest/{accepted['id']}" in str(plan["activity"])
    stood = identities(ward)
    again = ward.once(TODAY)
    assert (again.kind, again.beside) == ("blocked", 0)
    assert identities(ward) == stood


def test_copies_that_somebody_changed_are_left_alone_and_named(ward):
    ward.once(TODAY)
    (plan,) = plans(ward)
    copy = {k: v for k, v in plan.items() if k != "meta"} | {"id": f"{ward.fresh}-copy"[:64]}
    ward.store({**copy, "title": "Mine"})
    stood = {one["id"]: one for one in ward.stored("CarePlan")}
    result = ward.once(TODAY)
    assert result.kind == "blocked"
    assert plan["id"] in result.reason
    assert copy["id"] in result.reason
    assert {one["id"]: one for one in ward.stored("CarePlan")} == stood


def test_two_active_therapies_are_told_once_and_the_finding_goes_with_its_ground(ward):
    """Two orders in force under one key: a person must end one; only the finding is ours."""
    ward.once(TODAY)
    ward.sign(TODAY)
    (order,) = (one for one in ward.stored("MedicationRequest") if one["intent"] == "order")
    twin = {k: v for k, v in order.items() if k != "meta"} | {"id": f"{ward.fresh}-twin"[:64]}
    ward.store(twin)
    result = ward.once(TODAY)
    assert (result.kind, result.beside) == ("blocked", 1)
    assert {order["id"], twin["id"]} <= set(_words(result.reason))
    (issue,) = of(ward, "DetectedIssue", "doubled-therapy")
    assert issue["status"] == "preliminary"
    assert issue["code"]["coding"][0]["code"] == "DUPTHPY"
    assert {one["reference"].partition("/")[2] for one in issue["implicated"]} == {
        order["id"],
        twin["id"],
    }
    again = ward.once(TODAY)
    assert (again.kind, again.beside) == ("blocked", 0)
    ward.store(
        {
            **twin,
            "status": "entered-in-error",
            "identifier": [{"system": "urn:x", "value": ward.fresh}],
        }
    )
    assert ward.once(TODAY).beside == 1
    (issue,) = of(ward, "DetectedIssue", "doubled-therapy")
    assert issue["status"] == "cancelled"
    assert ward.once(TODAY).beside == 0


def _words(text: str) -> list[str]:
    return [word.rpartition("/")[2].strip("(),;") for word in text.split()]


def test_eight_runs_at_once_leave_one_plan(ward):
    with ThreadPoolExecutor(8) as pool:
        told = Counter(pool.map(lambda _: ward.once(TODAY).kind, range(8)))
    assert set(told) <= {"create", "nothing"}
    assert told["create"] <= 1
    assert set(identities(ward).values()) == {1}
    assert [plan["status"] for plan in plans(ward)] == ["draft"]
    assert ward.propose(TODAY) == "nothing"


@pytest.mark.parametrize("error", [ConflictError, DuplicateError])
def test_a_stale_version_is_read_again_whatever_the_server_calls_it(ward, error):
    """HAPI answers 409 to a stale If-Match, others 412."""
    ward.once(TODAY)
    ward.result(95, id_="later", day=TODAY)

    def stale(server, bundle):
        (plan,) = plans(ward)
        ward.store({k: v for k, v in plan.items() if k != "meta"} | {"language": "en"})
        with pytest.raises((ConflictError, DuplicateError)):
            server.transaction(bundle)
        ward.store({k: v for k, v in plan.items() if k != "meta"})
        raise error("The version is stale.", status=409 if error is ConflictError else 412)

    assert ward.once(TODAY, Between(ward.server, stale)).kind == "update"
    assert ward.propose(TODAY) == "nothing"


def test_a_write_of_which_nobody_knows_the_end_is_not_written_twice(ward):
    """The answer got lost after the server had written; and once more the same is sent again."""

    def lost(server, bundle):
        server.transaction(bundle)
        raise TemporaryServerError("No answer.", status=500)

    def twice(server, bundle):
        server.transaction(bundle)
        return server.transaction(bundle)

    assert ward.once(TODAY, Between(ward.server, lost)).kind == "nothing"
    assert set(identities(ward).values()) == {1}
    assert accounts(ward) in told(ward, 1)
    ward.result(95, id_="later", day=TODAY)
    assert ward.once(TODAY, Between(ward.server, lost)).kind == "nothing"
    assert accounts(ward) in told(ward, 2)
    other = Ward(ward.server, f"{ward.fresh}-b", ward.store)
    assert other.once(TODAY, Between(ward.server, twice)).kind == "nothing"
    assert accounts(other) in told(other, 1)


def told(ward: Ward, writes: int) -> range:
    """How many accounts there may be: where ids are the server's own, a lost answer costs one."""
    return range(writes if ward.can.provenance == "named" else 0, writes + 1)


def accounts(ward: Ward) -> int:
    """How many Provenances name the plan."""
    (plan,) = plans(ward)
    name = f"CarePlan/{plan['id']}"
    found = (
        ward.server.all("Provenance")
        if isinstance(ward.server, MemoryServer)
        else ward.server.search("Provenance", {"target": name})
    )
    return sum({"reference": name} in one["target"] for one in found)


def test_a_rejected_plan_stays_away_whoever_runs(ward):
    ward.once(TODAY)
    refuse(ward.desk(TODAY), ward.plan(TODAY).key, ward.doctor, "Declined")
    stood = identities(ward)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: ward.once(TODAY).kind, range(4))) == {"nothing"}
    assert identities(ward) == stood
    assert ward.plan(TODAY).state is State.REJECTED

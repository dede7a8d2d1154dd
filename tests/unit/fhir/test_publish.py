"""Reconciling: what is written, given what is stored; the memory server stands in for any."""

import copy
from dataclasses import replace
from datetime import date

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.decision.model import SeverityGrade
from b12fhir.facts.patient import Patient
from b12fhir.facts.record import OwnPlan
from b12fhir.fhir.compose import compose
from b12fhir.fhir.digest import untouched
from b12fhir.fhir.identity import patient_key
from b12fhir.fhir.publish import NO_LONGER, SUPERSEDED, reconcile, why_withdrawn
from b12fhir.fhir.stored import KINDS, status_element
from b12fhir.fhir.validate import validate
from b12fhir.kernel.evidence import Remark
from tests.support.builders import (
    D0,
    MONITORING,
    SITE,
    build_decision,
    build_facts,
    build_maintenance,
    build_oral,
    build_pack,
    build_phase,
    build_plan,
    build_protocol,
)

KEY = f"{patient_key('Patient/p1', SITE)}:e1:r1"
ORAL = build_plan(phases=(build_oral(),))


def wanted(plan=None, *, facts=None, protocol=None, decision=None) -> dict:
    bundle = compose(
        facts or build_facts(),
        decision or build_decision(),
        plan or build_plan(),
        protocol or build_protocol(),
        SITE,
    )
    assert bundle is not None
    return bundle


def stored(server: MemoryServer) -> list[dict]:
    return [resource for kind in KINDS for resource in server.all(kind)]


def publish(server: MemoryServer, bundle: dict | None, **args):
    write = reconcile(stored(server), bundle, SITE, **args)
    if write.bundle is not None:
        assert validate(write.bundle) == []
        server.transaction(write.bundle)
    return write


@pytest.fixture
def server() -> MemoryServer:
    """A server on which the default plan was proposed."""
    fresh = MemoryServer()
    publish(fresh, wanted())
    return fresh


def named(server: MemoryServer, ending: str, kind: str = "") -> dict:
    """The part of that key; the plan itself where its assessment and its Task share the key."""
    wanted = kind or ("CarePlan" if ":r" in ending else "")
    found = [
        r
        for r in stored(server)
        if r["identifier"][0]["value"].endswith(ending) and wanted in ("", r["resourceType"])
    ]
    assert len(found) == 1
    return found[0]


def statuses(server: MemoryServer, *kinds: str) -> dict[str, str]:
    """Status of each part by its own name, of all kinds or of some."""
    return {
        r["identifier"][0]["value"].removeprefix(KEY) or r["resourceType"]: r[
            status_element(r["resourceType"])
        ]
        for r in stored(server)
        if not kinds or r["resourceType"] in kinds
    }


def change(server: MemoryServer, ending: str, kind: str = "", **values: object) -> None:
    server.put(named(server, ending, kind) | values)


def test_a_first_plan_is_created_whole():
    server = MemoryServer()
    write = publish(server, wanted())
    assert (write.kind, write.created, write.updated, write.withdrawn) == ("create", 10, 0, 0)
    assert statuses(server) == {
        "CarePlan": "draft",
        ":induction": "draft",
        ":maintenance": "draft",
        ":potassium": "draft",
        ":blood-count": "draft",
        ":b12": "draft",
        "RiskAssessment": "preliminary",
        ":iv": "preliminary",
        ":potassium-low": "preliminary",
        "Task": "requested",
    }
    plan = named(server, ":r1")
    links = {
        a["reference"]["reference"].split("/")[0] for a in plan["activity"] if "reference" in a
    }
    assert links == {"MedicationRequest", "ServiceRequest"}
    assert plan["author"]["reference"].startswith("Device/")


def test_the_same_facts_write_nothing_at_all(server):
    before = stored(server)
    write = publish(server, wanted())
    assert (write.kind, write.bundle) == ("nothing", None)
    assert stored(server) == before


def test_resources_of_others_are_not_seen(server):
    foreign = {
        "resourceType": "CarePlan",
        "id": "f",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/p1"},
        "identifier": [{"system": "urn:x", "value": KEY}],
    }
    write = reconcile([*stored(server), foreign, {"resourceType": "Patient"}], wanted(), SITE)
    assert write.kind == "nothing"


def test_one_resource_read_twice_is_one(server):
    assert reconcile(stored(server) * 2, wanted(), SITE).kind == "nothing"


def test_a_changed_plan_rewrites_the_same_resources(server):
    before = {r["id"] for r in stored(server)}
    changed = build_plan(phases=(build_phase(count=11), build_maintenance()))
    write = publish(server, wanted(changed))
    assert (write.kind, write.created, write.updated, write.withdrawn) == ("update", 0, 2, 0)
    assert {r["id"] for r in stored(server)} == before
    count = named(server, ":induction")["dosageInstruction"][0]["timing"]["repeat"]["count"]
    assert count == 11
    assert publish(server, wanted(changed)).kind == "nothing"


def test_an_update_names_ids_versions_and_leaves_the_rest_alone(server):
    change(server, ":maintenance", meta={"versionId": "9"})
    changed = build_plan(phases=(build_phase(count=11), build_maintenance()))
    write = reconcile(stored(server), wanted(changed), SITE)
    assert write.bundle is not None
    requests = [entry["request"] for entry in write.bundle["entry"]]
    plan, load = named(server, ":r1"), named(server, ":induction")
    assert requests[1:] == [
        {"method": "PUT", "url": f"CarePlan/{plan['id']}", "ifMatch": 'W/"1"'},
        {"method": "PUT", "url": f"MedicationRequest/{load['id']}", "ifMatch": 'W/"1"'},
    ]


def test_another_treatment_adds_what_is_new_and_cancels_what_fell_away(server):
    write = publish(server, wanted(ORAL))
    # Rewritten: the plan, and the issue that names the one product proposed.
    assert (write.kind, write.created, write.updated, write.withdrawn) == ("update", 1, 2, 2)
    found = statuses(server)
    assert (found[":oral"], found[":induction"], found[":maintenance"]) == (
        "draft",
        "cancelled",
        "cancelled",
    )
    cancelled = named(server, ":induction")
    assert cancelled["statusReason"] == {"text": SUPERSEDED}
    assert cancelled["note"][0] == {"text": f"Withdrawn: {SUPERSEDED}"}
    links = [
        a["reference"]["reference"] for a in named(server, ":r1")["activity"] if "reference" in a
    ]
    assert f"MedicationRequest/{named(server, ':oral')['id']}" in links
    assert f"MedicationRequest/{cancelled['id']}" not in links
    assert publish(server, wanted(ORAL)).kind == "nothing"


def test_a_test_that_fell_away_is_revoked(server):
    publish(server, wanted(build_plan(monitoring=MONITORING[:1])))
    assert statuses(server)[":b12"] == "revoked"


def test_what_we_cancelled_ourselves_comes_back_when_it_is_wanted_again(server):
    publish(server, wanted(ORAL))
    assert publish(server, wanted()).kind == "update"
    found = statuses(server)
    assert (found[":induction"], found[":oral"]) == ("draft", "cancelled")
    assert "statusReason" not in named(server, ":induction")
    assert publish(server, wanted()).kind == "nothing"


def test_what_a_clinician_cancelled_does_not_come_back(server):
    publish(server, wanted(ORAL))
    change(server, ":induction", statusReason={"text": "Patient declines needles"})
    write = publish(server, wanted())
    assert write.kind == "blocked"
    assert "is cancelled (proposal) and is never changed" in write.reason


def test_a_plan_no_longer_wanted_is_withdrawn_with_its_parts(server):
    write = publish(server, None, why="The patient is recorded as deceased.")
    assert (write.kind, write.withdrawn) == ("withdraw", 10)
    assert set(statuses(server).values()) == {"revoked", "cancelled"}
    plan = named(server, ":r1")
    assert plan["note"][0]["text"] == "Withdrawn: The patient is recorded as deceased."
    assert "Withdrawn: The patient is recorded as deceased." in plan["text"]["div"]
    assert named(server, ":induction")["statusReason"]["text"].endswith("deceased.")
    assert all(untouched(resource, SITE) for resource in stored(server))


def test_withdrawing_changes_nothing_but_the_status_and_its_reason(server):
    before = named(server, ":induction")
    publish(server, None)
    after = named(server, ":induction")
    for element in ("dosageInstruction", "subject", "authoredOn", "requester", "groupIdentifier"):
        assert after[element] == before[element]
    assert after["meta"]["tag"] == before["meta"]["tag"]
    assert after["note"][1:] == before["note"]


def test_a_withdrawn_plan_stays_withdrawn(server):
    publish(server, None)
    write = publish(server, None)
    assert (write.kind, write.reason) == ("nothing", "nothing to propose")


def test_a_plan_wanted_after_a_withdrawal_is_the_next_revision(server):
    publish(server, None)
    old = named(server, ":r1")
    own = OwnPlan(f"CarePlan/{old['id']}", KEY, "revoked", "proposal", D0)
    again = wanted(facts=build_facts(own_plans=(own,)))
    write = publish(server, again)
    assert (write.kind, write.created) == ("create", 10)
    assert named(server, ":r2")["replaces"] == [{"reference": f"CarePlan/{old['id']}"}]
    assert publish(server, again).kind == "nothing"


def test_a_plan_under_the_identity_of_a_withdrawn_one_is_not_written(server):
    """The conditional create would find the revoked plan, and write half a plan beside it."""
    publish(server, None)
    write = publish(server, wanted())
    assert write.kind == "blocked"
    assert "is revoked" in write.reason


@pytest.mark.parametrize("status", ["active", "on-hold", "unknown", ""])
def test_a_plan_somebody_signed_or_holds_is_never_touched(server, status):
    change(server, ":r1", status=status)
    before = stored(server)
    assert publish(server, wanted(ORAL)).kind == "blocked"
    assert stored(server) == before
    assert publish(server, wanted()).kind == "blocked"


@pytest.mark.parametrize("intent", ["plan", "order", "option"])
def test_a_plan_of_another_intent_is_never_touched(server, intent):
    change(server, ":r1", intent=intent)
    assert publish(server, wanted(ORAL)).kind == "blocked"
    write = publish(server, None)
    assert (write.kind, write.reason) == ("nothing", "a plan is in force and stays as it is")


@pytest.mark.parametrize(
    ("status", "intent"), [("active", "proposal"), ("draft", "order"), ("completed", "proposal")]
)
def test_a_medicine_somebody_signed_is_never_touched(server, status, intent):
    change(server, ":induction", status=status, intent=intent)
    assert publish(server, wanted(build_plan(phases=(build_phase(count=11),)))).kind == "blocked"


def test_nothing_wanted_leaves_signed_parts_and_withdraws_the_draft_rest(server):
    change(server, ":induction", status="active", intent="order")
    assert publish(server, None).withdrawn == 9
    assert statuses(server)[":induction"] == "active"


@pytest.mark.parametrize("status", ["active", "completed", "on-hold"])
def test_open_later_phases_of_a_signed_plan_are_kept(server, status):
    """After sign-off the later phases wait as drafts: withdrawing them would end the treatment."""
    change(server, ":r1", status=status)
    assert publish(server, None).kind == "nothing"
    assert statuses(server)[":maintenance"] == "draft"


def test_drafts_whose_plan_is_gone_are_withdrawn(server):
    server.delete("CarePlan", named(server, ":r1")["id"])
    assert publish(server, None).withdrawn == 9


def test_a_plan_that_was_deleted_is_put_back_over_its_parts(server):
    server.delete("CarePlan", named(server, ":r1")["id"])
    write = publish(server, wanted(build_plan(phases=(build_phase(count=11), build_maintenance()))))
    # The load, and the request to sign, whose link led to the plan that is gone.
    assert (write.created, write.updated) == (1, 2)
    assert (
        publish(
            server, wanted(build_plan(phases=(build_phase(count=11), build_maintenance())))
        ).kind
        == "nothing"
    )


def test_what_a_clinician_edited_in_a_draft_is_never_overwritten(server):
    dosage = copy.deepcopy(named(server, ":induction")["dosageInstruction"])
    dosage[0]["text"] = "1000 microgram once a week"
    change(server, ":induction", dosageInstruction=dosage)
    assert publish(server, wanted()).kind == "nothing"
    write = publish(server, wanted(build_plan(phases=(build_phase(count=11), build_maintenance()))))
    assert write.kind == "blocked"
    assert "changed by someone else" in write.reason


@pytest.mark.parametrize("bundle", [wanted(), wanted(ORAL), None])
def test_two_resources_with_one_identity_are_put_right_before_anything_else(server, bundle):
    server.put(named(server, ":r1") | {"id": "copy"})
    write = publish(server, bundle)
    assert (write.kind, write.heals, write.withdrawn) == ("update", True, 1)
    assert "one identity" in write.reason
    assert not publish(server, bundle).heals


@pytest.mark.parametrize("bundle", [wanted(), None])
def test_copies_that_somebody_changed_block_everything(server, bundle):
    server.put(named(server, ":r1") | {"id": "copy", "title": "Mine"})
    before = stored(server)
    write = publish(server, bundle)
    assert (write.kind, write.heals) == ("blocked", False)
    assert "CarePlan/copy" in write.reason
    assert stored(server) == before


def test_a_plan_that_is_to_wait_is_left_alone(server):
    before = stored(server)
    write = publish(server, None, keep={KEY})
    assert (write.kind, stored(server)) == ("nothing", before)


def test_an_open_draft_under_another_identity_blocks(server):
    """Another site key would else write a second plan beside the first."""
    other = replace(SITE, site_key="rotated")
    bundle = compose(build_facts(), build_decision(), build_plan(), build_protocol(), other)
    write = reconcile(stored(server), bundle, other)
    assert write.kind == "blocked"
    assert "site key" in write.reason


def test_a_resource_of_another_patient_blocks(server):
    change(server, ":b12", subject={"reference": "Patient/p2"})
    write = publish(server, wanted(ORAL))
    assert write.kind == "blocked"
    assert "another patient's" in write.reason


def test_an_absolute_or_versioned_subject_is_the_same_patient(server):
    change(server, ":r1", subject={"reference": "http://memory.invalid/fhir/Patient/p1/_history/3"})
    assert publish(server, wanted()).kind == "nothing"


@pytest.mark.parametrize("bundle", [wanted(ORAL), None])
def test_without_a_version_nothing_is_changed(server, bundle):
    unversioned = [r | {"meta": {}} for r in stored(server)]
    write = reconcile(unversioned, bundle, SITE)
    assert write.kind == "blocked"
    assert "no version" in write.reason


def test_a_new_pack_version_rewrites_open_drafts(server):
    """Ruling 7: open drafts are proposed anew under a new version."""
    newer = build_protocol(build_pack(version="1.1.0"))
    # The plan, two phases, three tests and the assessment name the pack's version.
    assert publish(server, wanted(protocol=newer)).updated == 7


def test_a_moved_start_rewrites_the_draft(server):
    moved = wanted(build_plan(start=date(2026, 11, 25)))
    assert publish(server, moved).kind == "update"


@pytest.mark.parametrize(
    ("patient", "why"),
    [
        (Patient("Patient/p1"), NO_LONGER),
        (Patient("Patient/p1", deceased=True), "The patient is recorded as deceased."),
        (Patient("Patient/p1", active=False), "The patient record is no longer active."),
        (
            Patient("Patient/p1", active=False, replaced=True),
            "The patient record was merged into another one.",
        ),
    ],
)
def test_the_reason_for_withdrawing(patient, why):
    assert why_withdrawn(patient) == why


# --- the parts that a plan can do without -----------------------------------------------------

ANOTHER = build_plan(phases=(build_phase(count=11), build_maintenance()))
# What a clinician, or a program of the site, makes of each without touching the plan itself.
TAKEN_UP = [
    ("RiskAssessment", ":r1", {"status": "final"}),
    ("DetectedIssue", ":iv", {"status": "final"}),
    ("DetectedIssue", ":iv", {"status": "cancelled"}),
]
TASKS = ["received", "accepted", "in-progress", "on-hold", "rejected", "completed", "cancelled"]


@pytest.mark.parametrize(("kind", "ending", "values"), TAKEN_UP)
def test_a_finding_somebody_settled_disturbs_nobody(server, kind, ending, values):
    change(server, ending, kind, **values)
    assert publish(server, wanted()).kind == "nothing"


@pytest.mark.parametrize(("kind", "ending", "values"), TAKEN_UP)
def test_a_finding_somebody_settled_is_never_rewritten(server, kind, ending, values):
    change(server, ending, kind, **values)
    other = Remark("iv", "Never into a vein.", "R-99")
    decision = build_decision(severity=SeverityGrade.MILD, contraindications=(other,))
    before = named(server, ending, kind)
    write = publish(server, wanted(decision=decision))
    assert write.kind == "blocked"
    assert kind in write.reason
    assert named(server, ending, kind) == before


@pytest.mark.parametrize("status", TASKS)
def test_while_somebody_decides_the_proposal_stands_still(server, status):
    """A plan must not change under the eyes of the one who is signing it."""
    change(server, ":r1", "Task", status=status)
    assert publish(server, wanted()).kind == "nothing"
    write = publish(server, wanted(ANOTHER))
    assert write.kind == "blocked"
    assert write.reason.startswith("Task/")
    assert status in write.reason


def test_a_caution_that_fell_away_is_cancelled_and_can_come_back(server):
    calm = build_decision(cautions=())
    write = publish(server, wanted(decision=calm))
    assert write.withdrawn == 1
    assert statuses(server)[":potassium-low"] == "cancelled"
    assert publish(server, wanted(decision=calm)).kind == "nothing"
    assert publish(server, wanted()).kind == "update"
    assert statuses(server)[":potassium-low"] == "preliminary"
    assert publish(server, wanted()).kind == "nothing"


def test_a_new_caution_is_linked_from_the_medicines(server):
    """Who opens the order sees the caution; the number of links tells that it changed."""
    more = (*build_decision().cautions, Remark("bleeding", "Bleeding is likelier.", "R-94"))
    write = publish(server, wanted(decision=build_decision(cautions=more)))
    # Created: the issue. Rewritten: the plan and its two phases.
    assert (write.created, write.updated) == (1, 3)
    issue = named(server, ":bleeding")
    links = [link["reference"] for link in named(server, ":induction")["detectedIssue"]]
    assert f"DetectedIssue/{issue['id']}" in links
    assert len(links) == 3


def test_a_goal_somebody_linked_is_a_change_of_theirs(server):
    goal = {"reference": "Goal/of-the-ward"}
    change(server, ":r1", goal=[goal])
    assert publish(server, wanted()).kind == "nothing"
    assert publish(server, wanted(ANOTHER)).kind == "blocked"
    assert named(server, ":r1")["goal"] == [goal]


@pytest.mark.parametrize("kind", ["RiskAssessment", "DetectedIssue", "Task"])
def test_what_a_server_cannot_keep_is_left_out_and_stays_out(kind):
    """And is added when the server learns to keep it."""
    server = MemoryServer()
    args = (build_facts(), build_decision(), build_plan(), build_protocol(), SITE)
    less = compose(*args, without={kind})
    assert publish(server, less).kind == "create"
    assert server.all(kind) == []
    assert publish(server, less).kind == "nothing"
    assert publish(server, wanted()).created == {"DetectedIssue": 2}.get(kind, 1)
    assert publish(server, wanted()).kind == "nothing"


def signed(resource: dict, system: str, id_: str) -> dict:
    """What a signature makes: the same key in a system of its own."""
    own = {"system": SITE.system(system), "value": resource["identifier"][0]["value"]}
    return resource | {"id": id_, "identifier": [own], "status": "active"}


@pytest.mark.parametrize("bundle", [wanted(ANOTHER), wanted(ORAL), None])
def test_what_a_signature_made_is_never_changed(server, bundle):
    """Orders and approved plans carry our keys, but in systems that publishing does not see."""
    server.put(signed(named(server, ":induction"), "order", "o") | {"intent": "order"})
    server.put(signed(named(server, ":r1"), "approved-plan", "a") | {"intent": "plan"})
    server.put(signed(named(server, ":r1", "Task"), "dose-task", "d") | {"status": "requested"})
    made = [("MedicationRequest", "o"), ("CarePlan", "a"), ("Task", "d")]
    before = [next(r for r in server.all(kind) if r["id"] == id_) for kind, id_ in made]
    publish(server, bundle)
    assert [next(r for r in server.all(kind) if r["id"] == id_) for kind, id_ in made] == before

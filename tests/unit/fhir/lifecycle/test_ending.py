"""Rejecting, withdrawing and closing: nothing may run on unseen, and nothing vanish."""

import pytest

from b12fhir.errors import PractitionerError, SignedError, SignOffError
from b12fhir.fhir.digest import identifier_value, untouched
from b12fhir.fhir.lifecycle import (
    Signer,
    State,
    approve,
    close,
    reject,
    rejected_digests,
    to_propose,
    withdraw,
)
from b12fhir.fhir.lifecycle.wish import Wish
from tests.support.plans import D0, DOCTOR, SITE, Shelf, bundle_of, clock, doctor

ENGINE = Signer("", clock())
OVER = "2028-01-01"


def digest(shelf: Shelf) -> str:
    return identifier_value(shelf.get("CarePlan", ":r1"), SITE.system("decision-digest"))


def test_a_rejection_ends_every_part_and_says_why():
    shelf = Shelf("V06")
    act = shelf.do(reject, doctor(), "Treated \n elsewhere")
    assert shelf.plan().state is State.REJECTED
    (task,) = shelf.server.all("Task")
    assert (task["status"], task["statusReason"]) == ("rejected", {"text": "Treated elsewhere"})
    assert task["owner"] == {"reference": DOCTOR}
    assert set(shelf.statuses("MedicationRequest").values()) == {"cancelled"}
    assert set(shelf.statuses("ServiceRequest").values()) == {"revoked"}
    assert set(shelf.statuses("Goal").values()) == {"cancelled"}
    plan = shelf.get("CarePlan", ":r1")
    assert (
        plan["note"][0]["text"]
        == f"Rejected on 2026-11-21 on behalf of {DOCTOR}: Treated elsewhere"
    )
    assert all(untouched(one, SITE) for one in shelf.stored())
    assert "not proposed again" in act.said.lines[1]


def test_a_task_that_somebody_took_is_answered_as_well():
    shelf = Shelf()
    shelf.edit("Task", ":r1", status="in-progress")
    shelf.do(reject, doctor(), "No")
    assert shelf.get("Task", ":r1")["status"] == "rejected"


def test_a_rejected_decision_is_remembered_on_the_server():
    shelf = Shelf()
    wanted, known = bundle_of("V01"), digest(shelf)
    assert rejected_digests(shelf.stored(), SITE) == frozenset()
    assert to_propose(wanted, shelf.stored(), SITE) == wanted
    shelf.do(reject, doctor(), "No")
    assert rejected_digests(shelf.stored(), SITE) == {known}
    assert to_propose(wanted, shelf.stored(), SITE) is None
    assert to_propose(bundle_of("V03"), shelf.stored(), SITE) == bundle_of("V03")
    assert to_propose(None, shelf.stored(), SITE) is None


def test_a_plan_whose_narrative_somebody_took_away_says_why_in_its_note():
    shelf = Shelf()
    plan = shelf.get("CarePlan", ":r1")
    shelf.server.put({key: value for key, value in plan.items() if key != "text"})
    shelf.do(reject, doctor(), "No")
    plan = shelf.get("CarePlan", ":r1")
    assert plan["note"][0]["text"].endswith(": No")
    assert "text" not in plan


def test_a_withdrawn_decision_may_be_proposed_again():
    shelf = Shelf()
    shelf.do(withdraw, ENGINE, "Asked for by the ward")
    assert to_propose(bundle_of("V01"), shelf.stored(), SITE) is not None


def test_beside_a_plan_in_force_only_another_treatment_is_proposed():
    """Ruling 7: new results alone do not ask for a new signature."""
    shelf = Shelf()
    shelf.do(approve, doctor())
    assert to_propose(bundle_of("V01"), shelf.stored(), SITE) is None
    other = to_propose(bundle_of("V03"), shelf.stored(), SITE)
    assert other is not None
    (plan,) = (e["resource"] for e in other["entry"] if e["resource"]["resourceType"] == "CarePlan")
    signed = shelf.get("CarePlan", ":r1", signed=True)
    assert plan["replaces"] == [{"reference": f"CarePlan/{signed['id']}"}]
    shelf.do(withdraw, doctor(), "Moved away")
    assert to_propose(bundle_of("V01"), shelf.stored(), SITE) is not None


def test_a_plan_without_a_decision_digest_is_rejected_all_the_same():
    shelf = Shelf()
    plan = shelf.get("CarePlan", ":r1")
    shelf.edit("CarePlan", ":r1", identifier=plan["identifier"][:1])
    shelf.do(reject, doctor(), "No")
    assert shelf.plan().state is State.REJECTED
    assert rejected_digests(shelf.stored(), SITE) == frozenset()


@pytest.mark.parametrize("step", [reject, withdraw])
def test_a_reason_is_owed(step):
    with pytest.raises(SignOffError, match="reason is missing"):
        step(Shelf().stored(), Shelf().key, doctor(), " \n")


def test_what_is_signed_or_closed_is_not_rejected():
    shelf = Shelf()
    shelf.do(reject, doctor(), "No")
    for step in (reject, withdraw):
        with pytest.raises(SignedError, match="already"):
            step(shelf.stored(), shelf.key, doctor(), "No")
    shelf = Shelf()
    shelf.do(approve, doctor())
    with pytest.raises(SignedError, match="is signed"):
        reject(shelf.stored(), shelf.key, doctor(), "No")


def test_the_engine_takes_back_its_own_draft_and_answers_for_it():
    shelf = Shelf()
    act = shelf.do(withdraw, ENGINE, "Asked for by the ward")
    assert shelf.plan().state is State.WITHDRAWN
    assert act.said.lines[1] == "Nothing of it was ordered."
    agent = act.bundle["entry"][-1]["resource"]["agent"][0]
    assert agent["who"]["reference"].startswith("Device/")
    assert agent["type"]["coding"][0]["code"] == "assembler"
    assert {task["status"] for task in shelf.server.all("Task")} == {"cancelled"}


def test_a_signed_plan_is_stopped_for_a_practitioner_only():
    shelf = Shelf("V06")
    shelf.do(approve, doctor())
    with pytest.raises(PractitionerError):
        withdraw(shelf.stored(), shelf.key, ENGINE, "No")
    task = shelf.get("Task", ":maintenance")
    shelf.edit("Task", ":maintenance", status="accepted")
    act = shelf.do(withdraw, doctor("2026-12-01"), "Moved away")
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    assert (order["status"], order["statusReason"]) == ("stopped", {"text": "Moved away"})
    assert order["note"][0]["text"].startswith("Ended on 2026-12-01 on behalf of")
    assert shelf.get("MedicationRequest", ":maintenance")["status"] == "cancelled"
    assert shelf.get("CarePlan", ":r1", signed=True)["status"] == "revoked"
    assert shelf.get("CarePlan", ":r1")["status"] == "completed"
    assert set(shelf.statuses("Goal").values()) == {"cancelled"}
    assert shelf.get("Task", ":maintenance")["status"] == "cancelled"
    assert task["status"] == "requested"
    # The phase and its tests.
    assert act.said.lines[1] == f"Running orders that are stopped: {1 + shelf.plan().tests}."
    assert "reject that one" in act.said.lines[2]


def test_what_was_completed_before_stays_completed():
    shelf = Shelf()
    shelf.do(approve, doctor())
    shelf.do(approve, doctor("2026-12-05"), Wish(phase="induction-2"))
    shelf.do(withdraw, doctor("2026-12-06"), "Moved away")
    assert shelf.statuses("MedicationRequest") == {
        "induction": "completed",
        "induction-2": "stopped",
        "maintenance": "cancelled",
    }


def test_a_plan_whose_tests_are_over_is_closed():
    shelf = Shelf("V04")
    shelf.do(approve, doctor())
    with pytest.raises(SignOffError, match="still to come"):
        close(shelf.stored(), shelf.key, doctor())
    shelf.do(close, doctor(OVER))
    assert shelf.plan().state is State.DONE
    assert set(shelf.statuses("ServiceRequest").values()) == {"completed"}


def test_a_plan_whose_phases_are_over_is_closed_with_its_goals_and_tasks():
    shelf = Shelf("V06")
    shelf.edit("MedicationRequest", ":maintenance", status="cancelled")
    shelf.do(approve, doctor())
    shelf.edit("Task", ":r1", status="requested")
    with pytest.raises(SignOffError, match="induction"):
        close(shelf.stored(), shelf.key, doctor("2027-02-12"))
    shelf.do(close, doctor(OVER))
    assert shelf.plan(OVER).state is State.DONE
    assert shelf.statuses("MedicationRequest")["induction"] == "completed"
    assert set(shelf.statuses("Goal").values()) == {"completed"}
    assert shelf.get("Task", ":r1")["status"] == "cancelled"


def test_a_test_that_somebody_ended_keeps_no_plan_open():
    shelf = Shelf("V04")
    shelf.do(approve, doctor())
    for test in shelf.server.all("ServiceRequest"):
        if test["intent"] == "order":
            shelf.server.put(test | {"status": "revoked"})
    shelf.do(close, doctor())
    assert shelf.plan().state is State.DONE


def test_a_phase_not_signed_or_for_life_keeps_the_plan_open():
    shelf = Shelf("V03")
    shelf.do(approve, doctor())
    with pytest.raises(SignOffError, match="not signed: maintenance"):
        close(shelf.stored(), shelf.key, doctor(OVER))
    shelf.do(approve, doctor("2027-02-01"), Wish(phase="maintenance"))
    with pytest.raises(SignOffError, match="maintenance"):
        close(shelf.stored(), shelf.key, doctor(OVER))


def test_one_phase_that_is_over_is_closed_if_the_next_is_signed():
    shelf = Shelf("V03")
    shelf.do(approve, doctor())
    with pytest.raises(SignOffError, match="leave a gap"):
        close(shelf.stored(), shelf.key, doctor("2027-02-13"), "induction")
    shelf.do(approve, doctor("2027-02-01"), Wish(phase="maintenance"))
    for name in ("induction", "oral"):
        with pytest.raises(SignOffError, match="is no phase of this plan that is over"):
            close(shelf.stored(), shelf.key, doctor("2027-02-12"), name)
    shelf.do(close, doctor("2027-02-13"), "induction")
    assert shelf.statuses("MedicationRequest") == {
        "induction": "completed",
        "maintenance": "active",
    }
    assert shelf.plan("2027-02-13").state is State.RUNNING


def test_only_a_plan_in_force_is_closed():
    with pytest.raises(SignedError, match="The plan is draft"):
        close(Shelf().stored(), Shelf().key, doctor(D0))

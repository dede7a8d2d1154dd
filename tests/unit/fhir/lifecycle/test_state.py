"""Where a plan stands: the worklist shows nothing else, so a wrong state hides a patient."""

from datetime import date

import pytest

from b12fhir.errors import SignOffError
from b12fhir.fhir.lifecycle import State, approve, close, plan_states, reject, state_of, withdraw
from b12fhir.fhir.lifecycle.wish import Wish
from tests.support.plans import D0, DOCTOR, SITE, Shelf, clock, doctor


@pytest.mark.parametrize(
    ("case", "kind", "tests"),
    [
        ("V01", "treat", True),
        ("V04", "confirm", True),
        ("V18", "prophylaxis", True),
        ("V26", "stop", True),
        ("V28", "stop", False),
    ],
)
def test_every_kind_of_plan_is_told_from_what_is_stored_before_and_after_it_is_signed(
    case, kind, tests
):
    shelf = Shelf(case)
    assert (shelf.plan().kind, shelf.plan().state) == (kind, State.PROPOSED)
    assert (shelf.plan().tests > 0) is tests
    shelf.do(approve, doctor())
    assert shelf.plan().kind == kind


def test_a_proposal_says_what_to_do():
    plan = Shelf().plan()
    assert plan.next == "Sign it, or reject it with a reason."
    assert (plan.signed_by, plan.version, plan.start) == ("", "1", D0)
    assert [phase.state for phase in plan.phases] == ["proposed"] * 3
    assert plan.phases[0].medicine.startswith("cyanocobalamin 1000 microgram/mL")
    assert "for 7 doses" in plan.phases[0].dosage


def test_a_proposal_whose_day_has_passed_says_so():
    assert "2026-11-21, has passed" in Shelf().plan("2026-11-22").next


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        ("received", State.IN_REVIEW, "looking at it"),
        ("accepted", State.IN_REVIEW, "looking at it"),
        ("in-progress", State.IN_REVIEW, "looking at it"),
        ("ready", State.PROPOSED, "Sign it"),
        ("on-hold", State.ON_HOLD, "out of the engine's hands"),
        ("rejected", State.REJECTED, "not proposed again"),
        # Closed without an answer by somebody: the proposal itself still stands.
        ("cancelled", State.PROPOSED, "Sign it"),
    ],
)
def test_the_task_tells_what_becomes_of_a_proposal(status, state, said):
    shelf = Shelf()
    shelf.edit("Task", ":r1", status=status)
    assert shelf.plan().state is state
    assert said in shelf.plan().next


def test_a_proposal_in_a_state_we_never_give_is_on_hold():
    shelf = Shelf()
    shelf.edit("CarePlan", ":r1", status="active")
    assert shelf.plan().state is State.ON_HOLD


def test_without_a_task_the_requests_say_how_urgent_it_is():
    shelf = Shelf()
    for task in shelf.server.all("Task"):
        shelf.server.delete("Task", task["id"])
    assert (shelf.plan().urgent, shelf.plan().due) == (True, "")
    # V01 is urgent, V03 is not (routine).
    assert not Shelf("V03").plan().urgent


def test_what_is_signed_runs_until_the_next_phase_is_asked_for():
    """V03: tablets for 12 weeks until 12 February, so asked for from 29 January on (R-121)."""
    shelf = Shelf("V03")
    shelf.do(approve, doctor())
    plan = shelf.plan("2027-01-28")
    assert (plan.state, plan.due) == (State.RUNNING, "2027-01-29")
    assert plan.next == "Nothing: phase induction runs until 2027-02-12."
    assert (plan.signed_by, plan.signed_on) == (DOCTOR, "2026-11-21T10:00:00+01:00")
    plan = shelf.plan("2027-01-29")
    assert plan.state is State.NEXT_DUE
    assert "ends on 2027-02-12" in plan.next
    assert "sign phase maintenance from 2027-02-13" in plan.next


def test_a_phase_that_goes_on_asks_for_nothing():
    shelf = Shelf("V18")
    shelf.do(approve, doctor())
    plan = shelf.plan("2030-01-01")
    assert (plan.state, plan.next) == (State.RUNNING, "Nothing: phase maintenance goes on.")


def test_when_nothing_is_left_to_give_the_plan_is_to_be_closed():
    shelf = Shelf("V03")
    shelf.edit("MedicationRequest", ":maintenance", status="cancelled")
    shelf.do(approve, doctor())
    assert shelf.plan("2027-02-12").next.startswith("Nothing: phase induction runs")
    assert shelf.plan("2027-02-13").next == "Every phase is over: close it."


def test_a_plan_of_tests_is_to_be_closed_when_they_are_done():
    shelf = Shelf("V04")
    shelf.do(approve, doctor())
    assert shelf.plan().state is State.RUNNING
    assert shelf.plan().next.startswith("Close it when its tests are done")


@pytest.mark.parametrize("status", ["stopped", "completed", "on-hold"])
def test_a_phase_that_somebody_ended_asks_for_the_next_at_once(status):
    """On hold is not ended: the next phase is asked for in its own time."""
    shelf = Shelf("V03")
    shelf.do(approve, doctor())
    shelf.edit("MedicationRequest", ":induction", signed=True, status=status)
    plan = shelf.plan("2026-12-01")
    assert plan.phases[0].state == status
    assert (plan.state is State.NEXT_DUE) is (status != "on-hold")
    assert ("is over" in plan.next) is (status != "on-hold")


def test_a_phase_whose_dates_somebody_made_unreadable_is_asked_about():
    shelf = Shelf("V03")
    shelf.do(approve, doctor())
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    dosage = order["dosageInstruction"][0]
    shelf.edit("MedicationRequest", ":induction", signed=True, dosageInstruction=[dosage, dosage])
    plan = shelf.plan("2026-12-01")
    assert (plan.state, plan.phases[-1].end) == (State.NEXT_DUE, None)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("on-hold", State.ON_HOLD),
        ("completed", State.DONE),
        ("revoked", State.WITHDRAWN),
        ("entered-in-error", State.WITHDRAWN),
    ],
)
def test_a_signed_plan_is_what_its_care_plan_says(status, state):
    shelf = Shelf()
    shelf.do(approve, doctor())
    shelf.edit("CarePlan", ":r1", signed=True, status=status)
    assert shelf.plan().state is state


def test_a_plan_is_replaced_once_another_says_so():
    shelf = Shelf()
    shelf.do(withdraw, doctor(), "Another dose")
    old = shelf.get("CarePlan", ":r1")
    later = old | {
        "id": "later",
        "status": "draft",
        "replaces": [{"reference": f"CarePlan/{old['id']}"}],
        "identifier": [{**old["identifier"][0], "value": shelf.key.replace(":r1", ":r2")}],
    }
    shelf.server.put(later)
    assert {plan.state for plan in shelf.plans()} == {State.PROPOSED, State.REPLACED}


def test_a_rejected_plan_stays_rejected_without_its_task():
    shelf = Shelf()
    shelf.do(reject, doctor(), "Treated elsewhere")
    for task in shelf.server.all("Task"):
        shelf.server.delete("Task", task["id"])
    assert shelf.plan().state is State.REJECTED


def test_the_worklist_begins_with_what_is_urgent_and_waits():
    urgent, routine, done = Shelf("V01"), Shelf("V03"), Shelf("V04")
    done.do(approve, doctor())
    done.do(close, doctor("2027-11-22"))
    stored = [*done.stored(), *routine.stored(), *urgent.stored()]
    plans = plan_states(_apart(stored), clock())
    assert [plan.state for plan in plans] == [State.PROPOSED, State.PROPOSED, State.DONE]
    assert [plan.urgent for plan in plans] == [True, False, False]


def _apart(stored: list) -> list:
    """Ids of their own, as they would have on one server."""
    return [one | {"id": f"{index}-{one['id']}"} for index, one in enumerate(stored)]


def test_plans_of_others_are_not_seen():
    foreign = {"resourceType": "CarePlan", "id": "f", "status": "active", "intent": "plan"}
    no_key = foreign | {"identifier": [{"system": SITE.system("plan"), "value": "no-key"}]}
    assert plan_states([foreign, no_key], clock()) == ()


def test_one_plan_is_found_by_its_key_or_refused():
    shelf = Shelf()
    assert state_of(shelf.stored(), shelf.key, clock()).key == shelf.key
    with pytest.raises(SignOffError, match="No plan with this key"):
        state_of(shelf.stored(), shelf.key.replace(":r1", ":r9"), clock())


def test_the_phases_of_a_plan_begin_in_order():
    """Signed phases keep their place, whatever the alphabet says."""
    shelf = Shelf()
    shelf.do(approve, doctor())
    shelf.do(approve, doctor("2026-12-01"), Wish(phase="induction-2"))
    phases = shelf.plan("2026-12-01").phases
    assert [phase.state for phase in phases] == ["signed", "signed", "proposed"]
    # 4 weekly doses from 10 December: the last on the 31st, the next asked for 14 days before.
    assert (phases[1].end, phases[1].ask) == (date(2026, 12, 31), date(2026, 12, 17))

"""Signing a later phase: it must neither overlap the one before nor cut it off."""

from datetime import date

import pytest

from b12fhir.errors import ChangedError, ConfirmationError, SignedError, SignOffError
from b12fhir.fhir.digest import untouched
from b12fhir.fhir.lifecycle import approve
from b12fhir.fhir.lifecycle.wish import Wish
from tests.support.plans import D0, DOCTOR, SITE, Shelf, doctor

WEEKLY = {"count": 4, "frequency": 1, "period": 1, "periodUnit": "wk"}
NEXT = Wish(phase="induction-2")


def in_force(case: str = "V01") -> Shelf:
    shelf = Shelf(case)
    shelf.do(approve, doctor())
    return shelf


def test_a_later_phase_is_ordered_and_listed_and_the_one_before_goes_on():
    """The first phase has doses until 3 December: on the 1st it must not be completed."""
    shelf = in_force()
    plan = shelf.get("CarePlan", ":r1", signed=True)
    act = shelf.do(approve, doctor("2026-12-01"), NEXT)
    assert shelf.statuses("MedicationRequest") == {
        "induction": "active",
        "induction-2": "active",
        "maintenance": "draft",
    }
    order = shelf.get("MedicationRequest", ":induction-2", signed=True)
    now = shelf.get("CarePlan", ":r1", signed=True)
    links = [one["reference"]["reference"] for one in now["activity"] if "reference" in one]
    assert links[1] == f"MedicationRequest/{order['id']}"
    assert len(links) == sum("reference" in one for one in plan["activity"])
    assert (
        now["note"][0]["text"] == f"Phase induction-2 signed on 2026-12-01 on behalf of {DOCTOR}."
    )
    assert untouched(now, SITE)
    assert "priorPrescription" not in order, "the phase before is followed, not replaced"
    assert "stays in force until its last day, 2026-12-03." in act.said.lines[2]
    assert act.said.warnings == ()


def test_a_phase_that_is_over_is_completed_by_the_next_signature():
    shelf = in_force()
    act = shelf.do(approve, doctor("2026-12-04"), NEXT)
    assert shelf.statuses("MedicationRequest")["induction"] == "completed"
    assert any("is completed: its phase is over" in line for line in act.said.lines)


def test_the_task_is_answered_and_the_next_one_asked():
    shelf = in_force()
    shelf.do(approve, doctor("2026-12-01"), NEXT)
    order = shelf.get("MedicationRequest", ":induction-2", signed=True)
    answered = shelf.get("Task", ":induction-2")
    assert answered["status"] == "completed"
    assert answered["output"][0]["valueReference"] == {
        "reference": f"MedicationRequest/{order['id']}"
    }
    # Four weekly doses from 10 December end on the 31st; 14 days before is the 17th.
    asked = shelf.get("Task", ":maintenance")
    assert (asked["status"], asked["restriction"]["period"]["end"]) == ("requested", "2026-12-17")
    shelf.do(approve, doctor("2026-12-20"), Wish(phase="maintenance"))
    assert shelf.get("Task", ":maintenance")["status"] == "completed"
    assert {task["status"] for task in shelf.server.all("Task")} == {"completed"}


def test_signing_earlier_than_asked_is_warned_about():
    shelf = in_force("V03")
    act = shelf.do(approve, doctor("2026-12-01"), Wish(phase="maintenance"))
    (warning,) = act.said.warnings
    assert "asked for from 2027-01-29 on" in warning


def test_an_agreed_start_moves_the_phase_and_those_after_it():
    shelf = in_force()
    shelf.do(approve, doctor("2026-12-01"), Wish("induction-2", start=date(2026, 12, 14)))
    order = shelf.get("MedicationRequest", ":induction-2", signed=True)
    dosage = order["dosageInstruction"][0]
    assert dosage["timing"]["repeat"]["boundsPeriod"] == {"start": "2026-12-14"}
    assert " - from 2026-12-14" in dosage["text"]
    assert "2026-12-10" not in f"{dosage}{order['text']}{order['dispenseRequest']}"
    # The monthly doses were to begin on 31 January, a month after the last weekly one.
    later = shelf.get("MedicationRequest", ":maintenance")
    assert "from 2027-02-04" in later["dosageInstruction"][0]["text"]
    assert (later["status"], untouched(later, SITE)) == ("draft", True)
    # The plan's own table still shows the days as planned.
    notice = shelf.get("CarePlan", ":r1", signed=True)["note"][0]["text"]
    assert notice.endswith(
        " It begins on 2026-12-14, not on 2026-12-10 as planned. Later phases move by as many days."
    )
    done = shelf.get("MedicationRequest", ":induction-2")
    assert (done["status"], untouched(done, SITE)) == ("completed", True)
    # The Task follows the order as it is moved: the 4th dose is due on 4 January.
    task = shelf.get("Task", ":maintenance")
    assert task["restriction"]["period"]["end"] == "2026-12-21"
    assert "phase maintenance begins on 2027-02-04" in task["description"]
    assert "sign phase maintenance by 2026-12-21" in task["description"]


def test_a_request_without_supply_and_narrative_moves_as_well():
    shelf = in_force()
    bare = shelf.get("MedicationRequest", ":induction-2")
    shelf.server.put({k: v for k, v in bare.items() if k not in ("dispenseRequest", "text")})
    wish = Wish("induction-2", start=date(2026, 12, 14), accept_changes=True)
    shelf.do(approve, doctor("2026-12-01"), wish)
    order = shelf.get("MedicationRequest", ":induction-2", signed=True)
    assert "from 2026-12-14" in order["dosageInstruction"][0]["text"]


def refused(shelf: Shelf, day: str, wish: Wish, error: type[Exception] = SignOffError) -> str:
    with pytest.raises(error) as caught:
        approve(shelf.stored(), shelf.key, doctor(day), wish)
    return str(caught.value)


def test_a_plan_is_not_signed_twice_and_the_next_phase_never_by_accident():
    shelf = in_force()
    assert "--phase induction-2" in refused(shelf, D0, Wish(), SignedError)
    assert DOCTOR in refused(shelf, D0, Wish(phase="induction"), SignedError)
    assert "has no phase" in refused(shelf, D0, Wish(phase="oral"))
    assert "next one: that is induction-2" in refused(shelf, D0, Wish(phase="maintenance"))
    assert "Nothing is left" in refused(in_force("V18"), D0, Wish(), SignedError)
    assert "It has: none" in refused(in_force("V04"), D0, Wish(phase="oral"))


def test_a_phase_that_was_cancelled_is_not_signed():
    shelf = in_force()
    shelf.edit("MedicationRequest", ":induction-2", status="cancelled")
    assert "is cancelled" in refused(shelf, "2026-12-01", NEXT)


@pytest.mark.parametrize("status", ["on-hold", "completed", "revoked"])
def test_a_plan_that_is_not_active_orders_nothing_more(status):
    shelf = in_force()
    shelf.edit("CarePlan", ":r1", signed=True, status=status)
    assert f"The plan is {status}" in refused(shelf, "2026-12-01", NEXT)


def test_without_the_order_before_nothing_follows():
    shelf = in_force()
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    shelf.server.delete("MedicationRequest", order["id"])
    assert "is missing" in refused(shelf, "2026-12-01", NEXT)


def test_a_start_that_has_passed_needs_a_new_day():
    assert "which has passed" in refused(in_force(), "2026-12-11", NEXT, ConfirmationError)


@pytest.mark.parametrize("day", ["2026-12-02", "2026-12-03"])
def test_two_phases_never_overlap(day):
    """The last of the first seven doses is due on 3 December: that day is still taken."""
    wish = Wish("induction-2", start=date.fromisoformat(day))
    assert "would double it" in refused(in_force(), "2026-12-01", wish)


def test_the_day_after_the_phase_before_is_free():
    shelf = in_force()
    shelf.do(approve, doctor("2026-12-01"), Wish("induction-2", start=date(2026, 12, 4)))
    assert shelf.statuses("MedicationRequest")["induction-2"] == "active"


def test_after_an_order_that_goes_on_nothing_follows():
    shelf = in_force()
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    repeat = {"boundsPeriod": {"start": D0}, "frequency": 1, "period": 2, "periodUnit": "d"}
    dosage = order["dosageInstruction"][0] | {"timing": {"repeat": repeat}}
    shelf.edit("MedicationRequest", ":induction", signed=True, dosageInstruction=[dosage])
    assert "without an end" in refused(shelf, "2026-12-01", NEXT)


def test_after_a_stopped_order_the_next_phase_may_begin_at_once():
    shelf = in_force()
    shelf.edit("MedicationRequest", ":induction", signed=True, status="stopped")
    shelf.do(approve, doctor("2026-11-25"), Wish("induction-2", start=date(2026, 11, 25)))
    assert shelf.statuses("MedicationRequest")["induction"] == "stopped"


def test_what_somebody_edited_or_made_unreadable_is_not_signed_unseen():
    shelf = in_force()
    shelf.edit("MedicationRequest", ":induction-2", priority="stat")
    refused(shelf, "2026-12-01", NEXT, ChangedError)
    shelf.edit("MedicationRequest", ":induction-2", dosageInstruction=[])
    said = refused(shelf, "2026-12-01", Wish("induction-2", accept_changes=True))
    assert "dates of phase induction-2 cannot be read" in said
    # Without dates it sorts behind maintenance, which is not the next one for all that.
    said = refused(shelf, "2026-12-01", Wish("maintenance", accept_changes=True))
    assert "dates of phase induction-2 cannot be read" in said


@pytest.mark.parametrize(
    "change",
    [
        {"text": "1000 microgram weekly"},
        {"timing": {"repeat": WEEKLY | {"boundsPeriod": {"start": "2026-12-10T09:00:00+01:00"}}}},
        {"timing": {"event": ["2026-12-10", "2026-12-17"]}},
    ],
)
def test_dates_that_text_and_timing_do_not_share_are_not_moved(change):
    shelf = in_force()
    dosage = shelf.get("MedicationRequest", ":induction-2")["dosageInstruction"][0]
    shelf.edit("MedicationRequest", ":induction-2", dosageInstruction=[dosage | change])
    wish = Wish("induction-2", start=date(2026, 12, 14), accept_changes=True)
    assert "cannot be moved" in refused(shelf, "2026-12-01", wish)


def test_an_edit_of_the_signed_plan_stays_visible():
    """What a clinician wrote into the plan in force is kept, and is still known as theirs."""
    shelf = in_force()
    shelf.edit("CarePlan", ":r1", signed=True, description="By me")
    shelf.do(approve, doctor("2026-12-01"), NEXT)
    plan = shelf.get("CarePlan", ":r1", signed=True)
    assert plan["description"] == "By me"
    assert not untouched(plan, SITE)

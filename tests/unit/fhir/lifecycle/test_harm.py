"""What others may do to a plan on a server, and what a signature must not make of it."""

from typing import Any

import pytest

from b12fhir.errors import ConfirmationError, PractitionerError, SignedError, SignOffError
from b12fhir.fhir.identity import PLAN
from b12fhir.fhir.lifecycle import Signer, State, approve, reject, withdraw
from b12fhir.fhir.lifecycle.agree import two_things
from b12fhir.fhir.lifecycle.wish import NOTHING_SPECIAL, Wish
from tests.support.plans import D0, SITE, Shelf, clock, doctor
from tests.unit.fhir.lifecycle.test_approve import replacing

EDITED = Wish(accept_changes=True)


def refused(shelf: Shelf, wish: Wish = EDITED, *, key: str = "", day: str = D0) -> str:
    with pytest.raises(SignOffError) as caught:
        approve(shelf.stored(), key or shelf.key, doctor(day), wish)
    return str(caught.value)


def active(shelf: Shelf) -> list[str]:
    """Keys of the orders of medicine that run."""
    orders = shelf.server.all("MedicationRequest")
    return [
        one["identifier"][0]["value"]
        for one in orders
        if (one["status"], one["intent"]) == ("active", "order")
    ]


def signed(case: str = "V01") -> Shelf:
    shelf = Shelf(case)
    shelf.do(approve, doctor())
    return shelf


# orders that run on


@pytest.mark.parametrize("status", ["revoked", "completed"])
def test_the_order_of_a_plan_that_was_ended_by_hand_is_not_doubled(status):
    """Somebody closed the CarePlan alone: its injections go on, and a second course would too."""
    shelf = signed()
    key = replacing(shelf)
    shelf.edit("CarePlan", "r1", signed=True, status=status)
    said = refused(shelf, key=key)
    assert "still runs although" in said
    assert shelf.key in said
    assert "still run" in shelf.plan().next
    act = shelf.do(withdraw, doctor(), "Closed by hand")
    assert act.said.lines[1].startswith("Running orders that are stopped: ")
    assert active(shelf) == []
    shelf.do(approve, doctor(), EDITED, key=key)
    assert active(shelf) == [f"{key}:induction"]


def test_an_order_whose_plan_was_deleted_is_not_doubled():
    shelf = signed()
    key = replacing(shelf)
    for one in shelf.server.all("CarePlan"):
        if "r1" in one["identifier"][0]["value"]:
            shelf.server.delete("CarePlan", one["id"])
    assert "still runs although" in refused(shelf, key=key)


def test_the_next_phase_is_not_ordered_beside_an_order_of_another_plan():
    shelf = signed()
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    other = shelf.key.replace(":r1", ":r9")
    system = order["identifier"][0]["system"]
    twin = order | {"id": "stray", "identifier": [{"system": system, "value": f"{other}:oral"}]}
    shelf.server.put(twin)
    assert "stray" in refused(shelf, Wish("induction-2"), day="2026-12-01")


def test_every_plan_in_force_that_is_replaced_is_ended():
    """Two can only be in force by somebody's hand; to end one of them would leave the other."""
    shelf = signed()
    key = replacing(shelf)
    other = shelf.key.replace(":r1", ":r9")
    links = []
    for kind, ending in (("CarePlan", "r1"), ("MedicationRequest", "r1:induction")):
        one = shelf.get(kind, ending, signed=True)
        first = one["identifier"][0]
        twin = one | {"id": f"twin-{kind}", "identifier": [dict(first)]}
        twin["identifier"][0]["value"] = first["value"].replace(shelf.key, other)
        shelf.server.put(twin)
        links += [{"reference": f"CarePlan/{o['id']}"} for o in (one, twin) if kind == "CarePlan"]
    shelf.edit("CarePlan", "r2", replaces=links)
    act = shelf.do(approve, doctor(), EDITED, key=key)
    assert active(shelf) == [f"{key}:induction"]
    assert shelf.get("CarePlan", "r2", signed=True)["replaces"] == links
    assert [line for line in act.said.lines if "is replaced" in line] == [
        f"Plan {one} is replaced: its orders are stopped." for one in (shelf.key, other)
    ]


def test_a_signature_that_was_written_by_half_is_seen_and_can_be_taken_back():
    """A server that writes entry by entry may order a phase and lose the plan that holds it."""
    shelf = signed()
    plan = shelf.get("CarePlan", ":r1", signed=True)
    shelf.server.delete("CarePlan", plan["id"])
    shelf.edit("CarePlan", ":r1", status="draft")
    state = shelf.plan()
    assert state.state is State.ON_HOLD
    assert "still run" in state.next
    assert "no signed plan holds them" in refused(shelf)
    with pytest.raises(SignedError):
        reject(shelf.stored(), shelf.key, doctor(), "No")
    with pytest.raises(PractitionerError):
        withdraw(shelf.stored(), shelf.key, Signer("", clock()), "No")
    shelf.do(withdraw, doctor(), "Written by half")
    assert active(shelf) == []
    assert shelf.plan().state is State.WITHDRAWN


# the wrong phase, or the wrong day


def test_a_phase_whose_dates_cannot_be_read_does_not_let_the_next_one_pass_before_it():
    """It sorts behind the others, and maintenance would be ordered without a load."""
    shelf = Shelf("V06")
    dosage = shelf.get("MedicationRequest", ":induction")["dosageInstruction"][0]
    shelf.edit("MedicationRequest", ":induction", dosageInstruction=[dosage, dosage])
    assert "dates of phase induction cannot be read" in refused(shelf)


@pytest.mark.parametrize("start", ["2026-11-20", "2026-11"])
def test_a_first_day_that_has_passed_or_is_no_day_is_not_signed_by_an_edit(start):
    shelf = Shelf("V18")
    shelf.edit("CarePlan", ":r1", period={"start": start})
    assert "--start" in refused(shelf)
    shelf = Shelf("V18")
    shelf.edit("MedicationRequest", ":maintenance", dosageInstruction=[_from(shelf, "2026-11-20")])
    with pytest.raises(ConfirmationError, match="2026-11-20, which has passed"):
        approve(shelf.stored(), shelf.key, doctor(), EDITED)


def _from(shelf: Shelf, day: str) -> dict[str, Any]:
    dosage: dict[str, Any] = shelf.get("MedicationRequest", ":maintenance")["dosageInstruction"][0]
    repeat = dosage["timing"]["repeat"] | {"boundsPeriod": {"start": day}}
    return dosage | {"timing": {"repeat": repeat}, "text": dosage["text"].replace(D0, day)}


def test_a_slip_in_one_order_does_not_hide_the_other_plans():
    """A count of 99999 months ends in no year that a calendar has."""
    shelf = Shelf("V03")
    dosage = shelf.get("MedicationRequest", ":induction")["dosageInstruction"][0]
    repeat = dosage["timing"]["repeat"] | {"count": 99999, "period": 9, "periodUnit": "mo"}
    edited = dosage | {"timing": {"repeat": repeat}}
    shelf.edit("MedicationRequest", ":induction", dosageInstruction=[edited])
    assert {phase.id for phase in shelf.plan().phases} == {"induction", "maintenance"}


# what text and structure say


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"text": "5000 microgram - every 2 days - from 2026-11-21"}, "the dose"),
        ({"text": "5 mg every 2 days"}, "the dose"),
        ({"text": "1000 microgram from 2026-11-22"}, "the dates"),
        ({"text": "1000 microgram - once a day - for 7 doses"}, "how often"),
        ({"text": "1000 microgram - every 2 days - for 8 doses"}, "the number of doses"),
        ({"text": "1000 microgram - subcutaneous"}, "the route"),
    ],
)
def test_an_order_does_not_say_one_thing_and_mean_another(change, what):
    """V01 begins with 7 doses of 1000 microgram into the muscle, every other day from d0."""
    shelf = Shelf()
    dosage = shelf.get("MedicationRequest", ":induction")["dosageInstruction"][0]
    shelf.edit("MedicationRequest", ":induction", dosageInstruction=[dosage | change])
    assert f"differ in {what}" in refused(shelf)


@pytest.mark.parametrize(
    "text", ["1 mg every other day", "One ampoule", "1000 microgram (1 mL of 500 microgram/mL)"]
)
def test_words_of_somebody_elses_own_are_no_contradiction(text):
    shelf = Shelf()
    dosage = shelf.get("MedicationRequest", ":induction")["dosageInstruction"][0]
    shelf.edit("MedicationRequest", ":induction", dosageInstruction=[dosage | {"text": text}])
    shelf.do(approve, doctor(), EDITED)
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    assert order["dosageInstruction"][0]["text"] == text


def test_the_reason_for_a_second_order_is_one_line_of_plain_text():
    shelf = Shelf()
    shelf.do(approve, doctor(), Wish(despite="Tablets\n end\x07 today "))
    note = shelf.get("MedicationRequest", ":induction", signed=True)["note"][0]["text"]
    assert note.endswith("on order: Tablets end\ufffd today")


# what a server may do to a resource


def test_a_server_that_puts_an_identifier_of_its_own_first_gets_no_second_proposal():
    """The signed plan must not bear the proposal's key: the next run would take it for a draft."""
    shelf = Shelf()
    own = shelf.get("CarePlan", ":r1")["identifier"]
    shelf.server.put(
        shelf.get("CarePlan", ":r1") | {"identifier": [{"system": "urn:ehr", "value": "1"}, *own]}
    )
    shelf.do(approve, doctor(), EDITED)
    (plan,) = (one for one in shelf.server.all("CarePlan") if one["intent"] == "plan")
    systems = {one["system"] for one in plan["identifier"]}
    assert SITE.system(PLAN) not in systems
    assert "urn:ehr" in systems


@pytest.mark.parametrize(
    "reference", ["https://other.example/fhir/Patient/{id}", "http://127.0.0.1/fhir/Patient/{id}"]
)
def test_the_patient_of_another_server_is_not_treated(reference):
    shelf = Shelf()
    mine = shelf.get("MedicationRequest", ":induction")["subject"]["reference"]
    there = {"reference": reference.format(id=mine.partition("/")[2])}
    shelf.edit("MedicationRequest", ":induction", subject=there)
    assert "another address" in refused(shelf)


def test_an_absolute_reference_to_this_very_server_is_ours():
    shelf = Shelf()
    mine = shelf.get("MedicationRequest", ":induction")["subject"]["reference"]
    here = {"reference": SITE.address(mine)}
    shelf.edit("MedicationRequest", ":induction", subject=here)
    shelf.do(approve, doctor(), NOTHING_SPECIAL if mine == here["reference"] else EDITED)
    assert active(shelf) == [f"{shelf.key}:induction"]


def test_where_the_server_dropped_the_author_somebody_must_answer():
    shelf = Shelf()
    plan = shelf.get("CarePlan", ":r1")
    shelf.server.put({name: value for name, value in plan.items() if name != "author"})
    with pytest.raises(PractitionerError, match="nobody would answer"):
        withdraw(shelf.stored(), shelf.key, Signer("", clock()), "No")
    shelf.do(approve, doctor())
    assert "requester" not in shelf.get("Task", ":induction-2")


def test_a_server_that_keeps_no_profile_gets_none():
    shelf = Shelf()
    plan = shelf.get("CarePlan", ":r1")
    shelf.server.put(plan | {"meta": {"versionId": "1", "tag": plan["meta"]["tag"]}})
    shelf.do(approve, doctor())
    assert "profile" not in shelf.get("CarePlan", ":r1", signed=True)["meta"]
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    assert order["meta"]["profile"] == [SITE.profile("b12-order")]
    tests = [one for one in shelf.server.all("ServiceRequest") if one["intent"] == "order"]
    assert {url for one in tests for url in one["meta"]["profile"]} == {
        SITE.profile("b12-test-order")
    }


# when the next phase is asked for


def test_the_next_phase_of_a_short_load_is_asked_for_within_its_days():
    """Seven doses end on 3 December, 12 days on: 14 days before that had passed on d0."""
    shelf = signed()
    task = shelf.get("Task", ":induction-2")
    assert task["restriction"]["period"]["end"] == D0
    assert task["description"] == (
        "Phase induction ends on 2026-12-03; phase induction-2 begins on 2026-12-10. Look at the "
        "response and sign phase induction-2 by 2026-11-21, or withdraw the plan with the reason."
    )


@pytest.mark.parametrize(
    ("said", "repeat", "found"),
    [
        ("1000 microgram - once", {"count": 1}, []),
        ("1000 microgram - once", {"count": 6, "period": 2, "periodUnit": "d"}, ["how often"]),
        # A year is none of our units: then the words cannot be ours either.
        ("1000 microgram - once a month", {"period": 1, "periodUnit": "a"}, ["how often"]),
        ("1000 microgram - 3 times a week", {"frequency": 3, "period": 1, "periodUnit": "wk"}, []),
    ],
)
def test_how_often_is_compared_in_our_own_words(said, repeat, found):
    dosage = {"text": said, "timing": {"repeat": repeat}}
    assert list(two_things({"dosageInstruction": [dosage]})) == found

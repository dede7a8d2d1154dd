"""Plans in force and what comes up beside them, the same on the memory server and on HAPI.

Pernicious anaemia with a B12 of 120 ng/L is treated by injection, signed on 2026-11-21. What stands
signed is never changed by the engine: it proposes beside it, or asks a person to look.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from b12fhir.adapters.signoff import Asked, refuse, sign, withdraw
from b12fhir.fhir.json import canonical
from b12fhir.fhir.lifecycle import State
from b12fhir.fhir.stored import KINDS
from b12fhir.kernel.dates import add_days
from tests.support.ward import UCUM, Ward

TODAY = "2026-11-21"
OPEN = frozenset({"draft", "preliminary", "requested", "proposed"})


@pytest.fixture
def ward(server, store, fresh) -> Ward:
    """A plan that was proposed and signed on 2026-11-21."""
    made = Ward(server, fresh, store)
    assert made.propose(TODAY) == "create"
    made.sign(TODAY)
    return made


def everything(ward: Ward) -> dict[str, dict[str, Any]]:
    """All of ours but the Tasks about doses, which keep a time of their own."""
    late = ward.site.system("dose-task")
    return {
        f"{one['resourceType']}/{one['id']}": one
        for kind in KINDS
        for one in ward.stored(kind)
        if one["identifier"][0]["system"] != late
    }


def signed(ward: Ward) -> dict[str, bytes]:
    """What a signature made, byte for byte."""
    systems = {ward.site.system("approved-plan"), ward.site.system("order")}
    return {
        name: canonical(one)
        for name, one in everything(ward).items()
        if one["identifier"][0]["system"] in systems
    }


def beside(ward: Ward, name: str) -> dict[str, dict[str, Any]]:
    """Open resources of ours by kind, whose key ends with ``name``."""
    return {
        one["resourceType"]: one
        for one in everything(ward).values()
        if one["identifier"][0]["value"].endswith(name)
        and one.get("status", one.get("lifecycleStatus")) in OPEN
    }


def retracted(ward: Ward, status: str = "entered-in-error") -> None:
    """The one result that the plan rests on."""
    (result,) = ward.stored("Observation")
    ward.store({k: v for k, v in result.items() if k != "meta"} | {"status": status})


def diagnosis(ward: Ward, status: str) -> None:
    (held,) = ward.stored("Condition")
    coded = {"system": held["verificationStatus"]["coding"][0]["system"], "code": status}
    changes: dict[str, Any] = {"verificationStatus": {"coding": [coded]}}
    bare = {k: v for k, v in held.items() if k not in {"meta", "clinicalStatus"}}
    if status == "confirmed":
        changes["clinicalStatus"] = {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                    "code": "active",
                }
            ]
        }
    ward.store(bare | changes)


def give(ward: Ward, day: str) -> None:
    """A nurse records one injection of the first order."""
    (order,) = (one for one in ward.stored("MedicationRequest") if one["intent"] == "order")
    ward.store(
        {
            "resourceType": "MedicationAdministration",
            "id": f"{ward.fresh}-{day}"[:64],
            "status": "completed",
            "subject": {"reference": ward.patient},
            "effectiveDateTime": day,
            "medicationCodeableConcept": order["medicationCodeableConcept"],
            "request": {"reference": f"MedicationRequest/{order['id']}"},
            "dosage": {
                "route": order["dosageInstruction"][0]["route"],
                "dose": {"value": 1000, "unit": "microgram", "system": UCUM, "code": "ug"},
            },
        }
    )


def test_the_pathway_rests_while_nothing_changes(ward):
    stood = everything(ward)
    assert ward.propose(TODAY) == "nothing"
    assert everything(ward) == stood


def test_another_treatment_is_proposed_beside_and_the_signed_plan_keeps_its_bytes(ward):
    """The diagnosis is refuted: without pernicious anaemia another row of the pack is due."""
    stood = signed(ward)
    diagnosis(ward, "refuted")
    assert ward.propose("2026-11-22") == "create"
    assert signed(ward) == stood
    (old,) = (one for one in ward.stored("CarePlan") if one["intent"] == "plan")
    (new,) = (one for one in ward.stored("CarePlan") if one["status"] == "draft")
    assert new["identifier"][0]["value"].endswith(":e1:r2")
    assert new["replaces"] == [{"reference": f"CarePlan/{old['id']}"}]

    (issue,) = beside(ward, ":r2:facts-changed").values()
    assert issue["code"]["text"] == "Facts changed since approval"
    assert issue["implicated"] == [{"reference": f"CarePlan/{old['id']}"}]
    link = {"reference": f"DetectedIssue/{issue['id']}"}
    assert link in new["supportingInfo"]
    # The first phase takes the place of the order that runs; a later one replaces nothing.
    (order,) = (one for one in ward.stored("MedicationRequest") if one["intent"] == "order")
    drafts = [
        one
        for one in ward.stored("MedicationRequest")
        if ":r2:" in one["identifier"][0]["value"] and one["status"] == "draft"
    ]
    assert all(link in one["detectedIssue"] for one in drafts)
    assert [one["priorPrescription"] for one in drafts if "priorPrescription" in one] == [
        {"reference": f"MedicationRequest/{order['id']}"}
    ]
    assert ward.propose("2026-11-22") == "nothing"


def test_a_dose_given_meanwhile_does_not_take_back_what_waits_for_the_clinician(ward):
    diagnosis(ward, "refuted")
    ward.propose("2026-11-22")
    give(ward, "2026-11-22")
    stood = everything(ward)
    assert ward.propose("2026-11-23") == "nothing"
    assert everything(ward) == stood
    assert {one.key[-2:]: one.state for one in ward.plans("2026-11-23")} == {
        "r1": State.NEXT_DUE,
        "r2": State.PROPOSED,
    }


def test_a_proposal_beside_is_taken_back_when_the_facts_come_back(ward):
    stood = signed(ward)
    diagnosis(ward, "refuted")
    ward.propose("2026-11-22")
    diagnosis(ward, "confirmed")
    assert ward.propose("2026-11-23") == "withdraw"
    assert signed(ward) == stood
    assert beside(ward, ":r2") == beside(ward, ":facts-changed") == {}
    assert ward.propose("2026-11-23") == "nothing"


def test_a_replacement_that_is_signed_ends_what_it_replaces(ward):
    diagnosis(ward, "refuted")
    ward.propose("2026-11-22")
    (key,) = (one.key for one in ward.plans("2026-11-22") if one.state is State.PROPOSED)
    sign(ward.desk("2026-11-22"), key, ward.doctor, Asked())
    assert {one.key: one.state for one in ward.plans("2026-11-22")}[
        key.replace(":r2", ":r1")
    ] is State.REPLACED
    active = [one for one in ward.stored("MedicationRequest") if one["status"] == "active"]
    assert len(active) == 1
    assert ward.propose("2026-11-22") == "nothing"


@pytest.mark.parametrize("with_dose", [False, True])
def test_a_retracted_result_asks_a_person_to_look_at_the_plan_once(ward, with_dose):
    stood = signed(ward)
    if with_dose:
        give(ward, TODAY)
    retracted(ward)
    assert ward.propose("2026-11-22") == "update"
    assert signed(ward) == stood
    found = beside(ward, ":r2:review")
    assert set(found) == {"RiskAssessment", "DetectedIssue", "Task"}
    (plan,) = (one for one in ward.stored("CarePlan") if one["intent"] == "plan")
    task, issue = found["Task"], found["DetectedIssue"]
    assert task["focus"] == {"reference": f"CarePlan/{plan['id']}"}
    assert issue["code"]["text"] == "Facts changed since approval"
    assert f"Observation/{ward.fresh}-b12" in issue["detail"]
    assert {one["status"] for one in ward.stored("CarePlan")} == {"active", "completed"}
    # The same facts on another day: the same words.
    written = everything(ward)
    assert ward.propose("2026-11-24") == "nothing"
    assert everything(ward) == written


def test_a_result_that_comes_back_takes_the_question_back(ward):
    retracted(ward)
    ward.propose("2026-11-22")
    retracted(ward, "final")
    assert ward.propose("2026-11-23") == "withdraw"
    assert beside(ward, ":review") == {}
    assert ward.propose("2026-11-23") == "nothing"
    retracted(ward)
    assert ward.propose("2026-11-25") == "update"
    assert set(beside(ward, ":r2:review")) == {"RiskAssessment", "DetectedIssue", "Task"}
    assert ward.propose("2026-11-26") == "nothing"


def test_a_corrected_result_that_speaks_against_the_plan_is_told(ward):
    """600 ng/L is far above every limit (R-30), and the sample was taken before treatment."""
    stood = signed(ward)
    ward.result(600)
    assert ward.propose("2026-11-22") == "update"
    assert signed(ward) == stood
    issue = beside(ward, ":r2:review")["DetectedIssue"]
    assert issue["detail"].endswith("Today's verdict is: unlikely.")
    assert issue["evidence"] == [{"detail": [{"reference": f"Observation/{ward.fresh}-b12"}]}]
    assert ward.propose("2026-11-23") == "nothing"
    ward.result(120)
    assert ward.propose("2026-11-24") == "withdraw"


def test_what_treatment_makes_of_the_result_asks_nothing(ward):
    """A normal B12 after the plan was signed: perhaps the doses were given and not recorded."""
    stood = everything(ward)
    ward.result(600, id_="later", day="2026-12-05")
    assert ward.propose("2026-12-06") == "nothing"
    give(ward, "2026-11-23")
    assert ward.propose("2026-12-07") == "nothing"
    assert everything(ward) == stood


def test_time_alone_asks_nothing(ward):
    """Two years later the result is too old to be used (R-18); it is still the one relied on."""
    stood = everything(ward)
    assert ward.propose("2028-11-21") == "nothing"
    assert everything(ward) == stood


def test_an_open_replacement_falls_when_the_verdict_does(ward):
    stood = signed(ward)
    diagnosis(ward, "refuted")
    ward.propose("2026-11-22")
    retracted(ward)
    assert ward.propose("2026-11-23") == "update"
    assert signed(ward) == stood
    assert set(beside(ward, ":r3:review")) == {"RiskAssessment", "DetectedIssue", "Task"}
    assert not [one for one in ward.stored("CarePlan") if one["status"] == "draft"]
    assert ward.propose("2026-11-23") == "nothing"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"deceasedBoolean": True}, "deceased"),
        ({"active": False}, "no longer active"),
    ],
)
def test_a_record_that_is_closed_takes_drafts_back_and_asks_about_what_is_in_force(
    ward, changes, said
):
    stood = signed(ward)
    diagnosis(ward, "refuted")
    ward.propose("2026-11-22")
    (person,) = ward.server.search("Patient", {"_id": ward.fresh})
    ward.store({k: v for k, v in person.items() if k != "meta"} | changes)
    assert ward.propose("2026-11-23") == "update"
    assert signed(ward) == stood
    (draft,) = (one for one in ward.stored("CarePlan") if one["status"] == "revoked")
    assert said in draft["note"][0]["text"]
    found = beside(ward, ":review")
    assert set(found) == {"DetectedIssue", "Task"}
    assert said in found["Task"]["description"]
    assert ward.propose("2026-11-24") == "nothing"


def test_a_merged_record_asks_as_well(ward, store):
    other = f"{ward.fresh}-kept"
    store({"resourceType": "Patient", "id": other, "gender": "female", "birthDate": "1970-01-01"})
    (person,) = ward.server.search("Patient", {"_id": ward.fresh})
    link = [{"other": {"reference": f"Patient/{other}"}, "type": "replaced-by"}]
    ward.store({k: v for k, v in person.items() if k != "meta"} | {"link": link, "active": False})
    assert ward.propose("2026-11-22") == "update"
    assert "merged" in beside(ward, ":review")["Task"]["description"]
    assert ward.propose("2026-11-22") == "nothing"


def test_a_withdrawn_plan_leaves_no_question_behind(ward):
    retracted(ward)
    ward.propose("2026-11-22")
    (key,) = (one.key for one in ward.plans("2026-11-22"))
    withdraw(ward.desk("2026-11-22"), key, ward.doctor, "The result was wrong")
    assert ward.propose("2026-11-23") == "withdraw"
    assert beside(ward, ":review") == {}
    assert ward.propose("2026-11-23") == "nothing"


def test_a_rejected_replacement_is_not_proposed_again(ward):
    diagnosis(ward, "refuted")
    ward.propose("2026-11-22")
    (key,) = (one.key for one in ward.plans("2026-11-22") if one.state is State.PROPOSED)
    refuse(ward.desk("2026-11-22"), key, ward.doctor, "Wait for the specialist")
    stood = everything(ward)
    assert ward.propose("2026-11-22") == "nothing"
    assert everything(ward) == stood


def test_a_late_dose_is_asked_about_once_and_closed_when_given(ward):
    """A server that runs after the vignette's day took the order in later: doses hang on that."""
    (order,) = (one for one in ward.stored("MedicationRequest") if one["intent"] == "order")
    taken = datetime.fromisoformat(order["meta"]["lastUpdated"])
    first = max(datetime.fromisoformat(TODAY).date(), taken.astimezone(UTC).date())
    late = add_days(first, 8).isoformat()
    result = ward.once(late)
    assert (result.kind, result.beside) == ("nothing", 1)
    (told,) = result.overdue
    assert told.startswith(f"dose 1 of MedicationRequest/{order['id']}, due on ")
    again = ward.once(late)
    assert (again.kind, again.beside, again.overdue) == ("nothing", 0, (told,))
    give(ward, late)
    done = ward.once(late)
    assert (done.beside, done.overdue) == (1, ())
    assert ward.once(late).beside == 0
    system = ward.site.system("dose-task")
    (task,) = (t for t in ward.stored("Task") if t["identifier"][0]["system"] == system)
    assert task["status"] == "cancelled"


def test_a_plan_whose_proposal_is_gone_is_followed_all_the_same(ward):
    """Only what was signed is left: its open Task must be found, or a second one is written."""
    if not hasattr(ward.server, "delete"):
        pytest.skip("HAPI keeps what others refer to")
    late = "2026-12-05"
    assert ward.once(late).beside == 1
    for kind in KINDS:
        for one in ward.stored(kind):
            if one.get("intent") == "proposal" and "dose-task" not in str(one["identifier"]):
                ward.server.delete(kind, one["id"])
    for kind in ("Goal", "RiskAssessment", "DetectedIssue"):
        for one in ward.stored(kind):
            ward.server.delete(kind, one["id"])
    assert ward.once(late).beside == 0


def test_doses_of_a_closed_record_are_not_asked_for(ward):
    assert ward.once("2027-01-05").beside == 1
    (person,) = ward.server.search("Patient", {"_id": ward.fresh})
    ward.store({k: v for k, v in person.items() if k != "meta"} | {"deceasedBoolean": True})
    result = ward.once("2027-01-06")
    assert (result.overdue, result.beside) == ((), 1)
    assert ward.once("2027-01-06").beside == 0

"""Signing: an order that nobody asked for, on the wrong days or twice, is the worst defect here."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from b12fhir.errors import ChangedError, ConfirmationError, Defect, SignedError, SignOffError
from b12fhir.fhir.digest import untouched
from b12fhir.fhir.lifecycle import State, approve, reject, withdraw
from b12fhir.fhir.lifecycle.wish import NOTHING_SPECIAL, Wish
from tests.support.plans import D0, DOCTOR, SITE, Shelf, at, bundle_of, doctor


def refused(shelf: Shelf, day: str = D0, wish: Wish = NOTHING_SPECIAL) -> pytest.ExceptionInfo:
    """Try to sign, and find that nothing has been composed."""
    before = shelf.stored()
    with pytest.raises(SignOffError) as caught:
        approve(shelf.stored(), shelf.key, doctor(day), wish)
    assert shelf.stored() == before
    return caught


def test_what_is_ordered_is_what_was_proposed():
    shelf = Shelf()
    proposed = shelf.get("MedicationRequest", ":induction")
    act = shelf.do(approve, doctor())
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    same = ("medicationCodeableConcept", "dosageInstruction", "subject", "substitution", "priority")
    assert {name: order[name] for name in same} == {name: proposed[name] for name in same}
    assert (order["status"], order["intent"]) == ("active", "order")
    assert (order["authoredOn"], order["requester"]) == (
        "2026-11-21T10:00:00+01:00",
        {"reference": DOCTOR},
    )
    assert [note["text"] for note in order["note"]] == [
        note["text"] for note in proposed["note"][1:]
    ]
    assert act.said.lines[0].endswith(f"is signed on 2026-11-21 on behalf of {DOCTOR}.")
    assert any("phase maintenance. It stays a proposal" in line for line in act.said.lines)


def test_the_plan_in_force_links_to_its_orders_and_keeps_what_it_rests_on():
    shelf = Shelf()
    shelf.do(approve, doctor())
    plan = shelf.get("CarePlan", ":r1", signed=True)
    links = [one["reference"]["reference"] for one in plan["activity"] if "reference" in one]
    (induction,) = (
        f"MedicationRequest/{shelf.get('MedicationRequest', ':induction', signed=True)['id']}",
    )
    maintenance = f"MedicationRequest/{shelf.get('MedicationRequest', ':maintenance')['id']}"
    tests = [one for one in shelf.server.all("ServiceRequest") if one["intent"] == "order"]
    assert links[0] == induction
    assert maintenance in links
    assert {f"ServiceRequest/{one['id']}" for one in tests} <= set(links)
    assert plan["title"] == "Vitamin B12 deficiency: treatment plan"
    assert f"Signed on 2026-11-21 on behalf of {DOCTOR}." in plan["text"]["div"]
    assert "Signature asked of" not in plan["text"]["div"]
    systems = [entry["system"].rpartition("/")[2] for entry in plan["identifier"]]
    assert systems == ["approved-plan", "decision-digest", "treatment-digest", "content-digest"]


def test_what_was_found_becomes_final():
    shelf = Shelf()
    shelf.do(approve, doctor())
    assert {one["status"] for one in shelf.server.all("RiskAssessment")} == {"final"}
    assert {one["status"] for one in shelf.server.all("DetectedIssue")} == {"final"}
    for kind in ("RiskAssessment", "DetectedIssue"):
        for one in shelf.server.all(kind):
            assert not any("Proposal by" in note["text"] for note in one.get("note", []))
            assert untouched(one, SITE)


def test_goals_of_a_treatment_become_active():
    """V06 measures what was abnormal again, so it has goals."""
    shelf = Shelf("V06")
    assert {goal["lifecycleStatus"] for goal in shelf.server.all("Goal")} == {"proposed"}
    shelf.do(approve, doctor())
    assert {goal["lifecycleStatus"] for goal in shelf.server.all("Goal")} == {"active"}


@pytest.mark.parametrize(
    ("case", "said", "tests"),
    [
        ("V04", "orders its tests and nothing else", True),
        ("V26", "ends no order that is running, unless", True),
        ("V28", "ends no order that is running, unless", False),
    ],
)
def test_a_plan_without_medicine_says_what_its_signature_means(case, said, tests):
    shelf = Shelf(case)
    act = shelf.do(approve, doctor())
    assert any(said in line for line in act.said.lines)
    assert shelf.server.all("MedicationRequest") == []
    assert bool([o for o in shelf.server.all("ServiceRequest") if o["intent"] == "order"]) is tests


def test_one_phase_for_life_needs_no_further_signature():
    shelf = Shelf("V18")
    shelf.do(approve, doctor())
    assert [task["status"] for task in shelf.server.all("Task")] == ["completed"]


def test_the_task_for_the_next_phase_goes_to_whoever_signed():
    shelf = Shelf("V03")
    shelf.do(approve, doctor())
    task = shelf.get("Task", ":maintenance")
    assert task["owner"] == {"reference": DOCTOR}
    # 12 weeks of tablets end on 12 February; 14 days before is 29 January.
    assert task["restriction"]["period"]["end"] == "2027-01-29"
    assert (
        task["focus"]["reference"].partition("/")[2]
        == shelf.get("CarePlan", ":r1", signed=True)["id"]
    )


@pytest.mark.parametrize(
    ("kind", "ending", "changes", "said"),
    [
        ("CarePlan", ":r1", {"status": "revoked"}, "was withdrawn"),
        ("CarePlan", ":r1", {"status": "active"}, "no proposal of ours is"),
        ("CarePlan", ":r1", {"status": "on-hold"}, "no proposal of ours is"),
        ("Task", ":r1", {"status": "on-hold"}, "is on hold"),
        ("Task", ":r1", {"status": "rejected"}, "was rejected"),
        ("CarePlan", ":r1", {"description": "Mine"}, "changed by someone else"),
        ("MedicationRequest", ":maintenance", {"priority": "stat"}, "changed by someone else"),
        ("ServiceRequest", ":cbc", {"priority": "stat"}, "changed by someone else"),
        ("MedicationRequest", ":induction", {"meta": {}}, "has no version"),
    ],
)
def test_what_forbids_a_signature(kind, ending, changes, said):
    shelf = Shelf()
    if "meta" in changes:
        stored = [
            one | changes if one["identifier"][0]["value"].endswith(ending) else one
            for one in shelf.stored()
        ]
        with pytest.raises(SignOffError, match=said):
            approve(stored, shelf.key, doctor())
        return
    shelf.edit(kind, ending, **changes)
    assert said in str(refused(shelf).value)


def test_a_rejected_proposal_is_not_signed():
    shelf = Shelf()
    shelf.do(reject, doctor(), "Treated elsewhere")
    with pytest.raises(SignedError, match="rejected"):
        approve(shelf.stored(), shelf.key, doctor())


def test_another_phase_than_the_first_is_not_signed_first():
    assert "'maintenance' is not the one" in str(refused(Shelf(), wish=Wish("maintenance")).value)
    assert "holds no medicine" in str(refused(Shelf("V04"), wish=Wish("induction")).value)
    Shelf().do(approve, doctor(), Wish("induction"))


def test_twins_are_not_signed():
    shelf = Shelf()
    shelf.server.put(shelf.get("MedicationRequest", ":induction") | {"id": "twin"})
    assert "one and the same identity" in str(refused(shelf).value)


@pytest.mark.parametrize("ending", [":r1", ":induction"])
def test_a_part_that_is_another_patients_is_not_signed(ending):
    shelf = Shelf()
    kind = "CarePlan" if ending == ":r1" else "MedicationRequest"
    shelf.edit(kind, ending, subject={"reference": "Patient/other"})
    assert "one patient" in str(refused(shelf).value)


def test_a_plan_that_was_moved_whole_to_another_patient_is_not_signed():
    """The key was made from the first patient: it does not fit the second."""
    shelf = Shelf()
    for one in shelf.stored():
        who = next(name for name in ("subject", "patient", "for") if name in one)
        shelf.server.put(one | {who: {"reference": "Patient/other"}})
    assert "one patient" in str(refused(shelf).value)


def test_a_start_that_has_passed_is_never_signed_silently():
    caught = refused(Shelf(), "2026-11-22")
    assert isinstance(caught.value, ConfirmationError)
    assert "--start" in str(caught.value)
    shelf = Shelf()
    plan = shelf.get("CarePlan", ":r1")
    shelf.edit("CarePlan", ":r1", period={})
    caught = refused(shelf, wish=Wish(accept_changes=True))
    assert "no day that can be read" in str(caught.value)
    assert plan["period"] == {"start": D0}


def moved(day: str, case: str = "V01") -> Wish:
    return Wish(start=date.fromisoformat(day), plan=bundle_of(case, day))


def test_an_agreed_start_moves_everything_that_hangs_on_it():
    """V03 from the 28th: each date of the plan is what the engine plans from that day."""
    shelf = Shelf("V03")
    before = {one["id"]: one["meta"]["versionId"] for one in shelf.server.all("MedicationRequest")}
    shelf.do(approve, doctor("2026-11-25"), moved("2026-11-28", "V03"))
    wanted = {
        entry["resource"]["identifier"][0]["value"].rpartition(":")[2]: entry["resource"]
        for entry in bundle_of("V03", "2026-11-28")["entry"]
        if entry["resource"]["resourceType"] in ("MedicationRequest", "ServiceRequest")
    }
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    assert order["dosageInstruction"] == wanted["induction"]["dosageInstruction"]
    assert "from 2026-11-28 to 2027-02-19" in order["dosageInstruction"][0]["text"]
    for test in shelf.server.all("ServiceRequest"):
        name = test["identifier"][0]["value"].rpartition(":")[2]
        assert test["occurrenceTiming"] == wanted[name]["occurrenceTiming"]
    later = shelf.get("MedicationRequest", ":maintenance")
    assert (later["status"], later["meta"]["versionId"]) == ("draft", "2")
    assert later["dosageInstruction"] == wanted["maintenance"]["dosageInstruction"]
    assert untouched(later, SITE)
    assert before[later["id"]] == "1"
    plan = shelf.get("CarePlan", ":r1", signed=True)
    assert plan["period"] == {"start": "2026-11-28"}
    assert plan["author"] == {"reference": DOCTOR}


def test_the_same_start_as_proposed_moves_nothing():
    shelf = Shelf()
    shelf.do(approve, doctor(), Wish(start=date(2026, 11, 21)))
    assert shelf.get("MedicationRequest", ":maintenance")["meta"]["versionId"] == "1"


def test_an_agreed_start_that_lies_behind_is_refused():
    wish = moved("2026-11-20")
    assert isinstance(refused(Shelf(), wish=wish).value, ConfirmationError)


def test_an_agreed_start_without_a_plan_for_it_is_our_mistake():
    with pytest.raises(Defect):
        approve(Shelf().stored(), Shelf().key, doctor(), Wish(start=date(2026, 12, 1)))


def test_an_edited_draft_is_not_moved_to_another_day():
    """The engine would plan it anew, and the edit would be lost."""
    shelf = Shelf()
    shelf.edit("MedicationRequest", ":maintenance", priority="stat")
    plan = moved("2026-11-28")
    wish = Wish(start=plan.start, plan=plan.plan, accept_changes=True)
    assert isinstance(refused(shelf, wish=wish).value, ChangedError)


def test_a_plan_that_would_have_other_parts_today_is_not_moved():
    shelf = Shelf()
    bundle = bundle_of("V01", "2026-11-28")
    fewer = [e for e in bundle["entry"] if ":induction-2" not in _key(e)]
    wish = Wish(start=date(2026, 11, 28), plan={**bundle, "entry": fewer})
    assert "other parts" in str(refused(shelf, wish=wish).value)
    test = shelf.get("ServiceRequest", ":cbc")
    shelf.server.delete("ServiceRequest", test["id"])
    assert "other parts" in str(refused(shelf, wish=moved("2026-11-28")).value)


def _key(entry: dict[str, Any]) -> str:
    return str(entry["resource"]["identifier"][0]["value"])


def test_an_edited_draft_is_signed_as_it_is_where_that_is_said():
    shelf = Shelf()
    dosage = shelf.get("MedicationRequest", ":induction")["dosageInstruction"][0]
    text = f"{dosage['text']} Left arm."
    shelf.edit("MedicationRequest", ":induction", dosageInstruction=[dosage | {"text": text}])
    shelf.do(approve, doctor(), Wish(accept_changes=True))
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    assert order["dosageInstruction"][0]["text"].endswith("Left arm.")
    done = shelf.get("MedicationRequest", ":induction")
    assert done["status"] == "completed"
    assert not untouched(done, SITE), "the edit must stay visible"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"route": {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]}}, "b12"),
        ({"text": ""}, "text"),
    ],
)
def test_an_edit_that_no_order_may_hold_is_refused_in_any_case(change, said):
    """47625008 is the intravenous route: cobalamin is never given into a vein."""
    shelf = Shelf()
    dosage = shelf.get("MedicationRequest", ":induction")["dosageInstruction"][0]
    shelf.edit("MedicationRequest", ":induction", dosageInstruction=[dosage | change])
    assert said in str(refused(shelf, wish=Wish(accept_changes=True)).value)


def test_an_order_that_calls_itself_a_proposal_is_refused():
    shelf = Shelf()
    shelf.edit("MedicationRequest", ":induction", note=[{"text": "This is not an order yet."}])
    assert "would still say" in str(refused(shelf, wish=Wish(accept_changes=True)).value)


def test_a_reason_for_a_second_order_stands_in_the_order():
    shelf = Shelf()
    act = shelf.do(approve, doctor(), Wish(despite="Tablets end today"))
    note = shelf.get("MedicationRequest", ":induction", signed=True)["note"][0]["text"]
    assert note == "Signed although other vitamin B12 is on order: Tablets end today"
    assert _provenance(act)["reason"] == [{"text": "Tablets end today"}]


def _provenance(act: Any) -> dict[str, Any]:
    (found,) = (
        e["resource"] for e in act.bundle["entry"] if e["resource"]["resourceType"] == "Provenance"
    )
    return dict(found)


def test_the_record_of_a_signature_names_who_what_and_the_version_looked_at():
    shelf = Shelf()
    proposal = shelf.get("CarePlan", ":r1")
    act = shelf.do(approve, doctor())
    record = _provenance(act)
    assert record["agent"] == [
        {
            "type": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                        "code": "verifier",
                    }
                ]
            },
            "who": {"reference": DOCTOR},
        }
    ]
    assert record["entity"][0]["what"]["display"] == f"CarePlan/{proposal['id']} version 1"
    assert len(record["target"]) == len(act.bundle["entry"]) - 1
    # Without a condition: a client must not send the whole again by itself.
    assert act.bundle["entry"][-1]["request"] == {"method": "POST", "url": "Provenance"}
    assert len(shelf.server.all("Provenance")) == 1


def replacing(shelf: Shelf) -> str:
    """A second revision, proposed to take the place of the signed first one; its key."""
    old = shelf.get("CarePlan", ":r1", signed=True)
    key = shelf.key.replace(":r1", ":r2")
    bundle = bundle_of("V01")
    for entry in bundle["entry"]:
        resource = entry["resource"]
        for one in resource.get("identifier", []):
            one["value"] = one["value"].replace(shelf.key, key)
        if resource["resourceType"] == "CarePlan":
            resource["replaces"] = [{"reference": f"CarePlan/{old['id']}"}]
        entry["request"]["ifNoneExist"] = entry["request"]["ifNoneExist"].replace(shelf.key, key)
    shelf.server.transaction(bundle)
    return key


def test_a_revision_takes_the_place_of_the_plan_in_force_in_one_step():
    shelf = Shelf()
    shelf.do(approve, doctor())
    key = replacing(shelf)
    first = shelf.get("MedicationRequest", "r1:induction", signed=True)
    act = shelf.do(approve, doctor(), Wish(accept_changes=True), key=key)
    assert shelf.plan(key=shelf.key).state is State.REPLACED
    assert shelf.plan(key=key).state is State.NEXT_DUE
    order = shelf.get("MedicationRequest", "r2:induction", signed=True)
    assert order["priorPrescription"] == {"reference": f"MedicationRequest/{first['id']}"}
    stopped = shelf.get("MedicationRequest", "r1:induction", signed=True)
    assert (stopped["status"], stopped["statusReason"]["text"]) == (
        "stopped",
        f"Replaced by plan {key}.",
    )
    running = [
        one
        for one in shelf.server.all("MedicationRequest")
        if (one["status"], one["intent"]) == ("active", "order")
    ]
    assert len(running) == 1
    assert shelf.get("CarePlan", "r2", signed=True)["replaces"]
    assert act.said.lines[-1] == f"Plan {shelf.key} is replaced: its orders are stopped."
    drafts = [o for o in shelf.server.all("MedicationRequest") if o["status"] == "draft"]
    assert all(":r2:" in one["identifier"][0]["value"] for one in drafts)


def test_a_second_plan_beside_the_one_in_force_is_refused():
    shelf = Shelf()
    shelf.do(approve, doctor())
    key = replacing(shelf)
    shelf.edit("CarePlan", ":r2", replaces=[])
    with pytest.raises(SignOffError, match="Another plan of this patient is in force"):
        approve(shelf.stored(), key, doctor(), Wish(accept_changes=True))


def test_a_plan_that_was_ended_stands_in_nobodys_way():
    shelf = Shelf()
    shelf.do(approve, doctor())
    key = replacing(shelf)
    shelf.do(withdraw, doctor(), "Another dose")
    shelf.do(approve, doctor(), Wish(accept_changes=True), key=key)
    order = shelf.get("MedicationRequest", "r2:induction", signed=True)
    assert "priorPrescription" not in order
    assert "replaces" not in shelf.get("CarePlan", "r2", signed=True)


def test_the_day_counts_at_the_site():
    """23:30 UTC on the 20th is the 21st in Berlin."""
    by = doctor()
    night = type(by.clock)(at("2026-11-21").replace(hour=0, minute=30), SITE, 14)
    assert night.day == date(2026, 11, 21)
    assert doctor().instant == "2026-11-21T10:00:00+01:00"


def test_a_signature_is_never_dated_back():
    """Whoever looks at another day (--as-of) signs now all the same; the day asked about judges."""
    shelf = Shelf()
    by = replace(doctor(D0), made=at("2026-11-23"))
    shelf.do(approve, by)
    order = shelf.get("MedicationRequest", ":induction", signed=True)
    plan = shelf.get("CarePlan", ":r1", signed=True)
    assert order["authoredOn"] == plan["created"] == "2026-11-23T10:00:00+01:00"
    assert "Signed on 2026-11-23" in plan["note"][0]["text"]
    assert plan["period"]["start"] == D0

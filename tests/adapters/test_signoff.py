"""Signing on a server: who may, on which record, and what is said when somebody else was faster.

The real engine decides; the server is the one in memory, told to misbehave where that matters.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from b12fhir.adapters.audit import FileAudit
from b12fhir.adapters.audit.chain import lines
from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.signoff import Asked, close, list_plans, refuse, sign, withdraw
from b12fhir.errors import (
    AuditError,
    ChangedError,
    ConfirmationError,
    Defect,
    PractitionerError,
    RefusedError,
    ServerError,
    SignedError,
    SignOffError,
    TemporaryServerError,
)
from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.fhir.identity import patient_key
from b12fhir.fhir.lifecycle import State
from b12fhir.fhir.told import read_told
from b12fhir.ports import AuditKind, AuditState
from b12fhir.protocol.model import Review
from b12fhir.service.follow import follow
from tests.support.ward import PROTOCOL, Ward, on

DAY = "2026-11-21"


class Server(MemoryServer):
    """A memory server on which something else happens just before or just after a write."""

    def __init__(self) -> None:
        super().__init__(check_references=True)
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.extra: list[dict[str, Any]] = []

    def transaction(self, bundle: Any) -> Any:
        self.before()
        answer = super().transaction(bundle)
        self.after()
        return answer

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator[Any]:
        yield from super().search(kind, params)
        yield from self.extra


@pytest.fixture
def ward() -> Ward:
    """A plan was proposed today."""
    server = Server()

    def store(*resources: dict[str, Any]) -> None:
        for resource in resources:
            server.put(resource)

    made = Ward(server, "p1", store)
    assert made.propose(DAY) == "create"
    return made


def unavailable() -> None:
    raise TemporaryServerError("The server is busy.", status=503)


def pressed(ward: Ward, **asked: Any) -> None:
    sign(ward.desk(DAY), key(ward), ward.doctor, Asked(**asked))


def key(ward: Ward) -> str:
    return f"{patient_key(ward.patient, ward.site)}:e1:r1"


# who signs


def test_a_role_signs_for_the_person_in_it(ward):
    role = {
        "resourceType": "PractitionerRole",
        "id": "r",
        "active": True,
        "practitioner": {"reference": ward.doctor},
        "period": {"start": "2020-01-01", "end": DAY},
    }
    ward.store(role)
    sign(ward.desk(DAY), key(ward), "PractitionerRole/r", Asked())
    assert ward.plan(DAY).signed_by == "PractitionerRole/r"


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ({"active": False}, "not active"),
        ({"period": {"end": "2026-11-20"}}, "not active"),
        ({"practitioner": {"display": "Somebody"}}, "names no Practitioner"),
        ({"practitioner": {"reference": "Practitioner/gone"}}, "not known"),
    ],
)
def test_a_role_that_has_ended_or_has_nobody_in_it_signs_nothing(ward, role, said):
    held = {"resourceType": "PractitionerRole", "id": "r", "practitioner": _link(ward.doctor)}
    ward.store(held | role)
    with pytest.raises(PractitionerError, match=said):
        sign(ward.desk(DAY), key(ward), "PractitionerRole/r", Asked())


def _link(reference: str) -> dict[str, str]:
    return {"reference": reference}


@pytest.mark.parametrize("who", ["", "Practitioner/", "dr1", "Patient/p1", "Device/1"])
def test_only_a_practitioner_can_be_named(ward, who):
    with pytest.raises(PractitionerError, match="to be named as"):
        sign(ward.desk(DAY), key(ward), who, Asked())


def test_everybody_who_acts_is_looked_up(ward):
    nobody = "Practitioner/nobody"
    for step in (refuse, withdraw, close):
        with pytest.raises(PractitionerError):
            step(ward.desk(DAY), key(ward), nobody, "Because")


# what is signed


def test_a_key_that_is_none_or_unknown_or_two_patients_is_refused(ward):
    with pytest.raises(SignOffError, match="no key of a plan"):
        sign(ward.desk(DAY), "Patient/p1", ward.doctor, Asked())
    with pytest.raises(SignOffError, match="No plan with this key"):
        sign(ward.desk(DAY), "0123456789abcdef:e1:r1", ward.doctor, Asked())
    (plan,) = ward.stored("CarePlan")
    ward.store(plan | {"id": "copy", "subject": _link("Patient/other")})
    with pytest.raises(SignOffError, match="more than one patient"):
        sign(ward.desk(DAY), key(ward), ward.doctor, Asked())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"deceasedBoolean": True}, "deceased"),
        ({"active": False}, "inactive"),
        ({"link": [{"type": "replaced-by", "other": {"reference": "Patient/p2"}}]}, "merged"),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_nothing_is_signed_for_a_patient_whose_record_is_closed(ward, change, said, before):
    if not before:
        pressed(ward)
    (patient,) = ward.server.all("Patient")
    ward.store(patient | change)
    with pytest.raises(SignOffError, match=said):
        pressed(ward, phase="" if before else "induction-2")


@pytest.mark.parametrize("start", [None, date(2026, 11, 25)])
def test_a_plan_is_signed_only_while_the_record_still_says_the_same(ward, start):
    ward.result(500, id_="later", day="2026-11-20")
    with pytest.raises(ChangedError, match="decision is another"):
        pressed(ward, start=start)
    assert ward.orders() == {}


def test_a_later_phase_is_not_signed_once_something_forbids_the_treatment(ward):
    pressed(ward)
    ward.store(
        {
            "resourceType": "AllergyIntolerance",
            "id": "cobalt",
            "patient": _link(ward.patient),
            "clinicalStatus": _coded("allergyintolerance-clinical", "active"),
            "verificationStatus": _coded("allergyintolerance-verification", "confirmed"),
            "code": {"text": "Cyanocobalamin", "coding": [_RXNORM_B12]},
        }
    )
    desk = ward.desk("2026-12-01")
    with pytest.raises(ChangedError, match="forbids the treatment"):
        sign(desk, key(ward), ward.doctor, Asked(phase="induction-2"))


_RXNORM_B12 = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "11248"}


def _coded(system: str, code: str) -> dict[str, Any]:
    base = "http://terminology.hl7.org/CodeSystem"
    return {"coding": [{"system": f"{base}/{system}", "code": code}]}


def tablets(ward: Ward) -> dict[str, Any]:
    """Somebody else's order of 1000 microgram a day by mouth."""
    quantity = {"value": 1000, "unit": "ug", "system": "http://unitsofmeasure.org", "code": "ug"}
    daily = {"frequency": 1, "period": 1, "periodUnit": "d"}
    return {
        "resourceType": "MedicationRequest",
        "id": "foreign",
        "status": "active",
        "intent": "order",
        "subject": _link(ward.patient),
        # After the sample, which is therefore no result under treatment.
        "authoredOn": "2026-11-15",
        "medicationCodeableConcept": {
            "text": "Cyanocobalamin 1000 microgram tablet",
            "coding": [_RXNORM_B12],
        },
        "dosageInstruction": [
            {
                "timing": {"repeat": daily},
                "route": {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]},
                "doseAndRate": [{"doseQuantity": quantity}],
            }
        ],
    }


def test_a_second_course_beside_another_order_needs_a_reason(ward):
    """Tablets beside injections: R-95 proposes the injections, and the tablets must be known."""
    ward.store(tablets(ward))
    assert ward.propose(DAY) == "update"
    with pytest.raises(ConfirmationError, match="MedicationRequest/foreign"):
        pressed(ward)
    pressed(ward, despite="Tablets end today")
    (order,) = (one for one in ward.stored("MedicationRequest") if "basedOn" in one)
    assert "Tablets end today" in order["note"][0]["text"]


def test_an_unreviewed_pack_is_a_warning_and_a_reviewed_one_is_none(ward):
    desk = replace(ward.desk(DAY), dry_run=True)
    assert "No clinician has reviewed" in sign(desk, key(ward), ward.doctor, Asked()).warnings[0]
    pack = replace(desk.protocol.pack, review=Review("reviewed", "A. Clinician", date(2026, 11, 1)))
    reviewed = replace(desk, protocol=replace(desk.protocol, pack=pack))
    assert sign(reviewed, key(ward), ward.doctor, Asked()).warnings == ()


def test_what_somebody_looked_at_is_what_is_signed(ward):
    version = ward.plan(DAY).version
    with pytest.raises(ChangedError, match="since you looked"):
        pressed(ward, seen=f"{version}0")
    pressed(ward, seen=version)


def test_a_plan_of_tests_is_signed_beside_another_order_without_a_reason():
    """It orders no medicine, so it doubles none."""
    server = Server()
    ward = Ward(server, "p2", lambda *found: [server.put(one) for one in found])
    server.delete("Condition", "p2")
    ward.result(250)  # between the limits: to be confirmed
    ward.propose(DAY)
    assert ward.plan(DAY).kind == "confirm"
    pressed(ward)
    assert ward.plan(DAY).state is State.RUNNING
    close(ward.desk("2027-12-01"), key(ward), ward.doctor)
    assert ward.plan(DAY).state is State.DONE


# what a server must offer


def capable(change: Callable[[dict[str, Any]], None]) -> Any:
    statement = copy.deepcopy(dict(MemoryServer().capabilities()))
    change(statement)
    return read_capabilities(statement)


def _row(statement: dict[str, Any], kind: str) -> dict[str, Any]:
    rows = statement["rest"][0]["resource"]
    return next(row for row in rows if row["type"] == kind)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s["rest"][0].update(interaction=[]), "no transactions"),
        (lambda s: _row(s, "CarePlan").update(interaction=[]), "no create of CarePlan"),
        (lambda s: _row(s, "CarePlan").update(versioning="no-version"), "no versions of CarePlan"),
    ],
)
def test_a_server_that_cannot_keep_a_signed_plan_is_refused(ward, change, said):
    desk = replace(ward.desk(DAY), can=capable(change))
    with pytest.raises(SignOffError, match=said):
        sign(desk, key(ward), ward.doctor, Asked())


@pytest.mark.parametrize(
    ("told", "statement", "said"),
    [
        ("if_match=no", {}, "no check of versions"),
        ("careplan_write=no", {}, "no create of CarePlan"),
        ("transaction=no", None, "no transactions"),
    ],
)
def test_what_the_site_denies_counts_whatever_the_server_says(ward, told, statement, said):
    declared = MemoryServer().capabilities() if statement is None else statement
    desk = replace(ward.desk(DAY), can=read_capabilities(declared, read_told(told)))
    with pytest.raises(SignOffError, match=said):
        sign(desk, key(ward), ward.doctor, Asked())
    assert ward.orders() == {}


def test_versions_that_only_the_site_vouches_for_are_enough(ward):
    statement = copy.deepcopy(dict(MemoryServer().capabilities()))
    for row in statement["rest"][0]["resource"]:
        del row["versioning"]
    silent = replace(ward.desk(DAY), can=read_capabilities(statement))
    with pytest.raises(SignOffError, match="no versions of CarePlan"):
        sign(silent, key(ward), ward.doctor, Asked())
    vouched = replace(silent, can=read_capabilities(statement, {"if_match": True}))
    assert sign(vouched, key(ward), ward.doctor, Asked()).sent


def test_a_server_that_cannot_update_is_refused(ward):
    def readable(statement: dict[str, Any]) -> None:
        row = _row(statement, "CarePlan")
        row["interaction"] = [one for one in row["interaction"] if one["code"] != "update"]

    with pytest.raises(SignOffError, match="no update of CarePlan"):
        sign(replace(ward.desk(DAY), can=capable(readable)), key(ward), ward.doctor, Asked())


def test_a_server_that_lists_nothing_is_given_the_chance(ward):
    desk = replace(ward.desk(DAY), can=capable(lambda s: s["rest"][0].update(resource=[])))
    assert sign(desk, key(ward), ward.doctor, Asked()).sent


def test_a_type_that_a_server_has_not_is_not_asked_for(ward):
    def without(statement: dict[str, Any]) -> None:
        rows = statement["rest"][0]["resource"]
        rows[:] = [row for row in rows if row["type"] != "Goal"]

    searched = ward.server.searches
    list_plans(replace(ward.desk(DAY), can=capable(without)))
    assert ward.server.searches - searched == 6


@pytest.mark.parametrize(("severity", "stops"), [("warning", True), ("information", False)])
def test_an_answer_that_the_server_itself_doubts_is_no_ground_to_sign_on(ward, severity, stops):
    desk = ward.desk(DAY)
    issue = {"severity": severity, "code": "incomplete", "diagnostics": "some"}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    ward.server.extra = [outcome]
    if stops:
        with pytest.raises(ServerError, match="may not be whole"):
            list_plans(desk)
    else:
        assert len(list_plans(desk)) == 1


# what becomes of it


def test_the_worklist_shows_every_plan_or_those_in_a_state(ward):
    desk = ward.desk(DAY)
    assert [plan.state for plan in list_plans(desk)] == [State.PROPOSED]
    assert list_plans(desk, patient="Patient/other") == ()
    assert list_plans(desk, states={State.DONE}) == ()
    assert len(list_plans(desk, patient=ward.patient, states={State.PROPOSED})) == 1


def test_a_dry_run_sends_nothing_and_shows_what_it_would_send(ward):
    sent = ward.server.transactions
    done = sign(replace(ward.desk(DAY), dry_run=True), key(ward), ward.doctor, Asked())
    assert (done.sent, ward.server.transactions) == (False, sent)
    assert done.bundle["type"] == "transaction"
    assert ward.orders() == {}


def test_an_answer_that_got_lost_is_found_again(ward):
    """The server wrote and then failed to say so: the act is done, not to be done again."""
    ward.server.after = unavailable
    done = sign(ward.desk(DAY), key(ward), ward.doctor, Asked())
    assert done.sent
    assert ward.orders() == {"induction": "active"}


def test_a_server_that_wrote_nothing_is_reported(ward):
    ward.server.before = unavailable
    with pytest.raises(TemporaryServerError):
        pressed(ward)
    assert ward.orders() == {}


def meanwhile(ward: Ward, happens: Callable[[], None]) -> None:
    """Something happens once, after everything was read."""

    def once() -> None:
        ward.server.before = lambda: None
        happens()

    ward.server.before = once


def test_somebody_who_was_faster_is_named(ward):
    ward.store({"resourceType": "Practitioner", "id": "second"})
    meanwhile(ward, lambda: sign(ward.desk(DAY), key(ward), "Practitioner/second", Asked()))
    with pytest.raises(SignedError, match=r"faster.*Practitioner/second"):
        pressed(ward)
    assert ward.orders() == {"induction": "active"}
    assert ward.plan(DAY).signed_by == "Practitioner/second"


def test_somebody_who_was_faster_is_named_where_the_server_only_fails(ward):
    ward.store({"resourceType": "Practitioner", "id": "second"})

    def signed_then_down() -> None:
        sign(ward.desk(DAY), key(ward), "Practitioner/second", Asked())
        unavailable()

    meanwhile(ward, signed_then_down)
    with pytest.raises(SignedError, match="faster"):
        pressed(ward)


def test_somebody_who_signs_while_the_record_is_read_is_named(ward):
    """Read after that signature the record holds its order, which is no new fact."""
    plain = ward.desk(DAY)

    def read(patient: str) -> Any:
        sign(plain, key(ward), ward.doctor, Asked())
        return plain.read(patient)

    with pytest.raises(SignedError, match=r"faster.*signed before"):
        sign(replace(plain, read=read), key(ward), ward.doctor, Asked())
    assert ward.orders() == {"induction": "active"}


def test_a_plan_rejected_meanwhile_is_not_signed(ward):
    meanwhile(ward, lambda: refuse(ward.desk(DAY), key(ward), ward.doctor, "No") and None)
    with pytest.raises(SignedError, match="rejected"):
        pressed(ward)
    assert ward.orders() == {}


def test_a_change_in_that_very_moment_asks_to_look_again(ward):
    (task,) = ward.stored("Task")
    meanwhile(ward, lambda: ward.store(task | {"status": "accepted"}))
    with pytest.raises(ChangedError, match="very moment"):
        pressed(ward)
    assert ward.orders() == {}


def test_a_plan_that_stood_there_already_is_not_taken_for_ours(ward):
    """Half restored from a backup, say: the signed plan is there, and no proposal has changed."""
    (draft,) = ward.stored("CarePlan")
    signed = {
        **{name: draft[name] for name in ("resourceType", "subject", "title", "period")},
        "id": "restored",
        "status": "active",
        "intent": "plan",
        "author": _link("Practitioner/somebody"),
        "identifier": [{"system": ward.site.system("approved-plan"), "value": key(ward)}],
    }
    meanwhile(ward, lambda: ward.server.put(signed))
    with pytest.raises(SignedError, match="Practitioner/somebody"):
        pressed(ward)


def test_what_is_not_valid_is_not_sent(ward):
    (task,) = ward.stored("Task")
    ward.store(task | {"odd": True})
    with pytest.raises(Defect, match="not valid"):
        pressed(ward)
    assert ward.orders() == {}
    sign(replace(ward.desk(DAY), validate=False), key(ward), ward.doctor, Asked())
    assert ward.orders() == {"induction": "active"}


def test_every_act_is_recorded_before_and_after(ward, tmp_path):
    file = tmp_path / "audit.jsonl"
    desk = replace(ward.desk(DAY), audit=FileAudit(file, lambda: on(DAY)))
    sign(desk, key(ward), ward.doctor, Asked())
    withdraw(desk, key(ward), ward.doctor, "Moved away")
    entries = [line.entry for line in lines(file)]
    assert [(one.kind, one.state) for one in entries] == [
        (AuditKind.SIGNATURE, AuditState.INTENDED),
        (AuditKind.SIGNATURE, AuditState.DONE),
        (AuditKind.WITHDRAWAL, AuditState.INTENDED),
        (AuditKind.WITHDRAWAL, AuditState.DONE),
    ]
    assert {one.actor for one in entries} == {ward.doctor}
    assert {one.plan for one in entries} == {key(ward)}
    assert "Moved away" not in file.read_text(encoding="utf-8")
    assert ward.patient not in file.read_text(encoding="utf-8")


def test_what_cannot_be_recorded_is_not_signed(ward, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    audit = FileAudit(tmp_path / "file" / "audit.jsonl", lambda: on(DAY))
    with pytest.raises(AuditError):
        sign(replace(ward.desk(DAY), audit=audit), key(ward), ward.doctor, Asked())
    assert ward.orders() == {}


# servers that answer in ways of their own


@pytest.mark.parametrize("who", ["Practitioner/dr-p1,nobody", "Practitioner/dr-p1/_history/1"])
def test_a_list_or_a_version_is_nobody(ward, who):
    """A search by id takes a list: the first of it is not who was named."""
    with pytest.raises(PractitionerError, match="to be named as"):
        sign(ward.desk(DAY), key(ward), who, Asked())


def test_a_server_that_does_not_search_by_id_knows_nobody_by_chance(ward):
    ward.server.extra = [{"resourceType": "Practitioner", "id": "else", "active": True}]
    with pytest.raises(PractitionerError, match="not known"):
        sign(ward.desk(DAY), key(ward), "Practitioner/nobody", Asked())


def test_a_role_that_has_not_begun_signs_nothing(ward):
    ward.store(
        {
            "resourceType": "PractitionerRole",
            "id": "r",
            "practitioner": _link(ward.doctor),
            "period": {"start": "2026-11-22"},
        }
    )
    with pytest.raises(PractitionerError, match="not active"):
        sign(ward.desk(DAY), key(ward), "PractitionerRole/r", Asked())
    sign(ward.desk("2026-11-22"), key(ward), "PractitionerRole/r", Asked(start=date(2026, 11, 22)))


def test_a_server_that_does_not_search_by_patient_shows_no_other_patients_plans(ward):
    (plan,) = ward.stored("CarePlan")
    ward.server.extra = [plan | {"id": "other", "subject": {"reference": "Patient/other"}}]
    (found,) = list_plans(ward.desk(DAY), patient=ward.patient)
    assert found.patient == ward.patient


def test_an_identifier_without_a_value_is_no_crash(ward):
    (plan,) = ward.stored("CarePlan")
    ward.store(plan | {"identifier": [*plan["identifier"], {"system": "urn:ehr"}]})
    pressed(ward, accept_changes=True)
    assert ward.orders() == {"induction": "active"}


def test_a_blank_is_no_reason_for_a_second_order(ward):
    ward.store(tablets(ward))
    assert ward.propose(DAY) == "update"
    with pytest.raises(ConfirmationError, match="already on order"):
        pressed(ward, despite=" \n")


def answering(ward: Ward, change: Callable[[Any], Any]) -> None:
    """The server answers the next transaction in a way of its own."""
    told = ward.server.transaction
    ward.server.transaction = lambda bundle: change(told(bundle))


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: {name: answer[name] for name in ("resourceType", "type")},
        lambda answer: answer | {"entry": None},
        lambda answer: answer | {"entry": [{"response": None} for _ in answer["entry"]]},
    ],
)
def test_an_answer_that_says_little_is_looked_up_on_the_server(ward, change):
    answering(ward, change)
    assert sign(ward.desk(DAY), key(ward), ward.doctor, Asked()).sent
    assert ward.orders() == {"induction": "active"}


def test_an_answer_for_a_part_is_no_signature_unless_all_of_it_stands_there(ward):
    def lost(answer: Any) -> Any:
        (order,) = (one for one in ward.stored("MedicationRequest") if one["status"] == "active")
        ward.server.delete("MedicationRequest", order["id"])
        return answer | {"entry": answer["entry"][:1]}

    answering(ward, lost)
    with pytest.raises(ServerError, match="does not hold them all"):
        pressed(ward)


def test_a_server_that_went_down_altogether_leaves_it_open_and_says_so(ward):
    def down() -> None:
        ward.server.search = lambda *_: unavailable()
        unavailable()

    meanwhile(ward, down)
    with pytest.raises(TemporaryServerError, match="not known"):
        pressed(ward)


def test_a_transaction_written_by_half_is_recorded_as_unclear(ward, tmp_path):
    """A server that ran it as a batch has written a part: it was not simply refused."""
    file = tmp_path / "audit.jsonl"

    def batch() -> None:
        raise RefusedError("The server did not treat a transaction as one.")

    meanwhile(ward, batch)
    with pytest.raises(RefusedError):
        sign(
            replace(ward.desk(DAY), audit=FileAudit(file, lambda: on(DAY))),
            key(ward),
            ward.doctor,
            Asked(),
        )
    assert [line.entry.state for line in lines(file)] == [
        AuditState.INTENDED,
        AuditState.UNCLEAR,
    ]


# what was given


def test_doses_that_nobody_recorded_are_told_before_their_order_is_over(ward):
    """Seven doses were ordered; on 4 December the last is due a day ago and two are on record."""
    pressed(ward)
    (order,) = (one for one in ward.stored("MedicationRequest") if one["status"] == "active")
    for day in ("2026-11-21", "2026-11-23"):
        ward.store(
            {
                "resourceType": "MedicationAdministration",
                "id": f"dose-{day}",
                "status": "completed",
                "subject": {"reference": ward.patient},
                "medicationCodeableConcept": order["medicationCodeableConcept"],
                "effectiveDateTime": f"{day}T09:00:00+01:00",
                "request": {"reference": f"MedicationRequest/{order['id']}"},
            }
        )
    done = sign(ward.desk("2026-12-04"), key(ward), ward.doctor, Asked(phase="induction-2"))
    assert any("phase induction that are not on record as given: 5." in w for w in done.warnings)


def test_doses_that_cannot_be_counted_are_told_as_well(ward):
    pressed(ward)
    everything = ward.desk(DAY).read

    def bare(patient: str) -> list[Any]:
        return [{**one, "meta": {"versionId": "1"}} for one in everything(patient)]

    desk = replace(ward.desk("2026-12-01"), read=bare)
    done = sign(desk, key(ward), ward.doctor, Asked(phase="induction-2"))
    assert any("cannot be counted" in warning for warning in done.warnings)


# another treatment


def test_another_treatment_is_proposed_signed_and_never_given_beside_the_first(ward):
    """From the record to the last slot: nerves begin to suffer while the plan is in force."""
    pressed(ward)
    ward.store(
        {
            "resourceType": "Condition",
            "id": "nerves",
            "subject": {"reference": ward.patient},
            "clinicalStatus": _status("condition-clinical", "active"),
            "verificationStatus": _status("condition-ver-status", "confirmed"),
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "386033004"}]},
            "recordedDate": "2026-11-24",
        }
    )
    later = "2026-11-25"
    assert ward.propose(later) == "create"
    second = next(plan for plan in ward.plans(later) if plan.state is State.PROPOSED)
    assert {plan.state for plan in ward.plans(later)} == {State.NEXT_DUE, State.PROPOSED}
    done = sign(ward.desk(later), second.key, ward.doctor, Asked())
    assert f"Plan {key(ward)} is replaced: its orders are stopped." in done.lines
    states = {plan.key: plan.state for plan in ward.plans(later)}
    assert states[key(ward)] is State.REPLACED
    running = [
        (one["resourceType"], one["identifier"][0]["value"].rpartition(":")[0])
        for kind in ("MedicationRequest", "ServiceRequest")
        for one in ward.stored(kind)
        if (one["status"], one["intent"]) == ("active", "order")
    ]
    assert {plan for _, plan in running} == {second.key}
    assert [kind for kind, _ in running].count("MedicationRequest") == 1
    record = ward.desk(later).read(ward.patient)
    for day in (later, "2026-12-10", "2027-02-01", "2027-06-01"):
        courses = follow(record, PROTOCOL, on(day), ward.site, ward.patient)
        days = Counter(
            slot.due for one in courses for slot in one.log.slots if slot.is_open and slot.due
        )
        assert days, "the new plan has doses to give"
        assert max(days.values()) == 1, "no day on which both could be given"
        owners = {one.course.key for one in courses for slot in one.log.slots if slot.is_open}
        assert owners == {second.key}
    # The next run proposes nothing more.
    assert ward.propose(later) == "nothing"


def _status(system: str, code: str) -> dict[str, Any]:
    base = "http://terminology.hl7.org/CodeSystem"
    return {"coding": [{"system": f"{base}/{system}", "code": code}]}

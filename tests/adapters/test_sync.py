"""Sync: every patient has a turn, and only a record that was read whole is decided on.

The decision itself is tested elsewhere. Here it is a simple one: who has a low B12 gets the default
plan, who has a high one gets none.
"""

import copy
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from threading import Barrier, get_ident
from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.sync import SyncReport, SyncSettings, sync
from b12fhir.adapters.sync import patient as patient_module
from b12fhir.adapters.sync.handing import HandoverInMemory
from b12fhir.decision.model import Intent
from b12fhir.errors import (
    AuthError,
    ConflictError,
    Defect,
    DuplicateError,
    PatientError,
    RefusedError,
    ServerError,
    TemporaryServerError,
)
from b12fhir.facts.patient import Patient
from b12fhir.facts.record import Facts, OwnPlan
from b12fhir.fhir.identity import patient_key
from b12fhir.fhir.site import Site
from b12fhir.fhir.told import TRANSACTION
from b12fhir.service import Proposal
from tests.support.builders import D0, build_decision, build_plan, build_protocol
from tests.support.phi import FAMILY, assert_no_phi

SITE = Site(server_id="sync", site_key="k")
AS_OF = datetime(2026, 11, 21, 10, tzinfo=UTC)
PROTOCOL = build_protocol()


def fake_propose(resources, protocol, as_of, site, patient=None) -> Proposal:
    """The shortest decision that can change: by the value of one Observation."""
    (person,) = (r for r in resources if r["resourceType"] == "Patient")
    plans = [r for r in resources if r["resourceType"] == "CarePlan"]
    own = tuple(
        OwnPlan(f"CarePlan/{p['id']}", p["identifier"][0]["value"], p["status"], p["intent"], D0)
        for p in plans
    )
    values = [r["valueInteger"] for r in resources if r["resourceType"] == "Observation"]
    if any(value < 0 for value in values):
        raise ZeroDivisionError(FAMILY)
    is_low = any(value < 180 for value in values) and not person.get("deceasedBoolean")
    decision = build_decision(findings=(), causes=(), intent=Intent("treat" if is_low else "none"))
    deceased = person.get("deceasedBoolean", False)
    facts = Facts(Patient(patient, deceased=deceased), own_plans=own)
    return Proposal(facts, decision, build_plan(), protocol, as_of, site)


@pytest.fixture(autouse=True)
def _simple_decision(monkeypatch) -> None:
    monkeypatch.setattr(patient_module, "propose", fake_propose)
    monkeypatch.setattr(patient_module, "turns_on", lambda *_: None)


def person(name: str, **more: Any) -> dict:
    return {"resourceType": "Patient", "id": name, "name": [{"family": FAMILY}], **more}


def b12(name: str, value: int) -> dict:
    return {
        "resourceType": "Observation",
        "id": f"b12-{name}",
        "subject": {"reference": f"Patient/{name}"},
        "valueInteger": value,
    }


class Server(MemoryServer):
    """A memory server that can be told to misbehave."""

    def __init__(self, *resources: dict) -> None:
        super().__init__(resources, check_references=True)
        self.search_fails: dict[tuple[str, str], Exception] = {}
        self.write_fails: list[Exception | None] = []
        self.extra: list[dict] = []
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.before_write = lambda: None

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator:
        self.asked.append((kind, params))
        failure = self.search_fails.get((kind, params.get("patient", "")))
        if failure:
            raise failure
        yield from super().search(kind, params)
        if kind == "Observation":
            yield from self.extra

    def transaction(self, bundle):
        is_plan = len(bundle["entry"]) > 1
        failure = self.write_fails.pop(0) if is_plan and self.write_fails else None
        if is_plan:
            self.before_write()
        if failure:
            raise failure
        return super().transaction(bundle)


def ward(*names: str) -> Server:
    return Server(*(person(n) for n in names), *(b12(n, 120) for n in names))


def run(server, **settings: Any) -> SyncReport:
    waits: list[float] = []
    defaults = {"workers": 1, "pause": waits.append, "jitter": lambda: 0.0}
    waiting = settings.pop("handover", None)
    chosen = SyncSettings(**(defaults | settings))
    report = sync(server, PROTOCOL, SITE, AS_OF, chosen, handover=waiting)
    for line in (*report.lines(), *report.problems()):
        assert_no_phi(line)
    return report


def kinds(report: SyncReport) -> list[str]:
    return [result.kind for result in report.results]


def test_every_patient_is_processed_in_order_and_the_second_run_writes_nothing():
    server = ward("c", "a", "b")
    first = run(server)
    assert [r.patient for r in first.results] == ["Patient/c", "Patient/a", "Patient/b"]
    assert kinds(first) == ["create"] * 3
    # Each plan: CarePlan, 2 phases, 3 tests, assessment, 2 cautions, request to sign.
    assert first.resources_written == 30
    assert not first.partial
    sent = server.transactions
    second = run(server)
    assert kinds(second) == ["nothing"] * 3
    assert (second.resources_written, server.transactions) == (0, sent)


def test_the_device_is_made_once_before_the_first_plan():
    server = ward("a", "b")
    run(server)
    assert len(server.all("Device")) == 1
    assert server.transactions == 3


def test_a_changed_fact_updates_or_withdraws():
    server = ward("a")
    run(server)
    server.put(b12("a", 500))
    report = run(server)
    assert kinds(report) == ["withdraw"]
    assert {r["status"] for r in server.all("MedicationRequest")} == {"cancelled"}
    server.put(b12("a", 120))
    assert kinds(run(server)) == ["create"]
    assert kinds(run(server)) == ["nothing"]
    assert sorted(p["status"] for p in server.all("CarePlan")) == ["draft", "revoked"]


def test_a_death_withdraws_with_its_reason():
    server = ward("a")
    run(server)
    server.put(person("a", deceasedBoolean=True))
    report = run(server)
    assert kinds(report) == ["withdraw"]
    assert server.all("CarePlan")[0]["note"][0]["text"].endswith("deceased.")


def test_a_dry_run_sends_nothing_and_shows_what_it_would():
    server = ward("a")
    report = run(server, dry_run=True)
    assert server.transactions == 0
    assert report.results[0].write is not None
    assert report.results[0].write.created == 10
    assert report.resources_written == 0
    assert "1 would be created" in report.lines()[1]


def test_only_the_patients_named_are_processed():
    server = ward("a", "b")
    assert [r.patient for r in run(server, patients=("Patient/b",)).results] == ["Patient/b"]


def test_progress_is_told():
    seen: list[object] = []
    sync(
        ward("a", "b"),
        PROTOCOL,
        SITE,
        AS_OF,
        SyncSettings(workers=1),
        begin=seen.append,
        done=lambda result: seen.append(result.patient),
    )
    assert seen == [2, "Patient/a", "Patient/b"]


def test_patients_are_worked_on_at_the_same_time():
    server = ward("a", "b")
    threads: set[int] = set()
    both = Barrier(2, timeout=10)

    def meet() -> None:
        threads.add(get_ident())
        both.wait()

    server.before_write = meet
    assert kinds(run(server, workers=2)) == ["create"] * 2
    assert len(threads) == 2


# Reading


def test_everything_about_a_patient_is_asked_for_by_patient():
    server = ward("a")
    run(server)
    asked = {kind for kind, params in server.asked if params.get("patient") == "a"}
    assert asked - set(PARTS) == {
        "Observation",
        "CarePlan",
        "MedicationRequest",
        "ServiceRequest",
        "Condition",
        "Procedure",
        "MedicationStatement",
        "MedicationAdministration",
        "MedicationDispense",
        "AllergyIntolerance",
        "FamilyMemberHistory",
    }


PARTS = ("Goal", "RiskAssessment", "DetectedIssue", "Task")


def parts_asked(server: Server) -> list[str]:
    return [kind for kind, _ in server.asked if kind in PARTS]


def test_parts_of_a_plan_are_asked_for_only_where_one_is_or_will_be():
    """Four searches for each patient who never has a plan would be for nothing."""
    server = ward("a")
    server.put(person("b"))
    for _ in range(2):
        server.asked.clear()
        run(server)
        assert parts_asked(server) == list(PARTS)
        assert {p["patient"] for kind, p in server.asked if kind in PARTS} == {"a"}


def test_parts_are_found_although_their_plan_is_gone():
    """Somebody deleted the plan and its requests: the parts that are left are taken up again."""
    server = ward("a")
    run(server)
    for kind in ("CarePlan", "MedicationRequest", "ServiceRequest"):
        for resource in server.all(kind):
            server.delete(kind, resource["id"])
    report = run(server)
    # Made again: the plan, two phases and three tests; the Task must lead to the new plan.
    assert (kinds(report), report.resources_written) == (["update"], 7)
    (plan,), (task,) = server.all("CarePlan"), server.all("Task")
    assert task["focus"] == {"reference": f"CarePlan/{plan['id']}"}
    assert len(server.all("RiskAssessment")) == 1
    assert kinds(run(server)) == ["nothing"]


def lacking(server: Server, *, whole: tuple[str, ...] = (), create: tuple[str, ...] = ()) -> Server:
    """The server without some types, or without creating some."""
    statement = copy.deepcopy(dict(server.capabilities()))
    rows = statement["rest"][0]["resource"]
    statement["rest"][0]["resource"] = [row for row in rows if row["type"] not in whole]
    for row in rows:
        if row["type"] in create:
            row["interaction"] = [one for one in row["interaction"] if one["code"] != "create"]
    server.capabilities = lambda: statement
    return server


def test_a_server_that_keeps_no_assessment_gets_the_plan_without_it():
    server = lacking(ward("a"), whole=("RiskAssessment",), create=("Goal",))
    report = run(server)
    assert report.notes == (
        "The server keeps no Goal: plans are written without its goals.",
        "The server keeps no RiskAssessment: plans are written without the assessment.",
    )
    assert (kinds(report), report.resources_written) == (["create"], 9)
    assert (server.all("RiskAssessment"), server.all("Goal")) == ([], [])
    assert kinds(run(server)) == ["nothing"]
    assert set(parts_asked(server)) == {"DetectedIssue", "Task"}


def accounts(server: Server) -> list[str]:
    return [p["activity"]["coding"][0]["code"] for p in server.all("Provenance")]


def test_each_write_is_accounted_for_once_and_no_run_without_one():
    server = ward("a")
    run(server)
    run(server)
    assert accounts(server) == ["CREATE"]
    server.put(person("a", deceasedBoolean=True))
    run(server)
    run(server)
    assert accounts(server) == ["CREATE", "UPDATE"]
    (_, last) = server.all("Provenance")
    assert last["reason"] == [{"text": "The patient is recorded as deceased."}]
    assert last["recorded"] == "2026-11-21T10:00:00+00:00"


def posting(server: Server) -> Server:
    """The server as one that takes no ids of ours."""
    statement = copy.deepcopy(dict(server.capabilities()))
    (row,) = (r for r in statement["rest"][0]["resource"] if r["type"] == "Provenance")
    row["updateCreate"] = False
    server.capabilities = lambda: statement
    return server


def test_where_ids_are_the_servers_own_the_account_follows_the_write():
    server = posting(ward("a"))
    assert (run(server).notes, accounts(server)) == ((), ["CREATE"])
    run(server)
    assert accounts(server) == ["CREATE"]


def test_an_account_that_fails_does_not_take_back_the_plan():
    server = posting(ward("a"))
    server.write_fails = [None, ServerError("The server took no Provenance.")]
    (result,) = run(server).results
    assert result.kind == "create"
    assert result.reason == (
        "no plan was stored; its Provenance could not be stored: The server took no Provenance."
    )
    assert len(server.all("CarePlan")) == 1


def test_a_plan_found_written_meanwhile_is_not_accounted_for_again():
    server = posting(ward("a"))
    others: list[SyncReport] = []

    def race() -> None:
        if not others:
            others.append(SyncReport())
            others.append(run(server))

    server.before_write = race
    run(server)
    assert accounts(server) == ["CREATE"]


def test_an_answer_by_which_nothing_changed_is_not_accounted_for():
    server = posting(ward("a"))
    run(server)
    server.put(person("a", deceasedBoolean=True))

    def unmoved(bundle):
        requests = [entry["request"] for entry in bundle["entry"]]
        places = [f"{r['url']}/_history/{r.get('ifMatch', '')[3:-1]}" for r in requests]
        replies = [{"response": {"status": "200 OK", "location": place}} for place in places]
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": replies}

    server.transaction = unmoved
    assert kinds(run(server)) == ["withdraw"]
    assert accounts(server) == ["CREATE"]


def test_a_server_without_provenance_is_written_to_all_the_same():
    server = lacking(ward("a"), whole=("Provenance",))
    report = run(server)
    assert kinds(report) == ["create"]
    (note,) = report.notes
    assert note.startswith("The server keeps no Provenance: who wrote a plan and on what stands in")
    assert accounts(server) == []


def medicine(kind: str, link: object, name: str = "a") -> dict:
    return {
        "resourceType": kind,
        "id": f"{kind}-{name}".lower(),
        "subject": {"reference": f"Patient/{name}"},
        "medicationReference": link,
    }


def test_medicines_behind_a_reference_are_read_too(monkeypatch):
    server = ward("a")
    for id_ in ("m1", "m2"):
        server.put({"resourceType": "Medication", "id": id_, "code": {"text": "B12"}})
    server.put(medicine("MedicationRequest", {"reference": "Medication/m1"}))
    server.put(medicine("MedicationStatement", {"reference": "Medication/m2/_history/1"}))
    server.put(medicine("MedicationDispense", {"reference": "#contained"}))
    server.put(medicine("MedicationAdministration", {"display": "B12"}))
    seen: list[str] = []

    def spy(resources, *args):
        seen.extend(r["id"] for r in resources if r["resourceType"] == "Medication")
        return fake_propose(resources, *args)

    monkeypatch.setattr(patient_module, "propose", spy)
    run(server)
    assert seen == ["m1", "m2"]
    assert [p["_id"] for kind, p in server.asked if kind == "Medication"] == ["m2"]


def without(server: Server, *kinds_: str) -> Server:
    statement = copy.deepcopy(dict(server.capabilities()))
    rest = statement["rest"][0]
    rest["resource"] = [r for r in rest["resource"] if r["type"] not in kinds_]
    server.capabilities = lambda: statement  # type: ignore[method-assign]
    return server


def test_types_the_server_lacks_are_noted_and_not_asked_for():
    server = without(ward("a"), "MedicationStatement", "Medication")
    server.put(medicine("MedicationRequest", {"reference": "Medication/m1"}))
    report = run(server)
    assert kinds(report) == ["create"]
    first, second = report.notes
    assert first.startswith("The server has no MedicationStatement: medicines reported as taken")
    assert second.startswith("The server has no Medication: the drugs behind some prescriptions")
    assert first.endswith("are not known and were not asked for.")
    assert not {kind for kind, _ in server.asked} & {"MedicationStatement", "Medication"}


@pytest.mark.parametrize("kind", ["Patient", "Observation", "CarePlan"])
def test_without_what_carries_the_decision_the_run_does_not_begin(kind):
    server = without(ward("a"), kind)
    with pytest.raises(ServerError, match=f"search of {kind}"):
        run(server)
    assert server.asked == []


def untransacted(*names: str) -> Server:
    server = ward(*names)
    server.lacks.add(TRANSACTION)
    return server


def test_without_transactions_nothing_is_sent_and_every_plan_waits():
    server, waits = untransacted("a", "b"), HandoverInMemory()
    first = run(server, handover=waits)
    assert kinds(first) == ["handed-over"] * 2
    assert (server.transactions, first.resources_written, first.partial) == (0, 0, False)
    assert first.problems() == ()
    assert "Handed over: 2 plans (2 new or changed) wait as files" in first.lines()[3]
    (held,) = waits.waiting(patient_key("Patient/a", SITE)).values()
    assert held == first.results[0].write.bundle
    # Who wrote a plan that somebody loads is not ours to say.
    assert "Provenance" not in {entry["resource"]["resourceType"] for entry in held["entry"]}
    second = run(server, handover=waits)
    assert "2 plans (0 new or changed) wait" in second.lines()[3]


def test_a_dry_run_hands_nothing_over_and_takes_nothing_back():
    server, waits = untransacted("a"), HandoverInMemory()
    report = run(server, handover=waits, dry_run=True)
    assert "Handed over: 1 plans would wait" in report.lines()[3]
    assert waits.waiting(patient_key("Patient/a", SITE)) == {}
    run(server, handover=waits)
    server.put(b12("a", 500))
    assert kinds(run(server, handover=waits, dry_run=True)) == ["nothing"]
    assert len(waits.waiting(patient_key("Patient/a", SITE))) == 1
    run(server, handover=waits)
    assert waits.waiting(patient_key("Patient/a", SITE)) == {}


def test_what_waits_goes_once_the_server_can_take_it():
    server, waits = untransacted("a"), HandoverInMemory()
    run(server, handover=waits)
    server.lacks.clear()
    assert kinds(run(server, handover=waits)) == ["create"]
    assert waits.waiting(patient_key("Patient/a", SITE)) == {}


def test_without_a_place_what_waits_is_in_the_report():
    (result,) = run(untransacted("a")).results
    assert (result.kind, result.fresh, result.write.created) == ("handed-over", True, 10)


def test_a_withdrawal_waits_under_the_plan_it_ends_even_without_its_head():
    """Somebody deleted the CarePlan; its parts are drafts still, and are to go."""
    server, waits = ward("a"), HandoverInMemory()
    run(server)
    (plan,) = server.all("CarePlan")
    server.put(person("a", deceasedBoolean=True))
    for whole in (True, False):
        if not whole:
            server.delete("CarePlan", plan["id"])
        report = run(server, handover=waits, told={"if_match": False})
        assert kinds(report) == ["handed-over"]
        held = waits.waiting(patient_key("Patient/a", SITE))
        assert list(held) == [plan["identifier"][0]["value"]]
    assert {one["status"] for one in server.all("MedicationRequest")} == {"draft"}


def test_an_invalid_plan_is_not_handed_over_either(monkeypatch):
    monkeypatch.setattr(patient_module, "validate", lambda _: ["Bundle: is wrong"])
    waits = HandoverInMemory()
    assert kinds(run(untransacted("a"), handover=waits)) == ["failed"]
    assert waits.waiting(patient_key("Patient/a", SITE)) == {}


def test_a_record_that_could_not_be_read_whole_is_not_decided_on():
    """A missing allergy list must not look like a patient without allergies."""
    server = ward("a", "b")
    server.search_fails["AllergyIntolerance", "a"] = TemporaryServerError("No answer.")
    report = run(server)
    assert kinds(report) == ["undecided", "create"]
    assert report.results[0].proposal is None
    assert report.partial
    assert report.problems() == ("Patient/a: undecided: No answer.",)


@pytest.mark.parametrize(
    ("severity", "kind"),
    [("information", "create"), ("warning", "undecided"), ("error", "undecided")],
)
def test_a_warning_inside_an_answer_makes_it_doubtful(severity, kind):
    server = ward("a")
    issue = {"severity": severity, "code": "incomplete", "diagnostics": f"{FAMILY} left out"}
    server.extra = [{"resourceType": "OperationOutcome", "issue": [issue]}]
    report = run(server)
    assert kinds(report) == [kind]
    if kind == "undecided":
        assert report.results[0].error.detail == f"{FAMILY} left out"


def test_a_patient_deleted_meanwhile_is_reported():
    server = ward("a")
    report = run(server, patients=("Patient/gone", "Patient/a"))
    assert kinds(report) == ["failed", "create"]


# Writing


LOST = ConflictError("Someone was first.", status=409)
UNCLEAR = TemporaryServerError("HAPI-0389.", status=500)


@pytest.mark.parametrize("fails", [[LOST], [LOST, LOST], [UNCLEAR], [UNCLEAR, LOST]])
def test_a_lost_race_or_an_unclear_answer_is_run_again_from_the_reading(fails):
    server, lost = ward("a"), len(fails)
    server.write_fails = list(fails)
    waits: list[float] = []
    report = run(server, pause=waits.append)
    assert kinds(report) == ["create"]
    assert waits == [0.2, 0.4][:lost]
    reads = [kind for kind, params in server.asked if params.get("patient") == "a"]
    assert reads.count("Observation") == 1 + lost


def test_a_busy_server_was_already_asked_often_enough():
    server = ward("a")
    server.write_fails = [TemporaryServerError("Busy.", status=503)]
    assert run(server).problems() == ("Patient/a: failed: Busy.",)


def test_after_three_lost_races_the_patient_is_reported():
    server = ward("a", "b")
    server.write_fails = [ConflictError("Someone was first.", status=409)] * 3
    report = run(server, workers=1)
    assert kinds(report) == ["failed", "create"]
    assert isinstance(report.results[0].error, ConflictError)


def test_a_plan_somebody_else_wrote_meanwhile_is_read_before_it_counts():
    """Its create finds the other writer's plan and changes nothing: no write may be claimed."""
    server, others = ward("a"), []

    def race() -> None:
        if not others:
            others.append(True)
            others.append(run(server))

    server.before_write = race
    report = run(server)
    assert kinds(others[1]) == ["create"]
    assert kinds(report) == ["nothing"]
    assert report.resources_written == 0
    assert len(server.all("CarePlan")) == 1


def test_duplicates_that_cannot_be_found_are_reported_after_three_tries():
    """A 412 may stand for something this patient's record does not show."""
    server = ward("a", "b")
    server.write_fails = [DuplicateError("Two plans.", status=412)] * 3
    report = run(server, workers=1)
    assert kinds(report) == ["failed", "create"]
    assert isinstance(report.results[0].error, DuplicateError)


def test_a_412_on_an_update_may_be_a_stale_version_and_is_tried_again():
    """HTTP says 412 for a stale If-Match, HAPI 409."""
    server = ward("a")
    run(server)
    server.put(b12("a", 500))
    server.write_fails = [DuplicateError("Stale.", status=412)]
    assert kinds(run(server)) == ["withdraw"]


def test_what_bears_one_identity_is_put_right_and_counted():
    server = ward("a")
    run(server)
    server.put(server.all("CarePlan")[0] | {"id": "copy"})
    shown = run(server, dry_run=True)
    assert (kinds(shown), shown.resources_written) == (["update"], 0)
    (result,) = run(server).results
    # The copy is withdrawn, and nothing led to it.
    assert (result.kind, result.beside) == ("nothing", 1)
    assert result.reason.endswith("; copies of one identity put right first: 1")
    assert run(server).resources_written == 0


def test_a_server_that_never_comes_to_rest_is_left_after_three_tries():
    """What was put right comes back each time: somebody else keeps writing it."""
    server = ward("a")
    run(server)
    (plan,) = server.all("CarePlan")

    def again() -> None:
        server.put(plan | {"id": f"copy-{server.transactions}"})

    again()
    server.before_write = again
    (result,) = run(server).results
    assert result.write is not None
    assert (result.kind, result.write.heals) == ("update", True)


def test_a_refusal_of_one_plan_does_not_stop_the_others():
    server = ward("a", "b")
    server.write_fails = [RefusedError("Refused.", status=422, detail=f"{FAMILY} is odd")]
    report = run(server, workers=1)
    assert kinds(report) == ["failed", "create"]
    assert report.results[0].error.detail == f"{FAMILY} is odd"


def test_a_plan_in_force_is_left_alone_and_said_so():
    server = ward("a")
    run(server)
    server.put(server.all("CarePlan")[0] | {"status": "active"})
    report = run(server)
    assert kinds(report) == ["blocked"]
    assert not report.partial
    assert "is active (proposal) and is never changed" in report.problems()[0]


def test_our_own_mistake_in_one_record_does_not_stop_the_others():
    server = ward("a", "b")
    server.put(b12("a", -1))
    report = run(server)
    assert kinds(report) == ["failed", "create"]
    error = report.results[0].error
    assert isinstance(error, Defect)
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert "ZeroDivisionError" in report.problems()[0]


def test_an_invalid_plan_is_not_sent(monkeypatch):
    monkeypatch.setattr(patient_module, "validate", lambda _: ["Bundle: is odd"])
    server = ward("a")
    report = run(server)
    assert kinds(report) == ["failed"]
    assert "is not valid: Bundle: is odd" in report.problems()[0]
    assert server.transactions == 0
    assert kinds(run(server, validate=False)) == ["create"]


# Stopping


def test_a_refused_token_stops_the_run():
    server = ward("a", "b", "c")
    server.search_fails["Observation", "a"] = AuthError("No.", status=401)
    report = run(server, workers=1)
    assert (kinds(report), report.waiting) == (["undecided"], 2)
    assert report.partial
    assert "refused the token" in report.problems()[0]
    assert "Waiting for the next run: 3 patients." in report.lines()


def test_a_closed_record_does_not_stop_the_run():
    server = ward("a", "b")
    server.search_fails["Observation", "a"] = AuthError("No.", status=403)
    assert kinds(run(server, workers=1)) == ["undecided", "create"]


def test_a_silent_server_is_given_up():
    server = ward("a", "b", "c", "d")
    for name in "bcd":
        server.search_fails["Observation", name] = TemporaryServerError("Silent.")
    # Once all are listed and the first is written, it answers nothing any more.
    silent = {("Patient", ""): TemporaryServerError("Silent.")}
    server.before_write = lambda: server.search_fails.update(silent)
    report = run(server, workers=1, give_up_after=2)
    assert (kinds(report), report.waiting) == (["create", "undecided", "undecided"], 1)
    assert "no longer answers" in report.problems()[0]


def test_records_that_cannot_be_read_do_not_keep_others_from_their_turn():
    """They come first in the next run, one after the other: all others would wait for ever."""
    server = ward("a", "b", "c", "d")
    for name in "abc":
        server.search_fails["Observation", name] = TemporaryServerError("Ill.", status=500)
    report = run(server, workers=1, give_up_after=2)
    assert kinds(report) == ["undecided", "undecided", "undecided", "create"]
    assert (report.waiting, report.stopped) == (0, "")


def test_where_no_token_is_had_nobody_else_is_tried():
    """The token endpoint says 400: it will say the same for every patient."""
    server = ward("a", "b")
    server.search_fails["Observation", "a"] = AuthError("It gave no token.", status=400)
    report = run(server, workers=1)
    assert (kinds(report), report.waiting) == (["undecided"], 1)
    assert report.stopped == "It gave no token. No further patient was tried."


def test_silence_must_be_in_a_row():
    server = ward("a", "b", "c")
    for name in "ac":
        server.search_fails["Observation", name] = TemporaryServerError("Silent.")
    assert kinds(run(server, workers=1, give_up_after=2)) == ["undecided", "create", "undecided"]


def test_a_server_that_does_not_answer_at_all_is_an_error():
    server = ward("a")
    server.search_fails["Patient", ""] = TemporaryServerError("Silent.")
    with pytest.raises(TemporaryServerError):
        run(server)


def test_no_patient_error_leaves_the_run(monkeypatch):
    def refuse(*_):
        raise PatientError("Two patients.")

    monkeypatch.setattr(patient_module, "propose", refuse)
    report = run(ward("a"))
    assert report.problems() == ("Patient/a: failed: Two patients.",)


def test_an_empty_server_is_a_complete_run():
    report = run(Server())
    assert (report.results, report.partial, report.proposals) == ([], False, ())

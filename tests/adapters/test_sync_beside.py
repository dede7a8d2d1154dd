"""What a run does beside the proposals: it says what it found, and what it could not follow."""

from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.sync import SyncReport, SyncSettings, sync
from b12fhir.adapters.sync.beside import look_beside
from b12fhir.adapters.sync.report import PatientResult
from b12fhir.fhir.publish import Write
from b12fhir.service import Proposal, propose, wanted
from tests.support.ward import PROTOCOL, Ward, on

TODAY = "2026-11-21"
# Seven doses every other day from 21 November: on 5 December the first is long overdue.
LATE = "2026-12-05"


@pytest.fixture
def ward() -> Ward:
    """A plan that was signed on 2026-11-21; the server's own clock stands in January."""
    server = MemoryServer(check_references=True)
    made = Ward(server, "p1", lambda *resources: [server.put(r) for r in resources])
    made.once(TODAY)
    made.sign(TODAY)
    return made


def record(ward: Ward) -> list[Any]:
    return list(ward.desk(TODAY).read(ward.patient))


def proposal(ward: Ward, day: str = LATE) -> Proposal:
    return propose(record(ward), PROTOCOL, on(day), ward.site, ward.patient)


def report(ward: Ward, day: str, **settings: Any) -> SyncReport:
    asked = SyncSettings(patients=(ward.patient,), workers=1, **settings)
    return sync(ward.server, PROTOCOL, ward.site, on(day), asked)


def test_late_doses_are_counted_and_named_by_their_order(ward):
    done = report(ward, LATE)
    (order,) = (r["id"] for r in ward.stored("MedicationRequest") if r["intent"] == "order")
    line = f"Patient/p1: dose 1 of MedicationRequest/{order}, due on 2026-11-21, is missed"
    assert done.overdue == (line,)
    assert done.problems() == (line,)
    assert "Doses overdue: 1." in done.lines()
    assert done.resources_written == 1
    assert not done.partial
    assert report(ward, LATE).resources_written == 0


def test_a_dry_run_names_late_doses_and_writes_nothing(ward):
    before = ward.server.transactions
    done = report(ward, LATE, dry_run=True)
    assert (len(done.overdue), done.resources_written) == (1, 0)
    assert ward.server.transactions == before


def test_a_run_without_late_doses_does_not_speak_of_them(ward):
    done = report(ward, TODAY)
    assert done.problems() == ()
    assert not [line for line in done.lines() if "overdue" in line]


def test_the_account_of_a_task_about_a_dose_names_the_order_it_rests_on(ward):
    report(ward, LATE)
    (order,) = (r["id"] for r in ward.stored("MedicationRequest") if r["intent"] == "order")
    last = ward.server.all("Provenance")[-1]
    assert [e["what"]["reference"] for e in last["entity"]] == [f"MedicationRequest/{order}"]


def test_what_cannot_be_followed_is_said(ward):
    """Without the day of its last change nobody knows what is late; all else is done."""
    stored = [
        {**r, "meta": {"versionId": "1"}} if r.get("intent") in ("plan", "order") else r
        for r in record(ward)
    ]
    sent: list[Write] = []
    found = look_beside(proposal(ward), stored, lambda write, _: sent.append(write) or "")
    assert (found.overdue, found.written, sent) == ((), 0, [])
    assert found.problem.startswith("the doses were not followed: CarePlan/")
    told = PatientResult(ward.patient, "nothing", "", problem=found.problem)
    report = SyncReport()
    report.add(told)
    assert report.problems() == (f"Patient/p1: {found.problem}",)


def test_a_server_without_transactions_is_told_of_late_doses_by_the_report_alone(ward):
    before = ward.server.transactions
    done = report(ward, LATE, told={"transaction": False})
    assert (len(done.overdue), done.resources_written) == (1, 0)
    assert done.problems()[-1].startswith("Patient/p1: not written: a dose is late: ")
    assert ward.server.transactions == before


def test_what_the_server_cannot_take_is_said(ward):
    found = look_beside(proposal(ward), record(ward), lambda _write, _inputs: "no transactions")
    assert (len(found.overdue), found.written) == (1, 0)
    assert found.problem == "not written: a dose is late: no transactions"


@pytest.mark.parametrize(
    ("without", "kinds"),
    [
        ((), {"RiskAssessment", "DetectedIssue", "Task"}),
        (("RiskAssessment",), {"DetectedIssue", "Task"}),
        (("Task", "DetectedIssue"), {"RiskAssessment"}),
    ],
)
def test_a_notice_holds_what_the_server_keeps(ward, without, kinds):
    ward.server.put(ward.stored("Observation")[0] | {"status": "entered-in-error"})
    asked = wanted(proposal(ward), record(ward), without=without)
    assert asked.bundle is not None
    held = {entry["resource"]["resourceType"] for entry in asked.bundle["entry"]}
    assert held == kinds | {"Device"}


def test_a_server_that_keeps_no_part_of_a_notice_gets_none(ward):
    ward.server.put(ward.stored("Observation")[0] | {"status": "entered-in-error"})
    without = ("RiskAssessment", "DetectedIssue", "Task")
    assert wanted(proposal(ward), record(ward), without=without).bundle is None


def test_where_no_issue_is_kept_a_replacement_goes_without_one(ward):
    (condition,) = ward.stored("Condition")
    system = condition["verificationStatus"]["coding"][0]["system"]
    bare = {k: v for k, v in condition.items() if k != "clinicalStatus"}
    ward.server.put(
        bare | {"verificationStatus": {"coding": [{"system": system, "code": "refuted"}]}}
    )
    asked = wanted(proposal(ward, TODAY), record(ward), without=("DetectedIssue",))
    assert asked.bundle is not None
    kinds = [entry["resource"]["resourceType"] for entry in asked.bundle["entry"]]
    assert "DetectedIssue" not in kinds
    plan = next(e["resource"] for e in asked.bundle["entry"] if "replaces" in e["resource"])
    assert len(plan["replaces"]) == 1


def test_an_order_that_runs_no_longer_is_not_replaced(ward):
    """Somebody stopped the order by hand: the plan is in force, but nothing of it would end."""
    (order,) = (r for r in ward.stored("MedicationRequest") if r["intent"] == "order")
    ward.server.put(order | {"status": "stopped"})
    (condition,) = ward.stored("Condition")
    system = condition["verificationStatus"]["coding"][0]["system"]
    bare = {k: v for k, v in condition.items() if k != "clinicalStatus"}
    ward.server.put(
        bare | {"verificationStatus": {"coding": [{"system": system, "code": "refuted"}]}}
    )
    asked = wanted(proposal(ward, TODAY), record(ward))
    assert asked.bundle is not None
    assert not [e for e in asked.bundle["entry"] if "priorPrescription" in e["resource"]]


def test_tests_to_confirm_replace_no_treatment(ward):
    """250 ng/L is between the limits: tests are due, but they are no other treatment."""
    ward.server.put(
        {
            **ward.stored("Observation")[0],
            "status": "corrected",
            "valueQuantity": {
                "value": 250,
                "unit": "ng/L",
                "system": "http://unitsofmeasure.org",
                "code": "ng/L",
            },
        }
    )
    for one in ward.stored("Condition"):
        ward.server.delete("Condition", one["id"])
    found = proposal(ward, TODAY)
    assert found.decision.intent.kind == "confirm"
    asked = wanted(found, record(ward))
    assert asked.bundle is not None
    kinds = {entry["resource"]["resourceType"] for entry in asked.bundle["entry"]}
    assert kinds == {"Device", "RiskAssessment", "DetectedIssue", "Task"}

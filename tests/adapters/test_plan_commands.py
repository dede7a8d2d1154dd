"""The commands on plans, from the words on the command line to what a person reads."""

import io
import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from b12fhir import wiring
from b12fhir.adapters.memory import MemoryServer
from b12fhir.fhir.identity import patient_key
from b12fhir.fhir.site import Site
from b12fhir.ports import Resource
from b12fhir.wiring import house
from tests.support.ward import Ward, on

URL = "http://127.0.0.1:1/fhir"
DAY = "2026-11-21"
SERVER = ("--server", URL, "--zone", "Europe/Berlin", "--as-of", f"{DAY}T10:00:00+01:00")
DOCTOR = ("--practitioner", "Practitioner/dr-p1")
# By default the server is known by its address, and the key is the site's default one.
KEY = f"{patient_key('Patient/p1', Site(server_id='http://memory.invalid/fhir'))}:e1:r1"


@pytest.fixture
def server(monkeypatch, tmp_path) -> MemoryServer:
    """One patient with a proposed plan, in the place of a real server; the audit is kept apart."""
    memory = MemoryServer(check_references=True)

    def store(*resources: Resource) -> None:
        for resource in resources:
            memory.put(resource)

    Ward(memory, "p1", store)
    monkeypatch.setattr(house, "RestServer", lambda *_a, **_k: nullcontext(memory))
    monkeypatch.chdir(tmp_path)
    assert b12fhir("sync", *SERVER)[0] == 0
    return memory


def b12fhir(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    environ = {"B12FHIR_AUDIT": "audit.jsonl", "COLUMNS": "120"}
    return wiring.main(argv, environ, out, err, lambda: on(DAY)), out.getvalue(), err.getvalue()


def orders(server: MemoryServer) -> list[dict[str, Any]]:
    return [one for one in server.all("MedicationRequest") if one["intent"] == "order"]


def test_the_worklist_says_what_waits_and_what_to_do(server):
    code, out, err = b12fhir("plans", *SERVER)
    assert (code, err) == (0, "")
    assert f"Patient/p1, plan {KEY}" in out
    assert "proposed" in out
    assert "induction: proposed: cyanocobalamin 1000 microgram/mL injection" in out
    assert "Next: Sign it, or reject it with a reason." in out
    assert "Plans: 1. Waiting for a signature: 1, urgent: 0." in out


def test_what_is_urgent_is_told_as_such(server):
    (task,) = server.all("Task")
    server.put(task | {"priority": "urgent"})
    out = b12fhir("plans", *SERVER)[1]
    assert out.startswith("URGENT proposed, due 2026-11-28: ")
    assert "urgent: 1." in out


def test_the_worklist_is_narrowed_by_patient_and_state(server):
    assert KEY in b12fhir("plans", *SERVER, "--patient", "p1", "--state", "proposed")[1]
    assert KEY not in b12fhir("plans", *SERVER, "--state", "done", "--state", "running")[1]
    assert "Plans: 0." in b12fhir("plans", *SERVER, "--patient", "Patient/other")[1]
    assert b12fhir("plans", *SERVER, "--state", "asleep")[0] == 2


def test_the_worklist_for_programs(server):
    code, out, _ = b12fhir("plans", *SERVER, "--json")
    (plan,) = json.loads(out)["plans"]
    assert (code, plan["key"], plan["state"], plan["patient"]) == (0, KEY, "proposed", "Patient/p1")
    # Seven doses every other day from the 21st end on 3 December.
    assert (plan["phases"][0]["start"], plan["phases"][0]["end"]) == (DAY, "2026-12-03")
    assert plan["phases"][2]["end"] is None


def test_a_signature_says_what_was_ordered_and_stands_in_the_worklist(server):
    code, out, err = b12fhir("approve", *SERVER, "--plan", KEY, *DOCTOR)
    assert code == 0
    assert "Ordered: phase induction: cyanocobalamin" in out
    assert "No clinician has reviewed" in err
    assert [order["status"] for order in orders(server)] == ["active"]
    assert (
        "signed by Practitioner/dr-p1 at 2026-11-21T10:00:00+01:00" in b12fhir("plans", *SERVER)[1]
    )
    code, _, err = b12fhir("approve", *SERVER, "--plan", KEY, *DOCTOR)
    assert code == 41
    assert "name it: --phase induction-2" in err
    wish = ("--phase", "induction-2", "--start", "2026-12-14")
    assert b12fhir("approve", *SERVER, "--plan", KEY, *DOCTOR, *wish)[0] == 0
    assert len(orders(server)) == 2


def test_a_dry_run_prints_the_transaction_and_sends_nothing(server):
    sent = server.transactions
    code, out, err = b12fhir("approve", *SERVER, "--plan", KEY, *DOCTOR, "--dry-run")
    assert (code, server.transactions) == (0, sent)
    assert json.loads(out)["type"] == "transaction"
    assert "Nothing was written. This would be:" in err


def _edited(server: MemoryServer) -> None:
    (plan,) = server.all("CarePlan")
    server.put(plan | {"description": "Mine"})


@pytest.mark.parametrize(
    ("change", "argv", "code", "said"),
    [
        (None, ("--practitioner", "Practitioner/none"), 42, "not known"),
        (None, (*DOCTOR, "--start", "tomorrow"), 2, "is no day"),
        (None, (*DOCTOR, "--phase", "oral"), 40, "not the one"),
        (_edited, DOCTOR, 43, "--accept-changes"),
    ],
)
def test_a_refusal_is_one_line_with_a_code_of_its_own(
    server, change: Callable[[MemoryServer], None] | None, argv, code, said
):
    if change is not None:
        change(server)
    got, out, err = b12fhir("approve", *SERVER, "--plan", KEY, *argv)
    assert (got, out, err.count("\n")) == (code, "", 1)
    assert said in err
    assert orders(server) == []


def test_a_start_that_has_passed_asks_for_a_new_day(server):
    late = ("--server", URL, "--zone", "Europe/Berlin", "--as-of", "2026-11-24")
    code, _, err = b12fhir("approve", *late, "--plan", KEY, *DOCTOR)
    assert code == 44
    assert "--start" in err
    again = ("approve", *late, "--plan", KEY, *DOCTOR, "--start", "2026-11-25")
    code, out, _ = b12fhir(*again)
    assert code == 0
    assert "from 2026-11-25" in out
    (order,) = orders(server)
    # The day asked about judges; the signature bears the moment in which it was given.
    assert order["authoredOn"].startswith(DAY)


def test_reject_withdraw_and_close_take_their_reasons(server):
    assert b12fhir("reject", *SERVER, "--plan", KEY, *DOCTOR)[0] == 2
    code, out, _ = b12fhir("reject", *SERVER, "--plan", KEY, *DOCTOR, "--reason", "Elsewhere")
    assert code == 0
    assert "is rejected" in out
    assert b12fhir("withdraw", *SERVER, "--plan", KEY, "--reason", "Twice")[0] == 41
    assert b12fhir("close", *SERVER, "--plan", KEY, *DOCTOR)[0] == 41
    assert "Nothing to write" in b12fhir("sync", *SERVER)[1]


def test_a_draft_is_withdrawn_without_a_practitioner(server):
    code, out, _ = b12fhir("withdraw", *SERVER, "--plan", KEY, "--reason", "Twice")
    assert code == 0
    assert "Nothing of it was ordered." in out

"""What others do while a run is under way: clinicians, other runs, a machine that falls asleep."""

import json
import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults import acts
from tests.faults.kills import begin
from tests.faults.proxy import Asked, between
from tests.faults.ward import ANSWER_S, BEFORE, Ward
from tests.support.auth_server import real_time

pytestmark = [pytest.mark.hapi, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def drafted(make_ward) -> Ward:
    """A patient with a draft that the next run wants to write anew: the result was corrected."""
    ward = make_ward("02")
    assert ward.sync(day=BEFORE).code == 0
    result = ward.read(f"Observation/{ward.patient('02')}-b12")
    value = {**result["valueQuantity"], "value": 131}
    ward.put({**result, "status": "corrected", "valueQuantity": value})
    return ward


def changes_a_plan(asked: Asked) -> bool:
    """The transaction that writes the draft anew."""
    entries = json.loads(asked.body)["entry"]
    return any(entry["request"]["url"].startswith("CarePlan") for entry in entries)


def the_plan(ward: Ward) -> dict[str, Any]:
    (plan,) = ward.plans("02")
    return plan


def test_a_draft_is_written_anew_when_nobody_interferes(drafted: Ward) -> None:
    """Otherwise the two tests below would prove nothing."""
    before = the_plan(drafted)["meta"]["versionId"]
    assert drafted.sync().code == 0
    assert the_plan(drafted)["meta"]["versionId"] != before


def test_what_a_clinician_changes_between_our_read_and_our_write_survives(drafted: Ward) -> None:
    note = [{"text": "Seen by the ward: wait for the second sample."}]

    def edit() -> None:
        drafted.edit(f"CarePlan/{the_plan(drafted)['id']}", note=note)

    with between(drafted.base) as proxy:
        proxy.on("edit", "transaction", acts.meanwhile(edit), 1, fits=changes_a_plan)
        done = drafted.sync(at=proxy.base)
        assert proxy.did("edit") == 1
    assert done.code == 0, done.err
    assert the_plan(drafted)["note"] == note
    assert drafted.sync().written == 0
    assert the_plan(drafted)["note"] == note
    assert drafted.audit() == []


def test_a_signature_between_our_read_and_our_write_meets_the_changed_record(drafted: Ward) -> None:
    """Whoever is first: nothing is ordered on a decision that does not hold any more."""
    refused: list[str] = []

    def sign() -> None:
        with pytest.raises(AssertionError, match="today the decision is another") as error:
            drafted.sign("02", "--accept-changes")
        refused.append(str(error.value))

    with between(drafted.base) as proxy:
        proxy.on("sign", "transaction", acts.meanwhile(sign), 1, fits=changes_a_plan)
        done = drafted.sync(at=proxy.base)
    assert (done.code, len(refused)) == (0, 1), done.err
    orders = [*drafted.all("MedicationRequest"), *drafted.all("ServiceRequest")]
    assert {one["intent"] for one in orders} == {"proposal"}
    assert drafted.audit() == []


@pytest.mark.parametrize("shared", [True, False], ids=["one store", "two stores"])
def test_two_runs_at_once_do_what_one_does(make_ward, quiet, tmp_path: Path, shared) -> None:
    ward = make_ward()
    begin(ward)
    other = Ward(ward.base, tmp_path / "other", ward.name, clock=ward.clock)
    other.folder.mkdir()
    if shared:
        other.settings["B12FHIR_SYNC_STORE"] = ward.environment()["B12FHIR_SYNC_STORE"]
    processes = [one.start() for one in (ward, other)]
    said = [one.communicate(timeout=ANSWER_S) for one in processes]
    codes = [one.returncode for one in processes]
    # Without a common store, who loses a race for a patient too often says so.
    assert set(codes) <= ({0} if shared else {0, 30}), said
    quiet.check(ward)
    assert other.audit() == []


def test_a_run_that_slept_while_another_did_its_work_doubles_nothing(make_ward, quiet) -> None:
    """Its transaction arrives late, from a state that is long out of date."""
    ward = make_ward()
    begin(ward)
    sleeping = threading.Event()
    with between(ward.base) as proxy:
        process = ward.start("--workers", "1", at=proxy.base)

        def sleep(asked: Asked) -> None:
            if asked.kind == "transaction" and not sleeping.is_set():
                os.killpg(process.pid, signal.SIGSTOP)
                sleeping.set()
                # On its way already, and delayed until all is done.
                woken.wait(ANSWER_S)

        woken = threading.Event()
        proxy.before = sleep
        assert sleeping.wait(ANSWER_S)
        # As after its last beat: its turns are anybody's.
        other = Ward(ward.base, ward.folder / "other", ward.name, clock=ward.clock)
        other.folder.mkdir()
        while_asleep = other.sync()
        assert while_asleep.code == 0, while_asleep.err
        woken.set()
        os.killpg(process.pid, signal.SIGCONT)
        said = process.communicate(timeout=ANSWER_S)
    assert process.returncode in {0, 30}, said
    quiet.check(ward)


@pytest.mark.parametrize("hours", [(5, -5), (-5, 5)], ids=["set back", "set forward"])
def test_a_clock_of_ours_that_is_off_hides_no_change(make_ward, hours) -> None:
    """Off by hours from the server's, and by others in the next run."""
    ward = make_ward("02")
    for off, value in zip(hours, (150, 131), strict=True):
        ward.clock = lambda off=off: datetime.fromtimestamp(real_time(), UTC) + timedelta(hours=off)
        result = ward.read(f"Observation/{ward.patient('02')}-b12")
        ward.put({**result, "valueQuantity": {**result["valueQuantity"], "value": value}})
        done = ward.sync()
        assert done.code == 0, done.err
        assert done.written > 0
    assert ward.sync().written == 0


def test_a_state_that_is_no_database_is_said_and_its_loss_costs_only_time(make_ward) -> None:
    ward = make_ward("06")
    assert ward.sync().code == 0
    (ward.folder / "state" / "sync.sqlite3").write_bytes(b"no database at all" * 100)
    done = ward.sync()
    assert done.code == 15, done.err
    assert "sync.sqlite3" in done.err
    assert "Traceback" not in done.err
    ward.forget()
    again = ward.sync()
    assert (again.code, again.written) == (0, 0)


def test_a_token_that_is_over_in_the_middle_of_a_run_is_read_anew(make_ward) -> None:
    ward = make_ward("06", "55")
    token = ward.folder / "token"
    token.write_text("first")
    good = {"Bearer first"}

    def renew(exchange) -> None:
        token.write_text("second")
        good.clear()
        good.add("Bearer second")
        acts.status(401)(exchange)

    with between(ward.base) as proxy:
        proxy.on("renewed", "reading", renew, 12)
        proxy.on("refused", "any", acts.status(401), fits=lambda a: _bearer(a) not in good)
        done = ward.sync("--token-file", str(token), at=proxy.base)
        assert proxy.did("renewed") == 1
        refused = proxy.did("refused")
    assert done.code == 0, done.err
    # At most what was under way in the other worker.
    assert refused <= 1
    assert len(ward.all("CarePlan")) == 2


def test_a_token_that_nobody_renews_ends_the_run_and_the_next_one_goes_on(make_ward) -> None:
    ward = make_ward("06", "55")
    token = ward.folder / "token"
    token.write_text("first")
    with between(ward.base) as proxy:
        proxy.on("refused", "any", acts.status(401), fits=lambda a: a.read > 12)
        done = ward.sync("--token-file", str(token), at=proxy.base)
    assert done.code in {22, 30}, done.err
    assert "first" not in done.out + done.err
    assert ward.sync().code == 0
    assert len(ward.all("CarePlan")) == 2
    assert ward.audit() == []


def _bearer(asked: Asked) -> str:
    return asked.headers.get("Authorization", "")

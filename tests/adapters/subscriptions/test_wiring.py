"""Listening from the command line: what is asked for before it starts, and what a pass does."""

import io
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from b12fhir import config, wiring
from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.subscriptions.watcher import Passed
from b12fhir.adapters.sync.report import FAILED, NOTHING, UNDECIDED, PatientResult, SyncReport
from b12fhir.errors import StoreError
from b12fhir.wiring import house
from b12fhir.wiring.listening import make_ear, one_pass, summed
from tests.support.hook_parts import observation
from tests.support.hub import Hub

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
URL = "https://ehr.example.org/fhir"
SECRET = "0123456789abcdef"  # noqa: S105 - invented
HERE = "https://b12.example.org/subscriptions/notify"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")
    return tmp_path


def b12fhir(*argv: str, **environ: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    named = {f"B12FHIR_{name}": value for name, value in environ.items()}
    code = wiring.main(argv, named, out, err, lambda: NOW)
    assert SECRET not in out.getvalue() + err.getvalue()
    return code, out.getvalue(), err.getvalue()


LISTENS = {"SERVER": URL, "SUBSCRIPTION_SECRET_FILE": "secret"}


def test_one_that_only_listens_needs_no_client():
    """CDS Hooks then answer nobody, which is safe; without --subscriptions it is a mistake."""
    code, out, _ = b12fhir("serve", "--check", "--subscriptions", **LISTENS)
    assert code == 0
    assert out.endswith("The settings are good.\n")
    assert "subscription_secret_file = secret\n" in out
    assert b12fhir("serve", "--check", **LISTENS)[0] == 12


@pytest.mark.parametrize(
    ("text", "changed", "said"),
    [
        (SECRET, {"SERVER": ""}, "No FHIR server is named."),
        (SECRET, {"SUBSCRIPTION_SECRET_FILE": ""}, "No file of a secret is named"),
        (SECRET, {"SUBSCRIPTION_SECRET_FILE": "gone"}, "The secret file gone cannot be read"),
        (SECRET[:-1], {}, "does not hold one secret of 16 characters or more."),
        (f"{SECRET} x", {}, "does not hold one secret of 16 characters or more."),
        (SECRET * 40, {}, "does not hold one secret of 16 characters or more."),
        (SECRET, {"SYNC_STORE": "off"}, "each notification would read every patient"),
        (SECRET, {"SYNC_STORE": "sqlite:///:memory:"}, "names no file"),
        (SECRET, {"SYNC_EVERY_S": "86401"}, "not a whole number from 0 to 86400"),
    ],
)
def test_what_is_missing_or_unsafe_is_one_line_before_anything_starts(folder, text, changed, said):
    (folder / "secret").write_text(text, "utf-8")
    code, out, err = b12fhir("serve", "--check", "--subscriptions", **(LISTENS | changed))
    assert (code, out) == (12, "")
    assert said in err
    assert err.count("\n") == 1 + err.count("WARNING")
    assert text not in err


@pytest.fixture
def hub(monkeypatch) -> Hub:
    made = Hub()
    monkeypatch.setattr(house, "RestServer", lambda *_a, **_k: nullcontext(made))
    return made


def test_installed_shown_and_removed_at_the_address_of_the_settings(hub):
    settings = {**LISTENS, "PUBLIC_URL": "https://b12.example.org"}
    code, out, _ = b12fhir("subscriptions", "show", **settings)
    assert (code, out) == (30, f"0 of 0 Subscriptions to {HERE} are active.\n")
    code, out, _ = b12fhir("subscriptions", "install", "--dry-run", **settings)
    assert code == 0
    assert out.endswith("Would change 2.\n")
    assert hub.sent == []
    code, out, err = b12fhir("subscriptions", "install", **settings)
    assert (code, err) == (0, "")
    assert out.endswith(f"2 of 2 Subscriptions to {HERE} are active.\n")
    assert b12fhir("subscriptions", "show", **settings)[0] == 0
    code, out, _ = b12fhir("subscriptions", "remove", **settings)
    assert (code, out) == (0, f"Removed 2 Subscriptions to {HERE}.\n")
    assert hub.held == {}


def test_a_servers_own_words_stay_off_what_is_no_terminal(hub):
    hub.refuses = "Patient?"
    code, out, err = b12fhir("subscriptions", "install", "--endpoint", HERE, **LISTENS)
    assert code == 30
    assert "Patient?: refused by the server (HTTP 422).\n" in out
    assert "their words" not in out + err
    assert "run this in a terminal" in err


def test_a_secret_travels_in_the_clear_only_if_that_is_said(hub):
    far = ("subscriptions", "install", "--endpoint", "http://b12.example.org/notify")
    code, _, err = b12fhir(*far, **LISTENS)
    assert code == 12
    assert "unencrypted to http://b12.example.org/notify" in err
    assert hub.sent == []
    assert b12fhir(*far, "--allow-http", **LISTENS)[0] == 0
    near = ("subscriptions", "install", "--endpoint", "http://127.0.0.1:8000/notify")
    assert b12fhir(*near, **LISTENS)[0] == 0


def test_without_a_secret_nothing_is_installed(hub):
    code, _, err = b12fhir("subscriptions", "install", "--endpoint", HERE, SERVER=URL)
    assert code == 12
    assert "No file of a secret is named" in err
    assert hub.sent == []


def built(memory: MemoryServer, monkeypatch) -> house.House:
    monkeypatch.setattr(house, "RestServer", lambda *_a, **_k: nullcontext(memory))
    names = {f"B12FHIR_{name}": value for name, value in LISTENS.items()}
    return house.House(config.load(names, {}), lambda: NOW, io.StringIO())


def test_a_pass_writes_the_draft_plan_of_whoever_has_a_low_result(monkeypatch):
    patient = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1970-01-01"}
    memory = MemoryServer([patient, observation("lab", "95", effectiveDateTime="2026-11-17")])
    there = built(memory, monkeypatch)
    assert one_pass(there, lambda: False) == Passed({"create": 1})
    (plan,) = memory.all("CarePlan")
    assert (plan["status"], plan["intent"]) == ("draft", "proposal")
    assert one_pass(there, lambda: False).kinds.get("create", 0) == 0
    assert len(memory.all("CarePlan")) == 1
    assert (there.settings.audit_file(writes=True)).exists()


def test_the_ear_has_the_pace_of_the_settings(monkeypatch):
    ear = make_ear(built(MemoryServer(), monkeypatch), lambda _: Passed())
    assert ear.watcher._pace.every_s == 300
    assert ear.door.name == "subscriptions"


def test_patients_who_were_not_done_are_counted():
    kinds = (NOTHING, FAILED, UNDECIDED, NOTHING)
    done = SyncReport()
    for number, kind in enumerate(kinds):
        done.add(PatientResult(f"Patient/{number}", kind, ""))
    done.looked = "all"
    assert summed(done) == Passed({NOTHING: 2, FAILED: 1, UNDECIDED: 1}, undone=2)
    done.troubles = ("Observation: its changes could not be had",)
    assert summed(done).undone == 3
    done.looked = ""
    assert not summed(done).looked
    done.error = StoreError("gone")
    with pytest.raises(StoreError):
        summed(done)

"""What a run keeps in mind and tells: versions, its fingerprint, papers, progress, signals."""

import io
import json
import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from b12fhir import wiring
from b12fhir.adapters import files
from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.report import Terminal
from b12fhir.adapters.sync.fingerprint import fingerprint
from b12fhir.adapters.sync.known import Recent, written
from b12fhir.errors import ConfigError, RefusedError
from b12fhir.facts.medicines import Route
from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.fhir.formulary import Formulary, LocalDrug
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service.gist import Foremost, Gist
from b12fhir.service.rounds import DONE, sync_schema
from b12fhir.wiring import house
from b12fhir.wiring.stopping import Stop, stopping
from tests.adapters.database.book.samples import BEFORE_CLIENTS
from tests.adapters.test_sync_audit import b12
from tests.support.phi import assert_no_phi, sentinel_patient
from tests.support.schemas import wrong

T0 = datetime(2026, 11, 21, 10, tzinfo=UTC)
PATIENT = "Patient/p1"
DAY = "2026-11-21"


# Versions


def stored(kind: str, at: str | None = "2026-11-21T10:00:00Z", version: str = "1", **more) -> dict:
    meta = {"versionId": version} | ({"lastUpdated": at} if at else {})
    return {"resourceType": kind, "id": "r", "meta": meta, "subject": {"reference": PATIENT}} | more


@pytest.mark.parametrize(
    ("resource", "is_kept"),
    [
        (stored("Observation"), True),
        # Just at the mark less the overlap, and a millisecond before: that cannot come again.
        (stored("Observation", "2026-11-21T09:50:00Z"), True),
        (stored("Observation", "2026-11-21T09:49:59.999Z"), False),
        # A type without a mark may come whole.
        (stored("Condition", "2020-01-01T00:00:00Z"), True),
        # It may have been another patient's before.
        (stored("Observation", version="2"), False),
        (stored("Observation", None), False),
        (stored("Observation", subject={"reference": "Patient/p2"}), False),
        (stored("Medication"), False),
        (stored("Patient"), False),
    ],
)
def test_only_first_versions_of_this_patient_within_the_overlap_are_kept(resource, is_kept):
    recent = Recent({"Observation": T0}, timedelta(minutes=10))
    assert bool(list(recent.read([resource], PATIENT))) is is_kept
    assert list(Recent().read([resource], PATIENT)) == []


def test_what_a_transaction_wrote_is_read_off_its_answer():
    def entry(method: str) -> dict:
        return {"request": {"method": method}}

    def reply(location: str, status: str = "201 Created", **more) -> dict:
        return {"response": {"status": status, "location": location, **more}}

    bundle = {"entry": [entry("POST"), entry("PUT"), entry("POST"), entry("POST"), entry("POST")]}
    answer = {
        "entry": [
            reply("CarePlan/1/_history/1", lastModified="2026-11-21T11:00:00Z"),
            reply("http://x/fhir/Task/2/_history/7", "200 OK"),
            # It was there already: somebody else wrote it.
            reply("Goal/3/_history/1", "200 OK"),
            # A type that no look asks for, and an answer that does not say.
            reply("Provenance/4/_history/1"),
            {},
        ]
    }
    found = [(one.kind, one.id, one.version, one.at) for one in written(bundle, answer, T0)]
    later = T0 + timedelta(hours=1)
    assert found == [("CarePlan", "1", "1", later), ("Task", "2", "7", T0)]


# The fingerprint


def drugs(*names: str) -> Formulary:
    return Formulary(by_name={"x": LocalDrug(frozenset(names), route=Route.IM)})


def test_the_fingerprint_changes_with_whatever_decides_and_with_nothing_else():
    can = read_capabilities(MemoryServer().capabilities())
    protocol, site = load_protocol(), Site()
    late = replace(protocol, limits=replace(protocol.limits, recheck_months=99))
    prints = {
        fingerprint(protocol, site, can),
        fingerprint(late, site, can),
        fingerprint(protocol, site, can, "2026-11-20"),
        fingerprint(protocol, site, replace(can, told={"if_match": False})),
        *(
            fingerprint(protocol, replace(site, **change), can)
            for change in (
                {"site_key": "other"},
                {"server_id": "other"},
                {"canonical": "https://other.example"},
                {"zone": ZoneInfo("Europe/Berlin")},
                {"approve_days": 3},
                {"drugs": drugs("a")},
            )
        ),
    }
    assert len(prints) == 10
    assert fingerprint(load_protocol(), Site(), can) in prints
    # A set has no order that another process would share.
    some, same = (replace(site, drugs=drugs(*names)) for names in (("a", "b"), ("b", "a")))
    assert fingerprint(protocol, some, can) == fingerprint(protocol, same, can)


# What is kept of many


def test_the_foremost_are_kept_and_the_rest_counted():
    kept = Foremost[int](lambda number: (number,), 3)
    for number in (9, 1, 8, 2, 7, 3, 6, 4, 5):
        kept.add(number)
    assert (list(kept), kept.total, kept.left_out) == ([1, 2, 3], 9, 6)
    assert Gist().kept.left_out == 0


# Progress


def test_without_a_terminal_progress_is_a_line_a_minute():
    seconds = iter((0, 10, 61, 61, 80, 121, 121))
    stream = io.StringIO()
    with Terminal(stream, {}, lambda: next(seconds)).progress("Patients") as ticker:
        ticker.begin(2)
        ticker.step("1 written")
        ticker.step("2 written")
        ticker.step()
        ticker.step()
    # The third was noted after it began.
    assert stream.getvalue().splitlines() == [
        "Patients: 2 of 2; 2 written.",
        "Patients: 4 of 4.",
    ]


# Signals


def test_the_first_signal_asks_and_the_second_ends_it():
    before = signal.getsignal(signal.SIGTERM)
    with stopping() as stop:
        stop.gentle()
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_before_anybody_is_worked_on_a_signal_ends_it_there_and_then():
    with pytest.raises(KeyboardInterrupt):
        Stop().hear(signal.SIGTERM, None)


def test_in_another_thread_no_signal_can_be_heard():
    heard: list[bool] = []

    def listen() -> None:
        with stopping() as stop:
            heard.append(stop.asked)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert heard == [False]


# The command


@pytest.fixture
def server(monkeypatch) -> MemoryServer:
    """One urgent patient, with a name that must show nowhere."""
    memory = MemoryServer([sentinel_patient(), b12(95)])
    monkeypatch.setattr(house, "RestServer", lambda *_a, **_k: nullcontext(memory))
    return memory


def b12fhir(*argv: str | Path, **environ: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    words = ("sync", "--server", "http://127.0.0.1:1/fhir", *map(str, argv))
    code = wiring.main(words, environ, out, err, lambda: datetime(2026, 11, 21, 12, tzinfo=UTC))
    return code, out.getvalue(), err.getvalue()


def told(folder: Path) -> dict:
    return json.loads((folder / "sync.json").read_text("utf-8"))


def test_the_report_of_a_run_follows_its_schema_and_names_nobody(server, tmp_path):
    bad = b12(95) | {"id": "odd", "valueQuantity": {"value": 95, "unit": "pg/dL"}}
    server.put(bad)
    code, out, err = b12fhir("--out", tmp_path)
    assert (code, err) == (0, "")
    report = told(tmp_path)
    assert wrong(report, sync_schema()) == []
    (row,) = report["rows"]
    assert (row["patient"], row["kind"], report["counts"]) == (
        "Patient/sentinel",
        "create",
        {"create": 1},
    )
    assert any("Observation/odd" in text for text in row["set_aside"])
    assert (report["looked"], report["waiting"], report["patients"]) == ("all", 0, 1)
    assert row["written"] == report["written"] > 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<h2>The run</h2>" in page
    assert DONE["create"] in page
    assert len((tmp_path / "proposals.ndjson").read_bytes().splitlines()) == 1
    for text in (out, page, json.dumps(report)):
        assert_no_phi(text)


def test_a_second_run_looks_only_at_changes_and_writes_nothing(server, tmp_path):
    b12fhir()
    sent = server.transactions
    code, out, _ = b12fhir("--out", tmp_path)
    assert (code, server.transactions) == (0, sent)
    assert told(tmp_path)["looked"] == "changes"
    assert "Looked at patients of whom something changed" in out
    _, out, _ = b12fhir("--full")
    assert "Nothing to write: 1 patients stand unchanged." in out


def test_a_run_for_another_day_reads_everybody_and_so_does_the_next_for_today(server, tmp_path):
    b12fhir()
    for more in (("--as-of", "2026-11-20"), ()):
        b12fhir(*more, "--out", tmp_path)
        assert told(tmp_path)["looked"] == "all"


def test_a_patient_by_name_and_since_a_day(server, tmp_path):
    _, out, _ = b12fhir("--patient", "sentinel", "--out", tmp_path)
    assert told(tmp_path)["looked"] == "named"
    assert "1  patients in all" in out
    # The stamps of the server in memory begin in January.
    for day, seen in (("2025-01-01", 1), ("2026-11-21T10:00:00Z", 0)):
        b12fhir("--since", day, "--out", tmp_path)
        assert (told(tmp_path)["looked"], told(tmp_path)["patients"]) == ("changes", seen)
    code, _, err = b12fhir("--since", "May")
    assert code == 2
    assert "--since 'May' is no day or instant" in err
    assert b12fhir("--full", "--patient", "x")[0] == 2


def test_what_could_not_be_written_is_told_with_its_urgency(server, tmp_path, monkeypatch):
    def refuse(_bundle: object) -> None:
        raise RefusedError("The server refused the plan.", status=422)

    monkeypatch.setattr(server, "transaction", refuse)
    code, out, err = b12fhir("--out", tmp_path)
    assert code == RefusedError.exit_code
    assert "1  patients in all" in out
    assert "Patient/sentinel: failed" in err
    report = told(tmp_path)
    assert (report["rows"][0]["kind"], report["waiting"]) == ("failed", 1)
    assert report["rows"][0]["classification"] == "confirmed"


def test_a_stop_by_signal_ends_with_its_code_and_the_next_run_goes_on(server, monkeypatch):
    """The signal comes while the first patient is written: that one ends, the other waits."""
    server.put({"resourceType": "Patient", "id": "other"})
    send, hear, heard = server.transaction, Stop.hear, threading.Event()

    def note(*told: Any) -> None:
        hear(*told)
        heard.set()

    def ask(bundle: dict) -> object:
        if len(bundle["entry"]) > 1:
            os.kill(os.getpid(), signal.SIGTERM)
            assert heard.wait(20)
        return send(bundle)

    monkeypatch.setattr(Stop, "hear", note)
    monkeypatch.setattr(server, "transaction", ask)
    monkeypatch.setattr(wiring.syncing, "SyncSettings", _one_worker(wiring.syncing.SyncSettings))
    code, out, _ = b12fhir()
    assert (code, len(server.all("CarePlan"))) == (130, 1)
    assert "Stopped before the end" in out
    assert "Waiting for the next run: 1 patients." in out
    monkeypatch.setattr(server, "transaction", send)
    code, out, _ = b12fhir()
    assert code == 0
    assert "1  patients in all" in out


def _one_worker(made: Callable) -> Callable:
    return lambda **more: made(**(more | {"workers": 1}))


def test_without_the_database_library_a_run_works_and_says_so(server, monkeypatch):
    import builtins  # noqa: PLC0415 - only to take a module away

    really = builtins.__import__

    def lacking(name: str, *more: object) -> object:
        if name == "b12fhir.adapters.database":
            raise ModuleNotFoundError(name="sqlalchemy")
        return really(name, *more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    code, _, err = b12fhir()
    assert code == 0
    assert "sqlalchemy is not installed" in err
    assert b12fhir(B12FHIR_SYNC_STORE="off")[2] == ""
    code, _, err = b12fhir(B12FHIR_SYNC_STORE="sqlite:///x.sqlite3")
    assert code == ConfigError.exit_code
    assert "sync_store cannot be used" in err


def test_a_dry_run_makes_no_state(server, tmp_path):
    url = f"sqlite:///{tmp_path}/sync.sqlite3"
    assert b12fhir("--dry-run", B12FHIR_SYNC_STORE=url)[0] == 0
    assert not list(tmp_path.iterdir())


def test_a_dry_run_makes_and_upgrades_no_tables(server, tmp_path):
    """It works without the state and says so; whoever runs it may not be whoever upgrades."""
    url = f"sqlite:///{tmp_path}/sync.sqlite3"
    assert b12fhir(B12FHIR_SYNC_STORE=url)[0] == 0
    assert b12fhir("--dry-run", B12FHIR_SYNC_STORE=url)[2] == ""
    with closing(sqlite3.connect(tmp_path / "sync.sqlite3")) as older, older:
        older.execute("DROP TABLE sync_reader")
        for statement in BEFORE_CLIENTS:
            older.execute(statement)
        older.execute("UPDATE b12fhir_revision SET version_num = '0004'")
    code, out, err = b12fhir("--dry-run", B12FHIR_SYNC_STORE=url)
    assert (code, "1  patients in all" in out) == (0, True)
    assert "a dry run makes none: every patient is read" in err
    with closing(sqlite3.connect(tmp_path / "sync.sqlite3")) as same:
        found = same.execute("SELECT version_num FROM b12fhir_revision").fetchall()
        tables = {name for (name,) in same.execute("SELECT name FROM sqlite_master")}
    assert (found, "sync_reader" in tables) == ([("0004",)], False)
    assert b12fhir(B12FHIR_SYNC_STORE=url)[0] == 0


# Files that grow


def test_a_sheet_shows_only_when_it_is_whole(tmp_path):
    def half() -> None:
        with files.sheet(tmp_path, "a.txt") as add:
            add(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert not list(tmp_path.iterdir())
    with files.sheet(tmp_path, "a.txt") as add:
        add(b"wh")
        add(b"ole")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_bytes() == b"whole"
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o600

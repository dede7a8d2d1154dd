"""The command `calendar`: a table or a file of what stands on a server, which it only reads."""

import io
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from icalendar import Calendar

from b12fhir import wiring
from b12fhir.adapters.memory import MemoryServer
from b12fhir.wiring import house
from tests.support.courses import KEY, PATIENT, administered, monthly, order, signed_plan

CLOCK = datetime(2026, 11, 25, 8, tzinfo=UTC)
SERVER = ("--server", "http://127.0.0.1:1/fhir")


@pytest.fixture
def server(monkeypatch) -> MemoryServer:
    """A signed plan with its first dose given, on a server that took it in on d0."""
    signed = iter(f"2026-11-21T09:00:{second:02}Z" for second in range(60))
    memory = MemoryServer(
        [PATIENT, signed_plan(), order(), monthly(), administered("2026-11-21")],
        clock=lambda: next(signed),
    )
    monkeypatch.setattr(house, "RestServer", lambda *_a, **_k: nullcontext(memory))
    return memory


def b12fhir(*argv: Any) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    words = ["calendar", *SERVER, *(str(word) for word in argv)]
    code = wiring.main(words, {"COLUMNS": "160"}, out, err, lambda: CLOCK)
    return code, out.getvalue(), err.getvalue()


def test_the_table_of_a_patient(server) -> None:
    """Dose 2 was due on the 23rd, on time until the 24th, and is overdue on the 25th."""
    code, out, err = b12fhir("--patient", "p1")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"Plan {KEY} (active), doses as of 2026-11-25"
    assert lines[1] == "  induction: 1000 microgram hydroxocobalamin im; order active"
    assert lines[2].split() == [
        *("1", "2026-11-21", "given"),
        *("on", "2026-11-21,", "MedicationAdministration/dose-2026-11-21"),
    ]
    assert lines[3].split() == ["2", "2026-11-23", "overdue"]
    assert lines[4].split() == ["3", "2026-11-25", "scheduled"]
    assert "  maintenance: 1000 microgram hydroxocobalamin im; order active" in lines
    assert "! Dose 2 of 7 of induction was due on 2026-11-23" in lines[-1]
    assert lines[-1].endswith("(R-131)")


@pytest.mark.parametrize("who", [("--patient", "Patient/p1"), ("--plan", KEY)])
def test_the_same_by_reference_and_by_key(server, who) -> None:
    assert b12fhir(*who) == b12fhir("--patient", "p1")


def test_another_day_and_another_zone(server) -> None:
    _, out, _ = b12fhir("--patient", "p1", "--as-of", "2026-11-23", "--zone", "Asia/Kathmandu")
    assert out.splitlines()[3].split() == ["2", "2026-11-23", "due"]


def test_what_waits_behind_a_late_dose_says_so(server) -> None:
    """Three doses with a day in the past would read like three to be given at once."""
    _, out, _ = b12fhir("--patient", "p1", "--as-of", "2026-11-28")
    waiting = [line.split()[1] for line in out.splitlines() if "waits for the dose before" in line]
    assert waiting == ["2026-11-25", "2026-11-27"]


def test_nothing_is_written_to_the_server(server, tmp_path) -> None:
    b12fhir("--patient", "p1", "--ics", tmp_path / "doses.ics")
    assert server.transactions == 0


def test_the_file_can_be_read_by_its_owner_only_and_says_nothing_of_whom(server, tmp_path) -> None:
    target = tmp_path / "doses.ics"
    code, out, err = b12fhir("--plan", KEY, "--ics", target, "--label", "Room 3,")
    assert (code, err) == (0, "")
    assert str(target) in out
    assert target.stat().st_mode & 0o077 == 0
    events = list(Calendar.from_ical(target.read_bytes()).walk("VEVENT"))
    # dose 1, given on its day and so cancelled; 6 to give; 3 January to 25 November: 11 more
    assert len(events) == 1 + 6 + 11
    assert str(events[1]["SUMMARY"]) == "Room 3, Injection 2 of 7"


def test_the_same_data_give_the_same_file(server, tmp_path) -> None:
    files = [tmp_path / "a.ics", tmp_path / "b.ics"]
    for file in files:
        b12fhir("--patient", "p1", "--ics", file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_patient_without_a_signed_plan(monkeypatch) -> None:
    memory = MemoryServer([PATIENT, order()])
    monkeypatch.setattr(house, "RestServer", lambda *_a, **_k: nullcontext(memory))
    code, out, err = b12fhir("--patient", "p1")
    assert (code, out) == (11, "")
    assert err == (
        "b12fhir: This patient has no signed plan on this server: doses are counted from signed"
        " orders only. Proposals wait for a clinician; see the plans and who has signed them.\n"
    )


def test_a_patient_who_is_not_there(server) -> None:
    code, out, _ = b12fhir("--patient", "nobody")
    assert (code, out) == (11, "")


def test_a_key_that_nobody_has(server) -> None:
    code, _, err = b12fhir("--plan", "a1b2c3d4e5f60718:e9:r9")
    assert code == 11
    assert "There is no signed plan with this key" in err
    assert "a1b2c3d4e5f60718" not in err


def test_a_key_in_two_records(server) -> None:
    """A copied record: whichever is taken may be the wrong patient's."""
    server.put({**signed_plan(), "id": "copy", "subject": {"reference": "Patient/p2"}})
    code, _, err = b12fhir("--plan", KEY)
    assert code == 11
    assert "more than one patient" in err


@pytest.mark.parametrize(
    "argv",
    [("--plan", "induction"), (), ("--plan", KEY, "--patient", "p1"), ("--patient", "p1", "--x")],
    ids=["no key", "nobody", "both", "unknown option"],
)
def test_wrong_options(server, argv) -> None:
    code, out, _ = b12fhir(*argv)
    assert (code, out) == (2, "")


def test_an_order_that_was_edited_beyond_reading_is_said(server) -> None:
    server.put(order(dosageInstruction=[{"text": "three a week"}]))
    code, out, err = b12fhir("--patient", "p1")
    assert code == 0
    assert "warning: MedicationRequest/induction (induction): Timing has neither" in err
    assert "no slots: taken daily, or its timing could not be read" in out


def test_two_orders_for_one_phase_are_said(server) -> None:
    server.put({**order(), "id": "again"})
    _, _, err = b12fhir("--patient", "p1")
    assert "are doses ordered twice?" in err


def test_a_dose_beside_the_plan_and_an_order_without_a_dose_are_shown(server) -> None:
    server.put(administered("2026-11-22", request=None, medicationCodeableConcept={
        "text": "cyanocobalamin injection 1000 microgram"}))  # fmt: skip
    bare = order()
    del bare["dosageInstruction"][0]["doseAndRate"]
    server.put(bare)
    _, out, _ = b12fhir("--patient", "p1")
    assert "induction: dose not stated hydroxocobalamin im" in out
    assert out.splitlines()[9].split()[:3] == ["-", "-", "extra"]


def test_a_server_without_records_of_doses_is_told_of(server, monkeypatch) -> None:
    """Every dose would look as if it had not been given."""
    statement = server.capabilities()
    rows = statement["rest"][0]["resource"]
    rows[:] = [row for row in rows if row["type"] != "MedicationAdministration"]
    monkeypatch.setattr(server, "capabilities", lambda: statement)
    _, _, err = b12fhir("--patient", "p1")
    assert "no MedicationAdministration: doses given are not known" in err


def test_a_bad_day(server) -> None:
    assert b12fhir("--patient", "p1", "--as-of", "soon")[0] == 2


def test_a_file_that_cannot_be_written(server, tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    assert b12fhir("--patient", "p1", "--ics", tmp_path / "file" / "doses.ics")[0] == 12

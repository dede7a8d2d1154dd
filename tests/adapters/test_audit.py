"""The audit record: what was recorded stays, and whoever touches it shows."""

import json
import multiprocessing
import signal
import stat
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from b12fhir.adapters.audit import FileAudit, history, verify
from b12fhir.adapters.audit.chain import files_of, lines
from b12fhir.adapters.audit.line import GENESIS, make_line
from b12fhir.errors import AuditError
from b12fhir.ports import AuditEntry, AuditKind, AuditState, Recalled, Versioned

# 10:17 in Kathmandu is 04:32 in UTC: the record is kept in UTC whatever the site's zone.
NOON = datetime.fromisoformat("2026-11-21T10:17:23+05:45")
KEY = b"0123456789abcdef"
ANNA, BERTA = "a" * 16, "b" * 16


def decision(patient: str = ANNA, digest: str = "d1") -> AuditEntry:
    return AuditEntry(AuditKind.DECISION, "b12fhir/1", patient=patient, decision=digest)


def write(
    state: AuditState = AuditState.INTENDED, answers: str = "", patient: str = ANNA
) -> AuditEntry:
    written = (Versioned("CarePlan", "", "c1"), Versioned("Device"))
    return AuditEntry(
        AuditKind.WRITE,
        "b12fhir/1",
        state,
        patient=patient,
        plan=f"{patient}:e1:r1",
        written=written,
        answers=answers,
    )


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "state" / "audit.jsonl"


def book(path: Path, **more) -> FileAudit:
    return FileAudit(path, lambda: NOON, **more)


def kept(path: Path) -> list[AuditEntry]:
    return [line.entry for line in lines(path)]


# Keeping


def test_an_entry_is_one_line_with_number_instant_and_hashes(path):
    audit = book(path)
    first = audit.record(decision())
    second = audit.record(write())
    rows = [json.loads(row) for row in path.read_text("utf-8").splitlines()]
    assert [row["seq"] for row in rows] == [1, 2]
    assert [row["prev"] for row in rows] == [GENESIS, first]
    assert [row["hash"] for row in rows] == [first, second]
    assert rows[0]["at"] == "2026-11-21T04:32:23.000+00:00"
    assert rows[1]["written"] == [["CarePlan", "", "c1"], ["Device", "", ""]]
    assert "outcome" not in rows[0]
    assert kept(path) == [decision(), write()]


def test_a_whole_record_is_good_and_says_what_to_keep_elsewhere(path):
    audit = book(path)
    audit.record(decision())
    last = audit.record(decision(BERTA))
    found = verify(path)
    assert found.is_good
    assert found.lines() == (f"Audit record: 2 entries whole, the last one with hash {last}.",)


def test_only_the_owner_may_read_it(path):
    book(path).record(decision())
    for one in path.parent.iterdir():
        assert stat.S_IMODE(one.stat().st_mode) == 0o600, one.name
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_chain_goes_on_in_another_process_and_after_rotation(path):
    for number in range(5):
        book(path, rotate_at=1).record(decision(digest=f"d{number}"))
    names = [one.name for one in files_of(path)]
    assert names == [f"audit-{last:012d}.jsonl" for last in (1, 2, 3, 4)] + ["audit.jsonl"]
    assert [entry.decision for entry in kept(path)] == ["d0", "d1", "d2", "d3", "d4"]
    assert verify(path).is_good


def test_a_rotation_that_was_cut_short_goes_on(path):
    """The full file is renamed and the next one not begun."""
    book(path).record(decision())
    path.rename(path.with_name("audit-000000000001.jsonl"))
    assert verify(path).is_good
    book(path).record(decision(BERTA))
    assert verify(path).is_good
    assert [line.seq for line in lines(path)] == [1, 2]


def test_a_neighbour_with_a_similar_name_is_another_record(path):
    book(path).record(decision())
    book(path.with_name("audit-2.jsonl")).record(decision(BERTA))
    assert [entry.patient for entry in kept(path)] == [ANNA]


# What is remembered


def test_the_last_decision_of_each_patient_is_recalled_also_by_the_next_run(path):
    audit = book(path, rotate_at=1)
    assert audit.recall(ANNA) == Recalled()
    for entry in (decision(digest="d1"), decision(BERTA, "d2"), decision(digest="d3")):
        audit.record(entry)
    for reader in (audit, book(path)):
        assert reader.recall(ANNA).decision == "d3"
        assert reader.recall(BERTA).decision == "d2"


@pytest.mark.parametrize(
    ("end", "is_open"),
    [
        (AuditState.DONE, False),
        (AuditState.REFUSED, False),
        (AuditState.OVERTAKEN, False),
        (AuditState.UNCLEAR, True),  # the server may have written: somebody has to look
        (None, True),  # as after a crash
    ],
)
def test_a_write_is_open_until_its_end_is_known(path, end, is_open):
    audit = book(path)
    audit.recall(ANNA)
    name = audit.record(write())
    if end:
        audit.record(write(end, name))
    expected = Recalled("", name, frozenset({"c1"}), write().outcome) if is_open else Recalled()
    assert audit.recall(ANNA) == book(path).recall(ANNA) == expected
    found = verify(path)
    assert found.is_good is not is_open
    assert not found.broken
    assert any("entry 1 of" in line and f"{ANNA}:e1:r1" in line for line in found.lines()) is (
        is_open
    )


def test_the_end_of_an_older_write_does_not_close_a_newer_one(path):
    audit = book(path)
    older, newer = audit.record(write()), audit.record(write())
    audit.record(write(AuditState.DONE, older))
    assert book(path).recall(ANNA).unfinished == newer


# After a crash


def test_a_half_written_line_is_set_aside_and_the_chain_goes_on(path):
    audit = book(path)
    audit.record(decision())
    torn = make_line(decision(BERTA), "2026-11-21T04:32:23.000+00:00", 2, "x")[0][:40]
    with path.open("ab") as stream:
        stream.write(torn)
    assert verify(path).is_good
    assert "half written" in verify(path).notes[0]
    assert book(path).recall(ANNA).decision == "d1"  # a torn line is no entry, and hides none
    audit.record(decision(BERTA))
    aside = path.with_name("audit.jsonl.torn-2")
    assert aside.read_bytes() == torn
    assert [entry.outcome for entry in kept(path)] == ["", "torn-line-set-aside", ""]
    found = verify(path)
    assert found.is_good
    assert len(found.notes) == 2
    assert "mended itself" in found.notes[0]
    assert str(aside) in found.notes[1]


def test_a_first_line_that_was_never_whole_leaves_an_empty_chain(path):
    path.parent.mkdir()
    path.write_bytes(b'{"acto')
    book(path).record(decision())
    assert [entry.kind for entry in kept(path)] == [AuditKind.REPAIR, AuditKind.DECISION]
    assert verify(path).is_good


def test_a_crash_between_line_and_head_is_shown_and_mended(path):
    audit = book(path, key=KEY)
    audit.record(decision())
    head = path.with_name("audit.jsonl.head")
    old = head.read_bytes()
    audit.record(decision(BERTA))
    head.write_bytes(old)
    found = verify(path, KEY)
    assert not found.is_good
    assert found.unfinished[0].startswith("UNSEALED")
    audit.record(decision(BERTA, "d2"))
    assert [entry.outcome for entry in kept(path)] == ["", "", "head-was-one-behind", ""]
    assert verify(path, KEY).is_good


LOOP = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from b12fhir.adapters.audit import FileAudit
from b12fhir.ports import AuditEntry, AuditKind

audit = FileAudit(Path(sys.argv[1]), lambda: datetime.now(UTC), rotate_at=2000)
number = int(sys.argv[2])
while True:
    number += 1
    audit.record(AuditEntry(AuditKind.DECISION, "b12fhir/1", patient="p", decision=str(number)))
    print(number, flush=True)
"""


def test_a_process_killed_anywhere_leaves_a_record_that_goes_on(path):
    """Killed at six moments: whatever it was told is recorded is there, once and in order."""
    told = 0
    for turn in range(1, 7):
        words = [sys.executable, "-c", LOOP, str(path), str(told)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            for _ in range(turn):
                told = int(process.stdout.readline())
            time.sleep(turn / 1000)
            process.send_signal(signal.SIGKILL)
            told = max([told, *(int(line) for line in process.stdout)])
        book(path, rotate_at=2000).record(decision())
        found = verify(path)
        assert found.is_good, found.lines()
        # The kill may fall between the record and the telling: one more may stand there.
        numbers = [int(entry.decision) for entry in kept(path) if entry.patient == "p"]
        assert numbers[:told] == list(range(1, told + 1))
        assert len(numbers) - told in {0, 1}
        told = len(numbers)


# Several at once


def _record_many(path: Path, patient: str, key: bytes) -> None:
    audit = FileAudit(path, lambda: NOON, key=key, rotate_at=3000)
    for number in range(10):
        audit.record(decision(patient, str(number)))


def test_threads_and_processes_append_without_losing_a_line(path):
    fork = multiprocessing.get_context("spawn")
    processes = [fork.Process(target=_record_many, args=(path, f"p{n}", KEY)) for n in range(2)]
    threads = [threading.Thread(target=_record_many, args=(path, f"t{n}", KEY)) for n in range(3)]
    for worker in (*processes, *threads):
        worker.start()
    for worker in (*processes, *threads):
        worker.join(60)
    found = verify(path, KEY)
    assert found.is_good, found.lines()
    assert found.count == 50
    for patient in ("p0", "p1", "t0", "t1", "t2"):
        said = [entry.decision for entry in kept(path) if entry.patient == patient]
        assert said == [str(number) for number in range(10)]


# Touched


def _rows(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _put(path: Path, rows: list[bytes]) -> None:
    path.write_bytes(b"".join(rows))


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"d2"', b'"d9"'))


def respell(path: Path) -> None:
    rows = _rows(path)
    rows[1] = rows[1].replace(b'"d2"', b'"\\u00642"')
    _put(path, rows)


def remove(path: Path) -> None:
    rows = _rows(path)
    _put(path, [rows[0], *rows[2:]])


def swap(path: Path) -> None:
    rows = _rows(path)
    _put(path, [rows[0], rows[2], rows[1], *rows[3:]])


def double(path: Path) -> None:
    rows = _rows(path)
    _put(path, [*rows[:2], rows[1], *rows[2:]])


def replace_one(path: Path) -> None:
    """A new line with a right hash of its own in the place of the second."""
    rows = _rows(path)
    first = json.loads(rows[0])["hash"]
    rows[1] = make_line(decision(BERTA, "d9"), "2026-11-21T04:32:23.000+00:00", 2, first)[0]
    _put(path, rows)


def scribble(path: Path) -> None:
    rows = _rows(path)
    _put(path, [rows[0], b"not json\n", *rows[2:]])


def other_format(path: Path) -> None:
    rows = _rows(path)
    _put(path, [rows[0], b'{"v":2}\n', *rows[2:]])


def impossible(path: Path) -> None:
    """A line whose hash is right and that no entry can be."""
    rows = _rows(path)
    body = json.loads(rows[1])
    first, body["kind"] = body.pop("prev"), "gossip"
    made = make_line(decision(), body["at"], 2, first)[0]
    from b12fhir.adapters.audit import line  # noqa: PLC0415 - what a forger would call

    whole = {k: v for k, v in json.loads(made).items() if k != "hash"} | {"kind": "gossip"}
    _put(path, [rows[0], line.canonical(whole | {"hash": line._hash(whole)}) + b"\n"])


def cut_end(path: Path) -> None:
    _put(path, _rows(path)[:-1])


def cut_middle_of_last(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def remove_file(path: Path) -> None:
    path.unlink()


def remove_head(path: Path) -> None:
    path.with_name("audit.jsonl.head").unlink()


def damage_head(path: Path) -> None:
    path.with_name("audit.jsonl.head").write_bytes(b"{}")


def forge(path: Path, rows: int, first: str = GENESIS) -> bytes:
    """A chain that is right in itself; its last hash goes into the head."""
    last, made = first, b""
    for seq in range(1, rows + 1):
        line, last = make_line(decision(BERTA, f"x{seq}"), "2026-11-21T00:00:00", seq, last)
        made += line
    path.write_bytes(made)
    return last.encode()


def rewrite_all(path: Path) -> None:
    forge(path, 4)


def add_two(path: Path) -> None:
    last = json.loads(_rows(path)[-1])["hash"]
    for seq in (5, 6):
        line, last = make_line(decision(), "2026-11-21T00:00:00", seq, last)
        with path.open("ab") as stream:
            stream.write(line)


def rewrite_with_head(path: Path) -> None:
    last = forge(path, 4)
    path.with_name("audit.jsonl.head").write_bytes(b'{"count":4,"last":"%s"}\n' % last)


@pytest.mark.parametrize(
    ("touch", "says"),
    [
        (change, "line 2 (entry 2): what it says is not what was recorded"),
        (respell, "line 2 (entry 2): what it says is not what was recorded"),
        (remove, "line 2 (entry 3): entries 2 to 2 are gone"),
        (swap, "line 2 (entry 3): entries 2 to 2 are gone"),
        (double, "line 3 (entry 2): it does not follow the line before"),
        (replace_one, "line 3 (entry 3): it does not follow the line before"),
        (scribble, "line 2 (entry 2): it is no JSON"),
        (other_format, "line 2 (entry 2): it is no entry, or one of a newer program"),
        (impossible, "line 2 (entry 2): it holds what no entry can hold"),
        (cut_end, "the head counts 4 entries and the files hold 3: the end was cut off"),
        (cut_middle_of_last, "the head counts 4 entries and the files hold 3"),
        (remove_file, "the head counts 4 entries and the files hold 0"),
        (remove_head, "the files hold 4 entries and the head counts 0"),
        (damage_head, "the head is not readable"),
        (rewrite_all, "the last entry is not the one the head names"),
        (add_two, "the files hold 6 entries and the head counts 4"),
        (rewrite_with_head, "the head was not made with this key"),
    ],
)
def test_whatever_is_done_to_the_files_is_named_with_its_meaning(path, touch, says):
    audit = book(path, key=KEY)
    for number in range(1, 5):
        audit.record(decision(digest=f"d{number}"))
    touch(path)
    found = verify(path, KEY)
    assert says in found.broken
    assert not found.is_good
    assert found.lines()[1].startswith("BROKEN: ")


@pytest.mark.parametrize(
    "touch",
    [
        cut_end,
        cut_middle_of_last,
        remove_file,
        remove_head,
        damage_head,
        rewrite_all,
        add_two,
        rewrite_with_head,
    ],
)
def test_a_record_whose_end_was_touched_is_not_continued(path, touch):
    """A new line and head over it would hide what was done."""
    audit = book(path, key=KEY)
    for number in range(1, 5):
        audit.record(decision(digest=f"d{number}"))
    touch(path)
    before = {one.name: one.read_bytes() for one in path.parent.iterdir()}
    with pytest.raises(AuditError, match="is not whole"):
        audit.record(decision())
    assert {one.name: one.read_bytes() for one in path.parent.iterdir()} == before


def test_a_last_line_that_was_changed_is_not_continued(path):
    audit = book(path)
    audit.record(decision(digest="d2"))
    change(path)
    with pytest.raises(AuditError, match="in its last line what it says"):
        audit.record(decision())
    with pytest.raises(AuditError, match="in one line what it says"):
        book(path).recall(ANNA)
    with pytest.raises(AuditError, match="is not whole"):
        history(path, {ANNA})


def test_a_full_file_cut_in_its_middle_is_named(path):
    for number in range(3):
        book(path, rotate_at=1).record(decision(digest=f"d{number}"))
    first = files_of(path)[0]
    first.write_bytes(first.read_bytes()[:-5])
    assert f"{first}, line 1: it is cut off in the middle of the record" in verify(path).broken


def test_a_full_file_that_was_moved_away_is_named(path):
    for number in range(3):
        book(path, rotate_at=1).record(decision(digest=f"d{number}"))
    files_of(path)[0].unlink()
    assert "entries 1 to 1 are gone" in verify(path).broken


def test_without_a_key_a_rewritten_chain_with_its_head_is_not_seen(path):
    """The limit that the package's page states; with a key the case above shows it."""
    audit = book(path)
    for number in range(1, 5):
        audit.record(decision(digest=f"d{number}"))
    rewrite_with_head(path)
    assert verify(path).is_good


def test_a_signed_head_that_nobody_checks_is_said(path):
    book(path, key=KEY).record(decision())
    found = verify(path)
    assert found.is_good
    assert "no key to check it" in found.notes[0]
    assert not verify(path, b"another key 0123").is_good


# Where it cannot be


def test_a_record_that_is_not_there_is_an_error(path):
    with pytest.raises(AuditError, match="There is no audit record"):
        verify(path)
    assert not path.parent.exists()  # looking makes nothing


def test_a_place_that_cannot_be_written_is_an_error_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("x")
    audit = book(tmp_path / "file" / "audit.jsonl")
    with pytest.raises(AuditError, match=r"cannot be written .*Nothing is sent without a record"):
        audit.record(decision())


def test_a_place_that_cannot_be_read_is_an_error(path):
    book(path).record(decision())
    path.unlink()
    path.mkdir()
    for look in (
        lambda: verify(path),
        lambda: history(path, {ANNA}),
        lambda: book(path).recall(""),
    ):
        with pytest.raises(AuditError, match="cannot be"):
            look()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_an_error(path):
    path.parent.mkdir()
    path.symlink_to("/dev/full")
    with pytest.raises(AuditError, match="No space left"):
        book(path).record(decision())


# In words


def test_a_patients_history_is_told_in_plain_words(path):
    audit = book(path)
    audit.record(
        AuditEntry(
            AuditKind.DECISION,
            "b12fhir/1",
            patient=ANNA,
            as_of="2026-11-21",
            decision="d1",
            inputs=(Versioned("Observation/b12", "3", "f1"), Versioned("Patient", "1")),
            pack="seed-default/1.0.0",
            rules="abc",
            outcome="confirmed,urgency=urgent",
        )
    )
    audit.record(decision(BERTA))
    audit.record(
        AuditEntry(
            AuditKind.SIGNATURE,
            "Practitioner/7",
            patient=ANNA,
            plan=f"{ANNA}:e1:r1",
            written=(Versioned("MedicationRequest/9", "1"), Versioned("Task")),
        )
    )
    told = history(path, {ANNA, "c" * 16})
    assert told[0] == "1  2026-11-21T04:32:23.000+00:00  b12fhir/1: decided (done)"
    assert told[1:5] == [
        "    outcome: confirmed, urgency urgent",
        "    as of: 2026-11-21",
        "    from: Observation/b12 version 3, Patient version 1",
        "    decision: d1",
    ]
    assert told[5].startswith("    by: pack seed-default/1.0.0, rules abc, program ")
    assert told[6] == "3  2026-11-21T04:32:23.000+00:00  Practitioner/7: signed (done)"
    assert told[-2] == "    wrote: MedicationRequest/9 version 1, Task"
    assert told[-1].startswith("    by: program ")
    assert not any(BERTA in line for line in told)

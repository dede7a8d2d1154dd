"""Real processes on one database: side by side, killed, stopped and gone on."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from b12fhir.adapters.database.place import process, runs
from b12fhir.adapters.database.place.process import this_process
from b12fhir.ports import Found

ROOT = Path(__file__).parents[4]
EVERYBODY = [f"Patient/{number}" for number in range(40)]

WORKER = """
import sys
from b12fhir.adapters.database.place import SqlPlace, place_store
url, task = sys.argv[1:]
place = SqlPlace(place_store(url), "https://fhir.example.org/r4")
if task == "hold":
    turn = place.claim(2)[0]
    with place.finding(0) as has_it:
        assert has_it
        print(turn.patient, flush=True)
        sys.stdin.read(1)
        place.end(turn)
        sys.stdin.read()
while turns := place.claim(3):
    for turn in turns:
        print(turn.patient, flush=True)
        place.end(turn)
place.close()
"""


def started(url, task) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, url, task],
        env={"PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_share_the_queue(run, url):
    """Each patient is done by exactly one."""
    place = run(clock=None)
    place.note(Found(EVERYBODY))
    workers = [started(url, "work") for _ in range(3)]
    done = Counter()
    for worker in workers:
        with worker:
            done.update(worker.stdout.read().split())
        assert worker.returncode == 0
    assert done == Counter(EVERYBODY)
    assert place.waiting() == 0


def test_what_a_killed_process_held_is_free_at_once(run, url):
    """No minute is lost when a sync is started again right after kill -9.

    It comes after all others: if it is what killed the process, they have had their turns.
    """
    place = run(clock=None)
    place.note(Found(EVERYBODY[:5]))
    with started(url, "hold") as worker:
        assert worker.stdout.readline().strip() == EVERYBODY[0]
        assert [turn.patient for turn in place.claim(1)] == [EVERYBODY[2]]
        with place.finding(0) as has_it:
            assert not has_it
        worker.send_signal(signal.SIGKILL)
        # Not waited for: it is a zombie now, as where nobody reaps.
        _until_over(worker.pid)
        assert [turn.patient for turn in place.claim(3)] == [*EVERYBODY[3:5], EVERYBODY[0]]
        assert [turn.patient for turn in place.claim(3)] == [EVERYBODY[1]]
        with place.finding(0) as has_it:
            assert has_it


def test_a_process_that_was_stopped_changes_nothing_when_it_goes_on(run, url, monkeypatch):
    """As on a machine that slept: others took over, and what it ends is not its own any more."""
    place = run(clock=None)
    place.note(Found(EVERYBODY))
    with started(url, "hold") as worker:
        assert worker.stdout.readline().strip() == EVERYBODY[0]
        worker.send_signal(signal.SIGSTOP)
        # In place of a minute: it is silent for longer than it said.
        with place._store.begin(writes=True) as connection:
            connection.execute(
                runs.update(runs.RUN).where(runs.RUN.c.pid == worker.pid).values(until=0)
            )
        held = [place.claim_only(patient) for patient in EVERYBODY[:2]]
        assert None not in held
        worker.send_signal(signal.SIGCONT)
        worker.stdin.write("x")
        worker.stdin.close()
        # It ended what it had held, and goes on as a new run with those who still wait.
        assert worker.stdout.read().split() == EVERYBODY[2:]
    assert worker.returncode == 0
    assert place.claim_only(EVERYBODY[0]) is None
    place.end(held[0])
    assert place.claim_only(EVERYBODY[0]) is not None


def _until_over(pid: int) -> None:
    for _ in range(1000):
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.01)
    raise AssertionError(f"{pid} lives on")


# What can be seen of a process


def test_this_process_is_not_gone():
    assert not this_process().is_gone(this_process())


def test_a_number_that_nobody_has_is_gone():
    with subprocess.Popen(["true"]) as other:
        pass
    assert replace(this_process(), pid=other.pid).is_gone(this_process())


def test_a_number_that_another_process_has_now_is_gone():
    assert replace(this_process(), pid=os.getppid(), started="1").is_gone(this_process())


@pytest.mark.parametrize("field", ["boot", "space"])
@pytest.mark.parametrize("value", ["", "another"])
def test_what_runs_elsewhere_cannot_be_seen_to_be_gone(field, value):
    """Another machine, a start of this one before, or a container: only its silence tells."""
    other = replace(this_process(), pid=2**22 - 1, **{field: value})
    assert not other.is_gone(this_process())
    if value == "":
        assert not other.is_gone(other)


def test_a_process_of_somebody_else_is_there(monkeypatch):
    """The system may hide it, and answers a signal with a refusal."""

    def refuse(pid, number) -> None:
        raise PermissionError

    monkeypatch.setattr(process.os, "kill", refuse)
    monkeypatch.setattr(process, "_PROC", Path("/nowhere"))
    here = replace(this_process(), boot="b", space="s")
    assert not here.is_gone(here)


def test_where_the_system_says_nothing_only_silence_tells(monkeypatch):
    monkeypatch.setattr(process, "_PROC", Path("/nowhere"))
    here = this_process()
    assert (here.boot, here.space, here.started) == ("", "", "")
    assert here.pid == os.getpid()
    assert not replace(here, pid=2**22 - 1).is_gone(here)

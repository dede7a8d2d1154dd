"""Bells and passes: no bell is lost, a burst is one pass, and a failure is tried again, later."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from b12fhir.adapters.subscriptions.figures import Figures
from b12fhir.adapters.subscriptions.watcher import Pace, Passed, Watcher
from b12fhir.errors import AuthError, TemporaryServerError
from tests.support.phi import FAMILY, assert_no_phi

# Long enough for a loaded machine; no test waits so long unless it fails.
SOON_S = 30
QUIET = Pace(every_s=0, settle_s=0, again_s=0.01, most_s=0.02)


class Passes:
    """Passes that a test lets through one by one, and what comes of each."""

    def __init__(self, *outcomes: Passed | Exception) -> None:
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.count = 0
        self._outcomes = iter(outcomes)

    def __call__(self, stop: Callable[[], bool]) -> Passed:
        self.stop = stop
        self.count += 1
        self.begun.release()
        assert self.go.acquire(timeout=SOON_S)
        outcome = next(self._outcomes, Passed())
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def one(self) -> None:
        """Wait for a pass and let it through."""
        self.waits()
        self.go.release()

    def waits(self) -> None:
        """A pass is under way."""
        assert self.begun.acquire(timeout=SOON_S), "no pass was begun"

    def none(self) -> None:
        """No pass begins, although there is time for one."""
        assert not self.begun.acquire(timeout=0.2), "a pass was begun"


@contextmanager
def watching(
    passes: Passes, pace: Pace = QUIET, **others: Any
) -> Iterator[tuple[Watcher, Figures]]:
    figures = Figures()
    watcher = Watcher(passes, pace, figures, **others)
    watcher.begin()
    try:
        yield watcher, figures
    finally:
        passes.go.release(100)
        assert watcher.end(SOON_S)


def test_the_first_pass_needs_no_bell_and_the_next_one_does():
    """What changed while nobody listened is found at the start."""
    passes = Passes()
    with watching(passes) as (watcher, _):
        passes.one()
        passes.none()
        watcher.ring()
        passes.one()
        passes.none()
    assert passes.count == 2


def test_a_bell_during_a_pass_is_not_lost():
    """The pass may have looked already when the change came."""
    passes = Passes()
    with watching(passes) as (watcher, _):
        passes.waits()
        watcher.ring()
        watcher.ring()
        passes.go.release()
        passes.one()
        passes.none()
    assert passes.count == 2


def test_a_burst_of_bells_is_one_pass():
    passes = Passes()
    with watching(passes, Pace(every_s=0, settle_s=0.5)) as (watcher, _):
        passes.one()
        for _ in range(50):
            watcher.ring()
        passes.one()
        passes.none()
    assert passes.count == 2


def test_without_a_bell_a_pass_is_run_every_so_often():
    passes = Passes()
    with watching(passes, Pace(every_s=0.01, settle_s=0)):
        for _ in range(3):
            passes.one()


def test_a_pass_that_failed_is_run_again_and_its_bell_still_counts():
    moments = iter(range(100, 10_000, 5))
    passes = Passes(Passed(), TemporaryServerError("down"), Passed({"create": 1}))
    with watching(passes, now=lambda: float(next(moments))) as (watcher, figures):
        passes.one()
        passes.none()
        watcher.ring()
        passes.one()
        passes.one()
        passes.none()
        assert figures.value("b12fhir_passes_total", outcome="failed") == 1
        assert figures.value("b12fhir_passes_failed_in_a_row") == 0
        assert watcher.told() == "Changes are listened for.\n"
        assert figures.value("b12fhir_bell_seconds_count") == 1
        # The clock goes 5 s a look: the bell; begin of the failed pass; begin and end of the next.
        assert figures.value("b12fhir_bell_seconds_sum") == 15
        assert figures.value("b12fhir_pass_patients_total", kind="create") == 1


def test_no_bell_hastens_the_next_try_and_the_end_does_not_wait_for_it():
    passes = Passes(AuthError("no"))
    with watching(passes, Pace(every_s=0, settle_s=0, again_s=3600, most_s=7200)) as (watcher, _):
        passes.one()
        watcher.ring()
        passes.none()
        assert watcher.told() == (
            "The last look for changes failed (AuthError); it is tried again.\n"
        )
    assert passes.count == 1


def test_while_others_look_all_the_time_it_looks_again():
    passes = Passes(Passed({"create": 2}, looked=False), Passed({"nothing": 1}))
    with watching(passes) as (_, figures):
        passes.one()
        passes.one()
        passes.none()
        assert figures.value("b12fhir_passes_total", outcome="failed") == 1
        assert figures.value("b12fhir_passes_total", outcome="done") == 1
        # It saw to patients whom the others had found.
        assert figures.value("b12fhir_pass_patients_total", kind="create") == 2


def test_a_patient_who_could_not_be_done_is_tried_again_and_keeps_no_bell_waiting():
    passes = Passes(Passed({"failed": 1}, undone=1))
    with watching(passes) as (_, figures):
        passes.one()
        passes.one()
        passes.none()
        assert figures.value("b12fhir_passes_total", outcome="partly") == 1
    passes = Passes(Passed({"failed": 1}, undone=1))
    with watching(passes, Pace(every_s=0, settle_s=0, again_s=3600, most_s=7200)) as (watcher, _):
        passes.one()
        passes.none()
        watcher.ring()
        passes.one()


@pytest.mark.parametrize(("failures", "waited"), [(1, 2), (2, 4), (8, 256), (9, 300), (40, 300)])
@pytest.mark.parametrize(("chance", "part"), [(0.0, 0.5), (1.0, 1.0)])
def test_each_failure_doubles_the_wait_up_to_a_limit(failures, waited, chance, part):
    """2 s, 4 s, 8 s ... 300 s at most, of which half is by chance, so that processes part."""
    waits: list[float] = []
    watcher = Watcher(Passes(), Pace(), Figures(), jitter=lambda: chance)
    watcher._ending.wait = waits.append
    for _ in range(failures):
        watcher._failure("down", None)
    assert waits[-1] == waited * part


def test_a_defect_does_not_end_the_listening_and_its_text_is_not_logged(caplog):
    caplog.set_level(logging.INFO)
    passes = Passes(KeyError(FAMILY), TemporaryServerError("down"), Passed({"create": 2}))
    with watching(passes) as (watcher, _):
        passes.one()
        passes.waits()
        assert watcher.trouble == "defect"
        passes.go.release()
        passes.one()
        passes.none()
    told = [record.getMessage() for record in caplog.records]
    assert_no_phi("\n".join(told))
    assert told[0].startswith("a pass met a defect: KeyError at b12fhir.adapters.subscriptions.")
    assert told[1].startswith("a pass failed (defect); the next one in ")
    assert told[2].startswith("a pass failed (TemporaryServerError); the next one in ")
    assert told[3].startswith("pass: 2 create in ")


def test_the_end_waits_for_the_pass_under_way_but_not_for_ever():
    passes = Passes()
    watcher = Watcher(passes, QUIET, Figures())
    watcher.begin()
    passes.waits()
    assert not passes.stop()
    assert not watcher.end(0.05)
    assert passes.stop()
    passes.go.release(2)


def test_an_end_while_bells_settle_makes_no_pass():
    passes = Passes()
    with watching(passes, Pace(every_s=0, settle_s=3600)) as (watcher, _):
        passes.one()
        watcher.ring()
        passes.none()
    assert passes.count == 1


def test_what_was_not_begun_can_be_ended():
    assert Watcher(Passes(), QUIET, Figures()).end(0)

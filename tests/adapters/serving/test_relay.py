"""Threads that take turns: every job once and in order, whoever is kept holds nobody else up."""

from concurrent.futures import CancelledError
from threading import Barrier, Event, Lock, get_ident
from threading import enumerate as threads

import pytest

from b12fhir.adapters.serving.relay import Relay

PATIENCE_S = 0.001
WITHIN_S = 30


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self) -> None:
        """Whoever is at work now counts as kept."""
        self.now += 1


class Kept:
    """A job that waits until the test lets it go."""

    def __init__(self) -> None:
        self.begun, self.free = Event(), Event()

    def __call__(self) -> int:
        self.begun.set()
        assert self.free.wait(WITHIN_S)
        return get_ident()


def pause() -> None:
    """Long enough for many looks at the line."""
    Event().wait(PATIENCE_S * 20)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def relay(clock):
    made = Relay(2, PATIENCE_S, clock)
    yield made
    made.shutdown()
    assert not [one.name for one in threads() if one.name.startswith("b12fhir-call")]


def test_quick_jobs_are_done_in_order_by_one_thread(relay):
    first, order = Kept(), []

    def job(number: int) -> int:
        order.append(number)
        return get_ident()

    begun = relay.submit(first)
    waiting = [relay.submit(job, number) for number in range(50)]
    # However often somebody looks: the first began a moment ago.
    assert not waiting[0].done()
    pause()
    assert order == []
    first.free.set()
    assert {one.result(WITHIN_S) for one in waiting} == {begun.result(WITHIN_S)}
    assert order == list(range(50))


def test_a_line_that_forms_again_is_seen_again(relay, clock):
    for _ in range(2):
        kept = Kept()
        long = relay.submit(kept)
        assert kept.begun.wait(WITHIN_S)
        short = relay.submit(get_ident)
        clock.pass_by()
        short.result(WITHIN_S)
        kept.free.set()
        long.result(WITHIN_S)
        while relay._crowded.is_set():
            pause()


def test_a_thread_that_rested_goes_on(relay):
    """Nothing is lost between two jobs, whether it still ends the first or rests already."""
    first = relay.submit(get_ident).result(WITHIN_S)
    rested = {relay.submit(get_ident).result(WITHIN_S) for _ in range(200)}
    assert first in rested
    assert len(rested) <= 2


def test_whoever_is_kept_holds_nobody_up(relay, clock):
    kept = Kept()
    long = relay.submit(kept)
    assert kept.begun.wait(WITHIN_S)
    short = relay.submit(get_ident)
    clock.pass_by()
    other = short.result(WITHIN_S)
    assert not long.done()
    # Who comes later need not wait for the one that is kept, either.
    assert relay.submit(get_ident).result(WITHIN_S) == other
    kept.free.set()
    assert long.result(WITHIN_S) != other


def test_there_are_never_more_threads_than_allowed(relay, clock):
    jobs = [Kept() for _ in range(3)]
    told = [relay.submit(job) for job in jobs]
    for job in jobs[:2]:
        assert job.begun.wait(WITHIN_S)
        clock.pass_by()
    assert not jobs[2].begun.wait(PATIENCE_S * 20)
    for job in jobs:
        job.free.set()
    assert len({one.result(WITHIN_S) for one in told}) == 2


def test_who_was_kept_leaves_the_line_to_the_other(relay, clock):
    """Two threads at work on what one could do is what a relay is there against."""
    kept, quick = Kept(), Kept()
    long = relay.submit(kept)
    assert kept.begun.wait(WITHIN_S)
    short = relay.submit(quick)
    clock.pass_by()
    assert quick.begun.wait(WITHIN_S)
    # It began a moment ago: nothing says that it is kept.
    rest = [relay.submit(get_ident) for _ in range(5)]
    kept.free.set()
    other = long.result(WITHIN_S)
    quick.free.set()
    assert {one.result(WITHIN_S) for one in rest} == {short.result(WITHIN_S)} != {other}


def test_an_error_is_told_and_ends_no_thread(relay):
    def fails() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        relay.submit(fails).result(WITHIN_S)
    assert relay.submit(int, "7", base=8).result(WITHIN_S) == 7


def test_what_was_cancelled_is_not_done(relay):
    kept, done = Kept(), []
    first = relay.submit(kept)
    assert kept.begun.wait(WITHIN_S)
    dropped, stays = relay.submit(done.append, 1), relay.submit(done.append, 2)
    assert dropped.cancel()
    kept.free.set()
    stays.result(WITHIN_S)
    first.result(WITHIN_S)
    assert done == [2]


def test_after_the_end_nothing_is_taken_and_what_waits_is_done(clock):
    relay, kept = Relay(2, PATIENCE_S, clock), Kept()
    first, waiting = relay.submit(kept), relay.submit(get_ident)
    assert kept.begun.wait(WITHIN_S)
    relay.shutdown(wait=False)
    with pytest.raises(RuntimeError, match="shut down"):
        relay.submit(get_ident)
    # Also by another thread, where the first is kept.
    clock.pass_by()
    other = waiting.result(WITHIN_S)
    kept.free.set()
    relay.shutdown()
    assert first.result(0) != other


def test_what_waits_at_the_end_can_be_given_up(clock):
    relay, kept = Relay(1, PATIENCE_S, clock), Kept()
    first, waiting = relay.submit(kept), relay.submit(get_ident)
    assert kept.begun.wait(WITHIN_S)
    relay.shutdown(wait=False, cancel_futures=True)
    kept.free.set()
    assert first.result(WITHIN_S)
    with pytest.raises(CancelledError):
        waiting.result(WITHIN_S)


def test_jobs_from_all_sides_are_done_once_each(clock):
    """With each look finding everybody kept, as many threads as may be come and go."""
    relay, lock, done = Relay(4, 0.0, clock), Lock(), []
    together = Barrier(8)

    def job(number: int) -> None:
        with lock:
            done.append(number)

    def side(start: int) -> None:
        together.wait(WITHIN_S)
        for number in range(start, start + 500):
            relay.submit(job, number)

    callers = Relay(8, 0.0, clock)
    sides = [callers.submit(side, start) for start in range(0, 4000, 500)]
    for one in sides:
        one.result(WITHIN_S)
    callers.shutdown()
    relay.shutdown()
    assert sorted(done) == list(range(4000))

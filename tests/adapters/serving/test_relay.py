"""Threads that take turns: every job once and in order, whoever is kept holds nobody else up."""

import gc
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError
from itertools import cycle
from threading import Barrier, Event, Lock, Thread, get_ident

import pytest

from b12fhir.adapters.serving.relay import Relay, waits

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


def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        pause()
    pytest.fail("it never came to hold")


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
    mine = [*made._threads, *([made._watch] if made._watch else [])]
    until(lambda: not any(one.is_alive() for one in mine))


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
        until(lambda: not relay._watched.is_set())


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


def test_whoever_comes_while_all_are_kept_need_not_wait_for_a_look(clock):
    """A lone call beside one that waits begins at once, with nobody looking for a minute."""
    relay, kept = Relay(2, 60, clock), Kept()
    long = relay.submit(kept)
    assert kept.begun.wait(WITHIN_S)
    clock.now += 60
    assert relay.submit(get_ident).result(WITHIN_S) != get_ident()
    assert not long.done()
    kept.free.set()
    relay.shutdown()


def test_who_says_that_it_waits_holds_nobody_up_for_a_moment(clock):
    """As many calls as there are threads wait for other servers together, with nobody looking."""
    relay, together = Relay(3, 60, clock), Barrier(3)

    def job() -> None:
        waits()
        together.wait(WITHIN_S)

    for told in [relay.submit(job) for _ in range(3)]:
        told.result(WITHIN_S)
    relay.shutdown()


def test_elsewhere_nobody_need_know_who_waits():
    waits()


def test_each_job_has_a_patience_of_its_own(relay, clock):
    """The second job of a thread is as quick as its first was, until it is kept as well."""
    first, second = Kept(), Kept()
    told = [relay.submit(first), relay.submit(second)]
    assert first.begun.wait(WITHIN_S)
    clock.now += PATIENCE_S / 2
    first.free.set()
    assert second.begun.wait(WITHIN_S)
    third = relay.submit(get_ident)
    clock.now += PATIENCE_S / 2
    pause()
    assert not third.done()
    clock.pass_by()
    other = third.result(WITHIN_S)
    second.free.set()
    assert {one.result(WITHIN_S) for one in told} != {other}


def test_without_threads_to_be_had_those_at_work_go_on(relay, clock, monkeypatch):
    kept = Kept()
    long = relay.submit(kept)
    assert kept.begun.wait(WITHIN_S)
    clock.pass_by()
    with monkeypatch.context() as poor:

        def start(_thread: Thread) -> None:
            raise RuntimeError("can't start new thread")

        poor.setattr(Thread, "start", start)
        waiting = [relay.submit(get_ident) for _ in range(2)]
        pause()
    kept.free.set()
    assert {one.result(WITHIN_S) for one in waiting} == {long.result(WITHIN_S)}
    # Later there are some again.
    test_whoever_is_kept_holds_nobody_up(relay, clock)


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


def test_the_job_of_an_error_is_let_go_of(relay):
    class Call:
        def __call__(self) -> None:
            raise ValueError

    gc.disable()
    try:
        call = Call()
        gone = weakref.ref(call)
        with pytest.raises(ValueError, match=r"^$"):
            relay.submit(call).result(WITHIN_S)
        del call
        until(lambda: gone() is None)
    finally:
        gc.enable()


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


@pytest.mark.parametrize("patience_s", [0.0, 0.0005, 0.02])
def test_jobs_from_all_sides_are_done_once_each(patience_s):
    """With real time: threads are called up, step down and rest in all orders."""
    relay, callers = Relay(4, patience_s), Relay(8, 0.0)
    lock, done, together = Lock(), [], Barrier(8)
    lasts = cycle([0.0] * 40 + [0.001])

    def job(number: int) -> None:
        with lock:
            done.append(number)
            wait_s = next(lasts)
        if wait_s:
            waits()
            Event().wait(wait_s)

    def side(start: int) -> None:
        together.wait(WITHIN_S)
        for number in range(start, start + 500):
            relay.submit(job, number)

    sides = [callers.submit(side, start) for start in range(0, 4000, 500)]
    for one in sides:
        one.result(WITHIN_S)
    callers.shutdown()
    relay.shutdown()
    assert sorted(done) == list(range(4000))

"""Threads that take turns: one computes, another goes on only where that one is kept waiting.

Python computes in one thread at a time. With a thread for each call, calls that come together pass
the interpreter's lock to and fro, mostly from one processor to another: each of them ends late, and
the passing alone costs a tenth of their CPU. Here calls stand in line for one thread. Where a call
keeps it for longer than a moment (a record is very long), or says that it waits for a FHIR server,
another thread goes on with the line.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from threading import Event, Lock, Thread, local
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_Job = tuple[Future[Any], Callable[[], Any]]

# Many times what an ordinary call computes. Who waits for another server says so at once.
PATIENCE_S = 0.05
# Longer than anybody's patience.
_LONG_AGO = float("-inf")
_HERE = local()


def waits() -> None:
    """Say that this job is about to wait for others; the line goes on without it at once.

    Does nothing in a thread that is no relay's.
    """
    tell: Callable[[], None] | None = getattr(_HERE, "tell", None)
    if tell:
        tell()


class _Hand:
    """One thread: since when it has had its job, and the lock at which it rests."""

    def __init__(self) -> None:
        self.since = 0.0
        self.go = Lock()
        self.go.acquire()
        self.dismissed = False

    def dismiss(self) -> None:
        self.dismissed = True
        self.go.release()


class Relay(Executor):
    """Jobs in the order of their coming, by at most ``most`` threads.

    A thread counts as kept once its job `waits` or has lasted ``patience_s``; the line then gets
    another one: at once for who comes later, within twice that time for who stands in it. The
    threads do not keep the process from ending. ``clock`` gives seconds and never goes back.
    """

    def __init__(
        self,
        most: int,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._patience_s = patience_s
        self._clock = clock
        # Whoever holds it may change what follows.
        self._lock = Lock()
        self._line: deque[_Job] = deque()
        self._at_work: list[_Hand] = []
        self._resting: list[_Hand] = []
        self._threads: list[Thread] = []
        self._watch: Thread | None = None
        self._watched = Event()
        self._ended = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Put a job in line; raises RuntimeError after the end."""
        told: Future[T] = Future()
        with self._lock:
            if self._ended:
                raise RuntimeError("This pool of threads was shut down and takes no more jobs.")
            self._line.append((told, partial(fn, *args, **kwargs)))
            if self._at_work:
                self._go_on(self._clock())
                self._be_watched()
            else:
                self._call_up(self._clock())
        return told

    def shutdown(
        self,
        wait: bool = True,  # noqa: FBT001, FBT002 - as in the standard library
        *,
        cancel_futures: bool = False,
    ) -> None:
        """Take no more jobs. Those in line are done all the same, unless ``cancel_futures``."""
        with self._lock:
            self._ended = True
            while cancel_futures and self._line:
                self._line.popleft()[0].cancel()
            for hand in self._resting:
                hand.dismiss()
            self._resting.clear()
            # Whoever watches the line sees the end.
            self._watched.set()
        if wait:
            # What still stands in line may bring more of them.
            for thread in self._threads:
                thread.join()

    def _be_watched(self) -> None:
        """Whoever is quick now may be kept a moment later, with somebody in line."""
        if self._watch is None:
            watch = Thread(target=self._look, name="b12fhir-relay", daemon=True)
            with suppress(RuntimeError):  # no thread left for it; who comes next tries again
                watch.start()
                self._watch = watch
        if not self._watched.is_set():
            self._watched.set()

    def _go_on(self, now: float) -> None:
        """Another thread for the line, if those at work are kept and there is one to be had."""
        if self._line and not self._any_quick(self._at_work, now):
            with suppress(RuntimeError):  # the system has no thread left: who is at work goes on
                self._call_up(now)

    def _call_up(self, now: float) -> None:
        """Give the line another thread: the one that rested last, a new one, or none."""
        if self._resting:
            hand = self._resting.pop()
            hand.go.release()
        elif len(self._threads) < self._most:
            hand = _Hand()
            thread = Thread(
                target=self._work,
                args=[hand],
                name=f"b12fhir-call-{len(self._threads)}",
                daemon=True,
            )
            thread.start()
            self._threads.append(thread)
        else:
            return
        hand.since = now
        self._at_work.append(hand)

    def _wait(self, hand: _Hand) -> None:
        now = self._clock()
        with self._lock:
            hand.since = _LONG_AGO
            self._go_on(now)

    def _work(self, hand: _Hand) -> None:
        _HERE.tell = partial(self._wait, hand)
        while not hand.dismissed:
            while job := self._next(hand):
                _do(*job)
            hand.go.acquire()

    def _next(self, hand: _Hand) -> _Job | None:
        """The next job for a thread that has ended one; ``None`` if it may rest."""
        now = self._clock()
        with self._lock:
            others = (other for other in self._at_work if other is not hand)
            if self._line and (self._ended or not self._any_quick(others, now)):
                hand.since = now
                return self._line.popleft()
            self._at_work.remove(hand)
            if self._ended:
                hand.dismiss()
            else:
                self._resting.append(hand)
        return None

    def _look(self) -> None:
        """While somebody stands in line: see to it that somebody goes on with it."""
        while True:
            self._watched.wait()
            time.sleep(self._patience_s)
            now = self._clock()
            with self._lock:
                self._go_on(now)
                if not self._line:
                    if self._ended:
                        return
                    self._watched.clear()

    def _any_quick(self, hands: Iterable[_Hand], now: float) -> bool:
        """Does one of them have a job that it may still end at once?"""
        return any(now - hand.since < self._patience_s for hand in hands)


def _do(told: Future[Any], work: Callable[[], Any]) -> None:
    if not told.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
        told.set_exception(error)
        # The error's traceback holds this frame, and the job must not be held by it.
        del told, work
    else:
        told.set_result(result)

"""One thread that runs a pass when a bell rings, and every so often without one."""

import logging
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from b12fhir.adapters.subscriptions.figures import Figures
from b12fhir.errors import B12Error

LOG = logging.getLogger("b12fhir.listen")
_DEFECT = "defect"
_NOBODY: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass did: its patients by kind of result.

    ``undone`` counts those that wait for another try. ``looked`` is false where others were looking
    for changes all the time, so that a change may not have been seen yet.
    """

    kinds: Mapping[str, int] = field(default_factory=dict)
    undone: int = 0
    looked: bool = True


# Told how to know that it is to end. Raises `B12Error` if it could not begin.
Pass = Callable[[Callable[[], bool]], Passed]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds to wait.

    ``every_s``: between passes without a bell, 0 for none. ``settle_s``: after a bell, so that a
    burst of them makes one pass. ``again_s``: before another try after a failure, doubled each
    time, up to ``most_s``.
    """

    every_s: float = 300
    settle_s: float = 1
    again_s: float = 2
    most_s: float = 300


class Watcher:
    """Passes, one after the other, from `begin` to `end`.

    The first is run at once: nobody listened before. A bell that rings while a pass is under way
    makes another one, for the pass may have looked already. After a pass that could not begin the
    next try waits, longer each time, and no bell hastens it: the server is not asked more often
    because it fails. A patient who could not be done keeps no other one waiting.
    ``now`` is a clock that never goes back; ``jitter`` returns 0 to 1.
    """

    def __init__(
        self,
        pass_: Pass,
        pace: Pace,
        figures: Figures,
        *,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._pass = pass_
        self._pace = pace
        self._figures = figures
        self._now = now
        self._jitter = jitter
        self._lock = Lock()
        self._woken, self._ending = Event(), Event()
        self._rang_at: float | None = None
        self._tries, self._failed = 0, 0
        self._thread: Thread | None = None
        self.trouble = ""
        """Why the last pass failed, in a word; ``""`` if it did not."""

    def told(self) -> str:
        """How the last pass went, in one line."""
        if self.trouble:
            return f"The last look for changes failed ({self.trouble}); it is tried again.\n"
        return "Changes are listened for.\n"

    def ring(self) -> None:
        """Something changed. Returns at once."""
        with self._lock:
            if self._rang_at is None:
                self._rang_at = self._now()
        self._woken.set()

    def begin(self) -> None:
        """Start listening; in the process that is to do it, after any fork."""
        # Not waited for when the process goes: whatever a pass leaves undone waits in the place.
        self._thread = Thread(target=self._run, name="b12fhir-listen", daemon=True)
        self._thread.start()

    def end(self, within_s: float) -> bool:
        """No further pass; did the one under way end in time?"""
        self._ending.set()
        self._woken.set()
        thread, self._thread = self._thread, None
        if thread is None:
            return True
        thread.join(within_s)
        return not thread.is_alive()

    def _run(self) -> None:
        wait = 0.0
        while not self._ending.is_set():
            self._woken.wait(None if math.isinf(wait) else wait)
            if self._rang_at is not None:
                self._ending.wait(self._pace.settle_s)
            if not self._ending.is_set():
                wait = self._one()

    def _one(self) -> float:
        """One pass; the seconds after which the next one is due if no bell rings."""
        with self._lock:
            rang_at, self._rang_at = self._rang_at, None
            self._woken.clear()
        begun = self._now()
        try:
            passed = self._pass(self._ending.is_set)
        except B12Error as error:
            return self._failure(type(error).__name__, rang_at)
        except Exception as defect:  # noqa: BLE001 - a defect must not end the listening
            # Its own text may hold anything, so its kind and place are told.
            LOG.error("a pass met a defect: %s at %s", type(defect).__name__, _place(defect))  # noqa: TRY400
            return self._failure(_DEFECT, rang_at)
        if not passed.looked:
            return self._failure("others-were-looking", rang_at, passed.kinds)
        self._success(passed, begun, rang_at)
        return self._backoff() if passed.undone else self._pace.every_s or math.inf

    def _success(self, passed: Passed, begun: float, rang_at: float | None) -> None:
        now = self._now()
        self.trouble, self._failed = "", 0
        self._tries = self._tries + 1 if passed.undone else 0
        self._figures.failed_in_a_row(0)
        self._figures.passed("partly" if passed.undone else "done", passed.kinds)
        if rang_at is not None:
            self._figures.behind(now - rang_at)
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(passed.kinds.items()))
        LOG.info("pass: %s in %.1f s", told or "nothing to look at", now - begun)

    def _failure(
        self, why: str, rang_at: float | None, kinds: Mapping[str, int] = _NOBODY
    ) -> float:
        """Wait; the bell still counts, with the moment at which it rang."""
        self.trouble = why
        self._failed, self._tries = self._failed + 1, self._tries + 1
        self._figures.failed_in_a_row(self._failed)
        self._figures.passed("failed", kinds)
        if rang_at is not None:
            with self._lock:
                self._rang_at = rang_at
        wait = self._backoff()
        LOG.warning("a pass failed (%s); the next one in %.0f s", why, wait)
        self._ending.wait(wait)
        return 0.0

    def _backoff(self) -> float:
        """Twice as long each time, and not at the same moment as other processes."""
        longest = self._pace.again_s * 2.0 ** min(self._tries - 1, 30)
        return min(longest, self._pace.most_s) * (0.5 + self._jitter() / 2)


def _place(error: BaseException) -> str:
    """The innermost line of ours."""
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        places.append(f"{name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return [place for place in places if place.startswith("b12fhir.")][-1]

"""A `Place` in a database: for many runs, on one machine or several."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from threading import Event, Lock, Thread

from sqlalchemy import Connection

from b12fhir.adapters.database.place.changes import Changes
from b12fhir.adapters.database.place.expected import Expectations
from b12fhir.adapters.database.place.queue import Queue
from b12fhir.adapters.database.place.runs import SILENCE_MS, Runs
from b12fhir.adapters.database.store import Store
from b12fhir.errors import StoreError
from b12fhir.ports import Expected, Found, FullRead, Reader, Turn, Version

# Seconds between two signs of life, and between two attempts to get the lease.
BEAT_S = SILENCE_MS / 1000 / 4
_TRY_S = 0.25
_SCOPE_DIGITS = 16


def scope_of(server: str) -> str:
    """What stands for a server in the tables: short, and the same for the same logical id."""
    return hashlib.sha256(server.encode()).hexdigest()[:_SCOPE_DIGITS]


class SqlPlace:
    """How far the sync of ``server`` (its logical id) has come. See `b12fhir.ports.Place`.

    A run begins with the first call that notes, claims or asks for the lease, and ends with
    `close`; a later call begins another. What a run gave back waits once another begins. A forked
    process has a run of its own. ``clock``: in place of the database's, to tell who is silent.
    """

    def __init__(
        self,
        store: Store,
        server: str,
        *,
        clock: Callable[[], datetime] | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        scope = scope_of(server)
        self._store = store
        self._runs = Runs(scope, server, clock)
        self._queue, self._changes = Queue(scope), Changes(scope)
        self._expectations = Expectations(scope)
        self._ticks = ticks
        self._run, self._pid = "", 0
        # The run under which the lease was had.
        self._finder = ""
        # As which note, and whether tried in vain.
        self._given_back: dict[str, tuple[int, bool]] = {}
        # One transaction of this process at a time: its threads then wait for each other in order.
        self._lock, self._finding = Lock(), Lock()
        self._over = Event()

    def full_read(self) -> FullRead | None:
        """The last full read."""
        with self._store.begin() as connection:
            return self._changes.full_read(connection)

    def readers(self) -> Sequence[Reader]:
        """All that ever looked for changes here."""
        with self._store.begin() as connection:
            return self._changes.readers(connection)

    def appear(self, fingerprint: str, now: datetime, *, anew: bool) -> None:
        """Keep that this one looks now."""
        with self._living() as (connection, _):
            self._changes.appear(connection, fingerprint, now, anew=anew)

    def marks(self) -> Mapping[str, datetime]:
        """How far the changes of each type are known."""
        with self._store.begin() as connection:
            return self._changes.marks(connection)

    def seen(self, kind: str) -> frozenset[tuple[str, str]]:
        """Id and version of what was looked at."""
        with self._store.begin() as connection:
            return self._changes.seen(connection, kind)

    def peek(self, day: date) -> Iterator[str]:
        """Who waits, or would on this day; it leaves no trace."""
        with self._store.begin() as connection:
            gone = [run for run, _ in self._runs.gone(connection, self._run)]
            return iter(self._queue.peek(connection, day, gone))

    def note(self, found: Found, full: FullRead | None = None) -> None:
        """Keep what was found."""
        with self._living() as (connection, run):
            # Others took this run for dead while it looked: their look counts.
            if full is not None and self._finder not in {"", run}:
                return
            self._queue.note(connection, found.patients)
            self._changes.mark(connection, found.marks)
            self._changes.see(connection, found.seen)
            self._expectations.note(connection, found.expected)
            self._changes.forget(connection, found.forget)
            if full is not None:
                self._changes.read_all(connection, full)

    def expected(self) -> Sequence[Expected]:
        """What the next turns must find."""
        with self._store.begin() as connection:
            return self._expectations.all(connection)

    def wake(self, day: date) -> None:
        """Whoever is to be looked at again by then waits."""
        with self._living() as (connection, _):
            self._queue.wake(connection, day)

    def waiting(self) -> int:
        """How many wait."""
        with self._living() as (connection, run):
            self._runs.bury(connection, run)
            return self._queue.waiting(connection)

    def claim(self, most: int) -> Sequence[Turn]:
        """Turns, in the order of the notes."""
        with self._living() as (connection, run):
            self._runs.bury(connection, run)
            while turns := self._queue.claim(connection, run, most):
                mine = [turn for turn in turns if not self._was_given_back(turn)]
                for turn in turns:
                    # It waits again because yet another run began.
                    if turn not in mine:
                        _, tried = self._given_back[turn.patient]
                        self._queue.give_back(connection, turn, tried=tried)
                if mine:
                    return self._expectations.added(connection, mine)
            return []

    def claim_only(self, patient: str) -> Turn | None:
        """The turn of one patient."""
        with self._living() as (connection, run):
            self._runs.bury(connection, run)
            turn = self._queue.claim_only(connection, run, patient)
            return self._expectations.added(connection, [turn])[0] if turn else None

    def end(
        self,
        turn: Turn,
        seen: Sequence[Version] = (),
        again_on: date | None = None,
        rules: str = "",
    ) -> None:
        """The patient is done."""
        with self._ending() as connection:
            if connection is None:
                return
            last = self._changes.full_read(connection) if rules else None
            if last and not last.is_by(rules):
                self._give_back(connection, turn, tried=False)
            elif self._queue.end(connection, turn, again_on):
                self._changes.see(connection, seen)
                self._expectations.met(connection, turn)

    def give_back(self, turn: Turn, *, tried: bool = False) -> None:
        """The patient waits for the next run."""
        with self._ending() as connection:
            if connection:
                self._give_back(connection, turn, tried=tried)

    @contextmanager
    def finding(self, wait_s: float) -> Iterator[bool]:
        """The lease to look for changes."""
        until = self._ticks() + wait_s
        # Threads of one process first sort it out among themselves.
        if not self._finding.acquire(timeout=wait_s):
            yield False
            return
        try:
            run = self._finder = self._lease(until)
            try:
                yield bool(run)
            finally:
                self._finder = ""
                if run:
                    with self._lock, self._store.begin(writes=True) as connection:
                        self._runs.leave(connection, run)
        finally:
            self._finding.release()

    def close(self) -> None:
        """The run is over: what it holds is free, and the connections of this process closed."""
        with self._lock:
            run, self._run = self._run, ""
            self._over.set()
            if run and self._pid == os.getpid():
                # A database that is away learns it by our silence.
                with suppress(StoreError), self._store.begin(writes=True) as connection:
                    self._runs.end(connection, run)
        self._store.close()

    def _give_back(self, connection: Connection, turn: Turn, *, tried: bool) -> None:
        self._queue.give_back(connection, turn, tried=tried)
        self._given_back[turn.patient] = turn.asked, tried

    @contextmanager
    def _ending(self) -> Iterator[Connection | None]:
        """A transaction that ends a turn; none once the run is over, for that freed all turns.

        A thread that a run did not wait for comes too late, and must open nothing again.
        """
        with self._lock:
            if not self._run:
                yield None
                return
            with self._store.begin(writes=True) as connection:
                yield connection

    def _lease(self, until: float) -> str:
        """The run that has it, or ``""`` when the time is over."""
        while True:
            with self._living() as (connection, run):
                self._runs.bury(connection, run)
                if self._runs.lease(connection, run):
                    return run
            left = until - self._ticks()
            if left <= 0:
                return ""
            Event().wait(min(left, _TRY_S))

    def _was_given_back(self, turn: Turn) -> bool:
        asked, _ = self._given_back.get(turn.patient, (0, False))
        return asked == turn.asked

    @contextmanager
    def _living(self) -> Iterator[tuple[Connection, str]]:
        """A transaction of a run that others know to live."""
        with self._lock:
            known = self._run if self._pid == os.getpid() else ""
            with self._store.begin(writes=True) as connection:
                run = self._alive(connection, known)
                yield connection, run
            # Only now: what was not committed never began.
            self._run, self._pid = run, os.getpid()
            if not known:
                self._begin_beating()

    def _alive(self, connection: Connection, run: str) -> str:
        if not run:
            self._given_back = {}
            return self._runs.begin(connection)
        if self._runs.renew(connection, run):
            return run
        if not self._runs.is_known(connection):
            raise StoreError(
                f"The state of the sync ({self._store.name}) was taken away or emptied while it "
                "was in use: who still waits is not known any more.",
                hint="Run again: every patient is then read, and nothing is lost or doubled.",
            )
        # Others took this run for dead, and its turns over. It goes on as a new one.
        return self._runs.enter(connection)

    def _begin_beating(self) -> None:
        self._over = Event()
        Thread(target=self._beat, args=[self._over], name="b12fhir-sync-beat", daemon=True).start()

    def _beat(self, over: Event) -> None:
        while not over.wait(BEAT_S):
            # Whoever asks for something next is told that the database is away.
            with suppress(StoreError), self._lock:
                # It may have been closed while the lock was waited for.
                if not over.is_set():
                    with self._store.begin(writes=True) as connection:
                        self._runs.renew(connection, self._run)

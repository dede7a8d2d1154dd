"""The thread that keeps memory and database in step: it writes behind, and looks for what is new.

A clerk serves one process. It writes issued cards and silences in one transaction for many, and
asks for feedback that other processes heard. Where the database is away, they wait in memory, and
every round tries again.
"""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from operator import itemgetter
from threading import Event, Lock, Thread
from typing import Any

from sqlalchemy import Connection, Table, delete

from b12fhir.adapters.database.book.answers import Answers
from b12fhir.adapters.database.book.news import News, with_cards
from b12fhir.adapters.database.book.rows import answered_of, heard_row, issued_row
from b12fhir.adapters.database.book.silences import Silences
from b12fhir.adapters.database.inserts import keep_once
from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.tables.book import FEEDBACK, ISSUED, SILENCE, TOKEN_ID
from b12fhir.errors import BookError
from b12fhir.service.hooks.keeping import Heard, Held, Issued
from b12fhir.service.hooks.snooze import INFO_AT_MOST

# Seconds during which cards are gathered for one write, and between two looks for feedback.
GATHER_S = 0.15
LOOK_S = 0.5
SWEEP = timedelta(hours=1)
# Cards that wait for a database that is away; beyond these the oldest are given up.
WAITING = 20_000

_LOG = logging.getLogger(__name__)


class Clerk:
    """Starts with what was answered before. ``keep``: how long rows stay in the database."""

    def __init__(self, store: Store, clock: Callable[[], datetime], keep: timedelta) -> None:
        self.answers = Answers()
        self.pid = os.getpid()
        self._store = store
        self._clock = clock
        self._keep = keep
        self._news, self._lost = News(), store.lost
        self._waiting: deque[Issued] = deque(maxlen=WAITING)
        self._silences = Silences()
        self._swept: datetime | None = None
        self._is_well = True
        self._lock = Lock()
        self._woken, self._stopped = Event(), Event()
        self._guarded(self._look)
        self._thread = Thread(target=self._work, name="b12fhir-book", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Does the thread run?"""
        return self._thread.is_alive()

    def take(self, cards: Iterable[Issued]) -> None:
        """Write these soon."""
        self._waiting.extend(cards)
        self._woken.set()

    def hold(self, held: Iterable[Held]) -> None:
        """Write these soon, added up."""
        self._silences.take(held)
        self._woken.set()

    def hear(self, entries: Sequence[Heard]) -> None:
        """Write feedback now, with the cards that wait, and let it count at once."""
        # In one order everywhere: two that keep the same entries never wait for each other.
        rows = sorted((heard_row(one) for one in entries), key=itemgetter("entry"))
        same = FEEDBACK.c.entry.in_([row["entry"] for row in rows])
        with self._writing_waiting() as connection:
            _keep(connection, FEEDBACK, rows)
            told = [answered_of(row) for row in connection.execute(with_cards(same))]
        self.answers.note(one for one in told if one)

    def close(self) -> None:
        """Stop, and write what waits."""
        self._stopped.set()
        self._woken.set()
        self._thread.join()
        self._guarded(self._flush)

    def _work(self) -> None:
        while not self._stopped.is_set():
            if self._woken.wait(LOOK_S):
                self._stopped.wait(GATHER_S)
            self._woken.clear()
            self._guarded(self._flush, self._look, self._sweep)

    def _guarded(self, *steps: Callable[[], None]) -> None:
        """Take the steps; a database that is away is told once, not at every round."""
        try:
            for step in steps:
                step()
        except BookError as error:
            if self._is_well:
                _LOG.warning("%s %s cards wait for it.", error, len(self._waiting))
            self._is_well = False
        else:
            if not self._is_well:
                _LOG.warning("The book (%s) can be used again.", self._store.name)
            self._is_well = True

    def _flush(self) -> None:
        if self._waiting:
            with self._writing_waiting():
                pass
        self._silences.write(self._store)

    def _look(self) -> None:
        with self._store.begin() as connection:
            if self._lost != self._store.lost:
                self._news, self._lost = News(), self._store.lost
            self.answers.note(self._news.look(connection, self._clock()))

    def _sweep(self) -> None:
        now = self._clock()
        if self._swept is not None and now - self._swept < SWEEP:
            return
        with self._store.begin() as connection:
            for column in (ISSUED.c.at, FEEDBACK.c.received, SILENCE.c.last_at):
                connection.execute(delete(column.table).where(column < now - self._keep))
            over = TOKEN_ID.c.until < int(now.timestamp())
            connection.execute(delete(TOKEN_ID).where(over))
        self.answers.forget(now - INFO_AT_MOST)
        self._swept = now

    @contextmanager
    def _writing_waiting(self) -> Iterator[Connection]:
        """A transaction that begins with the cards that wait; they go on waiting if it fails."""
        with self._lock:
            cards = [self._waiting.popleft() for _ in range(len(self._waiting))]
            try:
                with self._store.begin() as connection:
                    _keep(connection, ISSUED, [issued_row(one) for one in cards])
                    yield connection
            except BaseException:
                room = WAITING - len(self._waiting)
                self._waiting.extendleft(reversed(cards[-room:] if room else ()))
                raise


def _keep(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert what is not there yet."""
    if rows:
        connection.execute(keep_once(connection, table), rows)

"""The book: a `CardBook` on a database, for all workers."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock

from b12fhir.adapters.database.book.clerk import Clerk
from b12fhir.adapters.database.store import Store
from b12fhir.errors import BookError
from b12fhir.service.hooks.keeping import Answered, Heard, Held, Issued

KEEP = timedelta(days=400)


class SqlBook:
    """See the package for what it promises. ``keep``: how long its rows are kept.

    Nothing runs before the first use, so that a process can be forked; each process then has its
    own clerk.
    """

    def __init__(
        self, store: Store, clock: Callable[[], datetime], *, keep: timedelta = KEEP
    ) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep
        self._lock = Lock()
        self._clerk: Clerk | None = None

    def prepare(self) -> None:
        """Look whether the database can be used at all, and make its tables; before any fork.

        Raises `ConfigError` for what only a person can mend, and `BookError` for what may pass:
        the service can start without it.
        """
        try:
            self._store.prepare()
        finally:
            self._store.close()

    def start(self) -> None:
        """Read what was answered before: the first call of a worker then need not wait for it."""
        self._at_work()

    def recall(self, patient: str) -> Sequence[Answered]:
        """The last answer to each matter of this patient; from memory."""
        return self._at_work().answers.of(patient)

    def issue(self, cards: Sequence[Issued]) -> None:
        """Keep cards; written a moment later."""
        if cards:
            self._at_work().take(cards)

    def hold(self, held: Sequence[Held]) -> None:
        """Keep why cards were held back; written a moment later."""
        if held:
            self._at_work().hold(held)

    def hear(self, entries: Sequence[Heard]) -> None:
        """Keep feedback, on the disk when this returns. Raises `BookError`."""
        if entries:
            self._at_work().hear(entries)

    def is_ready(self) -> bool:
        """Can it be written now, and does the clerk work?"""
        try:
            self._store.check()
        except BookError:
            return False
        return self._at_work().is_alive

    def close(self) -> None:
        """Write what waits, and close every connection of this process."""
        with self._lock:
            clerk, self._clerk = self._clerk, None
        if clerk is not None and clerk.pid == os.getpid():
            clerk.close()
        self._store.close()

    def _at_work(self) -> Clerk:
        clerk = self._clerk
        if clerk is not None and clerk.pid == os.getpid():
            return clerk
        with self._lock:
            if self._clerk is None or self._clerk.pid != os.getpid():
                self._clerk = Clerk(self._store, self._clock, self._keep)
            return self._clerk

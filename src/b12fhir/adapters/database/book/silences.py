"""Silences on their way into the book, added up: a chart that is opened all day is one row."""

from collections.abc import Iterable, Mapping
from operator import itemgetter
from threading import Lock
from typing import Any

from sqlalchemy import case

from b12fhir.adapters.database.book.rows import silence_row
from b12fhir.adapters.database.inserts import insert_into
from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.tables.book import SILENCE
from b12fhir.service.hooks.keeping import Held

# Rows that wait for a database that is away; beyond these the oldest are given up.
WAITING = 20_000

_KEY = tuple(column.name for column in SILENCE.primary_key.columns)
_key_of = itemgetter(*_KEY)


class Silences:
    """Those that wait to be written. Safe from threads."""

    def __init__(self) -> None:
        self._waiting: dict[Any, dict[str, Any]] = {}
        self._lock = Lock()

    def take(self, held: Iterable[Held]) -> None:
        """Write these soon."""
        with self._lock:
            for one in held:
                self._add(silence_row(one))

    def write(self, store: Store) -> None:
        """Write what waits. Raises `BookError`; it goes on waiting then."""
        with self._lock:
            rows, self._waiting = self._waiting, {}
        if not rows:
            return
        try:
            # In one order everywhere: two that write the same rows never wait for each other.
            _write(store, sorted(rows.values(), key=_key_of))
        except BaseException:
            with self._lock:
                newer, self._waiting = self._waiting, rows
                for row in newer.values():
                    self._add(row)
            raise

    def _add(self, row: Mapping[str, Any]) -> None:
        known = self._waiting.get(_key_of(row))
        if known is not None:
            known["times"] += row["times"]
            known["last_at"] = max(known["last_at"], row["last_at"])
            return
        if len(self._waiting) >= WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[_key_of(row)] = dict(row)


def _write(store: Store, rows: list[dict[str, Any]]) -> None:
    with store.begin() as connection:
        insert, old = insert_into(connection, SILENCE), SILENCE.c
        new = insert.excluded
        later = case((new.last_at > old.last_at, new.last_at), else_=old.last_at)
        counted = insert.on_conflict_do_update(
            index_elements=_KEY, set_={"times": old.times + new.times, "last_at": later}
        )
        connection.execute(counted, rows)

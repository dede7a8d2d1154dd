"""How far the changes of a server are known: marks, versions that were seen, the last full read.

Parts of transactions.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from b12fhir.adapters.database.inserts import overwrite
from b12fhir.adapters.database.tables.place import MARK, PLACE, READER, SEEN
from b12fhir.ports import FullRead, Reader, Version

# Asked at the end of each turn, so made once: to make a statement costs more than to run it.
_FULL_READ = select(PLACE.c.full_at, PLACE.c.fingerprint).where(
    PLACE.c.scope == bindparam("server")
)


class Changes:
    """What is known of the changes of one server."""

    def __init__(self, scope: str) -> None:
        self._scope = scope

    def full_read(self, connection: Connection) -> FullRead | None:
        """The last full read."""
        row = connection.execute(_FULL_READ, {"server": self._scope}).first()
        return FullRead(row.full_at, row.fingerprint) if row and row.full_at else None

    def readers(self, connection: Connection) -> list[Reader]:
        """All that ever looked for changes."""
        rows = connection.execute(select(READER).where(READER.c.scope == self._scope))
        return [Reader(row.fingerprint, row.first, row.last) for row in rows]

    def appear(
        self, connection: Connection, fingerprint: str, now: datetime, *, anew: bool
    ) -> None:
        """This one looks now."""
        row = {"scope": self._scope, "fingerprint": fingerprint, "first": now, "last": now}
        changed = ("first", "last") if anew else ("last",)
        connection.execute(overwrite(connection, READER, *changed), row)

    def marks(self, connection: Connection) -> dict[str, datetime]:
        """The mark of each type."""
        rows = connection.execute(select(MARK.c.kind, MARK.c.at).where(MARK.c.scope == self._scope))
        return {row.kind: row.at for row in rows}

    def seen(self, connection: Connection, kind: str) -> frozenset[tuple[str, str]]:
        """Id and version of what was seen."""
        which = SEEN.c.scope == self._scope, SEEN.c.kind == kind
        rows = connection.execute(select(SEEN.c.id, SEEN.c.version).where(*which))
        return frozenset((row.id, row.version) for row in rows)

    def mark(self, connection: Connection, marks: Mapping[str, datetime]) -> None:
        """Move marks."""
        rows = [{"scope": self._scope, "kind": kind, "at": at} for kind, at in marks.items()]
        if rows:
            connection.execute(overwrite(connection, MARK, "at"), rows)

    def see(self, connection: Connection, seen: Iterable[Version]) -> None:
        """Remember versions."""
        # In one order everywhere: two that keep the same ones never wait for each other.
        rows = [
            {"scope": self._scope, "kind": one.kind, "id": one.id, "version": one.version}
            | {"at": one.at}
            for one in sorted(seen, key=lambda one: (one.kind, one.id, one.version))
        ]
        if rows:
            connection.execute(overwrite(connection, SEEN, "at"), rows)

    def forget(self, connection: Connection, before: Mapping[str, datetime]) -> None:
        """Forget versions from before a moment, by type."""
        for kind, at in before.items():
            which = SEEN.c.scope == self._scope, SEEN.c.kind == kind, SEEN.c.at < at
            connection.execute(delete(SEEN).where(*which))

    def read_all(self, connection: Connection, full: FullRead) -> None:
        """Every patient has been noted."""
        values = {"full_at": full.at, "fingerprint": full.fingerprint}
        connection.execute(update(PLACE).where(PLACE.c.scope == self._scope).values(values))

"""Runs: each holds turns and the lease for as long as it is known to live."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    cast,
    delete,
    extract,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from b12fhir.adapters.database.inserts import keep_once
from b12fhir.adapters.database.place.process import Process, this_process
from b12fhir.adapters.database.tables.place import (
    GIVEN_BACK,
    HELD,
    PATIENT,
    PLACE,
    RUN,
    TRIED,
    WAITS,
    WAITS_LAST,
)

# A run that says nothing for so long is taken for dead.
SILENCE_MS = 60_000
_JULIAN_1970, _DAY_MS = 2_440_587.5, 86_400_000


class Runs:
    """The runs of one server, as one process sees them.

    ``clock``: in its place that of the database is asked, so that machines whose clocks differ
    agree on who is silent. All calls are parts of the transaction of ``connection``.
    """

    def __init__(self, scope: str, name: str, clock: Callable[[], datetime] | None) -> None:
        self._scope = scope
        self._name = name
        self._clock = clock
        self._here = this_process()

    def begin(self, connection: Connection) -> str:
        """A run begins; its id. What earlier ones gave back waits again."""
        place = {"scope": self._scope, "name": self._name, "noted": 0}
        connection.execute(keep_once(connection, PLACE).values(place))
        for before, after in ((GIVEN_BACK, WAITS), (TRIED, WAITS_LAST)):
            whose = PATIENT.c.scope == self._scope, PATIENT.c.state == before
            connection.execute(update(PATIENT).where(*whose).values(state=after))
        return self.enter(connection)

    def enter(self, connection: Connection) -> str:
        """A new id for this run."""
        new = uuid4().hex
        self._here = this_process()  # it may be a fork by now
        row = {"id": new, "scope": self._scope, "until": self._until(connection)}
        connection.execute(insert(RUN).values(row | asdict(self._here)))
        return new

    def renew(self, connection: Connection, run: str) -> bool:
        """The run lives; false if others took it for dead, or the tables are not what they were."""
        done = connection.execute(
            update(RUN).where(RUN.c.id == run).values(until=self._until(connection))
        )
        return bool(done.rowcount)

    def is_known(self, connection: Connection) -> bool:
        """Is this server known to the database? Not where its tables were emptied."""
        row = connection.execute(select(PLACE.c.scope).where(PLACE.c.scope == self._scope))
        return row.first() is not None

    def end(self, connection: Connection, run: str) -> None:
        """The run is over; what it holds is free."""
        connection.execute(delete(RUN).where(RUN.c.id == run))
        self._free(connection, [run], WAITS)

    def lease(self, connection: Connection, run: str) -> bool:
        """Has the run the lease now?"""
        free = or_(PLACE.c.finder.is_(None), PLACE.c.finder == run)
        taken = update(PLACE).where(PLACE.c.scope == self._scope, free).values(finder=run)
        return bool(connection.execute(taken).rowcount)

    def leave(self, connection: Connection, run: str) -> None:
        """The lease is free, if it is still this run's."""
        own = PLACE.c.scope == self._scope, PLACE.c.finder == run
        connection.execute(update(PLACE).where(*own).values(finder=None))

    def bury(self, connection: Connection, own: str) -> None:
        """Free what is held by runs that are known to be dead, for after all others.

        If a record was what killed its run, it would kill each run before anybody else's turn.
        """
        gone = self.gone(connection, own)
        if not gone:
            return
        # Asked once more: of those that were only silent, one may have spoken meanwhile.
        silent = RUN.c.until < self._now(connection)
        killed = [run for run, is_killed in gone if is_killed]
        which = RUN.c.id.in_([run for run, _ in gone]), or_(silent, RUN.c.id.in_(killed))
        found = connection.execute(delete(RUN).where(*which).returning(RUN.c.id))
        self._free(connection, found.scalars().all(), WAITS_LAST)

    def gone(self, connection: Connection, own: str) -> list[tuple[str, bool]]:
        """Runs that seem dead, and whether that is because their process is."""
        silent = (RUN.c.until < self._now(connection)).label("silent")
        rows = connection.execute(
            select(RUN, silent).where(RUN.c.scope == self._scope, RUN.c.id != own)
        )
        found = []
        for row in rows:
            process = Process(row.host, row.boot, row.space, row.pid, row.started)
            is_killed = process.is_gone(self._here)
            if is_killed or row.silent:
                found.append((row.id, is_killed))
        return found

    def _free(self, connection: Connection, runs: Sequence[str], state: int) -> None:
        held = PATIENT.c.scope == self._scope, PATIENT.c.state == HELD, PATIENT.c.holder.in_(runs)
        connection.execute(update(PATIENT).where(*held).values(state=state, holder=None))
        leased = PLACE.c.scope == self._scope, PLACE.c.finder.in_(runs)
        connection.execute(update(PLACE).where(*leased).values(finder=None))

    def _until(self, connection: Connection) -> ColumnElement[int]:
        return self._now(connection) + SILENCE_MS

    def _now(self, connection: Connection) -> ColumnElement[int]:
        """Milliseconds since 1970."""
        if self._clock is not None:
            return literal(int(self._clock().timestamp() * 1000), BigInteger)
        if connection.dialect.name == "postgresql":
            return cast(extract("epoch", func.clock_timestamp()) * 1000, BigInteger)
        days = func.julianday("now") - _JULIAN_1970
        return cast(days * _DAY_MS, BigInteger)

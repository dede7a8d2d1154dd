"""Patients who wait: noted, claimed, done or given back. Parts of transactions."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Connection, and_, bindparam, case, func, or_, select, update

from b12fhir.adapters.database.inserts import insert_into
from b12fhir.adapters.database.tables.place import (
    DONE,
    GIVEN_BACK,
    HELD,
    PATIENT,
    PLACE,
    TRIED,
    WAITS,
    WAITS_LAST,
)
from b12fhir.ports import Turn

_C = PATIENT.c
_KEY = ("scope", "patient")
# The end of one turn. Made once: to make a statement costs more than to run it, and this is the one
# of every patient. No bind may have the name of a column.
_OVER = (
    update(PATIENT)
    .where(
        _C.scope == bindparam("server"),
        _C.patient == bindparam("who"),
        _C.state == HELD,
        _C.holder == bindparam("by"),
        _C.claimed == bindparam("turn"),
    )
    .values(
        # Who was noted meanwhile waits.
        state=case((_C.asked > bindparam("turn"), WAITS), else_=bindparam("else")),
        holder=None,
    )
)
_END = _OVER.values(again_on=bindparam("again"))


class Queue:
    """The patients of one server."""

    def __init__(self, scope: str) -> None:
        self._scope = scope
        self._mine = _C.scope == scope

    def note(self, connection: Connection, patients: Iterable[str]) -> None:
        """They wait from now on, in this order; who waits already keeps the place.

        Who was tried in vain has a place among the others again: what is new may mend it.
        """
        names = list(dict.fromkeys(patients))
        if not names:
            return
        first = self._numbers(connection, len(names))
        rows = [
            {"scope": self._scope, "patient": name, "state": WAITS, "asked": 1, "noted": number}
            for number, name in enumerate(names, first)
        ]
        new = insert_into(connection, PATIENT)
        again = {
            "asked": _C.asked + 1,
            "noted": case((_C.state == WAITS, _C.noted), else_=new.excluded.noted),
            "state": case((_C.state == HELD, HELD), else_=WAITS),
        }
        connection.execute(new.on_conflict_do_update(index_elements=_KEY, set_=again), rows)

    def wake(self, connection: Connection, day: date) -> None:
        """Who is to be looked at again by then waits, in the order of the notes."""
        due = self._mine, _C.again_on <= day
        count = connection.execute(select(func.count()).where(*due)).scalar_one()
        if not count:
            return
        first = self._numbers(connection, count)
        rank = func.row_number().over(order_by=_C.noted).label("rank")
        woken = select(_C.patient, rank).where(*due).subquery()
        connection.execute(
            update(PATIENT)
            .where(self._mine, _C.patient == woken.c.patient)
            .values(
                asked=_C.asked + 1,
                noted=case((_C.state == WAITS, _C.noted), else_=woken.c.rank + (first - 1)),
                state=case((_C.state == HELD, HELD), else_=WAITS),
                again_on=None,
            )
        )

    def waiting(self, connection: Connection) -> int:
        """How many wait."""
        waits = self._mine, _C.state.in_([WAITS, WAITS_LAST])
        return connection.execute(select(func.count()).where(*waits)).scalar_one()

    def peek(self, connection: Connection, day: date, gone: Sequence[str]) -> list[str]:
        """Who would wait at the begin of a run: in the order of the notes, then who is woken.

        Last who was tried in vain, or was in hand when a run died.
        """
        was_held = and_(_C.state == HELD, _C.holder.in_(gone))
        is_last, is_idle = or_(_C.state.in_([TRIED, WAITS_LAST]), was_held), _C.state == DONE
        free = or_(_C.state.in_([WAITS, GIVEN_BACK]), is_last)
        is_due = _C.again_on <= day
        query = select(_C.patient).where(self._mine, or_(free, and_(is_due, is_idle)))
        is_woken = or_(is_idle, and_(is_last, is_due))
        rank = case((is_woken, 1), (is_last, 2), else_=0)
        ordered = query.order_by(rank, _C.noted)
        return list(connection.execute(ordered).scalars())

    def claim(self, connection: Connection, run: str, most: int) -> list[Turn]:
        """Turns of those who wait, last of those who were tried in vain or died with a run.

        Two that claim at once take different ones and do not wait.
        """
        turns = self._claim(connection, run, most, WAITS)
        left = most - len(turns)
        return turns + (self._claim(connection, run, left, WAITS_LAST) if left else [])

    def _claim(self, connection: Connection, run: str, most: int, state: int) -> list[Turn]:
        free = (
            select(_C.patient)
            .where(self._mine, _C.state == state)
            .order_by(_C.noted)
            .limit(most)
            .with_for_update(skip_locked=True)
            .cte("free")
        )
        taken = (
            update(PATIENT)
            .where(self._mine, _C.patient.in_(select(free.c.patient)))
            .values(state=HELD, holder=run, claimed=_C.asked)
            .returning(_C.patient, _C.asked, _C.noted)
        )
        rows = sorted(connection.execute(taken), key=lambda row: row.noted)
        return [Turn(row.patient, row.asked, run) for row in rows]

    def claim_only(self, connection: Connection, run: str, patient: str) -> Turn | None:
        """The turn of one patient, known or not; ``None`` while somebody has it."""
        number = self._numbers(connection, 1)
        new = insert_into(connection, PATIENT).values(
            scope=self._scope,
            patient=patient,
            state=HELD,
            asked=1,
            noted=number,
            holder=run,
            claimed=1,
        )
        again = {
            "state": HELD,
            "holder": run,
            "asked": _C.asked + 1,
            "claimed": _C.asked + 1,
            "noted": case((_C.state == WAITS, _C.noted), else_=number),
        }
        taken = new.on_conflict_do_update(
            index_elements=_KEY, set_=again, where=_C.state != HELD
        ).returning(_C.asked)
        asked = connection.execute(taken).scalar()
        return None if asked is None else Turn(patient, asked, run)

    def end(self, connection: Connection, turn: Turn, again_on: date | None) -> bool:
        """The turn is over; false if it was somebody else's by now."""
        done = connection.execute(_END, {**self._own(turn), "else": DONE, "again": again_on})
        return bool(done.rowcount)

    def give_back(self, connection: Connection, turn: Turn, *, tried: bool) -> None:
        """The patient waits for the next run; after the others, if tried in vain."""
        connection.execute(_OVER, {**self._own(turn), "else": TRIED if tried else GIVEN_BACK})

    def _own(self, turn: Turn) -> dict[str, str | int]:
        """What tells that the turn is still this one."""
        return {"server": self._scope, "who": turn.patient, "by": turn.by, "turn": turn.asked}

    def _numbers(self, connection: Connection, count: int) -> int:
        """The first of so many new numbers; others wait for theirs until the transaction ends."""
        given = (
            update(PLACE)
            .where(PLACE.c.scope == self._scope)
            .values(noted=PLACE.c.noted + count)
            .returning(PLACE.c.noted)
        )
        last: int = connection.execute(given).scalar_one()
        return last - count + 1

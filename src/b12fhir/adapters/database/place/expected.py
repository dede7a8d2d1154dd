"""What the record of a patient must show at the next turn. Parts of transactions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, select

from b12fhir.adapters.database.inserts import insert_into
from b12fhir.adapters.database.tables.place import EXPECTED
from b12fhir.ports import Expected, Turn, Version

_C = EXPECTED.c
_VALUES = ("version", "at", "listed", "is_there")


class Expectations:
    """Those of one server."""

    def __init__(self, scope: str) -> None:
        self._scope = scope
        self._mine = _C.scope == scope

    def note(self, connection: Connection, expected: Iterable[Expected]) -> None:
        """Keep them; what is known to be newer stays."""
        # In one order everywhere: see `Changes.see`.
        ordered = sorted(expected, key=lambda one: (one.patient, one.version.kind, one.version.id))
        rows = [
            {"scope": self._scope, "patient": one.patient, "kind": one.version.kind}
            | {"id": one.version.id, "version": one.version.version, "at": one.version.at}
            | {"listed": one.listed, "is_there": one.is_there}
            for one in ordered
        ]
        if rows:
            new = insert_into(connection, EXPECTED)
            values = {name: new.excluded[name] for name in _VALUES}
            newer = new.on_conflict_do_update(
                index_elements=EXPECTED.primary_key.columns,
                set_=values,
                where=new.excluded.at >= _C.at,
            )
            connection.execute(newer, rows)

    def all(self, connection: Connection, *only: str) -> list[Expected]:
        """Those of all patients, or of some."""
        query = select(EXPECTED).where(self._mine, *([_C.patient.in_(only)] if only else []))
        return [
            Expected(
                row.patient,
                Version(row.kind, row.id, row.version, row.at),
                row.listed,
                row.is_there,
            )
            for row in connection.execute(query)
        ]

    def added(self, connection: Connection, turns: Sequence[Turn]) -> list[Turn]:
        """The same turns, at least one, with what each must show."""
        held = defaultdict(list)
        for one in self.all(connection, *(turn.patient for turn in turns)):
            held[one.patient].append(one)
        return [replace(turn, expects=tuple(held[turn.patient])) for turn in turns]

    def met(self, connection: Connection, turn: Turn) -> None:
        """This turn saw what it must; not what was listed since."""
        for one in turn.expects:
            connection.execute(
                delete(EXPECTED).where(
                    self._mine,
                    _C.patient == turn.patient,
                    _C.kind == one.version.kind,
                    _C.id == one.version.id,
                    _C.version == one.version.version,
                    _C.listed == one.listed,
                )
            )

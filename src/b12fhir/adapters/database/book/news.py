"""What was heard since the last look, by any process.

Rows can be committed in another order than they were numbered, so the numbers of the last minute
are compared with those that were told. Feedback may also come before its card is written, or for
one that was never issued to its client: it is looked for again during an hour, and then left alone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, select

from b12fhir.adapters.database.book.rows import ANSWERS, JOINED, answered_of
from b12fhir.adapters.database.tables.book import FEEDBACK, ISSUED
from b12fhir.service.hooks.keeping import Answered
from b12fhir.service.hooks.snooze import INFO_AT_MOST

LATE = timedelta(minutes=1)
PATIENCE = timedelta(hours=1)
_ORPHANS = 500

_WITH_CARDS = FEEDBACK.outerjoin(ISSUED, ANSWERS)
# Asked several times a second, so only numbers; made once, for making it costs more than asking.
_NUMBERS = select(FEEDBACK.c.id, FEEDBACK.c.received).where(FEEDBACK.c.id > bindparam("settled"))


class News:
    """Remembers what it has told. One for each process, used by one thread."""

    def __init__(self) -> None:
        # Up to this number nothing new can come; above it, what was told.
        self._settled: int | None = None
        self._told: set[int] = set()
        self._orphans: dict[int, datetime] = {}

    def look(self, connection: Connection, now: datetime) -> list[Answered]:
        """Answers that were not told yet; at first, all that can still silence a card.

        Where a query fails nothing counts as told.
        """
        if self._settled is None:
            rows = _joined(connection, FEEDBACK.c.received >= now - INFO_AT_MOST)
            numbers = [(row.feedback_id, row.feedback_received) for row in rows]
        else:
            found = connection.execute(_NUMBERS, {"settled": self._settled})
            numbers = [(number, received) for number, received in found]
            rows = self._fresh(connection, [one for one, _ in numbers if one not in self._told])
        answers = self._tell(rows)
        self._settle(numbers, now)
        return answers

    def _fresh(self, connection: Connection, numbers: Sequence[int]) -> Sequence[Row[Any]]:
        fresh = _joined(connection, FEEDBACK.c.id.in_(numbers)) if numbers else []
        if not self._orphans:
            return fresh
        waiting = FEEDBACK.c.id.in_(list(self._orphans)), ISSUED.c.uuid.is_not(None)
        return [*fresh, *_joined(connection, *waiting)]

    def _tell(self, rows: Iterable[Row[Any]]) -> list[Answered]:
        answers = []
        for row in rows:
            self._told.add(row.feedback_id)
            self._orphans.pop(row.feedback_id, None)
            answered = answered_of(row)
            if answered is not None:
                answers.append(answered)
            elif row.issued_uuid is None:
                self._orphans[row.feedback_id] = row.feedback_received
        return answers

    def _settle(self, numbers: Iterable[tuple[int, datetime]], now: datetime) -> None:
        old = (number for number, received in numbers if received < now - LATE)
        self._settled = max(old, default=self._settled or 0)
        self._told = {one for one in self._told if one > self._settled}
        young = {one: at for one, at in self._orphans.items() if at > now - PATIENCE}
        self._orphans = dict(list(young.items())[-_ORPHANS:])


def with_cards(*where: ColumnElement[bool]) -> Select[Any]:
    """Feedback with its cards, where they are known, in the order of their numbers."""
    return select(*JOINED).select_from(_WITH_CARDS).where(*where).order_by(FEEDBACK.c.id)


def _joined(connection: Connection, *where: ColumnElement[bool]) -> Sequence[Row[Any]]:
    return connection.execute(with_cards(*where)).all()

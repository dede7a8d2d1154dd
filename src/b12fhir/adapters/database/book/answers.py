"""Answers held in memory, so that no card waits for a database."""

from collections.abc import Iterable
from datetime import datetime
from threading import Lock

from b12fhir.service.hooks.keeping import Answered
from b12fhir.service.hooks.snooze import matter, order_of, said_at


class Answers:
    """The last answer to each matter, by patient. Read without a lock, from any thread."""

    def __init__(self) -> None:
        self._by_patient: dict[str, tuple[Answered, ...]] = {}
        self._lock = Lock()

    def of(self, patient: str) -> tuple[Answered, ...]:
        """What cards of this patient were last answered."""
        return self._by_patient.get(patient, ())

    def note(self, answered: Iterable[Answered]) -> None:
        """Take answers into account, in any order and however often."""
        with self._lock:
            for one in answered:
                held = self._by_patient.get(one.issued.patient, ())
                self._by_patient[one.issued.patient] = _with(held, one)

    def forget(self, before: datetime) -> None:
        """Let go of what was said before an instant."""
        with self._lock:
            for patient, held in list(self._by_patient.items()):
                kept = tuple(one for one in held if said_at(one) >= before)
                if kept:
                    self._by_patient[patient] = kept
                else:
                    del self._by_patient[patient]


def _with(held: tuple[Answered, ...], new: Answered) -> tuple[Answered, ...]:
    same = [one for one in held if matter(one) == matter(new)]
    if any(order_of(one) > order_of(new) for one in same):
        return held
    return (*(one for one in held if one not in same), new)

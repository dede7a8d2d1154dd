"""How far a sync has come, for as long as the program runs: see `b12fhir.ports.Place`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock

from b12fhir.ports import Found, FullRead, Turn, Version


@dataclass(slots=True)
class _Patient:
    asked: int = 0
    ended: int = 0
    is_held: bool = False
    given_back: int = 0
    again_on: date | None = None

    @property
    def waits(self) -> bool:
        return self.asked > self.ended and not self.is_held and self.asked > self.given_back

    def is_due(self, day: date) -> bool:
        return self.again_on is not None and self.again_on <= day


class PlaceInMemory:
    """Forgets everything at the end: the next run reads every patient again."""

    def __init__(self) -> None:
        self._patients: dict[str, _Patient] = {}
        self._marks: dict[str, datetime] = {}
        self._seen: dict[tuple[str, str, str], datetime] = {}
        self._full: FullRead | None = None
        self._lock, self._finding = Lock(), Lock()

    def full_read(self) -> FullRead | None:
        """The last full read."""
        return self._full

    def marks(self) -> Mapping[str, datetime]:
        """How far the changes of each type are known."""
        return dict(self._marks)

    def seen(self, kind: str) -> frozenset[tuple[str, str]]:
        """Id and version of what was looked at."""
        with self._lock:
            return frozenset((id_, version) for type_, id_, version in self._seen if type_ == kind)

    def note(self, found: Found, full: FullRead | None = None) -> None:
        """Keep what was found."""
        with self._lock:
            for patient in found.patients:
                self._patients.setdefault(patient, _Patient()).asked += 1
            self._marks.update(found.marks)
            self._keep(found.seen)
            for key, at in list(self._seen.items()):
                if (before := found.forget.get(key[0])) and at < before:
                    del self._seen[key]
            self._full = full or self._full

    def wake(self, day: date) -> None:
        """Whoever is to be looked at again by then waits."""
        with self._lock:
            for row in self._patients.values():
                if row.is_due(day):
                    row.asked, row.again_on = row.asked + 1, None

    def waiting(self) -> int:
        """How many wait."""
        with self._lock:
            return sum(row.waits for row in self._patients.values())

    def peek(self, day: date) -> Iterator[str]:
        """Who waits, or would on this day."""
        with self._lock:
            rows = list(self._patients.items())
        return (name for name, row in rows if row.waits or row.is_due(day))

    def claim(self, most: int) -> Sequence[Turn]:
        """Turns, in the order of the notes."""
        with self._lock:
            free = [name for name, row in self._patients.items() if row.waits][:most]
            return [self._hold(name) for name in free]

    def claim_only(self, patient: str) -> Turn | None:
        """The turn of one patient."""
        with self._lock:
            row = self._patients.setdefault(patient, _Patient())
            return None if row.is_held else self._hold(patient)

    def end(self, turn: Turn, seen: Sequence[Version] = (), again_on: date | None = None) -> None:
        """The patient is done."""
        with self._lock:
            row = self._patients[turn.patient]
            row.ended, row.is_held, row.again_on = turn.asked, False, again_on
            self._keep(seen)

    def give_back(self, turn: Turn) -> None:
        """The patient waits for the next run."""
        with self._lock:
            row = self._patients[turn.patient]
            row.given_back, row.is_held = turn.asked, False

    @contextmanager
    def finding(self, wait_s: float) -> Iterator[bool]:
        """The lease to look for changes."""
        has_it = self._finding.acquire(timeout=wait_s)
        try:
            yield has_it
        finally:
            if has_it:
                self._finding.release()

    def close(self) -> None:
        """Nothing is held by others: nothing to do."""

    def _hold(self, patient: str) -> Turn:
        row = self._patients[patient]
        row.is_held = True
        return Turn(patient, row.asked)

    def _keep(self, seen: Sequence[Version]) -> None:
        self._seen.update({(one.kind, one.id, one.version): one.at for one in seen})

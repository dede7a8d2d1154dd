"""How far a sync has come, for as long as the program runs: see `b12fhir.ports.Place`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, count, islice
from threading import Lock

from b12fhir.ports import Expected, Found, FullRead, Reader, Turn, Version


@dataclass(slots=True)
class _Patient:
    """``by`` is the turn that somebody has; ``noted`` the place in the queue.

    ``tried``: in vain, and not noted since.
    """

    asked: int = 0
    noted: int = 0
    by: str = ""
    again_on: date | None = None
    tried: bool = False


class PlaceInMemory:
    """Forgets everything with the program: the next one reads every patient again."""

    def __init__(self) -> None:
        self._patients: dict[str, _Patient] = {}
        # Who waits, in order; who does after them; and who does once another run begins.
        self._queue: dict[str, None] = {}
        self._last: dict[str, None] = {}
        self._given_back: dict[str, None] = {}
        self._marks: dict[str, datetime] = {}
        self._seen: dict[tuple[str, str, str], datetime] = {}
        self._expected: dict[str, dict[tuple[str, str], Expected]] = {}
        self._full: FullRead | None = None
        self._readers: dict[str, Reader] = {}
        self._numbers = count(1)
        self._lock, self._finding = Lock(), Lock()

    def full_read(self) -> FullRead | None:
        """The last full read."""
        return self._full

    def readers(self) -> Sequence[Reader]:
        """All that ever looked for changes here."""
        return tuple(self._readers.values())

    def appear(self, fingerprint: str, now: datetime, *, anew: bool) -> None:
        """Keep that this one looks now."""
        known = None if anew else self._readers.get(fingerprint)
        self._readers[fingerprint] = Reader(fingerprint, known.first if known else now, now)

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
            for patient in dict.fromkeys(found.patients):
                self._ask(patient)
            self._marks.update(found.marks)
            self._keep(found.seen)
            self._expect(found.expected)
            for key, at in list(self._seen.items()):
                if (before := found.forget.get(key[0])) and at < before:
                    del self._seen[key]
            self._full = full or self._full

    def expected(self) -> Sequence[Expected]:
        """What the next turns must find."""
        with self._lock:
            return [one for held in self._expected.values() for one in held.values()]

    def wake(self, day: date) -> None:
        """Whoever is to be looked at again by then waits."""
        with self._lock:
            for name in self._due(day):
                self._patients[name].again_on = None
                self._ask(name)

    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue) + len(self._last)

    def peek(self, day: date) -> Iterator[str]:
        """Who waits, or would on this day; it leaves no trace."""
        with self._lock:
            all_ = self._in_order([*self._queue, *self._last, *self._given_back])
            first = [name for name in all_ if not self._patients[name].tried]
            # Who has a turn now is looked at without us.
            idle = [name for name in self._due(day) if not self._patients[name].by]
            return iter(dict.fromkeys([*first, *idle, *all_]))

    def claim(self, most: int) -> Sequence[Turn]:
        """Turns, in the order of the notes."""
        with self._lock:
            names = list(islice(chain(self._queue, self._last), most))
            return [self._hold(name) for name in names]

    def claim_only(self, patient: str) -> Turn | None:
        """The turn of one patient."""
        with self._lock:
            if patient in self._patients and self._patients[patient].by:
                return None
            self._ask(patient)
            return self._hold(patient)

    def end(
        self,
        turn: Turn,
        seen: Sequence[Version] = (),
        again_on: date | None = None,
        rules: str = "",
    ) -> None:
        """The patient is done."""
        with self._lock:
            if rules and self._full and not self._full.is_by(rules):
                self._give_back(turn, tried=False)
            elif row := self._own(turn):
                row.again_on = again_on
                self._free(turn)
                self._keep(seen)
                self._forget(turn)

    def give_back(self, turn: Turn, *, tried: bool = False) -> None:
        """The patient waits for the next run."""
        with self._lock:
            self._give_back(turn, tried=tried)

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
        """The run is over: what it holds is free, and what it gave back waits."""
        with self._lock:
            held = [name for name, row in self._patients.items() if row.by]
            for name in held:
                self._patients[name].by = ""
            waiting = self._in_order([*self._queue, *self._last, *self._given_back, *held])
            self._given_back = {}
            self._queue = {name: None for name in waiting if not self._patients[name].tried}
            self._last = {name: None for name in waiting if self._patients[name].tried}

    def _ask(self, name: str) -> None:
        row = self._patients.setdefault(name, _Patient())
        row.asked += 1
        if name not in self._queue:
            row.noted, row.tried = next(self._numbers), False
            self._given_back.pop(name, None)
            self._last.pop(name, None)
            if not row.by:
                self._queue[name] = None

    def _hold(self, name: str) -> Turn:
        row = self._patients[name]
        self._queue.pop(name, None)
        self._last.pop(name, None)
        row.tried = False
        row.by = f"turn {next(self._numbers)}"
        return Turn(name, row.asked, row.by, tuple(self._expected.get(name, {}).values()))

    def _give_back(self, turn: Turn, *, tried: bool) -> None:
        row = self._own(turn)
        if row and not self._free(turn):
            self._given_back[turn.patient] = None
            row.tried = tried

    def _own(self, turn: Turn) -> _Patient | None:
        """The patient, while the turn is still in force."""
        row = self._patients[turn.patient]
        return row if row.by == turn.by else None

    def _free(self, turn: Turn) -> bool:
        """Was the patient noted during the turn? Then this is another wait."""
        row = self._patients[turn.patient]
        row.by = ""
        if row.asked > turn.asked:
            self._queue[turn.patient] = None
            self._queue = dict.fromkeys(self._in_order(self._queue))
        return row.asked > turn.asked

    def _due(self, day: date) -> list[str]:
        rows = self._patients.items()
        return self._in_order(name for name, row in rows if row.again_on and row.again_on <= day)

    def _in_order(self, names: Iterable[str]) -> list[str]:
        return sorted(names, key=lambda name: self._patients[name].noted)

    def _expect(self, expected: Sequence[Expected]) -> None:
        for one in expected:
            held = self._expected.setdefault(one.patient, {})
            key = one.version.kind, one.version.id
            if key not in held or held[key].version.at <= one.version.at:
                held[key] = one

    def _forget(self, turn: Turn) -> None:
        """What this turn saw; not what was listed since."""
        held = self._expected.pop(turn.patient, {})
        if left := {key: one for key, one in held.items() if one not in turn.expects}:
            self._expected[turn.patient] = left

    def _keep(self, seen: Sequence[Version]) -> None:
        self._seen.update({(one.kind, one.id, one.version): one.at for one in seen})

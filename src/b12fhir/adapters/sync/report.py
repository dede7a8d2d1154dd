"""What a run over a server did, patient by patient."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from b12fhir.errors import B12Error
from b12fhir.fhir.publish import Write
from b12fhir.ports import Version
from b12fhir.service import Proposal

CREATE, UPDATE, WITHDRAW, NOTHING = "create", "update", "withdraw", "nothing"
BLOCKED, UNDECIDED, FAILED, NOT_TRIED = "blocked", "undecided", "failed", "not-tried"
HANDED_OVER, GONE = "handed-over", "gone"
WRITTEN = frozenset({CREATE, UPDATE, WITHDRAW})
INCOMPLETE = frozenset({UNDECIDED, FAILED, NOT_TRIED})
# How patients were found: all were read, those of whom something changed, or those named.
ALL, CHANGES, NAMED = "all", "changes", "named"
_LOOKED = {
    ALL: "Looked at every patient.",
    CHANGES: "Looked at patients of whom something changed, and those whose day had come.",
}
# Lines for people and errors that are kept of one run: a server of a million patients may be down.
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class PatientResult:
    """What happened to one patient.

    ``kind`` is that of the write (create, update, withdraw, nothing, blocked), or ``handed-over``
    (the server cannot take it, so it waits for a person), ``undecided`` (the record could not be
    read whole), ``failed`` (it could not be written), ``gone`` (the server has no such patient any
    more) or ``not-tried`` (somebody else was at work on it). In a dry run the write is what would
    have been sent. ``reason`` is one sentence for people. ``fresh``: what waits is new.
    ``overdue`` names late doses of plans in force; ``beside`` counts what was written beside the
    plan: copies put right, Tasks and findings; ``problem`` says what of that could not be done.
    ``seen`` are versions read and written that need not be looked at again; ``again_on`` is the
    next day on which time alone may change what is to be said of this patient.
    """

    patient: str
    kind: str
    reason: str
    proposal: Proposal | None = None
    write: Write | None = None
    error: B12Error | None = None
    read: int = 0
    fresh: bool = False
    overdue: tuple[str, ...] = ()
    beside: int = 0
    problem: str = ""
    seen: Sequence[Version] = ()
    again_on: date | None = None

    @property
    def is_done(self) -> bool:
        """Need the patient not wait for the next run?"""
        return self.kind not in INCOMPLETE

    @property
    def written(self) -> int:
        """How many resources were created, updated or withdrawn; in a dry run, would have been."""
        write = self.write if self.kind in WRITTEN else None
        plan = write.created + write.updated + write.withdrawn if write else 0
        return plan + self.beside

    @property
    def put_right(self) -> int:
        """How many resources were put right that shared an identity: the rest waits for that."""
        if self.write is None or not self.write.heals or self.kind == HANDED_OVER:
            return 0
        return self.write.updated + self.write.withdrawn

    def after(self, healed: int) -> "PatientResult":
        """The same, after so many resources were put right."""
        if not healed:
            return self
        reason = f"{self.reason}; copies of one identity put right first: {healed}"
        return replace(self, reason=reason, beside=self.beside + healed)


class SyncReport:
    """What a run did, counted as the results come in; `add` is for one thread.

    ``notes`` concern the whole run. ``waiting`` patients were not tried and wait for the next run,
    because of ``stopped`` if that says why. ``looked`` says how patients were found (`ALL`,
    `CHANGES`, `NAMED`; empty where another run was looking). ``troubles``: what could not be looked
    at. ``results`` holds every result only if the run was to keep them.
    """

    def __init__(
        self, notes: Sequence[str] = (), *, dry_run: bool = False, keep: bool = True
    ) -> None:
        self.notes: tuple[str, ...] = tuple(notes)
        self.dry_run = dry_run
        self.results: list[PatientResult] = []
        self.counts: Counter[str] = Counter()
        self.patients = self.resources_read = self.resources_written = self.overdue_doses = 0
        self.waiting = 0
        self.looked = NAMED
        self.stopped = ""
        self.interrupted = False
        self.troubles: tuple[str, ...] = ()
        self.error: B12Error | None = None
        self.errors: list[B12Error] = []
        self._keep = keep
        self._fresh = self._failed = 0
        self._told: list[str] = []
        self._late: list[str] = []
        self._lost: list[str] = []

    def add(self, result: PatientResult) -> None:
        """Count one patient."""
        self.patients += 1
        self.counts[result.kind] += 1
        self.resources_read += result.read
        self.resources_written += 0 if self.dry_run else result.written
        self.overdue_doses += len(result.overdue)
        self._fresh += result.fresh
        if self._keep:
            self.results.append(result)
        if result.error:
            self._failed += 1
            self.errors += [result.error][: _KEPT - len(self.errors)]
        self._tell(result)

    def _tell(self, result: PatientResult) -> None:
        if result.kind in {BLOCKED, GONE, *INCOMPLETE} and len(self._told) < _KEPT:
            self._told.append(f"{result.patient}: {result.kind}: {result.reason}")
        room = _KEPT - len(self._late)
        self._late += [f"{result.patient}: {late}" for late in result.overdue[:room]]
        if result.problem and len(self._lost) < _KEPT:
            self._lost.append(f"{result.patient}: {result.problem}")

    @property
    def partial(self) -> bool:
        """Does any patient wait for the next run because of a problem?"""
        held_up = bool(self.waiting and self.stopped)
        return held_up or bool(self.troubles) or any(self.counts[kind] for kind in INCOMPLETE)

    @property
    def all_failed(self) -> bool:
        """Was there an error for every patient that was tried?"""
        return bool(self.patients) and self._failed == self.patients

    @property
    def undone(self) -> int:
        """How many patients wait for the next run."""
        return self.waiting + sum(self.counts[kind] for kind in INCOMPLETE)

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Of every patient that could be decided, if results were kept."""
        return tuple(r.proposal for r in self.results if r.proposal is not None)

    @property
    def overdue(self) -> tuple[str, ...]:
        """One line for each late dose of a plan in force."""
        return tuple(self._late)

    def lines(self) -> tuple[str, ...]:
        """The run in plain words: what was read and written, then whatever needs attention."""
        count = self.counts
        would = "would be " if self.dry_run else ""
        plans = (
            f"Plans: {count[CREATE]} {would}created, {count[UPDATE]} {would}updated, "
            f"{count[WITHDRAW]} {would}withdrawn, {count[NOTHING]} without change, "
            f"{count[BLOCKED]} left alone."
        )
        head = (
            f"Read {self.resources_read} resources of {self.patients} patients.",
            plans,
            f"Resources written: {self.resources_written}.",
        )
        late = (f"Doses overdue: {self.overdue_doses}.",) if self.overdue_doses else ()
        looked = (_LOOKED[self.looked],) if self.looked in _LOOKED else ()
        return (*head, *late, *self._handed_over(), *self._waits(), *looked, *self.notes)

    def _handed_over(self) -> tuple[str, ...]:
        waiting = self.counts[HANDED_OVER]
        if not waiting:
            return ()
        how = "would wait" if self.dry_run else f"({self._fresh} new or changed) wait"
        said = f"Handed over: {waiting} plans {how} as files for somebody to load; not sent."
        return (said,)

    def _waits(self) -> tuple[str, ...]:
        return (f"Waiting for the next run: {self.undone} patients.",) if self.undone else ()

    def problems(self) -> tuple[str, ...]:
        """One line for whatever needs a person: a patient not done, a late dose, doses not told.

        Of each sort the first thousand.
        """
        stopped = (self.stopped,) if self.stopped else ()
        return (*stopped, *self.troubles, *self._told, *self._late, *self._lost)

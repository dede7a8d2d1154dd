"""What a run over a server did, patient by patient."""

from collections import Counter
from dataclasses import dataclass, replace

from b12fhir.errors import B12Error
from b12fhir.fhir.publish import Write
from b12fhir.service import Proposal

CREATE, UPDATE, WITHDRAW, NOTHING = "create", "update", "withdraw", "nothing"
BLOCKED, UNDECIDED, FAILED, NOT_TRIED = "blocked", "undecided", "failed", "not-tried"
HANDED_OVER = "handed-over"
WRITTEN = frozenset({CREATE, UPDATE, WITHDRAW})
INCOMPLETE = frozenset({UNDECIDED, FAILED, NOT_TRIED})


@dataclass(frozen=True, slots=True)
class PatientResult:
    """What happened to one patient.

    ``kind`` is that of the write (create, update, withdraw, nothing, blocked), or ``handed-over``
    (the server cannot take it, so it waits for a person), ``undecided`` (the record could not be
    read whole), ``failed`` (it could not be written) or ``not-tried``. In a dry run the write is
    what would have been sent. ``reason`` is one sentence for people. ``fresh``: what waits is new.
    ``overdue`` names late doses of plans in force; ``beside`` counts what was written beside the
    plan: copies put right, Tasks and findings; ``problem`` says what of that could not be done.
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


@dataclass(frozen=True, slots=True)
class SyncReport:
    """Every patient in the order the server listed them; ``notes`` concern the whole run."""

    results: tuple[PatientResult, ...]
    notes: tuple[str, ...] = ()
    dry_run: bool = False

    @property
    def counts(self) -> Counter[str]:
        """Patients by kind of result."""
        return Counter(result.kind for result in self.results)

    @property
    def partial(self) -> bool:
        """Could some patients not be processed?"""
        return any(result.kind in INCOMPLETE for result in self.results)

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Of every patient that could be decided."""
        return tuple(r.proposal for r in self.results if r.proposal is not None)

    @property
    def resources_read(self) -> int:
        """How many resources were read."""
        return sum(result.read for result in self.results)

    @property
    def resources_written(self) -> int:
        """How many resources were created, updated or withdrawn; 0 in a dry run."""
        if self.dry_run:
            return 0
        writes = [r.write for r in self.results if r.kind in WRITTEN and r.write is not None]
        plans = sum(write.created + write.updated + write.withdrawn for write in writes)
        return plans + sum(r.beside for r in self.results)

    @property
    def overdue(self) -> tuple[str, ...]:
        """One line for each late dose of a plan in force."""
        return tuple(f"{r.patient}: {late}" for r in self.results for late in r.overdue)

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
            f"Read {self.resources_read} resources of {len(self.results)} patients.",
            plans,
            f"Resources written: {self.resources_written}.",
        )
        late = (f"Doses overdue: {len(self.overdue)}.",) if self.overdue else ()
        return (*head, *late, *self._handed_over(), *self.notes)

    def _handed_over(self) -> tuple[str, ...]:
        waiting = [result for result in self.results if result.kind == HANDED_OVER]
        if not waiting:
            return ()
        fresh = sum(result.fresh for result in waiting)
        how = "would wait" if self.dry_run else f"({fresh} new or changed) wait"
        said = f"Handed over: {len(waiting)} plans {how} as files for somebody to load; not sent."
        return (said,)

    def problems(self) -> tuple[str, ...]:
        """One line for whatever needs a person: a patient not done, a late dose, doses not told."""
        needs = {BLOCKED, *INCOMPLETE}
        told = (f"{r.patient}: {r.kind}: {r.reason}" for r in self.results if r.kind in needs)
        lost = (f"{r.patient}: {r.problem}" for r in self.results if r.problem)
        return (*told, *self.overdue, *lost)

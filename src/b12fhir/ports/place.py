"""How far the sync of a server has come: what is kept of it, and the protocol of who keeps it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one resource; ``at`` is when it came about, by the server's own clock."""

    kind: str
    id: str
    version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Expected:
    """What a change makes the record of ``patient`` (``Patient/<id>``) show.

    ``is_there``: this version or a later one is in it; else nothing older of that resource is, for
    it was deleted or is another patient's by now. ``listed`` is when that was heard, by our clock.
    """

    patient: str
    version: Version
    listed: datetime
    is_there: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What a look for changes found, to be kept in one step.

    ``patients`` (``Patient/<id>``) wait from now on. ``marks`` says by type how far its changes
    are known: nothing that the server stamped earlier is asked for again, but for an overlap.
    ``seen`` are versions that need not be looked at again when they come in that overlap; those
    from before ``forget`` (by type) cannot come again and are forgotten. ``expected`` is what the
    next turns of patients must find, or the server answered from a copy that lags behind.
    """

    patients: Sequence[str] = ()
    marks: Mapping[str, datetime] = field(default_factory=dict)
    seen: Sequence[Version] = ()
    expected: Sequence[Expected] = ()
    forget: Mapping[str, datetime] = field(default_factory=dict)


def begun(rules: str) -> str:
    """The fingerprint that stands while patients are noted because of these rules."""
    return f"changing to {rules}"


@dataclass(frozen=True, slots=True)
class FullRead:
    """When every patient was last asked for, and what decided then (pack, program, settings).

    While patients are noted because other things decide now, their fingerprint is `begun`.
    """

    at: datetime
    fingerprint: str

    def is_by(self, rules: str) -> bool:
        """Do these rules decide, or will they when all patients are noted?"""
        return self.fingerprint in {rules, begun(rules)}


@dataclass(frozen=True, slots=True)
class Reader:
    """What decides (pack, program, settings), and when it first and last looked for changes."""

    fingerprint: str
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """A patient whose turn it is: nobody else works on this one until it is ended or given back.

    ``asked`` counts how often the patient was noted, so that a note that comes meanwhile counts.
    ``by`` names who has it: a turn that somebody else took over meanwhile is not ended by it.
    ``expects`` is what the record must show; to end the turn is to have seen it.
    """

    patient: str
    asked: int
    by: str = field(default="", compare=False, repr=False)
    expects: tuple[Expected, ...] = field(default=(), compare=False, repr=False)


class Place(Protocol):
    """How far the sync of one server has come. Its loss, at any moment, costs only time.

    Each call is one transaction, safe from threads, and raises `StoreError` if it cannot be kept.
    A place belongs to one run at a time. Turns and the lease to look for changes end with their
    run, however it ends: another run takes them over when this one is known to be dead or was
    silent too long. To end or give back a turn that was taken over changes nothing.
    """

    def full_read(self) -> FullRead | None:
        """The last full read, or the one that was `begun` since; ``None`` if there was neither."""
        ...

    def readers(self) -> Sequence[Reader]:
        """All that ever looked for changes here."""
        ...

    def appear(self, fingerprint: str, now: datetime, *, anew: bool) -> None:
        """Keep that this one looks now; ``anew``: as if for the first time."""
        ...

    def marks(self) -> Mapping[str, datetime]:
        """How far the changes of each type are known."""
        ...

    def seen(self, kind: str) -> frozenset[tuple[str, str]]:
        """Id and version of what need not be looked at again."""
        ...

    def note(self, found: Found, full: FullRead | None = None) -> None:
        """Keep what was found: a patient noted before the mark moves cannot be lost.

        ``full``: with this, every patient of the server has been noted. Nothing is kept with it
        where the lease to look for changes was lost meanwhile: others have noted them since.
        """
        ...

    def expected(self) -> Sequence[Expected]:
        """All that was noted as expected and not seen since; of each resource the newest."""
        ...

    def wake(self, day: date) -> None:
        """Whoever is to be looked at again on this day or earlier waits from now on."""
        ...

    def waiting(self) -> int:
        """How many patients wait that this run has not tried."""
        ...

    def peek(self, day: date) -> Iterator[str]:
        """Who waits, or would once woken for this day, in the order of the notes.

        Nobody's turn is taken and nothing changes: for a run that must leave no trace.
        """
        ...

    def claim(self, most: int) -> Sequence[Turn]:
        """The turns of up to so many patients who wait, in the order in which they were noted.

        Those who were tried in vain come last.
        Nobody who is being worked on, and nobody whom this run gave back, unless noted again since.
        """
        ...

    def claim_only(self, patient: str) -> Turn | None:
        """The turn of this patient, waiting or not; ``None`` while somebody has it.

        It counts as a note: given back, the patient waits.
        """
        ...

    def end(
        self,
        turn: Turn,
        seen: Sequence[Version] = (),
        again_on: date | None = None,
        rules: str = "",
    ) -> None:
        """The patient is done: waits no more, unless noted meanwhile, until ``again_on``.

        ``rules``: the fingerprint of what decided. Where the last full read is by another one, the
        patient waits for the next run: this one answered what it was asked, and for nobody else.
        """
        ...

    def give_back(self, turn: Turn, *, tried: bool = False) -> None:
        """The patient could not be done and waits for the next run.

        ``tried``: in vain, and so after all who were not, until noted again.
        """
        ...

    def finding(self, wait_s: float) -> AbstractContextManager[bool]:
        """The lease to look for changes: one run at a time; false if it was not had in time."""
        ...

    def close(self) -> None:
        """The run is over: what it holds is free, what it gave back waits. Use begins another."""
        ...

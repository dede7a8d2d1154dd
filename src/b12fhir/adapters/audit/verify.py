"""Is the record whole? The first line that is not, and what that means."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from b12fhir.adapters.audit.chain import files_of, raw_lines
from b12fhir.adapters.audit.disk import quiet
from b12fhir.adapters.audit.head import read_head
from b12fhir.adapters.audit.line import GENESIS, BrokenLineError, Line, parse_line
from b12fhir.adapters.audit.memory import ENDS
from b12fhir.errors import AuditError
from b12fhir.ports import AuditState


@dataclass(frozen=True, slots=True)
class Verified:
    """The verdict: ``broken`` is the first fault with its meaning, ``""`` if there is none.

    ``unfinished`` are writes that were begun and whose end is not recorded; ``notes`` are no fault.
    """

    count: int
    last: str
    broken: str = ""
    unfinished: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whole, and nothing left open?"""
        return not (self.broken or self.unfinished)

    def lines(self) -> tuple[str, ...]:
        """The verdict for people. The first line is worth keeping in another place."""
        whole = "read" if self.broken else "whole"
        head = f"Audit record: {self.count} entries {whole}, the last one with hash {self.last}."
        broken = (f"BROKEN: {self.broken}",) if self.broken else ()
        return (head, *broken, *self.unfinished, *self.notes)


def verify(path: Path, key: bytes = b"") -> Verified:
    """Read every file of a record and check lines, chain and head.

    Raises `AuditError` if there is no record, or if it cannot be read.
    """
    try:
        with quiet(path):
            return _verified(path, key)
    except OSError as error:
        raise AuditError(
            f"The audit record {path} cannot be read ({error.strerror}).",
            hint="Check the path and its permissions.",
        ) from None


def _verified(path: Path, key: bytes) -> Verified:
    walk, head = _Walk(), read_head(path, key)
    files = files_of(path)
    if not files and not head.count:
        raise AuditError(
            f"There is no audit record at {path}.",
            hint="Name the file with --file, as in B12FHIR_AUDIT.",
        )
    broken = next(walk.faults(files), "")
    if not broken:
        broken = head.problem or _against_head(walk, head.count, head.last)
    if not broken and head.count + 1 == walk.seq:
        walk.notes.append(
            "The last entry stands after the head, as after a crash between the two; somebody "
            "without the key could have added it too. The next entry will say so."
        )
    aside = sorted(path.parent.glob(f"{path.name}.torn-*"))
    walk.notes += [f"{one} holds a line that a crash left half written." for one in aside]
    return Verified(walk.seq, walk.last, broken, tuple(walk.unfinished()), tuple(walk.notes))


@dataclass
class _Walk:
    """The chain as far as it was followed."""

    seq: int = 0
    last: str = GENESIS
    before: str = ""
    open: dict[str, Line] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def faults(self, files: list[Path]) -> Iterator[str]:
        """Faults in order; nothing after the first can be relied on."""
        for file in files:
            for number, raw, whole in raw_lines(file):
                if whole:
                    yield from self._step(raw, f"{file}, line {number}")
                elif file == files[-1]:
                    self.notes.append(
                        f"{file}, line {number} is half written, as after a crash: it is no entry. "
                        "The next entry will set it aside."
                    )
                else:
                    yield f"{file}, line {number}: it is cut off in the middle of the record."

    def _step(self, raw: bytes, where: str) -> Iterator[str]:
        try:
            line = parse_line(raw)
        except BrokenLineError as broken:
            yield f"{where} (entry {self.seq + 1}): {broken}."
            return
        if line.seq > self.seq + 1:
            yield f"{where} (entry {line.seq}): entries {self.seq + 1} to {line.seq - 1} are gone."
        elif (line.seq, line.prev) != (self.seq + 1, self.last):
            yield (
                f"{where} (entry {line.seq}): it does not follow the line before: lines were "
                "replaced, doubled or moved."
            )
        self.seq, self.before, self.last = line.seq, self.last, line.hash
        self._follow(line)

    def _follow(self, line: Line) -> None:
        if line.entry.state is AuditState.INTENDED and line.entry.patient:
            self.open[line.hash] = line
        elif line.entry.state in ENDS:
            self.open.pop(line.entry.answers, None)

    def unfinished(self) -> Iterator[str]:
        """Writes about a patient whose end is not known."""
        for line in self.open.values():
            entry = line.entry
            yield (
                f"UNFINISHED: entry {line.seq} of {line.at}: a {entry.kind.value} for patient "
                f"{entry.patient} was begun and its end is not recorded. Look at the server "
                f"whether it was written (plan {entry.plan or 'not named'}); the next sync does."
            )


def _against_head(walk: _Walk, count: int, last: str) -> str:
    if count > walk.seq:
        return (
            f"the head counts {count} entries and the files hold {walk.seq}: the end was cut off, "
            "or files were moved away."
        )
    if (count, last) in {(walk.seq, walk.last), (walk.seq - 1, walk.before)}:
        return ""
    if count == walk.seq:
        return "the last entry is not the one the head names: the end was replaced."
    return (
        f"the files hold {walk.seq} entries and the head counts {count}: lines were added without "
        "the program, or the head is an old one or gone."
    )

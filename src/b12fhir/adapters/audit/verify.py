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
from b12fhir.ports import AuditKind, AuditState


@dataclass(frozen=True, slots=True)
class Verified:
    """The verdict: ``broken`` is the first fault with its meaning, ``""`` if there is none.

    ``unfinished`` are writes that were begun and whose end is not recorded, and a last entry that
    the head does not cover yet; ``notes`` are no fault.
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
    broken = walk.fault(files)
    if not broken:
        broken = head.problem or _against_head(walk, head.count, head.last)
    unfinished = list(walk.unfinished())
    if not broken and head.count + 1 == walk.seq:
        unfinished.append(
            "UNSEALED: the last entry stands after the head, as after a crash between the two; "
            "somebody without the key could have added it too. The next entry will say so."
        )
    if head.unchecked:
        walk.notes.append(
            "The head is signed, and there is no key to check it: set B12FHIR_AUDIT_KEY_FILE."
        )
    aside = sorted(path.parent.glob(f"{path.name}.torn-*"))
    walk.notes += [f"{one} holds a line that a crash left half written." for one in aside]
    return Verified(walk.seq, walk.last, broken, tuple(unfinished), tuple(walk.notes))


@dataclass
class _Walk:
    """The chain as far as it was followed."""

    seq: int = 0
    last: str = GENESIS
    before: str = ""
    open: dict[str, Line] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def fault(self, files: list[Path]) -> str:
        """The first fault; nothing after it can be relied on, so nothing after it is read."""
        for file in files:
            for number, raw, whole in raw_lines(file):
                where = f"{file}, line {number}"
                if problem := self._step(raw, where) if whole else self._torn(where, file, files):
                    return problem
        return ""

    def _torn(self, where: str, file: Path, files: list[Path]) -> str:
        if file != files[-1]:
            return f"{where}: it is cut off in the middle of the record."
        self.notes.append(
            f"{where} is half written, as after a crash: it is no entry. The next entry will set "
            "it aside."
        )
        return ""

    def _step(self, raw: bytes, where: str) -> str:
        try:
            line = parse_line(raw)
        except BrokenLineError as broken:
            return f"{where} (entry {self.seq + 1}): {broken}."
        where = f"{where} (entry {line.seq})"
        if line.seq > self.seq + 1:
            return f"{where}: entries {self.seq + 1} to {line.seq - 1} are gone."
        if (line.seq, line.prev) != (self.seq + 1, self.last):
            return (
                f"{where}: it does not follow the line before: lines were replaced, doubled or "
                "moved."
            )
        self.seq, self.before, self.last = line.seq, self.last, line.hash
        self._follow(line)
        return ""

    def _follow(self, line: Line) -> None:
        if line.entry.state is AuditState.INTENDED and line.entry.patient:
            self.open[line.hash] = line
        elif line.entry.state in ENDS:
            self.open.pop(line.entry.answers, None)
        if line.entry.kind is AuditKind.REPAIR:
            self.notes.append(
                f"Entry {line.seq} of {line.at}: the record mended itself after a crash "
                f"({line.entry.outcome})."
            )

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

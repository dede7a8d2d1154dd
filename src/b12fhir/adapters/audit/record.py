"""Appending to the record, and remembering what it says of a patient."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from b12fhir import __version__
from b12fhir.adapters.audit.chain import Known, Tail, lines, segment_path, tail_of
from b12fhir.adapters.audit.disk import append, cut, locked, quiet, replace, sync_folder
from b12fhir.adapters.audit.head import Head, read_head, write_head
from b12fhir.adapters.audit.line import BrokenLineError, make_line
from b12fhir.adapters.audit.memory import Memory
from b12fhir.errors import AuditError
from b12fhir.ports import AuditEntry, AuditKind, Recalled

_ROTATE_AT = 64 * 1024 * 1024


class FileAudit:
    """An audit record in files; see the package for what it protects.

    ``path`` is the file in use; a full one (``rotate_at`` bytes) is renamed to end in the number of
    its last entry, and the chain goes on in the next. ``clock`` gives the instant of an entry,
    ``key`` that of the head. Threads and processes of one machine may share a record.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime],
        *,
        key: bytes = b"",
        rotate_at: int = _ROTATE_AT,
    ) -> None:
        self._path = path
        self._clock = clock
        self._key = key
        self._rotate_at = rotate_at
        self._known: Known | None = None
        self._memory: Memory | None = None
        self._memory_lock = Lock()

    def record(self, entry: AuditEntry) -> str:
        """Append one entry; its hash. It is on the disk when this returns.

        Raises `AuditError` if it cannot be written, or if the record must not be continued.
        """
        try:
            with locked(self._path):
                name = self._append(entry, self._ready())
        except OSError as error:
            raise self._unwritable(error) from None
        with self._memory_lock:
            if self._memory is not None:
                self._memory.note(entry, name)
        return name

    def recall(self, patient: str) -> Recalled:
        """What the record says of a patient.

        The files are read once; what other processes add after that is not seen. That can cost an
        entry said twice, never one left out.
        """
        with self._memory_lock:
            if self._memory is None:
                self._memory = self._read()
            return self._memory.recall(patient)

    def _read(self) -> Memory:
        memory = Memory()
        try:
            with quiet(self._path):
                for line in lines(self._path):
                    memory.note(line.entry, line.hash)
        except OSError as error:
            raise self._unwritable(error) from None
        except BrokenLineError as broken:
            raise self._not_whole(f"in one line {broken}") from None
        return memory

    def _ready(self) -> Tail:
        """The end of the chain, mended if a crash left it half written; rotated if it is full."""
        try:
            tail = tail_of(self._path, self._known)
        except BrokenLineError as broken:
            raise self._not_whole(f"in its last line {broken}") from None
        mended = self._head_mended(tail)
        if tail.torn:
            self._set_aside(tail)
            tail = self._repaired(tail, "torn-line-set-aside")
        if mended:
            tail = self._repaired(tail, "head-was-one-behind")
        if self._path.exists() and self._path.stat().st_size >= self._rotate_at:
            self._path.replace(segment_path(self._path, tail.seq))
            sync_folder(self._path)
        return tail

    def _head_mended(self, tail: Tail) -> bool:
        """Did a crash between a line and its head leave the head one behind?"""
        head = read_head(self._path, self._key)
        if head.problem:
            raise self._not_whole(head.problem)
        if (head.count, head.last) == (tail.seq, tail.hash):
            return False
        if (head.count + 1, head.last) != (tail.seq, tail.prev):
            raise self._not_whole(
                f"the head counts {head.count} entries and the files end at {tail.seq}"
            )
        write_head(self._path, Head(tail.seq, tail.hash), self._key)
        return True

    def _set_aside(self, tail: Tail) -> None:
        aside = self._path.with_name(f"{self._path.name}.torn-{tail.seq + 1}")
        replace(aside, tail.torn)
        cut(self._path, self._path.stat().st_size - len(tail.torn))

    def _repaired(self, tail: Tail, what: str) -> Tail:
        entry = AuditEntry(AuditKind.REPAIR, f"b12fhir/{__version__}", outcome=what)
        return Tail(tail.seq + 1, self._append(entry, tail), tail.hash)

    def _append(self, entry: AuditEntry, tail: Tail) -> str:
        at = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
        data, name = make_line(entry, at, tail.seq + 1, tail.hash)
        append(self._path, data)
        write_head(self._path, Head(tail.seq + 1, name), self._key)
        self._known = Known(data, Tail(tail.seq + 1, name, tail.hash))
        return name

    def _unwritable(self, error: OSError) -> AuditError:
        return AuditError(
            f"The audit record {self._path} cannot be written ({error.strerror}).",
            hint="Nothing is sent without a record. Check the path, its permissions and the space "
            "on the disk, then run again.",
        )

    def _not_whole(self, what: str) -> AuditError:
        return AuditError(
            f"The audit record {self._path} is not whole: {what}.",
            hint="It is not continued, since that would cover it up. Run b12fhir audit verify, "
            "keep the files, and name a new file in B12FHIR_AUDIT.",
        )

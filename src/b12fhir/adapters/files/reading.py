"""FHIR resources from files: a Bundle, NDJSON, NDJSON.gz, or a folder of them.

All of it is held in memory, about six times its size (50 MB of NDJSON took 290 MB). `MAX_INPUT` is
where it stops with a clear word; a server is the way for more.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from b12fhir.adapters.files.grouping import Item, Records, group
from b12fhir.adapters.files.lines import MAX_LINE, read_document, read_lines, unreadable
from b12fhir.errors import InputError, PatientError
from b12fhir.fhir.bundle import entries, is_incomplete
from b12fhir.fhir.json import decode
from b12fhir.fhir.outcome import Outcome, read_outcome
from b12fhir.kernel.evidence import Issue, Severity

MAX_INPUT = 512 * 2**20
_LINE_NAMES = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")
_NAMES = (*_LINE_NAMES, ".json", ".json.gz")
_BAD_LINES = 20
_AGAIN = "Every other line was read. Export the file again, or mend the line."


def read(paths: Sequence[Path]) -> Records:
    """Everything in the files and folders given, by patient.

    A line or file that cannot be read becomes an issue and all others are read. Raises `InputError`
    if nothing at all could be read, `PatientError` if it holds no Patient.
    """
    reading = _Reading()
    resources = [one for path in paths for one in reading.path(path)]
    if not resources:
        raise reading.nothing(paths)
    records = group(resources, reading.issues)
    if not records.patients:
        kinds = ", ".join(f"{number} {kind}" for kind, number in records.counts.items())
        msg = f"{_names(paths)} holds no Patient (read: {kinds})."
        raise PatientError(msg, hint="Add the Patient resource: age and sex decide limits.")
    return records


class _Reading:
    """One reading of some files; gathers the issues met on the way."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.size = 0

    def path(self, path: Path) -> Iterator[Item]:
        """Every resource of a file or of the files in a folder, by name."""
        if not path.is_dir():
            yield from self.file(path)
            return
        try:
            inside = sorted(one for one in path.iterdir() if one.name.endswith(_NAMES))
        except OSError as error:
            self._error("unreadable-file", str(unreadable(path, error)))
            return
        if not inside:
            msg = f"{path} holds no file named {', '.join(f'*{name}' for name in _NAMES)}."
            self._error("empty-folder", f"{msg} Name the folder of the export, or a file.")
        for one in inside:
            yield from self.file(one)

    def file(self, path: Path) -> Iterator[Item]:
        """Every resource of one file; what goes wrong becomes an issue."""
        try:
            if path.name.endswith(_LINE_NAMES):
                _refuse_foreign(path, next(read_lines(path), (1, b""))[1] or b"")
                yield from self._lines(path)
            else:
                yield from self._document(path)
        except InputError as error:
            self._error("unreadable-file", str(error))

    def nothing(self, paths: Sequence[Path]) -> InputError:
        """What to say when not one resource was read."""
        first = self.issues[0].text if self.issues else f"{_names(paths)} holds no FHIR resource."
        more = f" ({len(self.issues) - 1} more like it.)" if len(self.issues) > 1 else ""
        return InputError(first + more, hint="" if self.issues else "Name a Bundle or NDJSON file.")

    def _document(self, path: Path) -> Iterator[Item]:
        raw = read_document(path)
        if not raw.strip():
            self._warn("empty-file", f"{path} is empty.")
            return
        _refuse_foreign(path, raw.lstrip())
        try:
            whole = decode(raw, where=str(path))
        except InputError:
            if not _starts_as_lines(raw):
                raise
            yield from self._lines(path)
            return
        self._count(path, len(raw))
        yield from self._unpacked(whole, str(path))

    def _lines(self, path: Path) -> Iterator[Item]:
        bad = 0
        for number, raw in read_lines(path):
            where = f"{path} line {number}"
            try:
                self._count(path, len(raw or b""))
                yield from self._unpacked(_decoded(raw, where), where)
            except _LineError as error:
                bad += 1
                if bad <= _BAD_LINES:
                    self._error("unreadable-line", f"{error} {_AGAIN}")
        if bad > _BAD_LINES:
            text = f"{path}: {bad - _BAD_LINES} more lines could not be read."
            self._error("unreadable-line", text)

    def _unpacked(self, whole: object, where: str) -> Iterator[Item]:
        """The resource itself, or those inside a Bundle."""
        if not isinstance(whole, dict) or not isinstance(whole.get("resourceType"), str):
            msg = f"{where} is JSON, but no FHIR resource (it has no resourceType)."
            raise _LineError(msg)
        if whole["resourceType"] != "Bundle":
            yield Item(whole)
            return
        partial = is_incomplete(whole)
        if partial:
            msg = f"{where} is one page of a longer answer (it has a next link or a higher total)."
            self._error("incomplete-bundle", f"{msg} Get all pages: what is missing may decide.")
        for entry in entries(whole):
            if outcome := read_outcome(entry.resource):
                self._outcome(outcome, where)
            elif entry.resource.get("resourceType") != "Bundle":
                yield Item(entry.resource, entry.url, partial)

    def _outcome(self, outcome: Outcome, where: str) -> None:
        if outcome.is_harmful:
            text = f"{where}: the server that made it reported: {outcome.summary()}."
            self._warn("server-outcome", f"{text} Something may be missing.")

    def _count(self, path: Path, size: int) -> None:
        self.size += size
        if self.size > MAX_INPUT:
            msg = f"The input is larger than {MAX_INPUT // 2**20} MiB; stopped at {path}."
            raise InputError(msg, hint="Split it by patient, or use b12fhir sync with a server.")

    def _error(self, code: str, text: str) -> None:
        self.issues.append(Issue(code, Severity.ERROR, "", text))

    def _warn(self, code: str, text: str) -> None:
        self.issues.append(Issue(code, Severity.WARNING, "", text, relevant=False))


class _LineError(InputError):
    """One line, or one document, that is no resource; the lines around it are fine."""


def _decoded(raw: bytes | None, where: str) -> object:
    if raw is None:
        msg = f"{where} is longer than {MAX_LINE // 2**20} MiB, which no resource is."
        raise _LineError(msg)
    try:
        return decode(raw, where=where)
    except InputError as error:
        raise _LineError(error.message) from None


def _starts_as_lines(raw: bytes) -> bool:
    """Is the first line a whole JSON object of its own? Then the file is NDJSON under any name."""
    first, _, rest = raw.lstrip().partition(b"\n")
    if not rest.strip():
        return False
    try:
        return isinstance(decode(first, where=""), dict)
    except InputError:
        return False


def _refuse_foreign(path: Path, start: bytes) -> None:
    """Name the usual mistakes by their first bytes, rather than a JSON error for each line."""
    hint = "Give a FHIR Bundle (JSON) or NDJSON: one resource a line."
    if start[:1] == b"<":
        msg = f"{path} is HTML or XML, not FHIR JSON."
        if b"<html" in start[:2000].lower() or b"<!doctype html" in start[:2000].lower():
            msg = f"{path} is an HTML page (perhaps a login or error page), not FHIR JSON."
        raise InputError(msg, hint=hint)
    if b"\x00" in start[:2000] or start[:4] in {b"%PDF", b"PK\x03\x04"}:
        msg = f"{path} is a binary file, not FHIR JSON in UTF-8."
        raise InputError(msg, hint=hint)
    if start[:1] == b"[":
        msg = f"{path} is a JSON array, which FHIR does not know."
        raise InputError(msg, hint="Write one resource a line (NDJSON), or put them into a Bundle.")


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(str(path) for path in paths)

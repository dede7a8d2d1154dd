"""A patient's entries in plain words."""

from collections.abc import Collection, Iterator
from pathlib import Path

from b12fhir.adapters.audit.chain import lines
from b12fhir.adapters.audit.disk import quiet
from b12fhir.adapters.audit.line import BrokenLineError, Line
from b12fhir.errors import AuditError
from b12fhir.ports import AuditEntry, AuditKind, AuditState, Versioned

_DID = {
    AuditKind.RUN: "ran over the server",
    AuditKind.DECISION: "decided",
    AuditKind.WRITE: "wrote drafts",
    AuditKind.SIGNATURE: "signed",
    AuditKind.REJECTION: "rejected",
    AuditKind.WITHDRAWAL: "withdrew",
    AuditKind.EXPORT: "exported",
    AuditKind.REPAIR: "mended the record",
}
_HOW = {
    AuditState.INTENDED: "was about to be sent",
    AuditState.DONE: "done",
    AuditState.REFUSED: "nothing was changed",
    AuditState.UNCLEAR: "the server did not say whether it was done",
    AuditState.OVERTAKEN: "not found as intended when the patient was read again",
}


def history(path: Path, patients: Collection[str]) -> list[str]:
    """Every entry about one of these pseudonyms, oldest first, as lines for people.

    Raises `AuditError` if the record cannot be read or a line of it was changed.
    """
    try:
        with quiet(path):
            found = [line for line in lines(path) if line.entry.patient in patients]
    except OSError as error:
        raise AuditError(
            f"The audit record {path} cannot be read ({error.strerror}).",
            hint="Check the path and its permissions.",
        ) from None
    except BrokenLineError as broken:
        raise AuditError(
            f"The audit record {path} is not whole: in one line {broken}.",
            hint="Run b12fhir audit verify to see where.",
        ) from None
    return [text for line in found for text in _told(line)]


def _told(line: Line) -> Iterator[str]:
    entry = line.entry
    yield f"{line.seq}  {line.at}  {entry.actor}: {_DID[entry.kind]} ({_HOW[entry.state]})"
    for label, text in _details(entry, line.program):
        if text:
            yield f"    {label}: {text}"


def _details(entry: AuditEntry, program: str) -> tuple[tuple[str, str], ...]:
    return (
        ("outcome", entry.outcome.replace(",", ", ").replace("=", " ")),
        ("as of", entry.as_of),
        ("plan", entry.plan),
        ("from", _listed(entry.inputs)),
        (
            "to be written" if entry.state is AuditState.INTENDED else "wrote",
            _listed(entry.written),
        ),
        ("decision", entry.decision),
        ("by", _versions(entry, program)),
    )


def _versions(entry: AuditEntry, program: str) -> str:
    named = (("pack", entry.pack), ("rules", entry.rules), ("program", program))
    return ", ".join(f"{what} {version}" for what, version in named if version)


def _listed(rows: tuple[Versioned, ...]) -> str:
    return ", ".join(
        f"{r.reference} version {r.version}" if r.version else r.reference for r in rows
    )

"""One line of the record: an entry with its place in the chain, as canonical JSON."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from b12fhir import __version__
from b12fhir.errors import B12Error
from b12fhir.fhir.json import canonical, decode
from b12fhir.ports import AuditEntry, AuditKind, AuditState, Versioned

GENESIS = "0" * 64
FORMAT = 1
_TEXTS = ("actor", "patient", "plan", "as_of", "decision", "pack", "rules", "outcome", "answers")
_LISTS = ("inputs", "written")


class BrokenLineError(Exception):
    """A line that is not as the program wrote it; the text says what that means."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with its number (from 1), instant, program version, and the two hashes."""

    seq: int
    at: str
    program: str
    entry: AuditEntry
    prev: str
    hash: str


def make_line(entry: AuditEntry, at: str, seq: int, prev: str) -> tuple[bytes, str]:
    """The bytes of a line, its newline included, and its hash. Empty fields are left out."""
    body: dict[str, Any] = {
        "v": FORMAT,
        "seq": seq,
        "at": at,
        "program": __version__,
        "kind": entry.kind.value,
        "state": entry.state.value,
        "prev": prev,
    }
    body |= {name: text for name in _TEXTS if (text := getattr(entry, name))}
    body |= {name: _rows(rows) for name in _LISTS if (rows := getattr(entry, name))}
    own = _hash(body)
    return canonical({**body, "hash": own}) + b"\n", own


def parse_line(raw: bytes) -> Line:
    """Read one line (without its newline) and check it against its own hash.

    Raises `BrokenLineError` with the meaning. The bytes must be those the program would write: else
    the same entry could stand there in two spellings.
    """
    try:
        body = decode(raw, where="the line")
    except B12Error:
        raise BrokenLineError("it is no JSON: it was damaged or overwritten") from None
    if not isinstance(body, dict) or body.get("v") != FORMAT:
        raise BrokenLineError("it is no entry, or one of a newer program")
    own = body.pop("hash", "")
    if own != _hash(body) or raw != canonical({**body, "hash": own}):
        raise BrokenLineError(
            "what it says is not what was recorded: it was changed after it was written"
        )
    try:
        return _line(body, own)
    except (B12Error, KeyError, TypeError, ValueError):
        raise BrokenLineError("it holds what no entry can hold: it was made by hand") from None


def _line(body: Mapping[str, Any], own: str) -> Line:
    fields: dict[str, Any] = {name: body[name] for name in _TEXTS if name in body}
    for name in _LISTS:
        fields[name] = tuple(Versioned(*row) for row in body.get(name, ()))
    entry = AuditEntry(AuditKind(body["kind"]), state=AuditState(body["state"]), **fields)
    return Line(int(body["seq"]), body["at"], body["program"], entry, body["prev"], own)


def _rows(rows: tuple[Versioned, ...]) -> list[list[str]]:
    return [[row.reference, row.version, row.digest] for row in rows]


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()

"""The files of one record, oldest first, and the end of the chain."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from b12fhir.adapters.audit.line import GENESIS, Line, parse_line

_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of the chain: number, hash and the hash before, and a half-written rest."""

    seq: int = 0
    hash: str = GENESIS
    prev: str = ""
    torn: bytes = b""


@dataclass(frozen=True, slots=True)
class Known:
    """A line that this process wrote: its bytes, newline included, and the tail that it makes."""

    raw: bytes
    tail: Tail


def segment_path(path: Path, last: int) -> Path:
    """Name of a full file, by the number of its last entry: they sort as they follow."""
    return path.with_name(f"{path.stem}-{last:012d}{path.suffix}")


def files_of(path: Path) -> list[Path]:
    """Every file of the record, the one in use last."""
    pattern = re.compile(rf"{re.escape(path.stem)}-\d{{12}}{re.escape(path.suffix)}\Z")
    there = path.parent.iterdir() if path.parent.is_dir() else ()
    full = sorted(one for one in there if pattern.match(one.name))
    return [*full, *([path] if path.exists() else [])]


def raw_lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Number, bytes without newline, and whether the line is whole. Raises `OSError`."""
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            yield number, raw.removesuffix(b"\n"), raw.endswith(b"\n")


def lines(path: Path) -> Iterator[Line]:
    """Every whole line of the record in order; a half-written last one is left out.

    Raises `OSError`, and `BrokenLineError` for a line that was changed.
    """
    for file in files_of(path):
        for _, raw, whole in raw_lines(file):
            if whole:
                yield parse_line(raw)


def tail_of(path: Path, known: Known | None = None) -> Tail:
    """Where the next line goes. Raises `OSError`, and `BrokenLineError` for a last line changed.

    If the last line is the ``known`` one, to the byte, it is not taken apart again.
    """
    if known is not None and _ends_with(path, known.raw):
        return known.tail
    whole, torn = _last(path) if path.exists() else (b"", b"")
    if not whole:
        full = [one for one in files_of(path) if one != path]
        whole = _last(full[-1])[0] if full else b""
    if not whole:
        return Tail(torn=torn)
    line = parse_line(whole)
    return Tail(line.seq, line.hash, line.prev, torn)


def _ends_with(path: Path, line: bytes) -> bool:
    """Is this the last line of the file, and nothing after it?"""
    try:
        with path.open("rb") as stream:
            begin = stream.seek(0, 2) - len(line)
            # The newline before it as well: else a longer line could end like it.
            stream.seek(max(begin - 1, 0))
            return stream.read() == (b"\n" if begin > 0 else b"") + line
    except FileNotFoundError:
        return False


def _last(path: Path) -> tuple[bytes, bytes]:
    """The last whole line without its newline, and whatever follows it."""
    with path.open("rb") as stream:
        position, held = stream.seek(0, 2), b""
        while position and held.count(b"\n") < 2:  # noqa: PLR2004 - one line has two ends
            step = min(_BLOCK, position)
            position = stream.seek(position - step)
            held = stream.read(step) + held
    whole, newline, torn = held.rpartition(b"\n")
    return (whole.rpartition(b"\n")[2], torn) if newline else (b"", held)

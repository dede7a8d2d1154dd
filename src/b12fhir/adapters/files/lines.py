"""Bytes of a file, plain or gzip, as lines or as one document, within stated limits."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from b12fhir.errors import InputError

# Technical limits. A FHIR resource is a few kB; a Bundle of one patient's life some 50 MB.
MAX_LINE = 32 * 2**20
MAX_DOCUMENT = 256 * 2**20
MAX_RATIO = 200
RATIO_FROM = 32 * 2**20
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_BROKEN = (OSError, EOFError, zlib.error)


def read_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    r"""Number and bytes of every line that is not blank; ``None`` for a line over `MAX_LINE`.

    Lines end with ``\n`` only: a resource may hold U+2028 inside a string. Raises `InputError` when
    the file cannot be read, or not to its end; lines yielded before that stand.
    """
    try:
        with _opened(path) as stream:
            yield from _lines(stream, path)
    except _BROKEN as error:
        raise unreadable(path, error) from None


def read_document(path: Path) -> bytes:
    """The whole file, without a byte order mark."""
    try:
        with _opened(path) as stream:
            raw = stream.read(MAX_DOCUMENT + 1)
    except _BROKEN as error:
        raise unreadable(path, error) from None
    if len(raw) > MAX_DOCUMENT:
        msg = f"{path} is larger than {MAX_DOCUMENT // 2**20} MiB in one piece."
        raise InputError(msg, hint="Export it as NDJSON: one resource a line, any number of lines.")
    _check_ratio(path, len(raw))
    return raw.removeprefix(_BOM)


def unreadable(path: Path, error: BaseException) -> InputError:
    """Say why the file system or the decompression gave up."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path} does not exist.", hint="Check the spelling of the path.")
    if isinstance(error, OSError) and error.strerror:
        msg = f"{path} cannot be read ({error.strerror})."
        return InputError(msg, hint="Check its permissions.")
    msg = f"{path} is a damaged or incomplete gzip file; what could be read before the damage was."
    return InputError(msg, hint="Copy or export it again.")


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        packed = stream.read(2) == _GZIP
    return cast("BinaryIO", gzip.open(path, "rb")) if packed else path.open("rb")


def _lines(stream: BinaryIO, path: Path) -> Iterator[tuple[int, bytes | None]]:
    number = total = 0
    while chunk := stream.readline(MAX_LINE + 1):
        number += 1
        total += len(chunk)
        whole = len(chunk) <= MAX_LINE
        end = chunk
        while len(end) > MAX_LINE and not end.endswith(b"\n"):
            end = stream.readline(MAX_LINE + 1)
            total += len(end)
            _check_ratio(path, total)
        _check_ratio(path, total)
        text = chunk.removeprefix(_BOM) if number == 1 else chunk
        if not whole:
            yield number, None
        elif text := text.strip():
            yield number, text


def _check_ratio(path: Path, size: int) -> None:
    """Stop at a decompression bomb: real NDJSON packs 10 to 40 times, not hundreds."""
    if size > RATIO_FROM and size > MAX_RATIO * path.stat().st_size:
        msg = f"{path} unpacks to more than {MAX_RATIO} times its size, which no real export does."
        raise InputError(msg, hint="Check where it comes from; unpack it yourself if it is sound.")

"""Files of results: written whole or not at all, readable by their owner only."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from b12fhir.errors import ConfigError


def write(folder: Path, name: str, parts: Iterable[bytes]) -> Path:
    """Write one file into ``folder``, which is made if need be; a half-written one never shows.

    Results hold clinical data, so nobody but the owner may read them. Raises `ConfigError`.
    """
    with sheet(folder, name) as add:
        for part in parts:
            add(part)
    return folder / name


@contextmanager
def sheet(folder: Path, name: str) -> Iterator[Callable[[bytes], object]]:
    """The same, for what comes by and by: the file shows when the block ends, if it ends well."""
    target = folder / name
    with _told(target):
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        stream = os.fdopen(handle, "wb")
        try:
            yield partial(_add, stream, target)
        finally:
            with _told(target):
                stream.close()
        with _told(target):
            Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _add(stream: BinaryIO, target: Path, part: bytes) -> None:
    with _told(target):
        stream.write(part)


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """A fault of the disk in words."""
    try:
        yield
    except OSError as error:
        msg = f"{target} cannot be written ({error.strerror})."
        raise ConfigError(msg, hint="Choose another folder with --out.") from None

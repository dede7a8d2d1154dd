"""Files that survive a crash: locked, flushed to the disk, readable by their owner only."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OWNER = 0o600


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only writer, among threads and processes of this machine. Raises `OSError`.

    The lock is on a file beside, which is never renamed; the system frees it when a process dies.
    """
    with _held(_lock(path), fcntl.LOCK_EX):
        yield


@contextmanager
def quiet(path: Path) -> Iterator[None]:
    """Read while nobody writes; makes no file. Raises `OSError`."""
    if not _lock_path(path).exists():
        yield
        return
    with _held(os.open(_lock_path(path), os.O_RDONLY), fcntl.LOCK_SH):
        yield


@contextmanager
def _held(handle: int, how: int) -> Iterator[None]:
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def _lock(path: Path) -> int:
    """The file of the lock, opened; its folder is there but for the first time."""
    try:
        return os.open(_lock_path(path), os.O_CREAT | os.O_RDWR, _OWNER)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(_lock_path(path), os.O_CREAT | os.O_RDWR, _OWNER)


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def append(path: Path, data: bytes) -> None:
    """Write at the end, and return when it is on the disk."""
    is_new = not path.exists()
    _write(path, data)
    if is_new:
        sync_folder(path)


def replace(path: Path, data: bytes) -> None:
    """Write a whole file or none of it."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    # The folder need not know its first name for good.
    _write(fresh, data)
    fresh.replace(path)
    sync_folder(path)


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, _OWNER)
    with os.fdopen(handle, "wb", closefd=True) as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def cut(path: Path, size: int) -> None:
    """Keep only the first bytes of a file."""
    with path.open("r+b") as stream:
        stream.truncate(size)
        os.fsync(stream.fileno())


def sync_folder(path: Path) -> None:
    """Make a new or renamed file of this folder last."""
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

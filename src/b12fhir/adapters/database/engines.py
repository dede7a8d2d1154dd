"""Engines for the two kinds of database: how each is opened, and how its transactions begin."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event

_OWNER = 0o600
# The execution option of a connection whose transactions will write: see `transaction`.
_WRITES = "b12fhir_writes"


def postgres_engine(url: URL, wait_s: int, *, is_durable: bool) -> Engine:
    """An engine for PostgreSQL; every statement ends after ``wait_s`` seconds."""
    limits = f"-c statement_timeout={wait_s}s -c lock_timeout={wait_s}s"
    hasty = "" if is_durable else " -c synchronous_commit=off"
    return create_engine(
        url,
        connect_args={"connect_timeout": wait_s, "options": limits + hasty},
        # A value in an error text could name a patient.
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=wait_s,
    )


def sqlite_engine(url: URL, wait_s: int, *, is_durable: bool) -> Engine:
    """An engine for a file of SQLite; who finds it locked waits for ``wait_s`` seconds."""
    engine = create_engine(
        url, connect_args={"timeout": wait_s}, hide_parameters=True, pool_timeout=wait_s
    )
    event.listen(engine, "connect", _sqlite_durable if is_durable else _sqlite_hasty)
    event.listen(engine, "begin", _sqlite_begins)
    return engine


@contextmanager
def transaction(engine: Engine, *, writes: bool) -> Iterator[Connection]:
    """One transaction; with ``writes`` one that will write.

    One of SQLite that reads first and then writes fails at once where somebody else wrote in
    between; this one waits for its turn before it reads. PostgreSQL needs nothing.
    """
    with engine.connect() as connection, connection.execution_options(**{_WRITES: writes}).begin():
        yield connection


def make_file(path: Path) -> None:
    """A file that only its owner can read: it knows who answered what, and which patients wait."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, _OWNER))


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of the same name; ``None`` if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _sqlite_durable(connection: sqlite3.Connection, _record: object) -> None:
    _sqlite_connected(connection, "FULL")


def _sqlite_hasty(connection: sqlite3.Connection, _record: object) -> None:
    _sqlite_connected(connection, "NORMAL")


def _sqlite_connected(connection: sqlite3.Connection, synchronous: str) -> None:
    """Readers and a writer side by side."""
    connection.isolation_level = None  # BEGIN is ours: the driver's own leaves out CREATE TABLE
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute(f"PRAGMA synchronous = {synchronous}")
    cursor.close()


def _sqlite_begins(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

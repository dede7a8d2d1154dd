"""A database for what is kept: SQLite in a file, or PostgreSQL by its URL.

An engine belongs to one process: it is made when a process first needs it, and a fork makes its
own. No text of ours ever holds a statement, a value or a password: errors are told by their code.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

import psycopg
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Table,
    create_engine,
    delete,
    event,
    false,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from b12fhir.adapters.database.tables import BOOK, GROWN, METADATA, SCHEMA, indexes
from b12fhir.adapters.database.use import Use
from b12fhir.errors import ConfigError

_OWNER = 0o600
_BROKEN = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}
# Any number will do, as long as all workers of one database take the same.
_MAKING = 0xB12
_POSTGRES = {"postgres", "postgresql", "postgresql+psycopg"}


class Store:
    """One database. ``url`` is that of SQLAlchemy: ``sqlite:///state/hooks.db``, or PostgreSQL's.

    ``use``: what it keeps, and the words and the error for it. ``wait_s``: a call of a database
    that is locked or far away fails after so long. ``is_durable``: what is committed survives a
    loss of power; without, only that of the process, and a commit costs a third. Raises
    `ConfigError` for a URL that names neither, or keeps nothing.
    """

    def __init__(
        self, url: str, use: Use, *, wait_s: int | None = None, is_durable: bool = True
    ) -> None:
        self._use = use
        self._url = _checked(url, use)
        is_file = self._url.drivername == "sqlite"
        self._file = Path(str(self._url.database)) if is_file else None
        self._wait_s = use.wait_s if wait_s is None else wait_s
        self._is_durable = is_durable
        self._lock = Lock()
        self._engine: Engine | None = None
        self._opened: tuple[int, int] | None = None
        self._pid = 0
        self._prepared = False
        self.lost = 0
        """How many files were taken away or replaced so far: numbers begin anew in the next."""

    @property
    def name(self) -> str:
        """What a person may read: the kind and the place, never user or password."""
        place = self._url.database or ""
        host = f"{self._url.host}/" if self._url.host else ""
        return f"{self._url.get_backend_name()} {host}{place}"

    @property
    def exists(self) -> bool:
        """Is there a file? A server is taken to be there until it is asked."""
        return self._file is None or self._file.exists()

    def hasty(self) -> "Store":
        """The same database for what may be lost if power fails."""
        url = self._url.render_as_string(hide_password=False)
        return Store(url, self._use, wait_s=self._wait_s, is_durable=False)

    def prepare(self) -> None:
        """Make the tables where they are missing.

        Raises `ConfigError` for what only a person can mend (a file that is no database, tables of
        another version), and the error of its use for what may pass.
        """
        with self._translated():
            with self.engine().begin() as connection:
                is_made = self._is_made(connection)
            if not is_made:
                with self.engine().begin() as connection:
                    self._make(connection)
        self._prepared = True

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: all of it is kept, on the disk, or nothing. Raises its use's error."""
        self.leave_lost_file()
        with self._usable(), self.engine().begin() as connection:
            yield connection

    def bare(self, statement: str, *values: str | int) -> int:
        """One statement by itself, without what a transaction costs; how many rows it changed.

        ``?`` stands for a value. A third of the CPU: for what is written on the call path. Raises
        the error of its use.
        """
        marked = statement if self._file else statement.replace("?", "%s")
        with self._usable(), closing(self.engine().raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(marked, values)
            connection.commit()
            return cursor.rowcount

    def check(self) -> None:
        """Can it be written now? Raises the error of its use."""
        with self.begin() as connection:
            connection.execute(update(BOOK).where(false()).values(version=SCHEMA))

    def engine(self) -> Engine:
        """The engine of this process; a connection inherited through a fork is never used."""
        with self._lock:
            if self._engine is None or self._pid != os.getpid():
                if self._engine is not None:
                    self._engine.dispose(close=False)
                self._engine, self._pid = self._made(), os.getpid()
            return self._engine

    def close(self) -> None:
        """Close every connection of this process; a later use opens new ones."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose(close=self._pid == os.getpid())
            self._engine, self._prepared = None, False

    def leave_lost_file(self) -> None:
        """Nobody else finds what is written into a file that was taken away or replaced.

        `begin` looks each time; whoever uses `bare` decides how often.
        """
        if self._engine is not None and self._file and self._opened != _identity(self._file):
            self.close()
            self.lost += 1

    def _made(self) -> Engine:
        # A value in an error text could name a patient: `hide_parameters`.
        if self._file is None:
            limits = f"-c statement_timeout={self._wait_s}s -c lock_timeout={self._wait_s}s"
            hasty = "" if self._is_durable else " -c synchronous_commit=off"
            return create_engine(
                self._url,
                connect_args={"connect_timeout": self._wait_s, "options": limits + hasty},
                hide_parameters=True,
                pool_pre_ping=True,
                pool_timeout=self._wait_s,
            )
        _make_file(self._file)
        self._opened = _identity(self._file)
        engine = create_engine(
            self._url,
            connect_args={"timeout": self._wait_s},
            hide_parameters=True,
            pool_timeout=self._wait_s,
        )
        event.listen(engine, "connect", _sqlite_durable if self._is_durable else _sqlite_hasty)
        event.listen(engine, "begin", _sqlite_begins)
        return engine

    def _is_made(self, connection: Connection) -> bool:
        """Are the tables there? The version is written last, so nothing is there in halves."""
        if not inspect(connection).has_table(BOOK.name):
            return False
        found = connection.execute(select(BOOK.c.version)).scalars().all()
        if found and GROWN.issuperset(found):
            return False
        if found != [SCHEMA]:
            versions = ", ".join(map(str, found))
            raise ConfigError(
                f"{self._use.what} ({self.name}) has tables of version {versions}; this program "
                f"knows {SCHEMA}, and would lose what it does not know.",
                hint="Run the program that made them, or name another database in "
                f"{self._use.setting}.",
            )
        return True

    def _make(self, connection: Connection) -> None:
        """Make what is missing; only for a new or older book, since it locks what is there."""
        if connection.dialect.name == "postgresql":
            # Of workers that start at once one makes the tables; the others wait and find them.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")
            if self._is_made(connection):
                return
        for table in METADATA.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
        for index in indexes():
            connection.execute(CreateIndex(index, if_not_exists=True))
        connection.execute(delete(BOOK).where(BOOK.c.version.in_(GROWN)))
        connection.execute(keep_once(connection, BOOK).values(version=SCHEMA))

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """With tables; whatever goes wrong is the error of its use, for a running program."""
        try:
            if not self._prepared:
                self.prepare()
            with self._translated():
                yield
        except ConfigError as error:
            raise self._use.error(error.message, hint=error.hint) from None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, psycopg.Error, OSError) as error:
            code = _code(error)
            if code in _BROKEN:
                raise ConfigError(
                    f"{self._use.what} ({self.name}) is no whole database ({code}).",
                    hint="Keep the file for a repair, and name another one in "
                    f"{self._use.setting}; {self._use.loss}.",
                ) from None
            raise self._use.error(
                f"{self._use.what} ({self.name}) cannot be used now ({code}).",
                hint=self._use.away,
            ) from None


def keep_once(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that leaves out what is there already."""
    return insert_into(connection, table).on_conflict_do_nothing()


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what happens to rows that are there: the same words in both."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def _checked(text: str, use: Use) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise _not_known("it cannot be read", use) from None
    if url.drivername in _POSTGRES:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite":
        raise _not_known("it names another kind", use)
    if url.database in {None, "", ":memory:"}:
        raise _not_known("it names no file, so nothing would outlast the program", use)
    return url


def _not_known(why: str, use: Use) -> ConfigError:
    # The URL itself is not repeated: it may hold a password.
    return ConfigError(
        f"The address of the database in {use.setting} cannot be used: {why}.",
        hint=f"Write {use.example}, or postgresql://user@host/database.",
    )


def _make_file(path: Path) -> None:
    """A file that only its owner can read: it knows who answered what, and which patients wait."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, _OWNER))


def _identity(path: Path) -> tuple[int, int] | None:
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
    connection.exec_driver_sql("BEGIN")


def _code(error: BaseException) -> str:
    """A word of code for what went wrong; a database's own text may quote a row."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    for word in ("sqlite_errorname", "sqlstate", "strerror"):
        if code := getattr(cause, word, None):
            return str(code)
    return type(cause).__name__

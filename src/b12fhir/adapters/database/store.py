"""A database for what is kept: SQLite in a file, or PostgreSQL by its URL.

An engine belongs to one process: it is made when a process first needs it, and a fork makes its
own. No text of ours ever holds a statement, a value or a password: errors are told by their code.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Lock

from sqlalchemy import URL, Connection, Engine, false, make_url, update
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from b12fhir.adapters.database.engines import (
    identity,
    make_file,
    postgres_engine,
    sqlite_engine,
    transaction,
)
from b12fhir.adapters.database.revisions import HEAD, is_newest, revision, upgrade
from b12fhir.adapters.database.tables import BOOK
from b12fhir.adapters.database.use import Use
from b12fhir.errors import ConfigError

_BROKEN = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}
_NO_TABLE = {"SQLITE_ERROR", "42P01"}
_BUSY = "SQLITE_BUSY"
# These pass when it is tried again: locked by another, or ended because two waited in a circle.
_PASSING = {_BUSY, "40P01"}
_TRIES, _PAUSE_S = 20, 0.1
# Workers that start at once wait so many seconds for the one that makes the tables.
_MAKING_S = 60
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
        # How many transactions of each engine are under way.
        self._used: Counter[Engine] = Counter()
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
    def title(self) -> str:
        """Its name, and the setting that names it."""
        return f"{self.name} ({self._use.setting})"

    @property
    def exists(self) -> bool:
        """Is there a file? A server is taken to be there until it is asked."""
        return self._file is None or self._file.exists()

    def hasty(self) -> "Store":
        """The same database for what may be lost if power fails."""
        url = self._url.render_as_string(hide_password=False)
        return Store(url, self._use, wait_s=self._wait_s, is_durable=False)

    def is_ready(self) -> bool:
        """Has it the tables of this program? None are made. Raises as `prepare` does."""
        if not self.exists:
            return False
        with self.glance() as connection:
            return revision(connection) == HEAD

    def prepare(self) -> None:
        """Make the tables where they are missing or older; costs one query where they are not.

        Raises `ConfigError` for what only a person can mend (a file that is no database, tables of
        another program), and the error of its use for what may pass.
        """
        with self._translated():
            tries = _TRIES
            while not self._is_made():
                tries -= 1
                self._make(is_last=tries <= 0)
        self._prepared = True

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """A transaction on what is there, whatever tables it has: none are made.

        Raises as `prepare` does.
        """
        with self._translated(), self._lent() as engine, engine.begin() as connection:
            yield connection

    @contextmanager
    def begin(self, *, writes: bool = False) -> Iterator[Connection]:
        """One transaction: all of it is kept, on the disk, or nothing. Raises its use's error.

        ``writes``: it reads what it is going to change, and nobody may change that meanwhile.
        """
        self.leave_lost_file()
        with (
            self._usable(),
            self._lent() as engine,
            transaction(engine, writes=writes) as connection,
        ):
            yield connection

    def bare(self, statement: str, *values: str | int) -> int:
        """One statement by itself, without what a transaction costs; how many rows it changed.

        ``?`` stands for a value. A third of the CPU: for what is written on the call path. Raises
        the error of its use.
        """
        marked = statement if self._file else statement.replace("?", "%s")
        with (
            self._usable(),
            self._lent() as engine,
            closing(engine.raw_connection()) as connection,
        ):
            cursor = connection.cursor()
            cursor.execute(marked, values)
            connection.commit()
            return cursor.rowcount

    def check(self) -> None:
        """Can it be written now? Raises the error of its use."""
        with self.begin() as connection:
            connection.execute(update(BOOK).where(false()).values(version=0))

    def engine(self) -> Engine:
        """The engine of this process; a connection inherited through a fork is never used."""
        with self._lock:
            return self._current()

    def close(self) -> None:
        """Close every connection of this process; a later use opens new ones.

        What others are about may end: the last of them closes theirs.
        """
        with self._lock:
            engine, self._engine, self._prepared = self._engine, None, False
            is_ours = self._pid == os.getpid()
            if engine is not None and not (is_ours and self._used[engine]):
                engine.dispose(close=is_ours)

    def leave_lost_file(self) -> None:
        """Nobody else finds what is written into a file that was taken away or replaced.

        `begin` looks each time; whoever uses `bare` decides how often.
        """
        if self._engine is not None and self._file and self._opened != identity(self._file):
            self.close()
            self.lost += 1

    @contextmanager
    def _lent(self) -> Iterator[Engine]:
        """The engine, for one use.

        An engine that is closed forgets the connections that are in use, and nobody would close
        them: so it stays until they are back.
        """
        with self._lock:
            engine = self._current()
            self._used[engine] += 1
        try:
            yield engine
        finally:
            with self._lock:
                self._used[engine] -= 1
                if not self._used[engine]:
                    del self._used[engine]
                    if engine is not self._engine:
                        engine.dispose()

    def _current(self) -> Engine:
        if self._engine is None or self._pid != os.getpid():
            if self._engine is not None:
                self._engine.dispose(close=False)
                self._used.clear()
            self._engine, self._pid = self._made(self._wait_s), os.getpid()
        return self._engine

    def _made(self, wait_s: int) -> Engine:
        if self._file is None:
            return postgres_engine(self._url, wait_s, is_durable=self._is_durable)
        make_file(self._file)
        self._opened = identity(self._file)
        return sqlite_engine(self._url, wait_s, is_durable=self._is_durable)

    def _make(self, *, is_last: bool) -> None:
        # An engine of its own, which waits longer.
        maker = self._made(_MAKING_S)
        try:
            with transaction(maker, writes=True) as connection:
                upgrade(connection, self._use, self.name)
        except DBAPIError as error:
            # Of those that open a new file of SQLite at once some are refused without a wait.
            if is_last or _code(error) not in _PASSING:
                raise
            Event().wait(_PAUSE_S)
        finally:
            maker.dispose()

    def _is_made(self) -> bool:
        """Are the tables there? The revision is written with them, so nothing is in halves."""
        try:
            with self._lent() as engine, engine.begin() as connection:
                return is_newest(connection)
        except DBAPIError as error:
            if _code(error) in {*_NO_TABLE, _BUSY}:
                return False
            raise

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

    def _driver_error(self) -> type[Exception]:
        """What the driver itself raises where SQLAlchemy does not stand between."""
        if self._file:
            return sqlite3.Error
        import psycopg  # noqa: PLC0415 - a tenth of a second of CPU that a file need not pay

        return psycopg.Error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, self._driver_error(), OSError) as error:
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


def _code(error: BaseException) -> str:
    """A word of code for what went wrong; a database's own text may quote a row."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    for word in ("sqlite_errorname", "sqlstate", "strerror"):
        if code := getattr(cause, word, None):
            return str(code)
    return type(cause).__name__

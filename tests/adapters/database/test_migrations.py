"""How a database comes to the tables of this program: new ones, older ones, and newer ones."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.schema import CreateTable

from b12fhir.adapters.database import revisions
from b12fhir.adapters.database.book import SqlBook, book_store
from b12fhir.adapters.database.place import SqlPlace, place_store
from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.tables import BOOK, METADATA
from b12fhir.adapters.database.tables.book import FEEDBACK, ISSUED, SILENCE, TOKEN_ID
from b12fhir.errors import ConfigError, StoreError
from tests.adapters.database.book.samples import (
    ANNA,
    BEFORE_CLIENTS,
    T0,
    eventually,
    heard,
    held,
    issued,
)

ROOT = Path(__file__).parents[3]
# What the first and the second program that kept a book had, and how they said so.
OLD = {1: (ISSUED, FEEDBACK, TOKEN_ID), 2: (ISSUED, FEEDBACK, TOKEN_ID, SILENCE)}


def as_the_old_program_made_it(store: Store, version: int) -> None:
    """Tables and a number: no steps, no revision."""
    with store.engine().begin() as connection:
        for table in (BOOK, *OLD[version]):
            table.create(connection)
        for statement in BEFORE_CLIENTS:
            connection.execute(text(statement))
        connection.execute(BOOK.insert().values(version=version))


def test_the_newest_step_is_the_one_the_program_asks_for():
    script = ScriptDirectory(str(revisions._FOLDER))
    assert script.get_heads() == [revisions.HEAD]


def test_the_steps_make_the_tables_of_the_program(store):
    """Else a database that grew would be another than the program thinks."""
    store.prepare()
    options = {"version_table": "b12fhir_revision", "compare_server_default": True}
    with store.begin() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []


def test_the_steps_make_them_as_sqlite_needs_them(sqlite_url):
    """Numbers that are never given twice, and trees without a second index, are not compared."""
    store = book_store(sqlite_url)
    with store.begin() as connection:
        made = dict(connection.execute(text("SELECT name, sql FROM sqlite_master")).all())
        for name, table in METADATA.tables.items():
            meant = str(CreateTable(table).compile(dialect=connection.dialect))
            assert _parts(made[name]) == _parts(meant), name
    store.close()


def _parts(statement: str) -> set[str]:
    """The lines of a CREATE TABLE: columns and constraints in any order, then the options.

    SQLite writes a column that came later behind the last line.
    """
    lines = re.split(r"\n|, (?=client )", statement)
    return {" ".join(line.split()).rstrip(",") for line in lines} - {""}


@pytest.mark.parametrize("version", OLD)
def test_a_database_of_before_is_taken_over_whole(url, store, clock, version):
    """What was answered goes on counting, and what is new finds its place."""
    as_the_old_program_made_it(store, version)
    card = issued()
    with store.engine().begin() as connection:
        connection.execute(text("INSERT INTO token_id (digest, until) VALUES ('d', 99999999999)"))
    book = SqlBook(book_store(url), clock)
    book.prepare()
    book.issue([card])
    book.hear([heard(card)])
    book.hold([held(card)])
    book.close()
    again = SqlBook(book_store(url), clock)
    assert [one.issued for one in again.recall(ANNA)] == [card]
    again.close()
    with store.begin() as connection:
        assert connection.execute(BOOK.select()).all() == [(6,)]
        assert len(connection.execute(SILENCE.select()).all()) == 1
        assert connection.execute(text("SELECT digest FROM token_id")).all() == [("d",)]
        assert revisions.revision(connection) == revisions.HEAD
    place = SqlPlace(place_store(url), "server", clock=clock)
    assert place.claim_only("Patient/anna") is not None
    place.close()


def test_an_upgrade_that_waits_in_a_circle_with_an_old_worker_is_tried_again(postgres_url):
    """An old worker keeps an answer and then asks for its card, while the step wants both tables.

    PostgreSQL looks once how each waits, after a time: here it ends the step, which waits first.
    """
    with closing(book_store(postgres_url)) as store:
        as_the_old_program_made_it(store, 2)
        with store.engine().begin() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar_one()
            connection.execute(text(f"ALTER DATABASE {name} SET deadlock_timeout = '3s'"))
        with ThreadPoolExecutor(1) as pool, store.engine().connect() as old:
            for limit in ("deadlock_timeout", "statement_timeout", "lock_timeout"):
                old.execute(text(f"SET {limit} = '60s'"))
            old.execute(text("LOCK TABLE feedback IN ROW EXCLUSIVE MODE"))
            upgraded = pool.submit(store.prepare)
            waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            assert eventually(lambda: old.execute(waits).scalar_one() > 0)
            # It has the lock of the cards by now.
            assert old.execute(text("SELECT count(*) FROM issued")).scalar_one() == 0
            old.commit()
            upgraded.result(30)
        with store.begin() as connection:
            assert revisions.revision(connection) == revisions.HEAD


def test_the_feedback_of_before_is_still_there(url, store, clock):
    as_the_old_program_made_it(store, 1)
    with store.engine().begin() as connection:
        row = {"entry": "e", "card": "c", "service": "s", "outcome": "accepted", "at": T0}
        more = {"received": T0, "accepted": "[]", "reason": "", "system": "", "comment": ""}
        connection.execute(FEEDBACK.insert().values(row | more))
    with closing(book_store(url)) as new, new.begin() as connection:
        assert [one.entry for one in connection.execute(FEEDBACK.select())] == ["e"]
        assert [one.received for one in connection.execute(FEEDBACK.select())] == [T0]


@pytest.mark.parametrize("version", [7, 99])
def test_a_database_of_before_with_a_number_nobody_gave_is_left_alone(store, version):
    with store.engine().begin() as connection:
        BOOK.create(connection)
        connection.execute(BOOK.insert().values(version=version))
    with pytest.raises(ConfigError, match=f"version {version}; this program knows 0006"):
        store.prepare()
    with store.engine().begin() as connection:
        assert not inspect(connection).has_table("sync_patient")


@pytest.mark.parametrize("versions", [(), (1, 2)])
def test_a_database_of_before_without_one_number_is_left_alone(store, versions):
    with store.engine().begin() as connection:
        BOOK.create(connection)
        for version in versions:
            connection.execute(BOOK.insert().values(version=version))
    with pytest.raises(ConfigError, match="this program knows 0006"):
        store.prepare()


def test_a_database_of_a_newer_program_is_left_alone(url, store, clock):
    """It would lose what this one does not know. The texts name the setting of each use."""
    store.prepare()
    with store.begin() as connection:
        connection.execute(text("UPDATE b12fhir_revision SET version_num = '0999'"))
    with pytest.raises(ConfigError, match=r"The book .* has tables of version 0999") as caught:
        store.prepare()
    assert "B12FHIR_HOOKS_STORE" in str(caught.value)
    place = SqlPlace(place_store(url), "server", clock=clock)
    with pytest.raises(StoreError, match=r"state of the sync .* version 0999") as told:
        place.marks()
    assert "B12FHIR_SYNC_STORE" in str(told.value)
    assert told.value.exit_code == 15
    place.close()


def test_a_step_that_fails_leaves_everything_as_it_was(store, monkeypatch):
    as_the_old_program_made_it(store, 1)
    # The table of a later step is in the way.
    with store.engine().begin() as connection:
        connection.execute(text("CREATE TABLE sync_run (id INTEGER)"))
    with pytest.raises(Exception, match="cannot be used now"):
        store.prepare()
    with store.engine().begin() as connection:
        assert not inspect(connection).has_table("silence")
        assert connection.execute(BOOK.select()).all() == [(1,)]
        connection.execute(text("DROP TABLE sync_run"))
    store.prepare()
    with store.begin() as connection:
        assert revisions.revision(connection) == revisions.HEAD


def test_many_that_start_at_once_make_the_tables_once(url):
    stores = [book_store(url) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(Store.prepare, stores))
    with stores[0].begin() as connection:
        assert revisions.revision(connection) == revisions.HEAD
        assert connection.execute(BOOK.select()).all() == [(6,)]
    for one in stores:
        one.close()


READY = """
import sys
from b12fhir.adapters.database.book import book_store
store = book_store(sys.argv[1])
store.prepare()
assert not any(name.startswith("alembic") for name in sys.modules), "alembic was imported"
asked = []
from sqlalchemy import event
event.listen(store.engine(), "before_cursor_execute", lambda *of: asked.append(of[2]))
store.prepare()
print(asked)
"""


def test_a_database_that_is_up_to_date_costs_one_query(sqlite_url):
    """Alembic takes longer to import than a short command takes altogether."""
    store = book_store(sqlite_url)
    store.prepare()
    store.close()
    done = subprocess.run(
        [sys.executable, "-c", READY, sqlite_url],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.strip()
    assert lines.count("SELECT") == 1
    assert "b12fhir_revision" in lines

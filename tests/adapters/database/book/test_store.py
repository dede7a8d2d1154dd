"""Which databases a book can live in, and what is said where one cannot be used."""

import os
import stat
import subprocess
from pathlib import Path
from threading import Event

import psycopg
import pytest
from sqlalchemy import create_engine, event, inspect, text

from b12fhir.adapters.database import engines
from b12fhir.adapters.database.book import SqlBook, book_store, clerk
from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.tables.book import BOOK
from b12fhir.adapters.database.tables.metadata import METADATA
from b12fhir.errors import BookError, ConfigError
from tests.adapters.database.book.samples import ANNA, eventually, heard, issued
from tests.support.phi import TOKEN, assert_no_phi


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.sqlite3",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://root@db/hooks",
        "postgresql+asyncpg://db/hooks",
        f"no url {TOKEN}",
    ],
)
def test_a_database_of_another_kind_is_refused(url):
    with pytest.raises(
        ConfigError, match="address of the database in B12FHIR_HOOKS_STORE"
    ) as caught:
        book_store(url)
    assert "sqlite:///" in str(caught.value)


def test_a_password_is_never_shown():
    """Nothing listens there; the error says where, and not as whom."""
    away = book_store(f"postgresql://b12:{TOKEN}@127.0.0.1:1/hooks?application_name={TOKEN}")
    assert away.name == "postgresql 127.0.0.1/hooks"
    with pytest.raises(BookError) as caught:
        away.prepare()
    assert_no_phi(str(caught.value))
    assert_no_phi(repr(away))
    assert "postgresql 127.0.0.1/hooks" in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_say_postgresql_is_understood(scheme):
    assert book_store(f"{scheme}://db.example.org/hooks").engine().dialect.driver == "psycopg"


def test_the_file_is_its_owners_only(sqlite_url, tmp_path):
    """It tells which card was shown to whom, if only by pseudonyms."""
    old = os.umask(0)
    try:
        book = book_store(sqlite_url)
        with book.begin():
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
        book.close()
    finally:
        os.umask(old)
    assert modes.pop("state") == 0o700
    assert set(modes.values()) == {0o600}
    assert "hooks.sqlite3-wal" in modes


def test_two_workers_may_make_the_tables_at_once(url):
    first, second = book_store(url), book_store(url)
    first.prepare()
    second.prepare()
    with first.begin() as connection:
        assert connection.execute(BOOK.select()).all() == [(6,)]
        assert set(METADATA.tables) <= set(inspect(connection).get_table_names())
    first.close()
    second.close()


def test_who_is_at_work_when_it_is_closed_ends_and_leaves_no_connection(store):
    """Two that share it: one goes first, and the connections of the other must not be forgotten."""
    store.prepare()
    engine, ended = store.engine(), []
    event.listen(engine, "close", lambda *_: ended.append(True))
    with store.begin() as connection:
        store.close()
        assert ended == []
        with store.begin() as other:
            assert other.engine is not connection.engine
        with store.begin(writes=True) as third:
            assert third.engine.pool is other.engine.pool
        assert connection.execute(text("SELECT 1")).scalar() == 1
    assert ended == [True]
    store.check()
    store.close()
    assert engine.pool.checkedin() == 0


def test_tables_of_another_version_are_not_touched(book, store):
    store.prepare()
    with store.begin() as connection:
        connection.execute(text("UPDATE b12fhir_revision SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="version 9999; this program knows 0006"):
        book.prepare()
    card = issued()
    with pytest.raises(BookError, match="version 9999"):
        book.hear([heard(card)])
    assert not book.is_ready()


def test_a_file_that_is_no_database_is_named(sqlite_url, clock, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "hooks.sqlite3").write_bytes(b"not a database, but long enough" * 99)
    book = SqlBook(book_store(sqlite_url), clock)
    with pytest.raises(ConfigError, match="no whole database") as caught:
        book.prepare()
    assert "SQLITE_NOTADB" in str(caught.value)
    assert "B12FHIR_HOOKS_STORE" in str(caught.value)
    assert not book.is_ready()
    with pytest.raises(BookError, match="no whole database"):
        book.hear([heard("card")])
    book.close()


def test_a_file_that_was_damaged_while_in_use_is_named(sqlite_url, tmp_path, clock):
    book = SqlBook(book_store(sqlite_url), clock)
    book.hear([heard("card")])
    book.close()
    path = tmp_path / "state" / "hooks.sqlite3"
    whole = bytearray(path.read_bytes())
    whole[4096:] = os.urandom(len(whole) - 4096)
    path.write_bytes(whole)
    assert not book.is_ready()
    book.close()


# What may pass


def test_without_a_folder_to_write_to_cards_are_shown_and_feedback_refused(tmp_path, clock):
    (tmp_path / "state").write_text("a file where the folder should be")
    book = SqlBook(book_store(f"sqlite:///{tmp_path}/state/hooks.sqlite3"), clock)
    with pytest.raises(BookError, match="cannot be used now"):
        book.prepare()
    assert book.recall(ANNA) == ()
    card = issued()
    book.issue([card])
    assert not book.is_ready()
    with pytest.raises(BookError, match="Cards are shown all the same") as caught:
        book.hear([heard(card)])
    assert caught.value.exit_code == 54
    # The folder comes back: nothing was lost but the feedback that was refused.
    (tmp_path / "state").unlink()
    book.hear([heard(card)])
    assert [one.issued for one in book.recall(ANNA)] == [card]
    assert book.is_ready()
    book.close()


def test_a_locked_database_delays_and_loses_nothing(sqlite_url, tmp_path, clock):
    book = SqlBook(book_store(sqlite_url, wait_s=0), clock)
    card = issued()
    book.issue([card])
    book.start()
    blocker = create_engine(f"sqlite:///{tmp_path}/state/hooks.sqlite3")
    with blocker.connect() as connection:
        connection.execute(text("BEGIN IMMEDIATE"))
        with pytest.raises(BookError, match="SQLITE_BUSY"):
            book.hear([heard(card)])
        assert not book.is_ready()
        assert book.recall(ANNA) == ()
    blocker.dispose()
    book.hear([heard(card)])
    assert [one.issued for one in book.recall(ANNA)] == [card]
    book.close()


def test_a_store_that_cannot_be_written_still_knows_what_was_answered(sqlite_url, clock):
    """A disk that turned read-only: what was silent stays silent, feedback is refused."""
    card = issued()
    book = SqlBook(book_store(sqlite_url), clock)
    book.issue([card])
    book.hear([heard(card)])
    book.close()

    reader = SqlBook(_read_only(book_store(sqlite_url)), clock)
    assert [one.issued for one in reader.recall(ANNA)] == [card]
    assert not reader.is_ready()
    with pytest.raises(BookError, match="SQLITE_READONLY"):
        reader.hear([heard("another")])
    reader.close()


def _read_only(one: Store) -> Store:
    """As on a read-only disk; root would write through permissions."""

    def connected(connection, record) -> None:
        engines._sqlite_connected(connection, "FULL")
        connection.execute("PRAGMA query_only = ON")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "_sqlite_durable", connected)
        one.engine()
    return one


def test_a_file_that_was_taken_away_is_made_anew(sqlite_url, tmp_path, clock):
    book = SqlBook(book_store(sqlite_url), clock)
    book.hear([heard("card")])
    for path in (tmp_path / "state").iterdir():
        path.unlink()
    assert book.is_ready()
    card = issued()
    book.issue([card])
    book.hear([heard(card)])
    assert [one.issued for one in book.recall(ANNA)] == [card]
    book.close()


def test_a_file_that_another_process_made_anew_is_found(sqlite_url, tmp_path, clock):
    """Whoever went on with the old one would keep feedback where nobody finds it."""
    book, other = SqlBook(book_store(sqlite_url), clock), SqlBook(book_store(sqlite_url), clock)
    old, new = issued(), issued(key="dose-due")
    other.start()
    book.issue([old])
    book.hear([heard(old)])
    assert eventually(lambda: [one.issued for one in other.recall(ANNA)] == [old])
    for path in (tmp_path / "state").iterdir():
        path.unlink()
    # The new file numbers its rows from 1 again, as the old one did.
    book.issue([new])
    book.hear([heard(new)])
    assert eventually(lambda: [one.issued for one in other.recall(ANNA)] == [old, new])
    other.close()
    book.close()


def test_an_outage_is_told_once_and_its_end_as_well(tmp_path, clock, caplog):
    folder = tmp_path / "state"
    folder.write_text("in the way")
    book = SqlBook(book_store(f"sqlite:///{folder}/hooks.sqlite3"), clock)
    book.start()
    book.issue([issued()])
    Event().wait(3 * clerk.LOOK_S)
    assert len(caplog.records) == 1
    assert "cannot be used now" in caplog.text
    folder.unlink()
    assert eventually(lambda: "can be used again" in caplog.text)
    told = [one for one in caplog.records if one.name.startswith("b12fhir.")]
    assert len(told) == 2
    book.close()


def test_cards_wait_for_a_database_that_is_away_up_to_a_limit(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(clerk, "WAITING", 3)
    folder = tmp_path / "state"
    folder.write_text("in the way")
    book = SqlBook(book_store(f"sqlite:///{folder}/hooks.sqlite3"), clock)
    cards = [issued(key=f"k{number}") for number in range(5)]
    for card in cards:
        book.issue([card])
        with pytest.raises(BookError):
            book.hear([heard(card)])
    folder.unlink()
    book.hear([heard(card) for card in cards])
    # The newest three: what was shown last is answered next.
    assert {one.issued.uuid for one in book.recall(ANNA)} == {one.uuid for one in cards[2:]}
    book.close()


def test_a_server_that_stops_is_away_until_it_is_back(postgres_url, clock):
    """The connections that were open are dead afterwards; new ones are made."""
    book = SqlBook(book_store(postgres_url), clock)
    card = issued()
    book.issue([card])
    book.hear([heard(card)])
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert [one.issued for one in book.recall(ANNA)] == [card]
    book.hear([heard("another")])
    assert book.is_ready()
    book.close()


def test_a_database_that_does_not_exist_is_told_by_its_code(postgres, clock):
    book = SqlBook(book_store(postgres.format("nowhere")), clock)
    with pytest.raises(BookError, match="cannot be used now"):
        book.prepare()
    assert not book.is_ready()


def test_postgresql_is_found_where_it_is_not_in_the_path(tmp_path):
    """Debian keeps its programs in a folder for each version."""
    tools = Path(__file__).parents[3] / "hapi" / "tools.sh"
    found = subprocess.run(["bash", tools, "postgres"], capture_output=True, text=True, check=False)
    if found.returncode:
        assert "postgresql" in found.stderr
    else:
        assert (Path(found.stdout.strip()) / "initdb").exists()

"""`b12fhir store`: which tables a database has, and how it gets those of this version."""

import io
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from b12fhir import wiring
from b12fhir.adapters.database.book import book_store
from b12fhir.adapters.database.place import SqlPlace, place_store
from b12fhir.adapters.database.tables import BOOK
from b12fhir.adapters.database.tables.book import FEEDBACK, ISSUED, TOKEN_ID
from b12fhir.ports import Found
from tests.adapters.database.book.samples import BEFORE_CLIENTS, T0

PATIENT = "Patient/somebody-of-ours"
SYNC = "sqlite:///state/sync.sqlite3"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def b12fhir(*argv: str, **environ: str) -> tuple[int, list[str], str]:
    out, err = io.StringIO(), io.StringIO()
    set_ = {f"B12FHIR_{name.upper()}": value for name, value in environ.items()}
    code = wiring.main(argv, set_, out, err, lambda: datetime(2026, 11, 23, tzinfo=UTC))
    return code, out.getvalue().splitlines(), err.getvalue()


def test_what_is_not_there_is_told_and_not_made(tmp_path):
    there = "not there yet; it is made at its first use."
    lines = [
        f"sqlite state/hooks.sqlite3 (B12FHIR_HOOKS_STORE): {there}",
        f"sqlite state/sync.sqlite3 (B12FHIR_SYNC_STORE): {there}",
    ]
    assert b12fhir("store", "show", sync_store=SYNC) == (0, lines, "")
    assert b12fhir("store", "upgrade", sync_store=SYNC) == (0, lines, "")
    assert list(tmp_path.iterdir()) == []


def test_tables_and_rows_are_shown_and_no_patient():
    with closing(place_store(SYNC)) as store:
        place = SqlPlace(store, "https://fhir.example.org", clock=lambda: T0)
        place.note(Found([PATIENT, "Patient/another"]))
        code, lines, err = b12fhir("store", "show", sync_store=SYNC)
        place.close()
    assert (code, err) == (0, "")
    assert lines[1].endswith("tables at 0006, those of this program.")
    assert "  sync_patient: 2" in lines
    assert "  sync_run: 1" in lines
    assert "  issued: 0" in lines
    assert PATIENT not in "\n".join(lines)


def test_where_nothing_is_kept_of_the_sync_only_the_book_is_shown():
    assert len(b12fhir("store", "show", sync_store="off")[1]) == 1


def test_an_older_database_is_upgraded_once():
    with closing(book_store("sqlite:///old.sqlite3")) as store:
        with store.engine().begin() as connection:
            for table in (BOOK, ISSUED, FEEDBACK, TOKEN_ID):
                table.create(connection)
            for statement in BEFORE_CLIENTS:
                connection.execute(text(statement))
            connection.execute(BOOK.insert().values(version=1))
        settings = {"hooks_store": "sqlite:///old.sqlite3", "sync_store": "off"}
        shown = b12fhir("store", "show", **settings)[1]
        assert shown[0].endswith("tables at 0001; this program has 0006.")
        assert "  book: 1" in shown
        assert "  silence: 0" not in shown
        upgraded = b12fhir("store", "upgrade", **settings)[1]
        assert upgraded[0].endswith("those of this program. They were at 0001.")
        assert b12fhir("store", "upgrade", **settings)[1][0].endswith("Nothing to do.")
        assert "  silence: 0" in b12fhir("store", "show", **settings)[1]


def test_an_empty_file_has_no_tables_yet():
    Path("new.sqlite3").touch()
    settings = {"hooks_store": "sqlite:///new.sqlite3", "sync_store": "off"}
    assert "no tables yet" in b12fhir("store", "show", **settings)[1][0]
    assert b12fhir("store", "upgrade", **settings)[1][0].endswith("They were at nothing.")


def test_a_newer_database_is_left_alone():
    with closing(book_store("sqlite:///newer.sqlite3")) as store:
        store.prepare()
        with store.begin() as connection:
            connection.execute(text("UPDATE b12fhir_revision SET version_num = '0999'"))
    settings = {"hooks_store": "sqlite:///newer.sqlite3", "sync_store": "off"}
    assert "tables at 0999; this program has 0006" in b12fhir("store", "show", **settings)[1][0]
    code, _, err = b12fhir("store", "upgrade", **settings)
    assert code == 12
    assert "Run the program that made them" in err


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "b12fhir.adapters.database.book", None)
    code, _, err = b12fhir("store", "show")
    assert code == 12
    assert "pip install 'b12fhir[server]'" in err


@pytest.mark.parametrize("before", [True, False])
def test_a_settings_file_may_name_the_databases(tmp_path, before):
    (tmp_path / "b12fhir.toml").write_text('sync_store = "off"\n')
    given = ("--config", "b12fhir.toml")
    words = ("store", *given, "show") if before else ("store", "show", *given)
    assert len(b12fhir(*words)[1]) == 1

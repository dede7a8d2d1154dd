"""A database that cannot be used: what is said, and that nothing is kept in halves."""

import shutil
from contextlib import closing
from datetime import date

import psycopg
import pytest
from sqlalchemy import event

from b12fhir.adapters.database.place import SqlPlace, place_store, sqlplace
from b12fhir.adapters.database.tables.place import RUN
from b12fhir.errors import ConfigError, StoreError
from b12fhir.ports import Found
from tests.adapters.database.book.samples import T0, eventually
from tests.support.phi import TOKEN, assert_no_phi

ANNA, BEN = "Patient/anna", "Patient/ben"


@pytest.fixture
def url(sqlite_url) -> str:
    """`run` is on a file here."""
    return sqlite_url


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "hooks.sqlite3"


def note(place, *patients) -> None:
    place.note(Found(patients=patients))


def told(error: StoreError) -> str:
    """The words of a StoreError, which name no patient."""
    text = str(error)
    assert error.exit_code == 15
    assert "Patient/" not in text
    assert "INSERT" not in text
    return text


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "mysql://db/x", f"nothing {TOKEN}"])
def test_an_address_that_cannot_be_used_names_its_setting(url):
    with pytest.raises(ConfigError, match="B12FHIR_SYNC_STORE cannot be used") as caught:
        place_store(url)
    assert "sqlite:///state/sync.sqlite3" in str(caught.value)
    assert_no_phi(str(caught.value))


def test_a_file_that_is_no_database_is_named_with_what_its_loss_costs(sqlite_url, file, run):
    file.parent.mkdir()
    file.write_bytes(b"not a database, but long enough" * 99)
    with pytest.raises(StoreError, match=r"state of the sync .* is no whole database") as caught:
        run().marks()
    text = told(caught.value)
    assert "SQLITE_NOTADB" in text
    assert "B12FHIR_SYNC_STORE; the next run then reads every patient" in text


def test_a_file_that_was_damaged_is_named(sqlite_url, file, clock):
    place = SqlPlace(place_store(sqlite_url), "server", clock=clock)
    note(place, *(f"Patient/{number}" for number in range(500)))
    place.close()
    whole = bytearray(file.read_bytes())
    whole[100:] = b"\xff" * (len(whole) - 100)
    file.write_bytes(whole)
    with pytest.raises(StoreError, match=r"SQLITE_CORRUPT|SQLITE_NOTADB|SQLITE_ERROR") as caught:
        note(place, BEN)
    told(caught.value)
    place.close()


def test_a_folder_that_cannot_be_made_is_named(sqlite_url, tmp_path, clock):
    (tmp_path / "state").write_text("a file where the folder should be")
    place = SqlPlace(place_store(sqlite_url), "server", clock=clock)
    with pytest.raises(StoreError, match=r"cannot be used now .File exists") as caught:
        note(place, ANNA)
    assert "run again" in told(caught.value)
    # What is in the way is gone: the same program goes on.
    (tmp_path / "state").unlink()
    note(place, ANNA)
    assert place.waiting() == 1
    place.close()


@pytest.mark.parametrize(
    ("pragma", "code"), [("max_page_count = 1", "SQLITE_FULL"), ("query_only = ON", "SQLITE_READO")]
)
def test_a_disk_that_is_full_or_read_only_keeps_nothing_in_halves(
    sqlite_url, clock, pragma, code, run
):
    place = run()
    note(place, ANNA)
    [anna] = place.claim(1)
    event.listen(
        place._store.engine(),
        "checkout",
        lambda connection, *_: connection.execute(f"PRAGMA {pragma}"),
    )
    many = [f"Patient/{number}" for number in range(5000)]
    with pytest.raises(StoreError, match=code) as caught:
        place.note(Found(many, {"Goal": T0}))
    assert "has room" in told(caught.value)
    place._store.close()
    assert place.marks() == {}
    assert place.waiting() == 0
    place.end(anna)
    assert place.claim_only(ANNA) is not None


def test_a_file_that_is_locked_is_waited_for_and_then_named(sqlite_url, clock, run):
    other = run()
    note(other, ANNA)
    with closing(place_store(sqlite_url, wait_s=0)) as store, other._store.begin(writes=True):
        place = SqlPlace(store, "server", clock=clock)
        with pytest.raises(StoreError, match="SQLITE_BUSY") as caught:
            note(place, BEN)
        assert "is not locked" in told(caught.value)
    assert other.waiting() == 1


def test_a_file_that_is_taken_away_in_mid_run_stops_the_run_cleanly(sqlite_url, file, run):
    """The new file knows of nobody: the run cannot know whom it left out, and says so."""
    place = run()
    note(place, ANNA, BEN)
    [anna] = place.claim(1)
    shutil.rmtree(file.parent)
    place.end(anna)
    with pytest.raises(StoreError, match="taken away or emptied while it was in use") as caught:
        place.claim(1)
    assert "nothing is lost or doubled" in told(caught.value)
    place.close()
    again = run()
    assert again.full_read() is None
    assert list(again.peek(date(2026, 11, 21))) == []


def test_a_server_that_restarts_in_mid_run_costs_nothing(postgres_url, clock):
    place = SqlPlace(place_store(postgres_url), "server", clock=clock)
    note(place, ANNA, BEN)
    [anna] = place.claim(1)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    place.end(anna)
    assert [turn.patient for turn in place.claim(5)] == [BEN]
    place.close()


def test_a_server_that_is_away_is_named_without_password(clock):
    url = f"postgresql://b12:{TOKEN}@127.0.0.1:1/sync"
    place = SqlPlace(place_store(url, wait_s=1), "server", clock=clock)
    with pytest.raises(
        StoreError, match=r"postgresql 127.0.0.1/sync. cannot be used now"
    ) as caught:
        note(place, ANNA)
    assert_no_phi(told(caught.value))
    place.close()


def test_a_run_that_cannot_say_that_it_lives_goes_on_when_it_can(sqlite_url, clock, monkeypatch):
    """The sign of life fails in the background; whoever asks for something next is told."""
    monkeypatch.setattr(sqlplace, "BEAT_S", 0.01)
    place = SqlPlace(place_store(sqlite_url), "server", clock=clock)
    note(place, ANNA)
    failed = []
    begin = place._store.begin

    def away(**options):
        failed.append(options)
        raise StoreError("away")

    place._store.begin = away
    assert eventually(lambda: len(failed) > 2)
    with pytest.raises(StoreError, match="away"):
        place.claim(1)
    place._store.begin = begin
    clock.move(seconds=30)

    def lives() -> bool:
        with begin() as connection:
            [row] = connection.execute(RUN.select())
        return row.until > T0.timestamp() * 1000 + 60_000

    assert eventually(lives)
    assert [turn.patient for turn in place.claim(1)] == [ANNA]
    place.close()


def test_a_run_that_cannot_say_goodbye_is_known_by_its_silence(sqlite_url, clock):
    place = SqlPlace(place_store(sqlite_url), "server", clock=clock)
    note(place, ANNA)
    begin = place._store.begin

    def away(**options):
        raise StoreError("away")

    place._store.begin = away
    place.close()
    place._store.begin = begin
    assert place.waiting() == 1
    place.close()

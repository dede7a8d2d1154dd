"""A token counts once, for all workers and over restarts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from b12fhir.adapters.database.book import UsedTokens, book_store, tokens
from b12fhir.adapters.database.tables.book import TOKEN_ID
from tests.adapters.database.book.samples import T0, eventually

UNTIL = T0 + timedelta(minutes=5)
ISSUER = "https://ehr.example.org"


@pytest.fixture
def used(store):
    used = UsedTokens(store)
    yield used
    used.close()


@pytest.fixture
def elsewhere(url):
    """In another worker, or after a restart."""
    used = UsedTokens(book_store(url))
    yield used
    used.close()


def test_a_token_is_new_once(used):
    assert used.first(ISSUER, "1", UNTIL)
    assert not used.first(ISSUER, "1", UNTIL)


def test_another_worker_knows_it(used, elsewhere):
    assert used.first(ISSUER, "1", UNTIL)
    assert not elsewhere.first(ISSUER, "1", UNTIL)


def test_another_issuer_may_use_the_same_id(used):
    assert used.first(ISSUER, "1", UNTIL)
    assert used.first("https://other.example.org", "1", UNTIL)
    # The two texts do not run into one another.
    assert used.first(ISSUER + "1", "", UNTIL)


@pytest.mark.parametrize("jti", ["", "x" * 10_000, "é'; --", "a\0b"])
def test_any_text_may_be_an_id(used, elsewhere, jti):
    assert used.first(ISSUER, jti, UNTIL)
    assert not elsewhere.first(ISSUER, jti, UNTIL)


def test_of_many_at_once_one_is_first(used, elsewhere):
    def race(number):
        return [(used, elsewhere)[number % 2].first(ISSUER, "1", UNTIL)]

    with ThreadPoolExecutor(8) as pool:
        found = [one for answers in pool.map(race, range(16)) for one in answers]
    assert sum(found) == 1


def test_no_id_is_kept_in_clear(used, store):
    used.first(ISSUER, "jti-in-clear", UNTIL)
    with store.begin() as connection:
        kept = str(connection.execute(select(TOKEN_ID)).all())
    assert "jti-in-clear" not in kept
    assert ISSUER not in kept


def test_ids_of_tokens_that_are_over_are_swept(book, used, store, clock):
    used.first(ISSUER, "1", UNTIL)
    used.first(ISSUER, "2", UNTIL + timedelta(hours=1))
    clock.move(minutes=6)
    book.start()

    def left() -> int:
        with store.begin() as connection:
            return len(connection.execute(select(TOKEN_ID)).all())

    book.recall("p")
    assert eventually(lambda: left() == 1)
    assert not used.first(ISSUER, "2", UNTIL)


def test_without_a_database_a_process_goes_by_what_it_saw(tmp_path):
    """A store that is down must not take every card away."""
    (tmp_path / "file").write_text("no folder")
    used = UsedTokens(book_store(f"sqlite:///{tmp_path}/file/hooks.sqlite3"))
    assert used.first(ISSUER, "1", UNTIL)
    assert not used.first(ISSUER, "1", UNTIL)


def test_calls_do_not_wait_for_a_database_that_is_away(tmp_path):
    """Each would lose seconds, and its reader with it. After a pause it is asked again."""
    folder = tmp_path / "state"
    folder.write_text("in the way")
    url = f"sqlite:///{folder}/hooks.sqlite3"
    now = 100.0
    used, other = UsedTokens(book_store(url), ticks=lambda: now), UsedTokens(book_store(url))
    assert used.first(ISSUER, "1", UNTIL)
    folder.unlink()
    assert used.first(ISSUER, "2", UNTIL)
    assert not folder.exists()
    now += tokens.PAUSE_S
    assert used.first(ISSUER, "3", UNTIL)
    assert not other.first(ISSUER, "3", UNTIL)
    used.close()
    other.close()


def test_a_file_that_was_taken_away_is_made_anew(sqlite_url, tmp_path):
    """Whoever went on with the old one would admit a token once in each process, until restart."""
    now = 100.0
    used, other = (UsedTokens(book_store(sqlite_url), ticks=lambda: now) for _ in range(2))
    assert used.first(ISSUER, "1", UNTIL)
    assert other.first(ISSUER, "2", UNTIL)
    for path in (tmp_path / "state").iterdir():
        path.unlink()
    now += tokens.LOOK_S
    assert used.first(ISSUER, "3", UNTIL)
    assert not other.first(ISSUER, "3", UNTIL)
    used.close()
    other.close()


def test_a_process_remembers_so_many_and_the_database_all(used, monkeypatch):
    monkeypatch.setattr(tokens, "_HELD", 4)
    assert all(used.first(ISSUER, str(number), UNTIL) for number in range(20))
    assert len(used._seen) <= 4
    assert not any(used.first(ISSUER, str(number), UNTIL) for number in range(20))

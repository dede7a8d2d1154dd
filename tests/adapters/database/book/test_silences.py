"""Why a card was not shown stands in the book: who, why, until when, and how often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row

from b12fhir.adapters.database.book import SqlBook, book_store, silences
from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.tables.book import SILENCE
from b12fhir.errors import BookError
from b12fhir.service.hooks.model import Indicator
from tests.adapters.database.book.samples import ANNA, READER, T0, eventually, heard, held, issued

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rows_of(store: Store) -> list[Row[Any]]:
    with store.begin() as connection:
        return list(connection.execute(SILENCE.select().order_by(SILENCE.c.at)))


def test_a_silence_is_kept_whole(book, store):
    card = issued(uuid="card-of-anna")
    book.hold([held(card, at=T0 + HOUR, service="b12-order-sign")])
    book.close()
    (row,) = rows_of(store)
    assert row._asdict() == {
        "card": "card-of-anna",
        "service": "b12-order-sign",
        "indicator": "warning",
        "reason": "patient-refuses",
        "until": T0 + 30 * DAY,
        "patient": ANNA,
        "reader": READER,
        "card_key": "finding",
        "rule": "R-28",
        "times": 1,
        "at": T0 + HOUR,
        "last_at": T0 + HOUR,
    }


def test_a_silence_is_written_soon(book, store):
    book.hold([held(issued())])
    assert eventually(lambda: len(rows_of(store)) == 1)


def test_a_silence_is_one_row_until_it_changes(book, store):
    """Opened three times, once after the row was written; then its end comes nearer."""
    card = issued()
    book.hold([held(card, at=T0), held(card, at=T0 + 2 * HOUR), held(card, at=T0 + HOUR)])
    book.close()
    book.hold([held(card, at=T0 + DAY)])
    book.hold([held(card, at=T0 + 2 * DAY, until=T0 + 7 * DAY)])
    book.close()
    found = [(row.times, row.at, row.last_at) for row in rows_of(store)]
    assert found == [(4, T0, T0 + DAY), (1, T0 + 2 * DAY, T0 + 2 * DAY)]


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "limited-time"},
        {"indicator": Indicator.INFO},
        {"service": "b12-order-sign"},
        {"card": "another"},
    ],
)
def test_another_silence_has_its_own_row(book, store, change):
    card = issued()
    book.hold([held(card), held(card, **change)])
    book.close()
    assert [row.times for row in rows_of(store)] == [1, 1]


def test_workers_add_up(book, other, store):
    """Whoever writes last, the latest time stays; nobody waits for the other for ever."""
    cards = [issued() for _ in range(20)]
    for _ in range(3):
        book.hold([held(card, at=T0 + 2 * HOUR) for card in cards])
        other.hold([held(card, at=T0 + HOUR) for card in reversed(cards)])
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(SqlBook.close, (book, other)))
    found = rows_of(store)
    assert len(found) == 20
    assert {row.times for row in found} == {6}
    assert {row.last_at for row in found} == {T0 + 2 * HOUR}


def test_silences_wait_for_a_database_that_is_away(tmp_path, clock):
    """What is held back meanwhile is added; feedback that is refused takes nothing with it."""
    folder = tmp_path / "state"
    folder.write_text("in the way")
    store = book_store(f"sqlite:///{folder}/hooks.sqlite3")
    book, card = SqlBook(store, clock), issued()
    for number in range(3):
        book.hold([held(card, at=T0 + number * HOUR)])
        book._clerk._guarded(book._clerk._flush)
        with pytest.raises(BookError):
            book.hear([heard(card)])
    folder.unlink()
    assert eventually(lambda: len(rows_of(store)) == 1)
    book.close()
    (row,) = rows_of(store)
    assert (row.times, row.last_at) == (3, T0 + 2 * HOUR)
    store.close()


def test_of_very_many_that_wait_the_oldest_are_given_up(store, monkeypatch):
    monkeypatch.setattr(silences, "WAITING", 3)
    waiting = silences.Silences()
    cards = [issued() for _ in range(5)]
    waiting.take(held(card, at=T0 + place * HOUR) for place, card in enumerate(cards))
    waiting.write(store)
    assert [row.card for row in rows_of(store)] == [card.uuid for card in cards[2:]]
    waiting.write(store)
    assert [row.times for row in rows_of(store)] == [1, 1, 1]


def test_what_comes_while_a_write_fails_is_added_to_what_waited(store, monkeypatch):
    """Both are told when the database is back, as one row."""
    waiting, card = silences.Silences(), issued()
    waiting.take([held(card, at=T0)])

    def fails(*_: object) -> None:
        waiting.take([held(card, at=T0 + HOUR), held(issued(), at=T0 + DAY)])
        raise BookError("Away.")

    with monkeypatch.context() as patch:
        patch.setattr(silences, "_write", fails)
        with pytest.raises(BookError):
            waiting.write(store)
    waiting.write(store)
    assert [(row.times, row.last_at) for row in rows_of(store)] == [
        (2, T0 + HOUR),
        (1, T0 + DAY),
    ]


def test_old_silences_are_swept(store, clock):
    """After the days of the setting since they last held a card back, not since they began."""
    book = SqlBook(store, clock, keep=400 * DAY)
    old, long = issued(), issued()
    book.hold([held(old, at=T0), held(long, at=T0)])
    book.hold([held(long, at=T0 + 20 * DAY)])
    clock.move(days=399)
    book.close()
    assert len(rows_of(store)) == 2
    clock.move(days=2)
    book.start()
    assert eventually(lambda: [row.card for row in rows_of(store)] == [long.uuid])
    book.close()


def test_nothing_is_done_for_nothing(book):
    book.hold([])
    assert book._clerk is None

"""Counting in the database: every card once, with its last answer, since a day."""

from datetime import timedelta

import pytest

from b12fhir.adapters.database.book import book_store, read_report
from b12fhir.errors import BookError, ConfigError
from b12fhir.service.hooks.keeping import ACCEPTED
from b12fhir.service.hooks.model import Indicator
from b12fhir.service.hooks.rates import HeldBack
from tests.adapters.database.book.samples import T0, heard, held, issued


def counts(rates) -> tuple[int, int, int]:
    return rates.accepted.count, rates.overridden.count, rates.unanswered.count


def test_cards_are_counted_by_rule_and_indicator(book, store):
    cards = [
        issued(),
        issued(),
        issued(),
        issued(rule="R-48", indicator=Indicator.INFO),
    ]
    book.issue(cards)
    book.hear([heard(cards[0], outcome=ACCEPTED, reason=""), heard(cards[1])])
    report = read_report(store, None)
    found = [(one.rule, one.indicator, counts(one)) for one in report.rules]
    assert found == [("R-28", "warning", (1, 1, 1)), ("R-48", "info", (0, 0, 1))]
    assert [(one.rule, one.reason) for one in report.reasons] == [
        ("all", "patient-refuses"),
        ("R-28", "patient-refuses"),
    ]
    assert report.unjoined == 0


def test_a_card_counts_once_with_its_last_answer(book, store):
    card = issued()
    book.issue([card])
    first = heard(card)
    later = first.received + timedelta(minutes=1)
    book.hear([heard(card, outcome=ACCEPTED, reason="", received=later), first])
    assert counts(read_report(store, None).total) == (1, 0, 0)


def test_what_another_client_says_of_a_card_is_not_its_answer(book, store):
    card = issued(client="north")
    book.issue([card])
    mine = heard(card, client="north")
    later = mine.received + timedelta(minutes=1)
    book.hear([mine, heard(card, client="south", outcome=ACCEPTED, reason="", received=later)])
    report = read_report(store, None)
    assert (counts(report.total), report.unjoined) == ((0, 1, 0), 1)


def test_only_cards_since_a_day_count(book, store):
    old, new = issued(at=T0 - timedelta(days=2)), issued()
    book.issue([old, new])
    book.hear([heard(old), heard(new)])
    report = read_report(store, T0)
    assert counts(report.total) == (0, 1, 0)
    assert report.since == T0
    assert counts(read_report(store, T0 + timedelta(seconds=1)).total) == (0, 0, 0)


def test_feedback_without_a_card_is_counted_apart(book, store):
    said = heard("never-issued")
    book.hear([said])
    report = read_report(store, None)
    assert (report.unjoined, report.total.issued) == (1, 0)
    assert read_report(store, said.received + timedelta(seconds=1)).unjoined == 0


def test_silences_are_counted_by_rule_indicator_and_reason(book, store):
    """Two readers refused; one of them was spared twice."""
    anna, ben, other = issued(), issued(user="d" * 16), issued(rule="R-48")
    later = T0 + timedelta(days=60)
    book.hold([held(anna), held(anna), held(ben, until=later)])
    book.hold([held(other, reason="limited-time", until=T0 + timedelta(days=1))])
    book.close()
    report = read_report(store, None)
    assert report.held == (
        HeldBack("R-28", "warning", "patient-refuses", 3, 2, later),
        HeldBack("R-48", "warning", "limited-time", 1, 1, T0 + timedelta(days=1)),
    )


def test_a_silence_that_held_a_card_back_since_counts_from_its_beginning(book, store):
    card = issued()
    book.hold([held(card, at=T0), held(card, at=T0 + timedelta(days=2))])
    book.close()
    assert [one.times for one in read_report(store, T0 + timedelta(days=2)).held] == [2]
    assert read_report(store, T0 + timedelta(days=2, seconds=1)).held == ()


def test_asking_makes_no_book(sqlite_url, tmp_path):
    with pytest.raises(ConfigError, match="There is no book"):
        read_report(book_store(sqlite_url), None)
    assert list(tmp_path.iterdir()) == []


def test_a_book_that_cannot_be_read_is_an_error_not_an_empty_report(sqlite_url, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "hooks.sqlite3").write_bytes(b"no database at all, of some length" * 99)
    with pytest.raises(BookError, match="no whole database"):
        read_report(book_store(sqlite_url), None)

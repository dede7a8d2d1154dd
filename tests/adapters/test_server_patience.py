"""Waiting: longer each time, never together with everybody else, never for ever."""

from datetime import UTC, datetime

import pytest

from b12fhir.adapters.server import Patience
from b12fhir.adapters.server.retry import Waits

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def waits(patience: Patience, *asked: float | None) -> list[float | None]:
    """The wait after each failure; of each the server asked for so much."""
    turns = Waits(patience)
    return [turns.after(one) for one in asked]


def test_each_wait_is_longer_than_the_last_and_then_it_is_over():
    patience = Patience(retries=3, jitter=lambda: 0)
    assert waits(patience, None, None, None, None) == [0.5, 1.0, 2.0, None]


def test_waits_are_spread():
    """Half as much again at a jitter of a half."""
    assert waits(Patience(jitter=lambda: 0.5), None) == [0.75]


def test_no_wait_exceeds_the_most():
    patience = Patience(retries=2, first=100, most=7)
    assert waits(patience, None, None, None) == [7, 7, None]


def test_what_a_server_asks_for_is_waited_and_then_a_little():
    """All clients were told the same second: half of the first wait on top spreads them."""
    assert waits(Patience(jitter=lambda: 0), 30) == [30]
    assert waits(Patience(jitter=lambda: 0.5), 30) == [30.25]


def test_a_server_that_asks_for_nothing_makes_no_hot_loop():
    """Our own wait is the least, and it goes on growing."""
    patience = Patience(retries=3, jitter=lambda: 0)
    assert waits(patience, 0, 0, 0, 0) == [0.5, 1.0, 2.0, None]


def test_all_waits_together_keep_to_the_budget():
    """60 + 60 of 150 leave 30: a third wait of 60 is not begun, it would be answered the same."""
    patience = Patience(budget=150, jitter=lambda: 0)
    assert waits(patience, 60, 60, 60) == [60, 60, None]


def test_a_shorter_wait_may_still_fit_the_budget():
    patience = Patience(budget=100, jitter=lambda: 0)
    assert waits(patience, 60, 60, 30) == [60, None, 30]


def test_by_default_a_request_waits_for_three_minutes_at_the_most():
    """Five waits of a minute are asked for; the third fills the budget of 180 seconds."""
    assert waits(Patience(jitter=lambda: 0), 60, 60, 60, 60) == [60, 60, 60, None]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3),
        (" 3 ", 3),
        ("0", 0),
        ("90", 60),
        ("3600", 60),
        ("3601", None),
        ("100000", None),
        ("9" * 400, None),
        ("Sat, 21 Nov 2026 10:00:05 GMT", 5),
        ("Sat, 21 Nov 2026 10:59:05 GMT", 60),
        ("Sat, 21 Nov 2026 11:00:05 GMT", None),
        ("Sat, 21 Nov 2026 09:00:00 GMT", None),
        ("Sat, 21 Nov 2026 10:00:05", None),
        ("-3", None),
        ("1e3", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_what_a_server_asks_for_is_honoured_if_it_makes_sense(header, seconds):
    """What is malformed, over, or beyond an hour falls back to our own waits."""
    assert Patience().asked(header, NOW) == seconds

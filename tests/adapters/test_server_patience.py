"""Waiting: longer each time, never together with everybody else, never for ever."""

from datetime import UTC, datetime

import pytest

from b12fhir.adapters.server import Patience

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def test_each_wait_is_longer_than_the_last_and_then_it_is_over():
    assert list(Patience(jitter=lambda: 0).waits()) == [0.5, 1.0, 2.0, None]


def test_waits_are_spread():
    assert next(Patience(jitter=lambda: 0.5).waits()) == 0.75


def test_no_wait_exceeds_the_most():
    assert list(Patience(retries=2, first=100, most=7).waits()) == [7, 7, None]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3),
        (" 3 ", 3),
        ("0", 0),
        ("100000", 60),
        ("9" * 400, 60),
        ("Sat, 21 Nov 2026 10:00:05 GMT", 5),
        ("Sat, 21 Nov 2026 11:00:05 GMT", 60),
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
    """A malformed value falls back to our own waits: neither a crash nor a hot loop."""
    assert Patience().asked(header, NOW) == seconds

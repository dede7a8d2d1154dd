"""Timing: what a pump, a calendar or a nurse would read out of the structure."""

from datetime import date

import pytest

from b12fhir.fhir.timing import bounds, due_timing, every_text, phase_timing, span_text
from b12fhir.protocol.model import Span
from tests.support.builders import build_maintenance, build_oral, build_phase


def test_a_counted_phase_has_no_end():
    """An end would cut the last dose off when one was given late (R-131)."""
    assert phase_timing(build_phase()) == {
        "repeat": {
            "boundsPeriod": {"start": "2026-11-21"},
            "count": 7,
            "frequency": 1,
            "period": 2,
            "periodUnit": "d",
        }
    }


def test_a_counted_phase_has_no_end_even_if_the_plan_knows_one():
    assert bounds(build_phase(end=date(2026, 12, 3))) == {"start": "2026-11-21"}


def test_a_lifelong_phase_is_open():
    assert phase_timing(build_maintenance())["repeat"] == {
        "boundsPeriod": {"start": "2027-01-03"},
        "frequency": 1,
        "period": 1,
        "periodUnit": "mo",
    }


def test_a_timed_phase_ends_the_day_before_the_next_begins():
    """A FHIR Period includes its end: with the same day in both, two doses would be due on it."""
    assert bounds(build_oral()) == {"start": "2026-11-21", "end": "2027-02-12"}


def test_a_single_dose_has_no_period():
    repeat = phase_timing(build_phase(count=1))["repeat"]
    assert repeat == {"boundsPeriod": {"start": "2026-11-21"}, "count": 1}


def test_a_range_of_intervals_keeps_both_ends():
    repeat = phase_timing(build_maintenance(interval=Span(2, "mo", 3)))["repeat"]
    assert (repeat["period"], repeat["periodMax"], repeat["periodUnit"]) == (2, 3, "mo")


def test_a_range_of_one_length_is_no_range():
    repeat = phase_timing(build_maintenance(interval=Span(2, "mo", 2)))["repeat"]
    assert "periodMax" not in repeat


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"interval": Span(1, "d")}, "once a day"),
        ({"interval": Span(2, "d")}, "every 2 days"),
        ({"interval": Span(1, "wk")}, "once a week"),
        ({"interval": Span(1, "mo")}, "once a month"),
        ({"interval": Span(2, "mo", 3)}, "every 2 to 3 months"),
        ({"interval": Span(1, "mo", 3)}, "every 1 to 3 months"),
        ({"interval": Span(3, "wk", 3)}, "every 3 weeks"),
        ({"count": 1}, "once"),
    ],
)
def test_how_often_in_words(changes, text):
    assert every_text(build_phase(**changes)) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [(Span(1, "wk"), "1 week"), (Span(8, "wk", 12), "8 to 12 weeks"), (Span(4, "d"), "4 days")],
)
def test_a_length_in_words(span, text):
    assert span_text(span) == text


def test_due_days_come_in_order_and_once():
    days = (date(2027, 1, 1), date(2026, 12, 1), date(2027, 1, 1))
    assert due_timing(days) == {"event": ["2026-12-01", "2027-01-01"]}

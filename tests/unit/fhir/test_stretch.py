"""When a phase begins and ends: a wrong day here asks too late, or lets two phases overlap."""

from datetime import date
from decimal import Decimal

import pytest

from b12fhir.fhir.stored_timing import Stretch, stretch_of
from tests.support.plans import ZONE

START = {"start": "2026-11-21"}
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIMED = {"start": "2026-11-21", "end": "2027-02-12"}


def request(*repeats: dict) -> dict:
    return {"dosageInstruction": [{"timing": {"repeat": repeat}} for repeat in repeats]}


@pytest.mark.parametrize(
    ("repeat", "end"),
    [
        # Seven doses every other day: six intervals of two days after the first.
        (
            {"boundsPeriod": START, "count": 7, "frequency": 1, "period": 2, "periodUnit": "d"},
            "2026-12-03",
        ),
        (
            {"boundsPeriod": START, "count": 4, "frequency": 1, "period": 1, "periodUnit": "wk"},
            "2026-12-12",
        ),
        ({"boundsPeriod": START, "count": 1}, "2026-11-21"),
        # Six doses, three a week: within two weeks, whichever days they fall on.
        (
            {"boundsPeriod": START, "count": 6, "frequency": 3, "period": 1, "periodUnit": "wk"},
            "2026-12-04",
        ),
        # The longer of two to three months counts: an end must not be told too early.
        (
            {"boundsPeriod": START, "count": 2, "period": 2, "periodMax": 3, "periodUnit": "mo"},
            "2027-02-21",
        ),
        ({"boundsPeriod": TIMED, "frequency": 1, "period": 1, "periodUnit": "d"}, "2027-02-12"),
        # Count within bounds: whichever is reached first.
        (
            {"boundsPeriod": TIMED, "count": 2, "period": 6, "periodUnit": "mo"},
            "2027-02-12",
        ),
        ({"boundsPeriod": START, "frequency": 1, "period": 1, "periodUnit": "mo"}, None),
        # The 21st in Berlin.
        (
            {"boundsPeriod": {"start": "2026-11-20T23:30:00Z"}, "period": 1, "periodUnit": "d"},
            None,
        ),
        # Three on Mondays: the 21st is a Saturday, so 23 and 30 November, 7 December.
        ({"boundsPeriod": START, "count": 3, "dayOfWeek": ["mon"]}, "2026-12-07"),
        ({"boundsPeriod": START, "count": 3, "dayOfWeek": list(WEEK)}, "2026-11-23"),
        # Some servers answer with decimals.
        (
            {"boundsPeriod": START, "count": Decimal("4.0"), "period": 1, "periodUnit": "wk"},
            "2026-12-12",
        ),
    ],
)
def test_the_last_day_of_a_phase(repeat, end):
    wanted = date.fromisoformat(end) if end else None
    assert stretch_of(request(repeat), ZONE) == Stretch(date(2026, 11, 21), wanted)


@pytest.mark.parametrize(
    "resource",
    [
        {},
        request({}, {}),
        request({"boundsPeriod": {}}),
        request({"boundsPeriod": {"start": "2026-11"}}),
        request({"boundsPeriod": {"start": "2026-11-21", "end": "soon"}}),
        request({"boundsPeriod": START, "count": 7, "period": 12, "periodUnit": "h"}),
        request({"boundsPeriod": START, "count": 7, "periodUnit": "d"}),
        request({"boundsPeriod": START, "count": 7, "period": Decimal("1.5"), "periodUnit": "d"}),
        request({"boundsPeriod": START, "count": True, "period": 2, "periodUnit": "d"}),
        request({"boundsPeriod": START, "count": 0, "period": 2, "periodUnit": "d"}),
        # How often is not said, so nobody knows what falls into it.
        request({"boundsPeriod": START}),
        # Up to ten doses end later than seven do: an end told too early would let phases overlap.
        request(
            {"boundsPeriod": START, "count": 7, "countMax": 10, "period": 2, "periodUnit": "d"}
        ),
        # A slip of the keyboard ends in no year of the calendar, or in nobody's life.
        request({"boundsPeriod": START, "count": 999, "period": 99, "periodUnit": "a"}),
        request({"boundsPeriod": START, "count": 999, "period": 9, "periodUnit": "mo"}),
        # When needed: no day is asked for.
        {
            "dosageInstruction": [
                {"asNeededBoolean": True, "timing": {"repeat": {"boundsPeriod": START, "count": 1}}}
            ]
        },
    ],
)
def test_what_cannot_be_told_is_not_guessed(resource):
    assert stretch_of(resource, ZONE) is None


def test_fixed_days_begin_with_the_first_and_end_with_the_last():
    timing = {"event": ["2026-12-01", "2026-11-21"]}
    found = stretch_of({"dosageInstruction": [{"timing": timing}]}, ZONE)
    assert found == Stretch(date(2026, 11, 21), date(2026, 12, 1))


def test_months_from_the_last_of_january_keep_their_day_where_there_is_one():
    """31 January, 28 February, 31 March: counted from the first, not from dose to dose."""
    repeat = {"boundsPeriod": {"start": "2027-01-31"}, "count": 3, "period": 1, "periodUnit": "mo"}
    assert stretch_of(request(repeat), ZONE) == Stretch(date(2027, 1, 31), date(2027, 3, 31))

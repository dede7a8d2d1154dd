"""When a phase begins and ends: a wrong day here asks too late, or lets two phases overlap."""

from datetime import date
from decimal import Decimal

import pytest

from b12fhir.fhir.lifecycle.span import Span, span_of
from tests.support.plans import ZONE

START = {"start": "2026-11-21"}
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
        ({"boundsPeriod": {"start": "2026-11-20T23:30:00Z"}}, None),  # the 21st in Berlin
    ],
)
def test_the_last_day_of_a_phase(repeat, end):
    wanted = date.fromisoformat(end) if end else None
    assert span_of(request(repeat), ZONE) == Span(date(2026, 11, 21), wanted)


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
    ],
)
def test_what_cannot_be_told_is_not_guessed(resource):
    assert span_of(resource, ZONE) is None

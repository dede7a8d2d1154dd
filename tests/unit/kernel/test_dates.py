"""A day more or less decides whether a result is stale or a dose is late."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b12fhir.kernel.dates import (
    When,
    add_days,
    add_each,
    add_months,
    completed_weeks,
    days_between,
    on,
    parse_when,
    shift,
    weekly,
    whole_years,
)
from b12fhir.kernel.truth import Truth

KATHMANDU = ZoneInfo("Asia/Kathmandu")
YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


def _read(text: str) -> When:
    when = parse_when(text, KATHMANDU)
    assert when is not None
    return when


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-11-21", date(2026, 11, 21), date(2026, 11, 21)),
    ],
)
def test_a_partial_date_is_every_day_it_can_mean(text: str, first: date, last: date) -> None:
    when = _read(text)
    assert (when.first, when.last, when.instant, when.text) == (first, last, None, text)
    assert when.is_exact == (first == last)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-20T18:14:59Z", date(2026, 11, 20)),
        ("2026-11-20T18:15:00Z", date(2026, 11, 21)),
        ("2026-11-21T23:30:00-05:00", date(2026, 11, 22)),
        ("2026-11-21T10:00:00.123456789+05:45", date(2026, 11, 21)),
        ("2026-11-21T10:00+05:45", date(2026, 11, 21)),
        ("2026-11-20T24:00:00+05:45", date(2026, 11, 21)),
    ],
)
def test_days_are_counted_in_the_zone_of_the_site(text: str, day: date) -> None:
    when = _read(text)
    assert (when.first, when.last, when.assumed_zone) == (day, day, False)
    assert when.instant is not None


def test_a_time_without_zone_is_read_in_the_zone_of_the_site_and_marked() -> None:
    when = _read("2026-11-21T00:30:00")
    assert when.assumed_zone
    assert when.instant == datetime(2026, 11, 20, 18, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-13",
        "2026-02-30",
        "21.11.2026",
        "2026-11-21T",
        "2026-11-21T25:00:00Z",
        "2026-11-21 10:00:00Z",
        "0000",
        "9999",
        "9999-12-31T24:00:00Z",
        "2026-11-21T10:00:00Zx",
        "",
        None,
        20261121,
        True,
    ],
)
def test_what_is_no_date_is_not_guessed(text: object) -> None:
    assert parse_when(text, KATHMANDU) is None


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("2026-10", YES, NO),
        ("2026-11", UNKNOWN, UNKNOWN),
        ("2026", UNKNOWN, UNKNOWN),
        ("2026-11-20", YES, NO),
        ("2026-11-21", NO, NO),
        ("2026-11-22", NO, YES),
        ("2026-12", NO, YES),
    ],
)
def test_before_and_after_a_day(text: str, before: Truth, after: Truth) -> None:
    day = date(2026, 11, 21)
    assert _read(text).before(day) is before
    assert _read(text).after(day) is after


@pytest.mark.parametrize(
    ("one", "other", "later"),
    [
        ("2026-11-21T10:00:00Z", "2026-11-21T09:00:00Z", YES),
        ("2026-11-21T09:00:00Z", "2026-11-21T10:00:00Z", NO),
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z", NO),
        ("2026-11-21T15:45:00+05:45", "2026-11-21T10:00:00Z", NO),
        ("2026-11-21", "2026-11-20", YES),
        ("2026-11-20", "2026-11-21", NO),
        ("2026-11-21", "2026-11-21", NO),
        ("2026-11", "2026-11-21", UNKNOWN),
        ("2026-11-21T10:00:00Z", "2026-11-21", NO),
        ("2026-11", "2026-10", YES),
    ],
)
def test_which_is_later(one: str, other: str, later: Truth) -> None:
    assert _read(one).later_than(_read(other)) is later


def test_the_same_moment() -> None:
    assert _read("2026-11-21T10:00:00Z").same_moment(_read("2026-11-21T15:45:00+05:45"))
    assert not _read("2026-11-21T10:00:00Z").same_moment(_read("2026-11-21T10:00:01Z"))
    assert _read("2026-11").same_moment(_read("2026-11"))
    assert not _read("2026-11").same_moment(_read("2026-11-21"))


def test_overlap() -> None:
    assert _read("2026").overlaps(_read("2026-11-21"))
    assert _read("2026-11-21").overlaps(_read("2026"))
    assert not _read("2026-10").overlaps(_read("2026-11"))


def test_iso_text() -> None:
    assert on(date(2026, 11, 21)).iso() == "2026-11-21"
    assert _read("2026-11").iso() == "2026-11-01/2026-11-30"
    assert on(date(2026, 11, 21)) == _read("2026-11-21")


@given(DAYS, DAYS)
def test_a_known_day_is_before_or_not_but_never_unknown(day: date, other: date) -> None:
    assert on(day).before(other) is Truth.of(day < other)
    assert on(day).after(other) is Truth.of(day > other)
    assert on(day).later_than(on(other)) is Truth.of(day > other)


@given(DAYS, DAYS, DAYS)
def test_a_span_answers_as_every_day_in_it_would(one: date, other: date, day: date) -> None:
    span = When(min(one, other), max(one, other))
    ends = {span.first < day, span.last < day}
    assert span.before(day) is (Truth.of(ends.pop()) if len(ends) == 1 else UNKNOWN)


@given(
    st.integers(-600_000_000, 3_800_000_000),
    st.integers(-12 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)
def test_an_instant_survives_reading(seconds: int, zone: timezone) -> None:
    moment = datetime.fromtimestamp(seconds, zone)
    when = _read(moment.isoformat())
    assert when.instant == moment
    assert when.first == moment.astimezone(KATHMANDU).date()


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 11, 21), 12, date(2027, 11, 21)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -13, date(2024, 12, 15)),
        (date(2026, 5, 31), 0, date(2026, 5, 31)),
    ],
)
def test_calendar_months(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@given(DAYS, st.integers(-240, 240))
def test_months_keep_the_day_or_end_the_month(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and add_days(later, 1).day == 1)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("d", date(2026, 2, 2)), ("wk", date(2026, 2, 14)), ("mo", date(2026, 3, 31))],
)
def test_shift(unit: str, expected: date) -> None:
    assert shift(date(2026, 1, 31), 2, unit) == expected


def test_an_unknown_unit_of_time_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        shift(date(2026, 1, 31), 2, "y")


@pytest.mark.parametrize(
    ("birth", "day", "years"),
    [
        (date(2010, 11, 21), date(2026, 11, 20), 15),
        (date(2010, 11, 21), date(2026, 11, 21), 16),
        (date(2008, 2, 29), date(2024, 2, 28), 15),
        (date(2008, 2, 29), date(2025, 2, 28), 16),
        (date(2008, 2, 29), date(2025, 3, 1), 17),
    ],
)
def test_whole_years(birth: date, day: date, years: int) -> None:
    assert whole_years(birth, day) == years


def test_days_and_weeks() -> None:
    start = date(2026, 11, 21)
    assert days_between(start, date(2026, 11, 20)) == -1
    assert completed_weeks(start, add_days(start, 13)) == 1
    assert completed_weeks(start, add_days(start, 14)) == 2
    assert completed_weeks(start, add_days(start, -1)) == -1


def test_several_days_and_weeks_after_a_day() -> None:
    """The days of a test: offsets in any order, across the end of a year."""
    assert add_each(date(2026, 12, 30), (3, 0, 1)) == [
        date(2027, 1, 2),
        date(2026, 12, 30),
        date(2026, 12, 31),
    ]
    assert weekly(date(2026, 12, 20), 2) == [date(2026, 12, 27), date(2027, 1, 3)]
    assert weekly(date(2026, 12, 20), 0) == []

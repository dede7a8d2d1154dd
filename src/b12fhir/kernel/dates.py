"""Partial dates, instants and calendar arithmetic.

FHIR dates may be partial (``2026``, ``2026-10``) and instants carry a zone. A `When` keeps the
days that the text can mean, so that a comparison is only made when every one of them agrees.
"""

import calendar
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import remembered

_FHIR = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<time>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?\Z"
)
_TO_THE_MICROSECOND = len("00:00:00.000000")
_WITH_Z, _WITH_OFFSET = len("2026-11-10T08:00:00Z"), len("2026-11-10T08:00:00+01:00")


class When(NamedTuple):
    """The days from ``first`` to ``last``, both included, that a recorded time can mean.

    ``instant`` is set when the time of day was recorded; ``assumed_zone`` says that it had no zone
    and was read in the site's; ``text`` is what was recorded.
    """

    first: date
    last: date
    instant: datetime | None = None
    assumed_zone: bool = False
    text: str = ""

    @property
    def is_exact(self) -> bool:
        """One single day."""
        return self.first == self.last

    def before(self, day: date) -> Truth:
        """Is it earlier than ``day``, whichever day it means?"""
        if self.last < day:
            return Truth.YES
        return Truth.NO if self.first >= day else Truth.UNKNOWN

    def after(self, day: date) -> Truth:
        """Is it later than ``day``, whichever day it means?"""
        if self.first > day:
            return Truth.YES
        return Truth.NO if self.last <= day else Truth.UNKNOWN

    def overlaps(self, other: "When") -> bool:
        """Could both mean the same day?"""
        return self.first <= other.last and other.first <= self.last

    def same_moment(self, other: "When") -> bool:
        """Recorded as the very same moment (or as the same day, where no time was recorded)."""
        if self.instant is not None and other.instant is not None:
            return self.instant == other.instant
        return (self.first, self.last) == (other.first, other.last)

    def later_than(self, other: "When") -> Truth:
        """Order of two recorded times; unknown if they overlap and no clock time tells."""
        if self.instant is not None and other.instant is not None:
            return Truth.of(self.instant > other.instant)
        if self.first > other.last:
            return Truth.YES
        if self.last < other.first:
            return Truth.NO
        return Truth.NO if self.same_moment(other) else Truth.UNKNOWN

    def iso(self) -> str:
        """The recorded day or span in ISO form."""
        if self.is_exact:
            return self.first.isoformat()
        return f"{self.first.isoformat()}/{self.last.isoformat()}"


def on(day: date) -> When:
    """A single known day."""
    return When(day, day, None, assumed_zone=False, text=day.isoformat())


def parse_when(text: object, zone: tzinfo) -> When | None:
    """Read a FHIR date, dateTime or instant; ``None`` if it is none.

    A time without zone is illegal in R4 but occurs: it is read in the site's ``zone`` and marked.
    Days are counted in the site's zone. ``24:00`` is the next midnight.
    """
    if not isinstance(text, str):
        return None
    try:
        moment = _usual(text)
        if moment is not None:
            day = moment.astimezone(zone).date()
            return When(day, day, moment, assumed_zone=False, text=text)
        match = _FHIR.match(text)
        if match is None:
            return None
        if match["time"]:
            return _instant(match, zone, text)
        return _span(match, text)
    except (ValueError, OverflowError):
        return None


def _usual(text: str) -> datetime | None:
    """The short way for ``2026-11-10T08:00:00Z`` and ``...+01:00``, as nearly all are written.

    The standard library reads many other forms; its own checks do where the signs stand in the
    places of these two. What it refuses is looked at again the long way.
    """
    utc = text[-1:] == "Z" and len(text) == _WITH_Z
    if not utc and (len(text) != _WITH_OFFSET or text[22] != ":" or text[19] not in "+-"):
        return None
    if text[4] + text[7] + text[10] + text[13] + text[16] != "--T::":
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _span(match: re.Match[str], text: str) -> When:
    year = int(match["year"])
    if match["day"]:
        day = date(year, int(match["month"]), int(match["day"]))
        return When(day, day, text=text)
    if match["month"]:
        first = date(year, int(match["month"]), 1)
        return When(first, first.replace(day=_month_length(first)), text=text)
    return When(date(year, 1, 1), add_months(date(year, 1, 1), 12) - timedelta(days=1), text=text)


def _instant(match: re.Match[str], zone: tzinfo, text: str) -> When:
    midnight, said = match["time"].startswith("24:00"), text
    if midnight or len(match["time"]) > _TO_THE_MICROSECOND:
        clock = "00:00" if midnight else match["time"][:_TO_THE_MICROSECOND]
        said = f"{match['year']}-{match['month']}-{match['day']}T{clock}{match['zone'] or ''}"
    moment = datetime.fromisoformat(said)
    assumed = moment.tzinfo is None
    if assumed:
        moment = moment.replace(tzinfo=zone)
    if midnight:
        moment += timedelta(days=1)
    local = moment.astimezone(zone).date()
    return When(local, local, moment, assumed, text)


def _month_length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def add_days(day: date, days: int) -> date:
    """``day`` plus a number of days; ``ValueError`` where the calendar ends."""
    # Half the time of adding a `timedelta`, and every date of a plan comes from here.
    return date.fromordinal(day.toordinal() + days)


def add_each(day: date, offsets: Iterable[int]) -> list[date]:
    """``day`` plus each of several numbers of days."""
    first, dated = day.toordinal(), date.fromordinal
    return [dated(first + days) for days in offsets]


def weekly(day: date, weeks: int) -> list[date]:
    """One, two and so on up to ``weeks`` weeks after ``day``."""
    week = _DAYS_IN["wk"]
    return add_each(day, range(week, week * (weeks + 1), week))


@remembered
def add_months(day: date, months: int) -> date:
    """Calendar months later; the last of the month where the day does not exist there.

    Remembered: the decisions and plans of one day ask for the same few dates.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if day.day <= _DAYS_OF_EVERY_MONTH:
        return date(year, month + 1, day.day)
    first = date(year, month + 1, 1)
    return first.replace(day=min(day.day, _month_length(first)))


def days_between(earlier: date, later: date) -> int:
    """Whole days from ``earlier`` to ``later``; negative if the order is the other one."""
    return (later - earlier).days


def whole_years(birth: date, day: date) -> int:
    """Age in completed years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def whole_months(birth: date, day: date) -> int:
    """Age in completed months."""
    return (day.year - birth.year) * 12 + day.month - birth.month - (day.day < birth.day)


def completed_weeks(start: date, day: date) -> int:
    """Whole weeks from ``start`` to ``day``."""
    return days_between(start, day) // 7


def shift(day: date, count: int, unit: str) -> date:
    """``day`` plus ``count`` days (``d``), weeks (``wk``) or calendar months (``mo``)."""
    if unit == "mo":
        return add_months(day, count)
    return add_days(day, count * _DAYS_IN[unit])


_DAYS_IN = {"d": 1, "wk": 7}
_DAYS_OF_EVERY_MONTH = 28

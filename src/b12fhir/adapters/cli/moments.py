"""Days and instants as they are written on a command line."""

from datetime import datetime, time, tzinfo

from b12fhir.errors import UsageError
from b12fhir.kernel.dates import parse_when

_FIRST, _LAST = time(), time(23, 59, 59)


def from_then_on(option: str, text: str | None, zone: tzinfo) -> datetime | None:
    """The first instant that counts: of a bare day its first second; none where none is given."""
    return None if text is None else _moment(option, text, zone, _FIRST)


def up_to_then(option: str, text: str, zone: tzinfo) -> datetime:
    """The last instant that counts: of a bare day its last second."""
    return _moment(option, text, zone, _LAST)


def _moment(option: str, text: str, zone: tzinfo, of_day: time) -> datetime:
    when = parse_when(text, zone)
    if when is None or not when.is_exact:
        msg = f"{option} {text[:40]!r} is no day or instant."
        raise UsageError(msg, hint="Write it like 2026-11-21 or 2026-11-21T10:17:23+05:45.")
    return when.instant or datetime.combine(when.first, of_day, zone)

"""The doses still to be given as an iCalendar file (RFC 5545).

One event for each open slot. It says nothing about whom or what for: who holds a calendar shows it
to others. An event keeps its UID whatever happens to its date, since that is made of plan, phase
and number. What is no longer to be given is sent as cancelled and not left out: a calendar that
once took the event in would keep it, and somebody would come for a second dose. For the same reason
a dose that was given by its day, or skipped, is cancelled there.

Nothing here depends on the day of the run but how far an open-ended schedule is written out: a slot
that is overdue keeps its date, and those behind it keep theirs until it is given.

SEQUENCE is the number of seconds from 2020 to the latest change of plan, orders and dose records.
A server stamps each write with its own present, so every change makes the latest stamp later and
the number grows, by more than the once that RFC 5545 asks for; no change, no growth. ``versionId``
would not do, since on some servers it is no number. The limit is a record that is deleted outright,
which FHIR has ``entered-in-error`` for, and two changes within one second with a download between.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from b12fhir.kernel.dates import add_days
from b12fhir.plan.course import Course, CoursePhase
from b12fhir.plan.slot import DoseLog, Slot, SlotStatus

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_FOLD = 75  # octets in a line, the line end not counted (RFC 5545, 3.1)
_CONTINUED = (0x80, 0xC0)  # an octet 10xxxxxx goes on with a letter of UTF-8
_DESCRIPTION = (
    "If an earlier one was not given on its day, ask before the next: two are never given to catch"
    " up."
)


def calendar(courses: Iterable[tuple[Course, DoseLog]], label: str = "") -> bytes:
    """The file, byte for byte the same for the same input.

    ``label`` stands before the words of each event, for those who keep several calendars. It is
    the only text from outside and is the choice of who asks for the file.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//b12fhir//doses//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
    ]
    for course, log in courses:
        phases = {phase.id: phase for phase in course.phases}
        for slot in log.slots:
            lines += _event(course, phases[slot.phase], slot, label)
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def sequence(course: Course) -> int:
    """Grows with every change on the server that could move an event of this plan."""
    return (course.touched - _EPOCH) // timedelta(seconds=1)


def uid(course: Course, slot: Slot) -> str:
    """The same for one slot for ever, whatever its date."""
    return f"{uuid5(NAMESPACE_URL, f'{course.key}|{slot.phase}|{slot.ordinal}')}@b12fhir"


def _event(course: Course, phase: CoursePhase, slot: Slot, label: str) -> Iterator[str]:
    if slot.due is None or not (slot.is_open or _must_be_cancelled(slot)):
        return
    words = " ".join(part for part in (label, _words(phase, slot)) if part)
    yield from (
        "BEGIN:VEVENT",
        f"UID:{uid(course, slot)}",
        f"DTSTAMP:{course.updated.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"SEQUENCE:{sequence(course)}",
        f"DTSTART;VALUE=DATE:{_day(slot.due)}",
        f"DTEND;VALUE=DATE:{_day(add_days(slot.due, 1))}",
        f"SUMMARY:{_escaped(words)}",
        f"DESCRIPTION:{_escaped(_DESCRIPTION)}",
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        f"STATUS:{'CONFIRMED' if slot.is_open else 'CANCELLED'}",
    )
    if slot.is_open:
        yield from _ALARM
    yield "END:VEVENT"


_ALARM = (
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    "DESCRIPTION:Reminder",
    "TRIGGER:-P1D",
    "END:VALARM",
)


def _must_be_cancelled(slot: Slot) -> bool:
    """Would a calendar that took the event in still ask for this dose?"""
    if slot.status in (SlotStatus.CANCELLED, SlotStatus.SKIPPED):
        return True
    return slot.due is not None and slot.given is not None and slot.given <= slot.due


def _words(phase: CoursePhase, slot: Slot) -> str:
    """Neutral: "Injection 3 of 7"."""
    what = "Injection" if phase.route.is_injection else "Dose"
    total = phase.schedule.count if phase.schedule is not None else 0
    return f"{what} {slot.number} of {total}" if total else f"{what} {slot.number}"


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"


def _escaped(text: str) -> str:
    """Text of a property; what no text may hold is left out (RFC 5545, 3.3.11)."""
    plain = "\n".join(text.splitlines())
    shown = "".join(sign for sign in plain if sign in "\n\t" or sign.isprintable())
    for sign in "\\;,":
        shown = shown.replace(sign, f"\\{sign}")
    return shown.replace("\n", "\\n")


def _folded(line: str) -> bytes:
    """A line of at most 75 octets and its continuations, no letter torn apart."""
    octets = line.encode()
    parts: list[bytes] = []
    while len(octets) > (width := _FOLD - bool(parts)):
        while octets[width] & _CONTINUED[1] == _CONTINUED[0]:
            width -= 1
        parts.append(octets[:width])
        octets = octets[width:]
    return b"\r\n ".join([*parts, octets]) + b"\r\n"

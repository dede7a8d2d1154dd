"""The calendar file: read back by a parser that is not ours, and byte for byte the same."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from icalendar import Calendar, Event

from b12fhir.fhir.calendar import calendar, sequence, uid
from b12fhir.kernel.truth import Truth
from b12fhir.plan.course import Course
from tests.support.courses import D0, course, day, dose, log, maintenance, phase


def made(*doses, plan: Course | None = None, as_of: int | date = 0, label: str = "") -> bytes:
    plan = plan or course()
    return calendar([(plan, log(*doses, plan=plan, as_of=as_of))], label)


def events(file: bytes) -> list[Event]:
    return list(Calendar.from_ical(file).walk("VEVENT"))


def by_words(file: bytes) -> dict[str, tuple[date, str]]:
    return {
        str(event["SUMMARY"]): (event.decoded("DTSTART"), str(event["STATUS"]))
        for event in events(file)
    }


def test_one_event_for_each_open_slot() -> None:
    found = by_words(made())
    assert found == {f"Injection {n} of 7": (day(2 * n - 2), "CONFIRMED") for n in range(1, 8)}


CAUTION = (
    "If an earlier one was not given on its day\\, ask before the next: two are never given to"
    " catch up."
)


def test_an_event_in_full() -> None:
    """All day, the day itself only, private, with a reminder the day before."""
    first = made().decode().split("BEGIN:VEVENT\r\n")[1].split("END:VEVENT")[0]
    assert first.replace("\r\n ", "").splitlines() == [
        f"UID:{uid(course(), log().slots[0])}",
        "DTSTAMP:20261121T090000Z",
        # seconds from 2020-01-01 to 2026-11-21 09:00 UTC: 2516 days and 9 hours
        f"SEQUENCE:{2516 * 86400 + 9 * 3600}",
        "DTSTART;VALUE=DATE:20261121",
        "DTEND;VALUE=DATE:20261122",
        "SUMMARY:Injection 1 of 7",
        f"DESCRIPTION:{CAUTION}",
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        "STATUS:CONFIRMED",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "DESCRIPTION:Reminder",
        "TRIGGER:-P1D",
        "END:VALARM",
    ]


def test_the_file_is_what_the_standard_asks_for() -> None:
    file = made()
    parsed = Calendar.from_ical(file)
    assert (parsed["VERSION"], parsed["METHOD"]) == ("2.0", "PUBLISH")
    assert parsed["PRODID"] == "-//b12fhir//doses//EN"
    assert file.count(b"\n") == file.count(b"\r\n")
    assert file.endswith(b"END:VCALENDAR\r\n")
    assert not [problem for event in events(file) for problem in event.errors]


def test_nothing_in_it_tells_whom_or_what_for() -> None:
    file = made(dose(0), plan=course(phase(), maintenance()), as_of=1).decode().lower()
    for word in (
        "patient",
        "b12",
        "cobalamin",
        "a1b2c3d4e5f60718",
        "deficiency",
        "induction",
    ):
        assert word not in file.replace("@b12fhir", "").replace("-//b12fhir//", "")


def test_the_same_input_gives_the_same_bytes_on_any_day() -> None:
    """What is overdue keeps its date, and so does what waits behind it: only a dose moves them."""
    assert made(dose(0), as_of=1) == made(dose(0), as_of=1) == made(dose(0), as_of=40)


def test_an_event_keeps_its_identity_when_it_moves() -> None:
    before, after = events(made(dose(0), as_of=1)), events(made(dose(0), dose(5), as_of=5))
    moved = {str(event["UID"]): event.decoded("DTSTART") for event in after}
    third = next(event for event in before if event["SUMMARY"] == "Injection 3 of 7")
    assert third.decoded("DTSTART") == day(4)
    assert moved[str(third["UID"])] == day(7)


def test_every_slot_has_a_uid_of_its_own() -> None:
    plan = course(phase(), maintenance())
    other = replace(plan, key="a1b2c3d4e5f60718:e1:r2")
    uids = [uid(one, slot) for one in (plan, other) for slot in log(plan=plan).slots]
    assert len(set(uids)) == len(uids)
    assert all(one.endswith("@b12fhir") for one in uids)


def test_an_open_ended_phase_has_events_for_12_months_and_no_total() -> None:
    found = by_words(made(plan=course(maintenance()), as_of=date(2027, 1, 3)))
    assert list(found) == [f"Injection {n}" for n in range(1, 14)]
    assert found["Injection 13"][0] == date(2028, 1, 3)


@pytest.mark.parametrize(
    "plan",
    [course(phase(status="stopped", changed=day(1))), course(status="revoked")],
    ids=["order", "plan"],
)
def test_what_is_stopped_is_cancelled_and_does_not_vanish(plan) -> None:
    """A calendar that took the event in would keep it, and somebody would come for the dose."""
    found = by_words(made(plan=plan, as_of=10))
    assert set(found) == {f"Injection {n} of 7" for n in range(1, 8)}
    assert {status for _, status in found.values()} == {"CANCELLED"}
    assert b"VALARM" not in made(plan=plan, as_of=10)


def test_a_dose_given_by_its_day_is_cancelled_and_one_given_late_is_past() -> None:
    found = by_words(made(dose(0), dose(1), dose(5), as_of=5))
    assert found["Injection 1 of 7"] == (D0, "CANCELLED")
    assert found["Injection 2 of 7"] == (day(2), "CANCELLED")
    assert "Injection 3 of 7" not in found
    assert found["Injection 4 of 7"][1] == "CONFIRMED"


def test_a_skipped_dose_is_cancelled_and_its_number_comes_again() -> None:
    """Two slots are the second of seven: the one left out, and the one that takes its place."""
    left_out = dose(2, given=Truth.NO, declined=True, reference="MedicationAdministration/no")
    shown = [
        (str(event["SUMMARY"]), str(event["STATUS"]))
        for event in events(made(dose(0), left_out, as_of=2))
    ]
    assert shown[1:3] == [
        ("Injection 2 of 7", "CANCELLED"),
        ("Injection 2 of 7", "CONFIRMED"),
    ]


def test_a_dose_too_soon_is_no_event() -> None:
    weekly = course(phase(replace(phase().schedule, interval=maintenance().schedule.interval)))
    file = made(dose(0), dose(3), plan=weekly, as_of=3)
    assert len(events(file)) == 7


def test_tablets_are_doses() -> None:
    route = type(phase().route).ORAL
    assert "Dose 1 of 7" in by_words(made(plan=course(phase(route=route))))


def test_several_plans_are_one_file() -> None:
    plan, other = course(), course(key="a1b2c3d4e5f60718:e1:r2")
    file = calendar([(plan, log(plan=plan)), (other, log(plan=other))])
    assert len(events(file)) == 14
    assert file.count(b"BEGIN:VCALENDAR") == 1


def test_no_plans_are_an_empty_calendar() -> None:
    assert events(calendar([])) == []


# --- text -----------------------------------------------------------------------------------------

LABELS = [
    "Praxis Süd; Raum 3, hinten",
    "back\\slash",
    "two\nlines\r\nand three",
    "日本語のカレンダー" * 12,
    "x" * 63 + "é",
    "emoji 💉" * 15,
    "tab\there",
]


@pytest.mark.parametrize("label", LABELS)
def test_a_label_comes_back_as_it_was_and_no_line_is_too_long(label) -> None:
    file = made(label=label)
    for line in file.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()
    plain = label.replace("\r\n", "\n")
    assert str(events(file)[0]["SUMMARY"]) == f"{plain} Injection 1 of 7"


def test_what_no_text_may_hold_is_left_out() -> None:
    """Nor can a label begin a line of its own."""
    file = made(label="a\x00b\x1b[31mc\x0bBEGIN:VEVENT")
    assert len(events(file)) == 7
    assert b"\x00" not in file
    assert b"\x1b" not in file


@pytest.mark.parametrize("length", range(60, 80))
def test_a_line_is_folded_at_75_octets_and_not_before(length) -> None:
    words = "y" * (length - len("SUMMARY: Injection 1 of 7"))
    line = next(one for one in made(label=words).split(b"\r\n") if one.startswith(b"SUMMARY"))
    assert len(line) == min(length, 75)


# --- SEQUENCE -------------------------------------------------------------------------------------


def test_the_sequence_grows_with_every_later_change() -> None:
    at = datetime(2026, 11, 21, 9, tzinfo=UTC)
    numbers = [sequence(course(touched=at + timedelta(seconds=n))) for n in (0, 1, 86400)]
    assert numbers == sorted(set(numbers))


def test_the_sequence_is_a_number_that_calendars_take() -> None:
    """RFC 5545 integers are signed and of 32 bits: enough until 2088."""
    last = course(touched=datetime(2087, 12, 31, tzinfo=UTC))
    assert 0 < sequence(last) < 2**31

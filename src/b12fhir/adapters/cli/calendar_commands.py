"""The command that shows the doses of a signed plan, and writes them as a calendar."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from b12fhir.adapters.cli.doors import Doors
from b12fhir.errors import OK
from b12fhir.plan.course import CoursePhase
from b12fhir.plan.slot import Slot, SlotStatus
from b12fhir.service import Followed, calendar_of


def calendar(args: Namespace, doors: Doors, as_of: datetime) -> int:
    """Print the slots of a plan, or of all plans of a patient; or write them as a file."""
    followed = doors.follow(args.plan or "", args.patient or "", as_of)
    for one in followed:
        doors.err.lines(_problems(one))
    if args.ics:
        target = Path(args.ics)
        written = doors.write(target.parent, target.name, [calendar_of(followed, args.label)])
        doors.out.lines([f"Calendar: {written}. It names nobody; whoever has it sees the dates."])
        return OK
    day = as_of.astimezone(doors.zone).date().isoformat()
    for one in followed:
        doors.out.lines(_table(one, day))
    return OK


def _table(one: Followed, day: str) -> Iterator[str]:
    course, log = one.course, one.log
    yield f"Plan {course.key} ({course.status}), doses as of {day}"
    for phase in course.phases:
        yield f"  {phase.id}: {_asked(phase)}; order {course.status_of(phase)}"
        mine = [slot for slot in (*log.slots, *log.beside) if slot.phase == phase.id]
        yield from (f"    {line}" for line in _rows(mine, day))
    yield from (f"  ! {remark.text} ({remark.rule})" for remark in log.remarks)


def _asked(phase: CoursePhase) -> str:
    dose = f"{phase.dose_ug:f} microgram" if phase.dose_ug is not None else "dose not stated"
    return " ".join(part for part in (dose, phase.drug, phase.route.value) if part)


def _rows(slots: Sequence[Slot], day: str) -> Iterator[str]:
    if not slots:
        yield "no slots: taken daily, or its timing could not be read"
    for slot in slots:
        number = f"{slot.ordinal:>3}" if slot.ordinal else "  -"
        due = slot.due.isoformat() if slot.due is not None else "-"
        yield f"{number}  {due:<10}  {slot.status.value:<11}  {_told(slot, due < day)}".rstrip()


def _told(slot: Slot, is_past: bool) -> str:  # noqa: FBT001 - a column of the table
    """The dose on record; or why a day that has passed is not late."""
    if slot.given is not None:
        return f"on {slot.given.isoformat()}, {slot.reference}"
    waits = is_past and slot.status is SlotStatus.SCHEDULED
    return "waits for the dose before it" if waits else slot.reference


def _problems(one: Followed) -> Iterator[str]:
    for text in one.course.problems:
        yield f"b12fhir: warning: {text}"
    for phase in one.course.phases:
        if phase.problem:
            yield (
                f"b12fhir: warning: {phase.order} ({phase.id}): {phase.problem}. Its doses are not"
                " scheduled here; read them in the order itself."
            )

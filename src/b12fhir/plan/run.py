"""One signed phase while its doses are matched: how far it is, and when the next ones are due."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from b12fhir.kernel.dates import add_days, days_between
from b12fhir.plan.course import IN_FORCE, Course, CoursePhase
from b12fhir.plan.given import Dose
from b12fhir.plan.schedule import Anchor, Schedule, due_day, due_days, usual_gap
from b12fhir.plan.slot import Slot, SlotStatus
from b12fhir.protocol.limits import DoseWindow, Limits


@dataclass(slots=True)
class Run:
    """A phase with the slots that doses have filled so far.

    ``status`` is that of its order, or of the plan where that is held or closed. ``counted`` are
    the doses given, ``last`` the day of the latest. ``anchor`` is the slot the next ones are
    counted from, ``None`` while all were given on their days.
    """

    phase: CoursePhase
    schedule: Schedule
    window: DoseWindow
    status: str
    anchor: Anchor | None = None
    counted: int = 0
    last: date | None = None
    slots: list[Slot] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """May doses still be given?"""
        return self.status == IN_FORCE

    @property
    def is_complete(self) -> bool:
        """Were all its doses given?"""
        return 0 < self.schedule.count <= self.counted

    @property
    def holds_up(self) -> bool:
        """Must it be completed before the next phase can begin?"""
        return self.is_open and bool(self.schedule.count) and not self.is_complete

    def fill(self, slot: Slot, due: date) -> None:
        """Close the next slot; what is given on another day than planned moves those behind it."""
        place = len(self.slots)
        day = slot.given or due
        if day != due_day(self.schedule, place, self.anchor):
            self.anchor = Anchor(max(day, due) if self.schedule.weekdays else day, place)
        self.slots.append(slot)
        if slot.given is not None:
            self.counted += 1
            self.last = slot.given

    def remaining(self, floor: date) -> Iterator[date]:
        """Days of the slots not yet filled, none before ``floor``; endless for an open phase."""
        place, anchor, earliest = len(self.slots), self.anchor, floor
        left = self.schedule.count - self.counted
        while not self.schedule.count or left > 0:
            planned = due_day(self.schedule, place, anchor)
            if planned is None:
                return
            due = _settled(self.schedule, planned, earliest)
            yield due
            if due != planned:
                anchor = Anchor(due, place)
            earliest = add_days(due, self.window.least_gap)
            place, left = place + 1, left - 1

    def accepts(self, dose: Dose) -> bool:
        """Can a dose that names no order be one of this phase: same route, product and time?"""
        during = self.phase.since <= dose.day and (self.is_open or dose.day <= self.phase.changed)
        return during and not self.is_complete and self.is_alike(dose) and self.same_drug(dose)

    def is_alike(self, dose: Dose) -> bool:
        """Injected both, or taken both: any needle counts, since a second one would be too many."""
        return self.phase.route.is_oral == dose.route.is_oral

    def same_drug(self, dose: Dose) -> bool:
        """Of the same form of B12, as far as both are known."""
        return not dose.drug or not self.phase.drug or dose.drug == self.phase.drug

    def judge(self, day: date, due: date) -> SlotStatus:
        """A dose given on a day against the day it was due."""
        if day < add_days(due, -self.window.early):
            return SlotStatus.GIVEN_EARLY
        late = day > add_days(due, self.window.late)
        return SlotStatus.GIVEN_LATE if late else SlotStatus.GIVEN

    def standing(self, due: date, as_of: date) -> SlotStatus:
        """What an open slot is on a day."""
        behind = days_between(due, as_of)
        if behind < -self.window.early:
            return SlotStatus.SCHEDULED
        if behind <= self.window.late:
            return SlotStatus.DUE
        late = behind <= self.window.missed_after
        return SlotStatus.OVERDUE if late else SlotStatus.MISSED


def runs_of(course: Course, limits: Limits) -> list[Run]:
    """The phases that have slots, in their order: not daily ones, nor those that cannot be read."""
    return [
        Run(phase, phase.schedule, _window(phase.schedule, limits), course.status_of(phase))
        for phase in course.phases
        if phase.schedule is not None and not phase.schedule.is_daily
    ]


def floor_of(runs: Sequence[Run], place: int, last: date | None) -> date:
    """The first day on which the next slot of a phase can fall due.

    Not before its start, nor before an order in force was last changed (R-136), nor too soon after
    the ``last`` dose of the whole course (R-130), nor while the phase before it goes on.
    """
    run = runs[place]
    days = [run.schedule.start, *([run.phase.changed] if run.is_open else [])]
    if last is not None:
        days.append(add_days(last, run.window.least_gap))
    if place and not run.slots:
        days += _after(runs[place - 1], run, floor_of(runs, place - 1, last))
    return max(days)


def _after(previous: Run, run: Run, floor: date) -> list[date]:
    """One interval after the last dose of the phase before, or as much sooner as was signed.

    Whoever signed this phase after that dose knew its day: then the phase's own start stands.
    """
    if previous.holds_up:
        ends = max(previous.remaining(floor), default=None)
    else:
        ends = previous.last if previous.is_complete else None
    if ends is None or (previous.is_complete and run.phase.changed > ends):
        return []
    spaced = due_day(run.schedule, 1, Anchor(ends, 0))
    if spaced is None or run.schedule.is_fixed:
        return [add_days(ends, run.window.least_gap)]
    planned = due_days(previous.schedule, run.schedule.start)
    signed = days_between(planned[-1], run.schedule.start) if planned else 0
    return [min(spaced, add_days(ends, signed)) if signed > 0 else spaced]


def _settled(schedule: Schedule, planned: date, earliest: date) -> date:
    """The planned day, or the first possible one after it."""
    if planned >= earliest:
        return planned
    if schedule.weekdays:
        listed = due_day(schedule, 1, Anchor(add_days(earliest, -1), 0))
        return listed or earliest
    return earliest


def _window(schedule: Schedule, limits: Limits) -> DoseWindow:
    """The row for doses so far apart."""
    gap = usual_gap(schedule)
    rows = [row for row in limits.dose_windows if row.from_days <= gap]
    return rows[-1]

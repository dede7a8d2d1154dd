"""The doses of a plan in force: which is given, due, late or missed on a day (section 12).

A slot is plan, phase and number, never a date. Doses fill the slots in the order of their days. The
interval is kept from the day a dose was really given, the number of doses stays, and never are two
given to catch up (R-131, R-133): so only the first open slot can be late, and those behind it wait.

Nothing is late by an order's change: doses before it are counted and not judged, and no slot falls
due before it (R-136).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import takewhile

from b12fhir.kernel.dates import add_days, days_between, shift
from b12fhir.kernel.evidence import Remark
from b12fhir.plan.course import Course, DoseRecord
from b12fhir.plan.given import Dose, doses_given
from b12fhir.plan.run import Run, floor_of, runs_of
from b12fhir.plan.slot import DoseLog, Slot, SlotStatus
from b12fhir.protocol.limits import Limits


def dose_log(course: Course, records: Iterable[DoseRecord], limits: Limits, as_of: date) -> DoseLog:
    """Every slot of the course on ``as_of``; those without end as far as the limits say."""
    given = doses_given(records, as_of)
    matching = _Matching(runs_of(course, limits))
    for dose in given.doses:
        matching.take(dose)
    until = shift(as_of, limits.horizon_months, "mo")
    slots, remarks = [], [*given.remarks, *matching.remarks]
    for place, run in enumerate(matching.runs):
        still = list(_open_slots(matching, place, as_of, until))
        remarks += _asked(run, still, limits, as_of)
        slots += [*run.slots, *still]
    return DoseLog(tuple(slots), tuple(matching.beside), tuple(remarks))


class _Matching:
    """Doses taken one after the other, each by the phase it belongs to."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = runs
        self.beside: list[Slot] = []
        self.remarks: list[Remark] = []
        self.last: date | None = None

    def floor(self, place: int) -> date:
        """The first day on which the next slot of a phase can fall due."""
        return floor_of(self.runs, place, self.last)

    def take(self, dose: Dose) -> None:
        """Give a dose to its phase, or set it beside; what was left out on purpose is skipped."""
        place = self._place(dose)
        if place is None:
            self._stray(dose)
        elif dose.declined:
            self._skip(self.runs[place], dose, self.floor(place))
        else:
            self._give(self.runs[place], dose, self.floor(place))

    def _place(self, dose: Dose) -> int | None:
        """The phase that the dose's record names, else the first that can have it."""
        named = [n for n, run in enumerate(self.runs) if run.phase.names & dose.orders]
        fit = named or [n for n, run in enumerate(self.runs) if run.accepts(dose)]
        return next((n for n in fit if not self.runs[n].is_complete), None)

    def _give(self, run: Run, dose: Dose, floor: date) -> None:
        due, status = dose.day, SlotStatus.GIVEN
        if dose.day >= run.phase.changed:
            gap = run.window.least_gap
            if self.last is not None and days_between(self.last, dose.day) < gap:
                why = f"sooner than {gap} days after the dose of {self.last.isoformat()}"
                self._beside(dose, run, SlotStatus.TOO_SOON, why, "R-130")
                return
            due = next(run.remaining(floor), dose.day)
            status = run.judge(dose.day, due)
        run.fill(_next_slot(run, due, status, dose), due)
        self.last = dose.day

    def _skip(self, run: Run, dose: Dose, floor: date) -> None:
        """A dose left out near its day; the number of doses stays, so one more slot follows."""
        due = next(run.remaining(floor), None)
        if due is None or dose.day < run.phase.changed:
            return
        if -run.window.early <= days_between(due, dose.day) <= run.window.missed_after:
            run.fill(replace(_next_slot(run, due, SlotStatus.SKIPPED, dose), given=None), due)

    def _stray(self, dose: Dose) -> None:
        """A dose that no phase can have; before the course, or by another way, it is no concern."""
        near = [run for run in self.runs if run.is_alike(dose) and run.phase.since <= dose.day]
        if dose.declined or not near:
            return
        other = next((run for run in near if run.is_open and not run.same_drug(dose)), None)
        why = "all doses of its phase were given before, or its order is not in force"
        if other is not None:
            why = f"{dose.drug} was given, {other.phase.drug} is ordered"
        self._beside(dose, other or near[-1], SlotStatus.EXTRA, why, "R-131")

    def _beside(self, dose: Dose, run: Run, status: SlotStatus, why: str, rule: str) -> None:
        told = f"{dose.reference} of {dose.day.isoformat()}: {why}. Recorded, not counted;"
        text = f"{told} ask before the next dose is given."
        self.beside.append(Slot(run.phase.id, 0, 0, None, status, dose.day, dose.reference))
        self.remarks.append(Remark(f"{status.value}-dose", text, rule))


def _next_slot(run: Run, due: date, status: SlotStatus, dose: Dose) -> Slot:
    place = len(run.slots) + 1
    return Slot(run.phase.id, place, run.counted + 1, due, status, dose.day, dose.reference)


def _open_slots(matching: _Matching, place: int, as_of: date, until: date) -> Iterator[Slot]:
    """What is still to be given; only the first can be due, if no phase before holds it up.

    A slot beyond the last day of its order is not covered by it and not listed.
    """
    run = matching.runs[place]
    waits = any(one.holds_up for one in matching.runs[:place])
    ends = run.schedule.last or date.max
    days = takewhile(lambda day: day <= ends, run.remaining(matching.floor(place)))
    if not run.schedule.count:
        days = takewhile(lambda day: day <= until, days)
    for ahead, due in enumerate(days):
        status = SlotStatus.SCHEDULED if run.is_open else SlotStatus.CANCELLED
        if run.is_open and not ahead and not waits:
            status = run.standing(due, as_of)
        yield Slot(
            run.phase.id,
            len(run.slots) + 1 + ahead,
            run.counted + 1 + ahead,
            due,
            status,
            overdue_from=add_days(due, run.window.late + 1),
        )


def _asked(run: Run, still: list[Slot], limits: Limits, as_of: date) -> Iterator[Remark]:
    """What a late dose, a long gap or an order that ends too soon asks for."""
    if not run.is_open:
        return
    late = next((slot for slot in still if slot.is_late), None)
    if late is not None and late.due is not None:
        yield _give_now(run, late, late.due)
    is_load = run.window == limits.dose_windows[0] and run.schedule.count
    last = run.last if is_load and not run.is_complete else None
    if last is not None and days_between(last, as_of) > limits.load_gap_days:
        text = (
            f"No dose of {run.phase.id} after {last.isoformat()}, for more than"
            f" {limits.load_gap_days} days: should the load be restarted? The clinician decides;"
            " nothing restarts by itself."
        )
        yield Remark("restart-load", text, "R-132")
    if len(still) < run.schedule.count - run.counted and run.schedule.last is not None:
        text = (
            f"The order of {run.phase.id} ends on {run.schedule.last.isoformat()}, before all"
            f" {run.schedule.count} doses can be given: renew or change it."
        )
        yield Remark("order-ends", text, "R-131")


def _give_now(run: Run, slot: Slot, due: date) -> Remark:
    total = f" of {run.schedule.count}" if run.schedule.count else ""
    later = "The total stays; later" if run.schedule.count else "Later"
    text = (
        f"Dose {slot.number}{total} of {run.phase.id} was due on {due.isoformat()} and none is on"
        f" record: give it now unless something speaks against it. {later} doses follow from"
        " the day it is given. Never give two to catch up."
    )
    return Remark("dose-late", text, "R-131" if run.schedule.count else "R-133")

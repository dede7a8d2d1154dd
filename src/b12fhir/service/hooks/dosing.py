"""Doses under way: what is late, what is next, and what runs under an order of somebody else."""

from datetime import date
from typing import NamedTuple

from b12fhir.facts.medicines import B12Dose
from b12fhir.kernel.dates import add_days, days_between
from b12fhir.plan.course import Course, CoursePhase
from b12fhir.plan.schedule import usual_gap
from b12fhir.plan.slot import Slot
from b12fhir.protocol.limits import DoseWindow, Limits
from b12fhir.service.hooks.build import Said, card_of
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card, Indicator, Role
from b12fhir.service.hooks.picture import capital
from b12fhir.service.hooks.rows import basis, cautions, unread
from b12fhir.service.hooks.text import day_text, fitting, listed, sentence, when_text

_DAILY = 1
_MOST_ASKED = 4
_NEVER_TWO = "Never two doses to catch up."


class Next(NamedTuple):
    """The next dose of a plan or order: when it is due, and whether it is late.

    ``name`` says which, "dose 3 of 7", ``key`` names it for good.
    ``last`` is the day of the dose before it. ``since`` is the first day it can be given.
    """

    key: str
    name: str
    drug: str
    due: date
    since: date
    is_late: bool
    is_urgent: bool = False
    last: date | None = None
    order: str = ""
    phase: str = ""
    rule: str = "R-133"
    ask: tuple[str, ...] = ()
    is_injection: bool = True


def next_dose(matter: Matter) -> Next | None:
    """What is to be given next: of a plan that was signed, else of an order of somebody else."""
    return _of_plans(matter) or _of_orders(matter)


def _of_plans(matter: Matter) -> Next | None:
    found = [
        _of_slot(matter, one.course, slot, tuple(remark.text for remark in one.log.remarks))
        for one in matter.courses
        for slot in one.log.slots
        if slot.is_open and slot.due is not None
    ]
    return min(found, key=lambda one: (not one.is_late, one.due, one.key), default=None)


def _of_slot(matter: Matter, course: Course, slot: Slot, ask: tuple[str, ...]) -> Next:
    phase = next(one for one in course.phases if one.id == slot.phase)
    schedule = phase.schedule
    total = f" of {schedule.count}" if schedule is not None and schedule.count else ""
    due = slot.due or matter.day
    gap = usual_gap(schedule) if schedule is not None else 0
    given = [one.given for log in matter.courses for one in log.log.slots if one.given is not None]
    return Next(
        key=f"{slot.phase}:{slot.ordinal}",
        name=f"dose {slot.number}{total}",
        phase=slot.phase,
        drug=_drug(phase),
        due=due,
        since=add_days(due, -_window(matter.protocol.limits, gap).early),
        is_late=slot.is_late,
        is_urgent=phase.urgent and bool(total),
        last=max(given, default=None),
        order=phase.order,
        rule="R-131" if total else "R-133",
        ask=ask,
        is_injection=not phase.route.is_oral,
    )


def _drug(phase: CoursePhase) -> str:
    dose = f" {phase.dose_ug.normalize():f} microgram" if phase.dose_ug is not None else ""
    route = f" {phase.route.value.upper()}" if phase.route.value in {"im", "sc"} else ""
    return f"{phase.drug or 'B12'}{dose}{route}"


def _of_orders(matter: Matter) -> Next | None:
    """An injection under an order whose timing is structured (section 27): one interval later."""
    found = [
        dose
        for order in matter.facts.doses
        if (not order.own or matter.unfollowed) and (dose := _of_order(matter, order)) is not None
    ]
    return min(found, key=lambda one: (one.due, one.key), default=None)


def _of_order(matter: Matter, order: B12Dose) -> Next | None:
    interval = _interval(order)
    over = order.until is not None and order.until.before(matter.day).is_yes
    last = _last_injection(matter)
    if not (order.active and interval and last) or over:
        return None
    due = add_days(last, interval)
    window = _window(matter.protocol.limits, interval)
    late = days_between(due, matter.day) > window.late
    return Next(
        key=f"{order.reference}:{due.isoformat()}",
        name="injection",
        drug=f"{order.drug or 'B12'} injection",
        due=due,
        since=add_days(due, -window.early),
        is_late=late,
        last=last,
        order=order.reference,
    )


def _interval(order: B12Dose) -> int:
    """Days between two injections, as the order's amounts tell; 0 where they do not."""
    if order.dose_ug is None or not order.daily_ug or not order.route.is_injection:
        return 0
    days = int((order.dose_ug / order.daily_ug).to_integral_value())
    return days if days > _DAILY else 0


def _last_injection(matter: Matter) -> date | None:
    days = [
        one.when.last
        for one in matter.facts.doses
        if one.given.is_yes
        and one.route.is_injection
        and one.when is not None
        and one.when.last <= matter.day
    ]
    return max(days, default=None)


def _window(limits: Limits, interval: int) -> DoseWindow:
    rows = [row for row in limits.dose_windows if row.from_days <= interval]
    return (rows or list(limits.dose_windows))[-1]


def running(matter: Matter) -> tuple[B12Dose, ...]:
    """Orders of B12 that are on record as active."""
    return tuple(one for one in matter.facts.doses if one.ordered and one.active)


def dose_card(matter: Matter, dose: Next, *, lead: str = "") -> Card:
    """The dose that is late or due, for whoever gives it."""
    patient = matter.role is Role.PATIENT
    late = " and none is on record" if dose.is_late else ""
    what = f"B12 {dose.name} {_state(dose)} {day_text(dose.due)}"
    told = f"{what}{late}: {_asked(matter, dose, dose.drug)}"
    text = fitting((f"{lead}{told}", told, f"{what}: {_asked(matter, dose, 'it')}"))
    said = Said(f"dose:{dose.key}", dose.rule, _indicator(matter, dose), text, "dose")
    rows = [("Due", f"{capital(what)}{late}."), ("Remember", _NEVER_TWO)]
    if not patient:
        rows = [
            ("Due", due_text(dose)),
            ("Before giving", _before(dose)),
            ("Cautions", cautions(matter)),
            ("Missing", unread(matter)),
        ]
    return card_of(matter, said, [*rows, ("Basis", basis(matter))])


def _state(dose: Next) -> str:
    return "was due on" if dose.is_late else "is due on"


def _asked(matter: Matter, dose: Next, what: str) -> str:
    if matter.role is Role.PATIENT:
        return f"please ask your care team about {what}"
    if matter.role is Role.PHARMACIST:
        return f"consider checking the supply of {what}"
    return f"consider giving {what}{' now' if dose.is_late else ''}"


def _indicator(matter: Matter, dose: Next) -> Indicator:
    """Late is a warning, whichever phase; critical where nerves wait for a loading dose."""
    if not dose.is_late:
        return Indicator.INFO
    nerves = matter.decision.neuro and dose.is_urgent and matter.role is not Role.PATIENT
    return Indicator.CRITICAL if nerves else Indicator.WARNING


def due_text(dose: Next) -> str:
    """Which dose of what, on which day, after which one, and by whose order."""
    late = " None is on record." if dose.is_late else ""
    last = f" The dose before it: {day_text(dose.last)}." if dose.last is not None else ""
    which = f"{capital(dose.name)}{f' of {dose.phase}' if dose.phase else ''}"
    told = f"{which}, {dose.drug}, {_state(dose)} {day_text(dose.due)} ({dose.rule})."
    return f"{told}{late}{last} Order: {dose.order}."


def _before(dose: Next) -> str:
    """What the log of doses asks; of a late one it says itself that two are never given."""
    told = (sentence(one) for one in dose.ask or (_NEVER_TWO,))
    return listed(("Check that the order stands.", *told), _MOST_ASKED)


def order_text(order: B12Dose) -> str:
    """An order of B12 in words: text, since when."""
    since = f" since {when_text(order.when)}" if order.when is not None else ""
    return f"{order.text or 'vitamin B12'}{since} ({order.reference})"

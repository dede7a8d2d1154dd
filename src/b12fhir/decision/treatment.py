"""Is vitamin B12 being given, and was a sample taken under it? (R-12, R-21, ruling 26)"""

from decimal import Decimal

from b12fhir.decision.case import Case
from b12fhir.decision.model import PERHAPS_GIVEN, RUNNING
from b12fhir.decision.reasons import NONE, Reasons, caution, flag, found, gap
from b12fhir.facts.labs import LabResult
from b12fhir.facts.medicines import B12Dose, Route
from b12fhir.kernel.dates import When, days_between, on
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value


@value
class Treatment:
    """What is known of B12 given.

    ``sure`` doses count and ``possible`` ones are asked about; ``recent`` are sure ones inside the
    windows of R-21 on the day, ``running`` all that may be under way or are on order, ``others``
    those of them that are no orders of a plan of ours: that plan is compared, not doubled.
    """

    sure: tuple[B12Dose, ...] = ()
    possible: tuple[B12Dose, ...] = ()
    running: tuple[B12Dose, ...] = ()
    recent: tuple[B12Dose, ...] = ()

    @property
    def others(self) -> tuple[B12Dose, ...]:
        """What runs beside our own signed orders."""
        return tuple([dose for dose in self.running if not dose.own]) if self.running else ()


def treatment(case: Case) -> Treatment:
    """Sort the B12 on record into what counts, what may count, and what runs today."""
    if not case.facts.doses:
        return _NOTHING
    today = on(case.day)
    doses = tuple(dose for dose in case.facts.doses if not _future(dose, case))
    counted = [(dose, _counts(case, dose)) for dose in doses]
    running = (d for d, counts in counted if _runs(case, d, counts))
    return Treatment(
        sure=tuple(dose for dose, counts in counted if counts.is_yes),
        possible=tuple(dose for dose, counts in counted if counts.is_unknown),
        running=tuple(running),
        recent=tuple(d for d, c in counted if c.is_yes and _recent(case, d, today)),
    )


_NOTHING = Treatment()


def _recent(case: Case, dose: B12Dose, today: When) -> bool:
    return dose.active or not _reaches(case, dose, today).is_no


def _future(dose: B12Dose, case: Case) -> bool:
    return dose.when is not None and dose.when.after(case.day).is_yes


def _counts(case: Case, dose: B12Dose) -> Truth:
    """Is this B12 that changes a B12 result? Multivitamins do not count (ruling 26)."""
    if dose.route.is_injection:
        return _given(dose) & _at_least(dose.dose_ug, case.limits.injection_dose_counts_ug)
    amount = dose.daily_ug if dose.daily_ug is not None else dose.dose_ug
    taken = Truth.YES if dose.ordered and dose.active else _given(dose)
    return taken & _at_least(amount, case.limits.oral_daily_counts_ug)


def _given(dose: B12Dose) -> Truth:
    """An order without administration may have been given, while it ran: unknown, not no."""
    return dose.given | Truth.UNKNOWN if dose.ordered else dose.given


def _at_least(amount: Decimal | None, limit: Decimal) -> Truth:
    return Truth.UNKNOWN if amount is None else Truth.of(amount >= limit)


def _runs(case: Case, dose: B12Dose, counts: Truth) -> bool:
    """Is a course under way? An order whose time is over is not, whatever its status says.

    What may only have been given runs while it is active, or if it was an injection not long ago:
    nobody knows that it was nothing.
    """
    if counts.is_no or (counts.is_unknown and not dose.route.is_injection):
        return False
    over = dose.until is not None and dose.until.before(case.day).is_yes
    return (dose.active and not over) or _just_injected(case, dose)


def _just_injected(case: Case, dose: B12Dose) -> bool:
    """Was (or may have been) an injection given so lately that a course may be under way?"""
    if dose.ordered or dose.route.is_oral:
        return False
    days = case.limits.course_running_days
    return dose.when is None or days_between(dose.when.last, case.day) <= days


def _reaches(case: Case, dose: B12Dose, sample: When) -> Truth:
    """Was the sample taken after this dose and within its window? An unknown date counts.

    Of a dose without route nobody knows which window holds: between the two it is unknown.
    """
    limits = case.limits
    if dose.when is None and dose.until is None:
        return Truth.YES
    if dose.when is not None:
        started = sample.later_than(dose.when)
        if started.is_no and not dose.when.same_moment(sample):
            return Truth.NO
    end = dose.until or (sample if dose.active else dose.when) or sample
    apart = days_between(end.last, sample.first)
    short, long = limits.on_treatment_oral_days, limits.on_treatment_injection_days
    if dose.route.is_injection:
        return Truth.of(apart <= long)
    if dose.route is Route.UNKNOWN and short < apart <= long:
        return Truth.UNKNOWN
    return Truth.of(apart <= short)


def sampled_on_treatment(case: Case, given: Treatment, sample: LabResult) -> tuple[Truth, Reasons]:
    """Was this B12 sample taken under B12 (R-21)? Then its number is not classified."""
    if not (given.sure or given.possible):
        return Truth.NO, NONE
    sure = tuple(d for d in given.sure if _reaches(case, d, sample.when).is_yes)
    if sure:
        return Truth.YES, _on_treatment(sure)
    candidates = (*given.sure, *given.possible)
    maybe = tuple(d for d in candidates if not _reaches(case, d, sample.when).is_no)
    if maybe:
        return Truth.UNKNOWN, _possibly(maybe)
    return Truth.NO, NONE


def given_between(given: Treatment, earlier: LabResult, later: LabResult) -> bool:
    """Was B12 given, or perhaps given, between two samples? Then they do not belong together."""
    if not (given.sure or given.possible):
        return False
    first, last = sorted((earlier.when, later.when), key=lambda when: when.last)
    return any(
        dose.when is not None
        and not dose.when.later_than(first).is_no
        and not last.later_than(dose.when).is_no
        for dose in (*given.sure, *given.possible)
        if not (dose.ordered and not dose.given.is_yes)
    )


def first_dose(given: Treatment) -> When | None:
    """When B12 was first given, as far as dated."""
    dated = [dose.when for dose in given.sure if dose.when is not None]
    return min(dated, key=lambda when: when.first, default=None)


def dose_within(case: Case, given: Treatment, days: int) -> bool:
    """Was an injection given in the last ``days`` days?"""
    injected = [dose.when for dose in given.recent if dose.route.is_injection]
    return any(when is not None and days_between(when.first, case.day) <= days for when in injected)


def running_reasons(given: Treatment) -> Reasons:
    """Why nothing is proposed beside B12 that is already given or on order."""
    shown = given.others
    if not shown:
        return NONE
    return (
        flag(RUNNING)
        + found("R-21", shown, "vitamin B12 is already being given or is on order")
        + caution(
            "b12-running",
            "Vitamin B12 is already being given or on order: no second course is proposed, so that"
            " no dose is doubled. Check that the running course fits this assessment.",
            "R-21",
        )
    )


def _on_treatment(doses: tuple[B12Dose, ...]) -> Reasons:
    return found("R-21", doses, "the sample was taken after vitamin B12 was given")


def _possibly(doses: tuple[B12Dose, ...]) -> Reasons:
    return (
        found("R-21", doses, "B12 may have been given before the sample", Truth.UNKNOWN)
        + flag(PERHAPS_GIVEN)
        + gap(
            "b12-given",
            "Was vitamin B12 given before this sample, how much, and when? If so, the B12 number"
            " tells nothing about deficiency; if not, the class shown stands.",
            "R-21",
        )
    )

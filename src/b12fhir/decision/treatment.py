"""Is vitamin B12 being given, and was a sample taken under it? (R-12, R-21, ruling 26)"""

from dataclasses import dataclass
from decimal import Decimal

from b12fhir.decision.case import Case
from b12fhir.decision.reasons import NONE, Reasons, caution, flag, found, gap
from b12fhir.facts.labs import LabResult
from b12fhir.facts.medicines import B12Dose
from b12fhir.kernel.dates import When, days_between, on
from b12fhir.kernel.truth import Truth


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is known of B12 given.

    ``sure`` doses count and ``possible`` ones are asked about; ``recent`` are sure ones inside the
    windows of R-21 on the day, ``running`` all that may be under way or are on order.
    """

    sure: tuple[B12Dose, ...] = ()
    possible: tuple[B12Dose, ...] = ()
    running: tuple[B12Dose, ...] = ()
    recent: tuple[B12Dose, ...] = ()

    @property
    def any_running(self) -> bool:
        """Is B12 being given or on order today? Then no second course may be proposed."""
        return bool(self.running)


def treatment(case: Case) -> Treatment:
    """Sort the B12 on record into what counts, what may count, and what runs today."""
    today = on(case.day)
    doses = tuple(dose for dose in case.facts.doses if not _future(dose, case))
    counted = [(dose, _counts(case, dose)) for dose in doses]
    running = (d for d, counts in counted if _runs(case, d, counts, today))
    return Treatment(
        sure=tuple(dose for dose, counts in counted if counts.is_yes),
        possible=tuple(dose for dose, counts in counted if counts.is_unknown),
        running=tuple(running),
        recent=tuple(d for d, c in counted if c.is_yes and _runs(case, d, c, today)),
    )


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


def _window(case: Case, dose: B12Dose) -> int:
    limits = case.limits
    if dose.route.is_injection:
        return limits.on_treatment_injection_days
    return limits.on_treatment_oral_days


def _runs(case: Case, dose: B12Dose, counts: Truth, today: When) -> bool:
    """Is a course under way? What may only have been given runs while its order is active."""
    if counts.is_yes:
        return dose.active or not _reaches(case, dose, today).is_no
    return counts.is_unknown and dose.active


def _reaches(case: Case, dose: B12Dose, sample: When) -> Truth:
    """Was the sample taken after this dose and within its window? An unknown date counts."""
    if dose.when is None:
        return Truth.YES
    started = sample.later_than(dose.when)
    if started.is_no and not dose.when.same_moment(sample):
        return Truth.NO
    end = dose.until or (sample if dose.active else dose.when)
    return Truth.of(days_between(end.last, sample.first) <= _window(case, dose))


def sampled_on_treatment(case: Case, given: Treatment, sample: LabResult) -> tuple[Truth, Reasons]:
    """Was this B12 sample taken under B12 (R-21)? Then its number is not classified."""
    sure = tuple(d for d in given.sure if _reaches(case, d, sample.when).is_yes)
    if sure:
        return Truth.YES, _on_treatment(sure)
    maybe = tuple(d for d in given.possible if not _reaches(case, d, sample.when).is_no)
    if maybe:
        return Truth.UNKNOWN, _possibly(maybe)
    return Truth.NO, NONE


def running_reasons(given: Treatment) -> Reasons:
    """Why nothing is proposed beside B12 that is already given or on order."""
    if not given.running:
        return NONE
    shown = tuple(dose.as_input() for dose in given.running)
    return (
        flag("b12-already-given-or-ordered")
        + found("R-21", shown, "vitamin B12 is already being given or is on order")
        + caution(
            "b12-running",
            "Vitamin B12 is already being given or on order: no second course is proposed, so that"
            " no dose is doubled. Check that the running course fits this assessment.",
            "R-21",
        )
    )


def _on_treatment(doses: tuple[B12Dose, ...]) -> Reasons:
    shown = tuple(dose.as_input() for dose in doses)
    return found("R-21", shown, "the sample was taken after vitamin B12 was given")


def _possibly(doses: tuple[B12Dose, ...]) -> Reasons:
    shown = tuple(dose.as_input() for dose in doses)
    return (
        found("R-21", shown, "B12 may have been given before the sample", Truth.UNKNOWN)
        + flag("possibly-on-treatment")
        + gap(
            "b12-given",
            "Was vitamin B12 given before this sample, how much, and when? If so, the B12 number"
            " tells nothing about deficiency; if not, the class shown stands.",
            "R-21",
        )
    )

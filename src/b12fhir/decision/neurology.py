"""Are there neurological signs, and since when? (R-58 to R-60, ruling 28)"""

from datetime import date

from b12fhir.decision.case import Case
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.facts.history import Concept
from b12fhir.kernel.dates import add_months, days_between
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value


@value
class Neurology:
    """Neurological signs that count today, and whether there are any.

    ``fresh`` are the new or worsening ones.
    """

    present: bool
    signs: tuple[Concept, ...]
    fresh: tuple[Concept, ...]
    reasons: Reasons


def neurology(case: Case) -> Neurology:
    """Gather the neurological signs on record."""
    recorded = case.with_role("neuro-sign")
    signs = tuple([sign for sign in recorded if _current(case, sign)])
    fresh = tuple([sign for sign in signs if sign.worse or _new(case, sign)])
    reasons = found("R-58", signs) if signs else NONE
    mood = case.with_role("mood")
    if mood and not signs:
        reasons = reasons + found("R-59", mood)
    return Neurology(bool(signs), signs, fresh, reasons + _questions(case, signs))


def _current(case: Case, sign: Concept) -> bool:
    """An active Condition counts whatever its age, an Observation for a year (section 27)."""
    if sign.source != "observation":
        return True
    when = sign.recorded or sign.onset
    if when is None:
        return True
    return days_between(when.last, case.day) <= case.limits.neuro_observation_days


def _new(case: Case, sign: Concept) -> bool:
    """First recorded within a year; a sign without any date is taken as new."""
    when = sign.recorded or sign.onset
    return when is None or days_between(when.last, case.day) <= case.limits.neuro_new_days


def _questions(case: Case, signs: tuple[Concept, ...]) -> Reasons:
    doubtful = case.asked("neuro-sign")
    if signs or not doubtful:
        return NONE
    return found("R-58", doubtful, "recorded but not confirmed", Truth.UNKNOWN) + gap(
        "neuro-sign",
        "A neurological sign is recorded as unconfirmed: examine. If it is there, the assessment"
        " becomes urgent and treatment starts without waiting for tests.",
        "R-58",
    )


def long_standing(case: Case, signs: tuple[Concept, ...]) -> tuple[Concept, ...]:
    """Signs that began longer ago than untreated deficiency may last without lasting harm."""
    window = case.limits.untreated_warning_months
    return tuple([sign for sign in signs if _began_before(sign, window, case.day)])


def _began_before(sign: Concept, months: int, day: date) -> bool:
    return sign.onset is not None and add_months(sign.onset.last, months) < day

"""Which results count, and which of several (R-15 to R-20, section 27)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date
from decimal import Decimal
from operator import attrgetter

from b12fhir.decision.bands import band_of
from b12fhir.decision.case import Case
from b12fhir.decision.reasons import NONE, Reasons, flag, found, gap
from b12fhir.facts.labs import LabResult
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.dates import add_days
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.limits import Limits

# Without one of these the class is not settled.
_DECIDING = frozenset({Analyte.B12_TOTAL, Analyte.B12_ACTIVE, Analyte.MMA, Analyte.HOMOCYSTEINE})
_last_day = attrgetter("when.last")
# Lower is worse for the vitamin and for blood counts, higher for metabolites.
_HIGHER_IS_WORSE = frozenset(
    {
        Analyte.MMA,
        Analyte.MMA_URINE,
        Analyte.HOMOCYSTEINE,
        Analyte.MCV,
        Analyte.CREATININE,
        Analyte.TSH,
    }
)


class Usable(dict[Analyte, LabResult]):
    """The result that counts of every analyte that has one, and the ``reasons`` for the choices.

    ``too_old`` holds the newest result of those that have only such, ``known`` every result that
    exists on the day. It is a dict and not one with a dict in it because every decision asks it
    for some thirty results.
    """

    __slots__ = ("known", "reasons", "too_old")

    def __init__(self, known: Mapping[Analyte, Sequence[LabResult]]) -> None:
        super().__init__()
        self.known = known
        self.too_old: dict[Analyte, LabResult] = {}
        self.reasons: Reasons = NONE

    def stale(self, analyte: Analyte) -> LabResult | None:
        """The newest result where it is too old to count."""
        return self.too_old.get(analyte)


def usable(case: Case) -> Usable:
    """Choose the result of each analyte that counts on the day."""
    reasons, known = _known(case)
    chosen = Usable(known)
    days = case.limits.stale_after_days  # Hb, TSH, copper and eGFR share it
    since = add_days(case.day, -days)
    for analyte, results in known.items():
        newest = results[0]
        if len(results) > 1:
            newest, doubts = _newest(case.limits, results)
            reasons += doubts
        # The first day that it may mean: a partial date may be older than it looks.
        if newest.when.first >= since:
            chosen[analyte] = newest
        else:
            chosen.too_old[analyte] = newest
            reasons += _too_old(newest, days, certain=newest.when.last < since)
    chosen.reasons = reasons
    return chosen


def _known(case: Case) -> tuple[Reasons, dict[Analyte, list[LabResult]]]:
    """Results that exist on the day, by analyte, and why others are not among them."""
    patient, reasons = case.facts.patient, NONE
    earliest = patient.birth.first if patient.birth is not None else date.min
    latest = patient.death.last if patient.death is not None else case.day
    latest = min(latest, case.day)
    known: dict[Analyte, list[LabResult]] = {}
    for result in case.facts.labs:
        when = result.when
        if result.pending or when.first > latest or when.last < earliest:
            reasons += _refusal(case, result)
        elif (analyte := result.analyte) in known:
            known[analyte].append(result)
        else:
            known[analyte] = [result]
    return reasons, known


def fresh(result: LabResult | None, day: date, days: int) -> bool:
    """Was it collected within ``days`` before ``day``, whichever day a partial date means?"""
    return result is not None and (day - result.when.first).days <= days


def days_apart(one: LabResult, other: LabResult) -> int:
    """The most days that can lie between two samples, whichever day a partial date means."""
    when, then = one.when, other.when
    return max((then.last - when.first).days, (when.last - then.first).days)


def _refusal(case: Case, result: LabResult) -> Reasons:
    """Why a result does not count: it is pending (R-15), or its date cannot be (R-20)."""
    label = result.reference or "a result"
    if result.pending:
        return found("R-15", (result,), f"{label} is pending and does not decide")
    if result.when.first > case.day:
        when = "in the future"
    else:
        birth = case.facts.patient.birth
        early = birth is not None and result.when.last < birth.first
        when = "before birth" if early else "after death"
    told = found("R-20", (result,), f"{label} lies {when}: not used")
    if result.analyte not in _DECIDING:
        return told
    # Most often a slip in the year: then it may be the newest result there is.
    return told + gap(
        "collection-date",
        f"{label} lies {when} and was not used; correct its date, or repeat the test.",
        "R-20",
    )


def _too_old(result: LabResult, days: int, *, certain: bool) -> Reasons:
    """R-18 for what decides the class (and the flag ``stale``), R-19 for the rest."""
    decides = result.analyte in _DECIDING
    rule = "R-18" if decides else "R-19"
    if certain:
        note = f"older than {days} days: it does not decide, order it again"
        told = found(rule, (result,), note)
        return told + flag("stale") if decides else told
    return found(rule, (result,), "may be too old", Truth.UNKNOWN) + gap(
        "collection-date",
        f"{result.reference}: the collection date is incomplete and may be too old; ask for it.",
        "R-20",
    )


def _newest(limits: Limits, results: list[LabResult]) -> tuple[LabResult, Reasons]:
    *_, second, newest = sorted(results, key=_last_day)
    if second.when.last < newest.when.first:  # no other can be as new
        return newest, NONE
    newest = max(results, key=_order)
    rivals = [r for r in results if r is not newest and _contradicts(limits, newest, r)]
    if not rivals:
        return newest, NONE
    together = sorted([newest, *rivals], key=lambda r: r.reference)
    worst = min(together, key=lambda r: _badness(limits, r))
    note = "several results of the same time differ: the worse one counts"
    return worst, found("R-17", tuple(together), note) + flag("conflicting-results")


def _order(result: LabResult) -> tuple[date, date, str, bool, str]:
    moment = result.when.instant
    clock = moment.astimezone(UTC).isoformat() if moment else ""
    return (result.when.last, result.when.first, clock, result.corrected, result.reference)


def _contradicts(limits: Limits, newest: LabResult, other: LabResult) -> bool:
    """Could ``other`` be as new as ``newest``, is neither a correction, and do they differ?"""
    if newest.corrected and not other.corrected:
        return False
    if newest.when.later_than(other.when).is_yes:
        return False
    if newest.amount.unit != other.amount.unit:
        return band_of(limits, newest) is not band_of(limits, other)
    return newest.amount != other.amount


def _badness(limits: Limits, result: LabResult) -> tuple[int, Decimal]:
    band = band_of(limits, result)
    rank = band.rank if band else 0
    value = result.amount.value
    return rank, -value if result.analyte in _HIGHER_IS_WORSE else value

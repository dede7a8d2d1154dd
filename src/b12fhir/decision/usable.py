"""Which results count, and which of several (R-15 to R-20, section 27)."""

from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal

from b12fhir.decision.bands import band_of
from b12fhir.decision.case import Case
from b12fhir.decision.reasons import NONE, Reasons, flag, found, gap, joined
from b12fhir.facts.labs import LabResult
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.dates import days_between
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.limits import Limits

# Without one of these the class is not settled.
_DECIDING = frozenset({Analyte.B12_TOTAL, Analyte.B12_ACTIVE, Analyte.MMA, Analyte.HOMOCYSTEINE})
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


@dataclass(frozen=True, slots=True)
class Pick:
    """The result of one analyte that counts, and why others do not."""

    result: LabResult | None = None
    stale: LabResult | None = None
    reasons: Reasons = NONE


@dataclass(frozen=True, slots=True)
class Usable:
    """The result that counts of every analyte that has one, and the reasons for the choices."""

    picks: dict[Analyte, Pick]
    reasons: Reasons

    def get(self, analyte: Analyte) -> LabResult | None:
        """The result that counts, if any."""
        pick = self.picks.get(analyte)
        return pick.result if pick else None

    def stale(self, analyte: Analyte) -> LabResult | None:
        """The newest result where it is too old to count."""
        pick = self.picks.get(analyte)
        return pick.stale if pick else None


def usable(case: Case) -> Usable:
    """Choose the result of each analyte that counts on the day."""
    groups: dict[Analyte, list[LabResult]] = {}
    for result in case.facts.labs:
        groups.setdefault(result.analyte, []).append(result)
    picks = {analyte: _pick(case, tuple(group)) for analyte, group in groups.items()}
    return Usable(picks, joined(*(pick.reasons for pick in picks.values())))


def fresh(result: LabResult | None, day: date, days: int) -> bool:
    """Was it collected within ``days`` before ``day``, whichever day a partial date means?"""
    return result is not None and days_between(result.when.first, day) <= days


def _pick(case: Case, group: tuple[LabResult, ...]) -> Pick:
    reasons = NONE
    known: list[LabResult] = []
    for result in group:
        refusal = _refusal(case, result)
        if refusal is None:
            known.append(result)
        else:
            reasons = reasons + refusal
    if not known:
        return Pick(reasons=reasons)
    newest, doubts = _newest(case.limits, known)
    reasons = reasons + doubts
    days = case.limits.stale_after_days  # Hb, TSH, copper and eGFR share it
    age = days_between(newest.when.last, case.day)
    oldest = age if newest.when.is_exact else days_between(newest.when.first, case.day)
    if age > days or oldest > days:
        return Pick(None, newest, reasons + _too_old(newest, days, certain=age > days))
    return Pick(newest, None, reasons)


def _refusal(case: Case, result: LabResult) -> Reasons | None:
    label = result.reference or "a result"
    if result.pending:
        return found("R-15", (result.as_input(),), f"{label} is pending and does not decide")
    patient = case.facts.patient
    if result.when.after(case.day).is_yes:
        return found("R-20", (result.as_input(),), f"{label} lies in the future: not used")
    if patient.birth is not None and result.when.last < patient.birth.first:
        return found("R-20", (result.as_input(),), f"{label} lies before birth: not used")
    if patient.death is not None and result.when.first > patient.death.last:
        return found("R-20", (result.as_input(),), f"{label} lies after death: not used")
    return None


def _too_old(result: LabResult, days: int, *, certain: bool) -> Reasons:
    """R-18 for what decides the class (and the flag ``stale``), R-19 for the rest."""
    decides = result.analyte in _DECIDING
    rule = "R-18" if decides else "R-19"
    if certain:
        note = f"older than {days} days: it does not decide, order it again"
        told = found(rule, (result.as_input(),), note)
        return told + flag("stale") if decides else told
    return found(rule, (result.as_input(),), "may be too old", Truth.UNKNOWN) + gap(
        "collection-date",
        f"{result.reference}: the collection date is incomplete and may be too old; ask for it.",
        "R-20",
    )


def _newest(limits: Limits, results: list[LabResult]) -> tuple[LabResult, Reasons]:
    if len(results) == 1:
        return results[0], NONE
    newest = max(results, key=_order)
    rivals = [r for r in results if r is not newest and _contradicts(limits, newest, r)]
    if not rivals:
        return newest, NONE
    together = sorted([newest, *rivals], key=lambda r: r.reference)
    worst = min(together, key=lambda r: _badness(limits, r))
    note = "several results of the same time differ: the worse one counts"
    shown = tuple(r.as_input() for r in together)
    return worst, found("R-17", shown, note) + flag("conflicting-results")


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

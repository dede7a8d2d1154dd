"""Methylmalonic acid and homocysteine, and the kidney that confounds them (R-36 to R-44)."""

from decimal import Decimal

from b12fhir.decision.case import Case
from b12fhir.decision.reasons import NONE, Reasons, found, gap, note_of
from b12fhir.decision.treatment import Treatment, given_between
from b12fhir.decision.usable import Usable, days_apart
from b12fhir.facts.history import Concept
from b12fhir.facts.labs import LabResult
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.evidence import Evidence
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value


@value
class Metabolites:
    """Is serum MMA, urine MMA or homocysteine raised, and do the kidneys explain it?

    ``None`` results were not done, or too far from the B12 sample (R-22). ``watch`` is the band
    from 65 years on in which a B12 in the middle band stays undecided (R-39).
    """

    mma: LabResult | None
    mma_raised: Truth
    urine: LabResult | None
    urine_raised: Truth
    homocysteine: LabResult | None
    homocysteine_raised: Truth
    confounded: Truth
    watch: bool
    reasons: Reasons = NONE

    @property
    def raised(self) -> Evidence:
        """Raised serum metabolites as evidence."""
        pairs = ((self.mma, self.mma_raised), (self.homocysteine, self.homocysteine_raised))
        return tuple(r for r, truth in pairs if r is not None and truth.is_yes)


def metabolites(
    case: Case, results: Usable, given: Treatment, anchor: LabResult | None
) -> Metabolites:
    """Judge the metabolites that belong to the B12 sample ``anchor`` (any, if there is none)."""
    mma, mma_note = _near(case, results.get(Analyte.MMA), given, anchor)
    urine, urine_note = _near(case, results.get(Analyte.MMA_URINE), given, anchor)
    hcy, hcy_note = _near(case, results.get(Analyte.HOMOCYSTEINE), given, anchor)
    mma_raised, mma_reasons = _mma(case, mma)
    limits = case.limits
    confounded, kidney = _kidney(case, results)
    hcy_raised = hcy.high(limits.homocysteine_high) if hcy is not None else Truth.UNKNOWN
    reasons = mma_note + urine_note + hcy_note + mma_reasons
    reasons += _pattern(mma, mma_raised, hcy, hcy_raised)
    if confounded.is_yes or mma_raised.is_yes or hcy_raised.is_yes:
        reasons += kidney
    return Metabolites(
        mma,
        mma_raised,
        urine,
        _above(urine, limits.urine_mma_high),
        hcy,
        hcy_raised,
        confounded,
        _watch(case, mma, mma_raised),
        reasons,
    )


def _near(
    case: Case, result: LabResult | None, given: Treatment, anchor: LabResult | None
) -> tuple[LabResult | None, Reasons]:
    """R-22: joined to the B12 sample if taken near it, with no B12 given in between."""
    if result is None or anchor is None:
        return result, NONE
    treated = given_between(given, result, anchor)
    if not treated and days_apart(result, anchor) <= case.limits.join_days:
        return result, NONE
    why = "after B12 was given" if treated else "too far from the B12 sample"
    note = f"{result.reference} was taken {why}: shown, not joined"
    return None, found("R-22", (result,), note, Truth.NO)


def _above(result: LabResult | None, limit: Decimal) -> Truth:
    return Truth.UNKNOWN if result is None else result.amount.above(limit)


def mma_cutoffs(case: Case, mma: LabResult) -> tuple[Decimal, ...]:
    """The laboratory's own upper limit, else those of every age the patient can have (R-36)."""
    if mma.lab_range.high is not None:
        return (mma.lab_range.high.value,)
    return case.protocol.ages.mma(case.ages)


def _mma(case: Case, mma: LabResult | None) -> tuple[Truth, Reasons]:
    if mma is None:
        return Truth.UNKNOWN, NONE
    cutoffs = mma_cutoffs(case, mma)
    answers = {mma.amount.above(cutoff) for cutoff in cutoffs}
    raised = answers.pop() if len(answers) == 1 else Truth.UNKNOWN
    reasons = found("R-36", (mma,), note_of(_cutoff, mma.amount.unit, cutoffs), raised)
    if raised.is_unknown:
        reasons += gap(
            "mma",
            f"MMA {mma.amount.text()} cannot be told from the"
            f" {_cutoff(mma.amount.unit, cutoffs)}: repeat it with an"
            " exact value.",
            "R-27",
        )
    return raised, reasons


def _cutoff(unit: str, cutoffs: tuple[Decimal, ...]) -> str:
    return f"cut-off {' or '.join(sorted({f'{cutoff!s} {unit}' for cutoff in cutoffs}))}"


def _watch(case: Case, mma: LabResult | None, raised: Truth) -> bool:
    if mma is None or not raised.is_no or mma.lab_range.high is not None:
        return False
    older = case.aged_at_least(case.limits.mma_older_watch_age).is_yes
    return older and mma.amount.above(case.limits.mma_older_watch_low).is_yes


def _kidney(case: Case, results: Usable) -> tuple[Truth, Reasons]:
    """R-40, R-41: the newest eGFR decides; without one a recorded kidney disease does."""
    egfr = results.get(Analyte.EGFR)
    if egfr is not None:
        low = egfr.amount.below(case.limits.egfr_confounds_below)
        if not low.is_unknown:
            return low, found("R-40", (egfr,), truth=low)
    disease: tuple[Concept, ...] = case.with_role("ckd-confounds") + case.with_role(
        "ckd-unknown-stage"
    )
    if disease:
        return Truth.YES, found("R-40", disease, "kidney disease on record, no eGFR")
    limit = case.limits.egfr_confounds_below
    return Truth.UNKNOWN, gap(
        "egfr",
        f"eGFR: kidney function is not known; below {limit} mL/min/1.73 m2 a raised MMA or"
        " homocysteine would only support the diagnosis and not confirm it.",
        "R-41",
    )


def _pattern(
    mma: LabResult | None, mma_raised: Truth, hcy: LabResult | None, hcy_raised: Truth
) -> Reasons:
    """R-43, R-44: what the two metabolites say together."""
    if hcy is None:
        return NONE
    reasons = found("R-43", (hcy,), truth=hcy_raised)
    if mma is None:
        return reasons
    both = (mma, hcy)
    if mma_raised.is_no and hcy_raised.is_yes:
        return reasons + found(
            "R-44", both, "MMA normal, homocysteine raised: folate, kidney, thyroid, B6 or N2O"
        )
    if mma_raised.is_no and hcy_raised.is_no:
        return reasons + found("R-44", both, "both normal: argues against deficiency")
    if mma_raised.is_yes:
        return reasons + found("R-44", both, "MMA raised: vitamin B12")
    return reasons

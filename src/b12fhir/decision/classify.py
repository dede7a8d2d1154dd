"""The class of section 3: native cut-offs, discordant results, metabolites, missing data."""

from b12fhir.decision.bands import BandName, band_of
from b12fhir.decision.case import Case
from b12fhir.decision.classification import Classified
from b12fhir.decision.metabolites import Metabolites, metabolites
from b12fhir.decision.model import Classification as C
from b12fhir.decision.neurology import Neurology
from b12fhir.decision.nodata import newer_faults, without_b12
from b12fhir.decision.reasons import NONE, Reasons, caution, flag, found, gap, note_of
from b12fhir.decision.reflex import Reflex, reflex
from b12fhir.decision.symptoms import Symptoms
from b12fhir.decision.treatment import Treatment, sampled_on_treatment
from b12fhir.decision.usable import Usable, days_apart
from b12fhir.facts.labs import LabResult
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.evidence import Evidence
from b12fhir.kernel.quantities import Measure
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.limits import Band, Limits

_CLASS_OF_BAND = {
    BandName.LOW: C.CONFIRMED,
    BandName.SPANS: C.INDETERMINATE,
    BandName.MIDDLE: C.INDETERMINATE,
    BandName.HIGH: C.UNLIKELY,
}
_RULE_OF = {
    (Analyte.B12_TOTAL, "ng/L"): "R-28",
    (Analyte.B12_TOTAL, "pmol/L"): "R-29",
    (Analyte.B12_ACTIVE, "pmol/L"): "R-30",
}


def classify(
    case: Case, results: Usable, given: Treatment, neurology: Neurology, shown: Symptoms
) -> Classified:
    """Class of the newest usable B12 result, refined by what belongs to it."""
    total, active = results.get(Analyte.B12_TOTAL), results.get(Analyte.B12_ACTIVE)
    newest = _newer(total, active)
    if newest is None:
        return without_b12(case, results, given)
    on_treatment, why = sampled_on_treatment(case, given, newest)
    if on_treatment.is_yes:
        return Classified(C.ON_TREATMENT, (newest,), reasons=why)
    pair, join_note = _joined(case, total, active)
    join_note = join_note + newer_faults(case, newest)
    named, base = _by_b12(case, pair)
    belonging = metabolites(case, results, given, newest)
    answer = reflex(Reflex(case, named, pair, belonging, neurology, shown))
    return Classified(
        answer.name,
        pair,
        belonging,
        answer.treat_now,
        answer.regimen_withheld,
        answer.orders,
        answer.rechecks,
        why
        + join_note
        + base
        + belonging.reasons
        + answer.reasons
        + _confirm_first(case, answer.name, pair, belonging, shown)
        + _unexplained_high(case, answer.name, pair)
        + _flagged(case.limits, pair),
    )


def _newer(total: LabResult | None, active: LabResult | None) -> LabResult | None:
    if total is None or active is None:
        return total or active
    return active if active.when.later_than(total.when).is_yes else total


def _joined(
    case: Case, total: LabResult | None, active: LabResult | None
) -> tuple[tuple[LabResult, ...], Reasons]:
    """R-22: total and active belong together within the window; else the newer one decides."""
    if total is None or active is None:
        return tuple([result for result in (total, active) if result is not None]), NONE
    if days_apart(total, active) <= case.limits.join_days:
        return (total, active), NONE
    newer = _newer(total, active)
    older = total if newer is active else active
    note = f"{older.reference} is too far from the newer B12 result: shown, not joined"
    return ((newer,) if newer else ()), found("R-22", (older,), note, Truth.NO)


def _by_b12(case: Case, pair: tuple[LabResult, ...]) -> tuple[C, Reasons]:
    """R-27 to R-32: the class by total and active B12 alone."""
    limits, bands, reasons = case.limits, [], NONE
    for result in pair:
        band = band_of(limits, result) or BandName.SPANS
        bands.append(band)
        reasons += _band_reasons(limits, result, band)
    names = [_CLASS_OF_BAND[band] for band in bands]
    if len(names) == 1:
        return names[0], reasons + found("R-31", pair)
    if names[0] is names[1]:
        return names[0], reasons
    reasons += flag("discordant") + _ASK_MMA_FOR_DISCORDANCE
    if names == [C.CONFIRMED, C.UNLIKELY]:
        return C.INDETERMINATE, reasons + found("R-32", pair)
    worse = min(bands, key=lambda band: band.rank)
    note = "total and active B12 disagree: the worse class wins, both are shown"
    return _CLASS_OF_BAND[worse], reasons + found("R-31", pair, note)


_ASK_MMA_FOR_DISCORDANCE = gap(
    "mma-discordant",
    "Total and active B12 disagree: methylmalonic acid (MMA) is advised to tell which is right.",
    "R-31",
)


def _band_reasons(limits: Limits, result: LabResult, band: BandName) -> Reasons:
    amount = result.amount
    kind = (result.analyte, amount.unit)
    note = note_of(_between, amount, limits.bands[kind], _CLASS_OF_BAND[band])
    reasons = found(_RULE_OF[kind], (result,), note)
    if band is not BandName.SPANS:
        return reasons + _interval(result) if amount.is_interval else reasons
    return (
        reasons
        + found("R-27", (result,), "the interval reaches several classes")
        + flag("not-decidable")
        + gap(
            "exact-b12",
            f"{amount.text()} reaches several classes: repeat B12 with an exact value, or"
            " measure methylmalonic acid (MMA).",
            "R-27",
        )
    )


def _between(amount: Measure, limits: Band, name: C) -> str:
    return f"{amount.text()}, limits {limits.low!s} and {limits.high!s}: {name.value}"


def _interval(result: LabResult) -> Reasons:
    return found("R-27", (result,), "every value of the interval lies in one class")


def _flagged(limits: Limits, results: tuple[LabResult, ...]) -> Reasons:
    """R-51: the laboratory's flag is shown and does not decide."""
    reasons = NONE
    for result in results:
        if result.lab_flag and _disagrees(limits, result):
            note = f"the laboratory flags {result.lab_flag}; the pack's limits decide"
            reasons += found("R-51", (result,), note)
    return reasons


def _confirm_first(
    case: Case, name: C, results: tuple[LabResult, ...], measured: Metabolites, shown: Symptoms
) -> Reasons:
    """R-33, R-34: a low total B12 alone can be low without deficiency."""
    if name is not C.CONFIRMED or results[-1].analyte is Analyte.B12_ACTIVE:
        return NONE
    mma, raised = measured.mma, measured.mma_raised
    drafted = "the proposal is drafted all the same."
    reasons = NONE
    if mma is not None and raised.is_no:
        text = f"MMA is not raised: confirm with active B12; {drafted}"
        why = found("R-34", (mma,))
        reasons = flag("metabolite-normal") + why + caution("confirm", text, "R-34")
    low_without_deficiency = (
        case.pregnant.is_yes
        or bool(case.with_role("oral-contraceptive"))
        or bool(case.taking("oral-contraceptive-drug"))
        or bool(_low_without(case))
    )
    if low_without_deficiency:
        reasons = reasons + found("R-11", case.facts.pregnancy.inputs + _low_without(case))
        if mma is None and not shown.any_sign:
            text = f"Confirm with active B12 or MMA; {drafted}"
            reasons = reasons + found("R-33") + caution("confirm", text, "R-33")
    return reasons


def _low_without(case: Case) -> Evidence:
    """Diseases in which total B12 may be low without deficiency (R-11)."""
    return case.with_role("hiv") + case.with_role("myeloma")


def _unexplained_high(case: Case, name: C, results: tuple[LabResult, ...]) -> Reasons:
    """R-50: a B12 above the range wants a reason."""
    if name is not C.UNLIKELY:
        return NONE
    limits = case.limits
    otherwise = {"ng/L": limits.b12_high_ng_l, "pmol/L": limits.b12_high_pmol_l}
    for result in results:
        limit = otherwise[result.amount.unit]
        if result.analyte is Analyte.B12_TOTAL and result.high(limit).is_yes:
            known = case.with_role("liver-disease") + case.with_role("myeloproliferative")
            return (
                flag("unexplained-high")
                + found("R-50", (result, *known))
                + gap(
                    "high-b12",
                    "B12 is high without known treatment: ask for supplements, liver disease and"
                    " myeloproliferative disease.",
                    "R-50",
                )
            )
    return NONE


def _disagrees(limits: Limits, result: LabResult) -> bool:
    """Does the laboratory's flag say otherwise than the pack's limits say of this result?"""
    low = result.lab_flag.upper().startswith("L")
    return low is not (band_of(limits, result) is BandName.LOW)

"""What the metabolites and the signs make of the B12 class (R-35 to R-49)."""

from b12fhir.decision.case import Case
from b12fhir.decision.metabolites import Metabolites
from b12fhir.decision.model import Classification as C
from b12fhir.decision.neurology import Neurology
from b12fhir.decision.reasons import NONE, Reasons, flag, found, gap
from b12fhir.decision.symptoms import Symptoms
from b12fhir.facts.history import Concept
from b12fhir.facts.labs import LabResult
from b12fhir.kernel.evidence import Evidence
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value


@value
class Reflex:
    """Everything the metabolite reflex looks at."""

    case: Case
    by_b12: C
    results: tuple[LabResult, ...]
    metabolites: Metabolites
    neurology: Neurology
    symptoms: Symptoms


@value
class Reflected:
    """The class after the reflex, with what to order and whether treatment starts at once."""

    name: C
    treat_now: bool = False
    regimen_withheld: bool = False
    orders: tuple[str, ...] = ()
    rechecks: tuple[str, ...] = ()
    reasons: Reasons = NONE


def reflex(seen: Reflex) -> Reflected:
    """Refine the class that the vitamin alone gives."""
    if seen.by_b12 is C.CONFIRMED:
        return Reflected(C.CONFIRMED)
    gas = nitrous_oxide(seen.case)
    if gas:
        answer = _under_nitrous_oxide(seen, gas)
        if answer is not None:
            return answer
    if seen.by_b12 is C.INDETERMINATE:
        return _middle(seen)
    return _high(seen)


def nitrous_oxide(case: Case) -> Evidence:
    """Recreational N2O use on record (R-47, R-80)."""
    return case.with_role("n2o")


def _under_nitrous_oxide(seen: Reflex, gas: Evidence) -> Reflected | None:
    """R-47, which goes before R-48: B12 is unreliable under N2O, the metabolites decide."""
    raised = seen.metabolites.raised
    if raised:
        return Reflected(C.FUNCTIONAL, reasons=found("R-47", gas + raised))
    missing = seen.metabolites.mma is None and seen.metabolites.homocysteine is None
    if not missing:
        return None
    ask = gap(
        "mma-homocysteine",
        "Nitrous oxide makes B12 unreliable: measure methylmalonic acid (MMA) or homocysteine; a"
        " raised one shows functional deficiency.",
        "R-47",
    )
    reasons = found("R-47", gas, "metabolites are missing", Truth.UNKNOWN) + ask
    if seen.neurology.present:
        return _treat_now(seen, seen.by_b12, reasons)
    return Reflected(seen.by_b12, orders=("mma", "homocysteine"), reasons=reasons)


def _middle(seen: Reflex) -> Reflected:
    """B12 in the middle band: the metabolite decides (R-35 to R-42, R-48)."""
    m = seen.metabolites
    serum_decides = not m.mma_raised.is_unknown and not (
        m.mma_raised.is_yes and m.confounded.is_yes
    )
    if m.urine is not None and (
        m.urine_raised.is_yes or (m.urine_raised.is_no and not serum_decides)
    ):
        return _by_urine(seen, m.urine, raised=m.urine_raised.is_yes)
    if m.mma is None or m.mma_raised.is_unknown:
        return _without_mma(seen)
    shown = (m.mma,)
    if m.mma_raised.is_no:
        return _not_raised(seen, shown)
    if m.confounded.is_yes:
        return _confounded(seen, shown)
    reasons = found("R-37", shown)
    if m.confounded.is_unknown:
        reasons = reasons + found("R-41", shown, "kidney function is not known")
    return Reflected(C.INDETERMINATE_CONFIRMED, reasons=reasons)


def _by_urine(seen: Reflex, urine: LabResult, *, raised: bool) -> Reflected:
    reasons = found("R-42", (urine,), truth=Truth.of(raised))
    if raised:
        return Reflected(C.INDETERMINATE_CONFIRMED, reasons=reasons)
    return _unlikely_after_mma(seen, (urine,), reasons)


def _without_mma(seen: Reflex) -> Reflected:
    mma = seen.metabolites.mma
    shown = (mma,) if mma is not None else ()
    if seen.neurology.present:
        return _treat_now(seen, C.INDETERMINATE, found("R-48", shown))
    orders = ("mma", "urine-mma-creatinine") if seen.metabolites.confounded.is_yes else ("mma",)
    ask = gap(
        "mma",
        "Methylmalonic acid (MMA): B12 is in the middle band; raised, MMA confirms deficiency,"
        " not raised it makes it unlikely. If MMA cannot be had, repeat B12 after"
        f" {seen.case.limits.recheck_months} months.",
        "R-35",
    )
    reasons = found("R-35", seen.results) + ask
    return Reflected(C.INDETERMINATE, orders=orders, reasons=reasons)


def _not_raised(seen: Reflex, shown: Evidence) -> Reflected:
    if seen.metabolites.watch:
        again = gap(
            "recheck-mma",
            "MMA is between the general and the older people's cut-off: repeat B12 and MMA after"
            f" {seen.case.limits.recheck_months} months.",
            "R-39",
        )
        reasons = found("R-39", shown) + again
        if seen.neurology.present:
            return _treat_now(seen, C.INDETERMINATE, reasons)
        return Reflected(C.INDETERMINATE, rechecks=("b12", "mma"), reasons=reasons)
    return _unlikely_after_mma(seen, shown, NONE)


def _unlikely_after_mma(seen: Reflex, shown: Evidence, reasons: Reasons) -> Reflected:
    reasons = reasons + found("R-38", shown) + flag("after-mma")
    if seen.neurology.present:
        return _look_for_other(seen, reasons)
    if seen.symptoms.any_sign:
        again = gap("recheck", "Recheck B12 and MMA if the symptoms stay.", "R-38")
        reasons = reasons + again
    return Reflected(C.UNLIKELY, reasons=reasons)


def _confounded(seen: Reflex, shown: Evidence) -> Reflected:
    reasons = flag("mma-confounded") + found("R-40", shown, "raised MMA is supportive, confounded")
    if seen.neurology.present:
        return _treat_now(seen, C.INDETERMINATE_CONFIRMED, reasons + found("R-48", shown))
    ask = gap(
        "urine-mma-creatinine",
        "Kidney disease raises MMA and homocysteine, so a raised MMA does not confirm: measure"
        " urine MMA/creatinine; raised, it confirms despite the kidneys. With symptoms a treatment"
        " trial is the clinician's choice.",
        "R-42",
    )
    return Reflected(C.INDETERMINATE, orders=("urine-mma-creatinine",), reasons=reasons + ask)


def _treat_now(seen: Reflex, name: C, reasons: Reasons) -> Reflected:
    """R-48, R-64: nerves do not wait for a metabolite; sample it before dose 1."""
    m = seen.metabolites
    missing = tuple(
        test
        for test, result in (("mma", m.mma), ("homocysteine", m.homocysteine))
        if result is None
    )
    before = gap(
        "metabolites-before-dose-1",
        "Sample methylmalonic acid (MMA) and homocysteine before dose 1 and do not wait for them.",
        "R-48",
    )
    reasons = reasons + flag("treat-now") + (before if missing else NONE)
    return Reflected(name, treat_now=True, orders=missing, reasons=reasons)


def _high(seen: Reflex) -> Reflected:
    """B12 above the middle band: functional deficiency is still possible (R-45, R-46, R-49)."""
    m = seen.metabolites
    unexplained = m.mma_raised.is_yes and not m.confounded.is_yes
    if unexplained or m.urine_raised.is_yes:
        urine = (m.urine,) if m.urine is not None and m.urine_raised.is_yes else ()
        shown = (*m.raised, *urine, *seen.results)
        kidney = found("R-42", urine) if urine else NONE
        if m.confounded.is_unknown and not urine:
            kidney = found("R-41", shown)
        if seen.symptoms.any_sign:
            return Reflected(C.FUNCTIONAL, reasons=found("R-45", shown) + kidney)
        again = gap(
            "mma-homocysteine",
            "MMA is raised without any sign or symptom: repeat MMA with homocysteine and think of"
            " an inborn error; the clinician decides, no regimen is proposed.",
            "R-46",
        )
        reasons = found("R-46", shown) + again + kidney
        orders = ("mma", "homocysteine")
        return Reflected(C.FUNCTIONAL, regimen_withheld=True, orders=orders, reasons=reasons)
    supportive = flag("mma-confounded") if m.mma_raised.is_yes else NONE
    if seen.neurology.present:
        return _look_for_other(seen, supportive)
    return Reflected(C.UNLIKELY, reasons=supportive)


def _look_for_other(seen: Reflex, reasons: Reasons) -> Reflected:
    """R-49: a neurological sign with B12 not low needs the missing tests, soon."""
    signs: tuple[Concept, ...] = seen.neurology.signs
    return Reflected(
        C.UNLIKELY,
        orders=("mma", "homocysteine", "copper", "tsh", "folate", *_after_surgery(seen.case)),
        reasons=reasons + found("R-49", signs),
    )


def _after_surgery(case: Case) -> tuple[str, ...]:
    """R-181: thiamine as well after bariatric surgery."""
    return ("thiamine",) if case.ever("bariatric") else ()

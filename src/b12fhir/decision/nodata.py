"""No usable B12 result: is it missing, too old, faulty, or is the patient treated already?"""

from b12fhir.decision.case import Case
from b12fhir.decision.classification import Classified
from b12fhir.decision.metabolites import metabolites
from b12fhir.decision.model import PERHAPS_GIVEN
from b12fhir.decision.model import Classification as C
from b12fhir.decision.reasons import NONE, Reasons, flag, found, gap, joined
from b12fhir.decision.treatment import Treatment
from b12fhir.decision.usable import Usable
from b12fhir.facts.labs import LabResult, RefusedLab
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.dates import days_between
from b12fhir.kernel.evidence import Input

_UNUSABLE = "the only B12 result cannot be used"
# Which rule of section 2 an unusable result fell to; any other fault is one of plausibility.
_RULE_OF_FAULT = {
    "unit-missing": "R-23",
    "unit-unknown": "R-23",
    "unit-kind": "R-24",
    "unit-contradiction": "R-24",
    "value-unreadable": "R-26",
    "value-and-absent": "R-26",
}
_B12 = (Analyte.B12_TOTAL, Analyte.B12_ACTIVE)


def without_b12(case: Case, results: Usable, given: Treatment) -> Classified:
    """On-treatment (section 27), functional under N2O (R-47), data-quality or no-data (R-18)."""
    if given.recent:
        why = found("R-21", given.recent, "vitamin B12 was given and no earlier sample is usable")
        return Classified(C.ON_TREATMENT, reasons=why)
    known = metabolites(case, results, given, None)
    gas = case.with_role("n2o")
    raised = known.raised
    if gas and raised:
        reasons = known.reasons + found("R-47", gas + raised)
        return Classified(C.FUNCTIONAL, metabolites=known, reasons=reasons)
    faults = tuple(fault for fault in case.facts.refused if _spoils(case, fault))
    if faults:
        return Classified(C.DATA_QUALITY, reasons=_fault(faults))
    reasons = known.reasons + _missing(results, given)
    orders = (*_first_tests(case, nitrous_oxide=bool(gas)), "cbc")
    return Classified(C.NO_DATA, metabolites=known, orders=orders, reasons=reasons)


def _first_tests(case: Case, *, nitrous_oxide: bool) -> tuple[str, ...]:
    """R-09: active B12 in pregnancy; under N2O, where B12 is unreliable, the metabolites too."""
    first = "b12-active" if case.pregnant.is_yes else "b12"
    return (first, "mma", "homocysteine") if nitrous_oxide else (first,)


def newer_faults(case: Case, used: LabResult) -> Reasons:
    """A faulty B12 result newer than the one that decides is not passed over in silence."""
    if not case.facts.refused:
        return NONE
    newer = tuple(
        fault
        for fault in case.facts.refused
        if _spoils(case, fault)
        and fault.when is not None
        and not used.when.later_than(fault.when).is_yes
    )
    if not newer:
        return NONE
    shown = tuple(Input(f.reference, f.code, "", f.when.iso() if f.when else "") for f in newer)
    return found("R-25", shown, "a newer B12 result cannot be used") + gap(
        "b12-fault",
        "A newer B12 result cannot be used as sent (see the issues): ask the laboratory for the"
        " value with its unit. The class rests on the result before it.",
        "R-25",
    )


def _spoils(case: Case, fault: RefusedLab) -> bool:
    """A faulty B12 result recent enough that it would have decided."""
    if fault.analyte not in _B12 or not fault.faulty:
        return False
    if fault.when is None:
        return True
    age = days_between(fault.when.last, case.day)
    return 0 <= age <= case.limits.stale_after_days


def _fault(faults: tuple[RefusedLab, ...]) -> Reasons:
    shown = tuple(Input(f.reference, f.code, "", f.when.iso() if f.when else "") for f in faults)
    return (
        flag("data-quality")
        + joined(*(found(_RULE_OF_FAULT.get(f.code, "R-25"), shown, _UNUSABLE) for f in faults))
        + gap(
            "b12-fault",
            "The B12 result cannot be used as sent (see the issues): ask the laboratory for the"
            " value with its unit. No class and no regimen until then.",
            "R-25",
        )
    )


def _missing(results: Usable, given: Treatment) -> Reasons:
    stale = next((r for r in (results.stale(a) for a in _B12) if r is not None), None)
    what = f"the last one, {stale.reference}, is too old" if stale is not None else "none is known"
    reasons = gap(
        "b12",
        f"Vitamin B12: {what}. Order B12 and a blood count; a low result would start treatment.",
        "R-18",
    )
    if given.possible:
        reasons = reasons + flag(PERHAPS_GIVEN)
    return reasons + (found("R-09") if stale is None else NONE)

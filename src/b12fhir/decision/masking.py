"""What may B12 already taken be hiding? (R-12, R-170)"""

from b12fhir.decision.case import Case
from b12fhir.decision.classification import Classified
from b12fhir.decision.model import Classification as C
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.decision.symptoms import Symptoms
from b12fhir.decision.treatment import Treatment
from b12fhir.decision.usable import Usable, fresh
from b12fhir.facts.medicines import B12Dose
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.truth import Truth


def masking(
    case: Case, results: Usable, given: Treatment, classified: Classified, shown: Symptoms
) -> Reasons:
    """A deficiency of B12 hidden by a supplement, and one of folate hidden by B12."""
    return _supplement(case, classified, shown) + _folate(case, results, given)


def _supplement(case: Case, classified: Classified, shown: Symptoms) -> Reasons:
    """R-12: ask for B12 bought over the counter before a result is called normal.

    Asked where there is a reason to doubt: a sign, or a deficiency on record now or before.
    """
    recorded = case.ever("b12-deficiency-on-record")
    if classified.name is not C.UNLIKELY or not (shown.any_sign or recorded):
        return NONE
    return found("R-12", recorded, "supplements not known", Truth.UNKNOWN) + gap(
        "supplements",
        "Does the patient take vitamin B12 without a prescription? It lifts the result; only if not"
        " may it be called normal.",
        "R-12",
    )


def _folate(case: Case, results: Usable, given: Treatment) -> Reasons:
    """R-170: more than a few microgram of B12 a day can hide a folate deficiency."""
    if not given.running:
        return NONE
    enough = tuple(dose for dose in given.running if _masks(case, dose))
    if not enough:
        return NONE
    known = fresh(results.get(Analyte.FOLATE), case.day, case.limits.baseline_folate_iron_days)
    if known:
        return found("R-170", enough)
    return found("R-170", enough) + gap(
        "folate-under-b12",
        "Vitamin B12 is taken and may hide a folate deficiency: measure folate.",
        "R-170",
    )


def _masks(case: Case, dose: B12Dose) -> bool:
    """An injection that counts as treatment always does; tablets by their daily amount."""
    amount = dose.daily_ug if dose.daily_ug is not None else dose.dose_ug
    limit = case.limits.b12_masks_folate_above_ug
    return dose.route.is_injection or (amount is not None and amount > limit)

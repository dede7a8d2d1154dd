"""What to measure before dose 1, and what the course has to be watched with (R-10, R-19, R-137)."""

from b12fhir.decision.anaemia import Blood
from b12fhir.decision.case import Case
from b12fhir.decision.classification import Classified
from b12fhir.decision.model import Cause, MonitoringNeeds
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.decision.stops import wants_potassium_course
from b12fhir.decision.usable import Usable, fresh
from b12fhir.kernel.analyte import Analyte


def before_dose_one(case: Case, results: Usable) -> Reasons:
    """The baseline tests that are missing or too old on the day (R-10, R-19)."""
    limits = case.limits
    wanted = (
        ("blood count", Analyte.HEMOGLOBIN, limits.baseline_blood_count_days),
        ("potassium", Analyte.POTASSIUM, limits.baseline_potassium_days),
        ("folate", Analyte.FOLATE, limits.baseline_folate_iron_days),
        ("ferritin", Analyte.FERRITIN, limits.baseline_folate_iron_days),
    )
    missing = [
        label for label, analyte, days in wanted if not fresh(results.get(analyte), case.day, days)
    ]
    if not _reticulocytes(case, results):
        missing.insert(1, "reticulocytes")
    if not missing:
        return NONE
    text = f"Before dose 1, missing or too old: {', '.join(missing)}. Treatment does not wait for"
    text += " them when it is urgent; they are needed to judge the response."
    return found("R-10", note=", ".join(missing)) + gap("baseline", text, "R-10")


def _reticulocytes(case: Case, results: Usable) -> bool:
    days = case.limits.baseline_blood_count_days
    either = (Analyte.RETIC_PCT, Analyte.RETIC_COUNT)
    return any(fresh(results.get(analyte), case.day, days) for analyte in either)


def monitoring_needs(
    case: Case, results: Usable, classified: Classified, blood: Blood, cause: Cause
) -> MonitoringNeeds:
    """What the monitoring of section 13 depends on in this patient."""
    m = classified.metabolites
    raised = (
        (("mma", m.mma_raised), ("homocysteine", m.homocysteine_raised)) if m is not None else ()
    )
    return MonitoringNeeds(
        potassium_course=wants_potassium_course(blood, cause),
        hematocrit_normal=_hematocrit_normal(case, results),
        raised=tuple(test for test, truth in raised if truth.is_yes),
        mother=case.pregnant().is_yes or case.breastfeeding().is_yes,
        pernicious=cause.cause in ("pernicious-anaemia", "atrophic-gastritis"),
    )


def _hematocrit_normal(case: Case, results: Usable) -> bool:
    """R-138: no early blood counts if the haematocrit was normal at d0."""
    hematocrit = results.get(Analyte.HEMATOCRIT)
    if hematocrit is None or not fresh(hematocrit, case.day, case.limits.baseline_blood_count_days):
        return False
    low = hematocrit.lab_range.low
    limit = low.value if low is not None else case.limits.hematocrit_low
    return hematocrit.amount.below(limit).is_no

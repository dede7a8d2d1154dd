"""What to measure before dose 1, and what the course has to be watched with (R-10, R-19, R-137)."""

from b12fhir.decision.anaemia import Blood
from b12fhir.decision.case import Case
from b12fhir.decision.classification import Classified
from b12fhir.decision.model import Bucket, Cause, MonitoringNeeds
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.decision.stops import wants_potassium_course
from b12fhir.decision.usable import Usable, fresh
from b12fhir.kernel.analyte import Analyte

_GASTRITIS = frozenset({"pernicious-anaemia", "atrophic-gastritis"})
_LABEL_OF = {
    "cbc": "blood count",
    "reticulocytes": "reticulocytes",
    "potassium": "potassium",
    "folate": "folate",
    "ferritin": "ferritin",
}


def before_dose_one(missing: tuple[str, ...]) -> Reasons:
    """Name the baseline tests that are missing or too old on the day (R-10, R-19)."""
    if not missing:
        return NONE
    named = ", ".join(_LABEL_OF[test] for test in missing)
    text = f"Before dose 1, missing or too old: {named}. Treatment does not wait for"
    text += " them when it is urgent; they are needed to judge the response."
    return found("R-10", note=named) + gap("baseline", text, "R-10")


def tests_before_dose_one(case: Case, missing: tuple[str, ...], cause: Cause) -> tuple[str, ...]:
    """Tests to order for d0: the missing baseline, and those that look for an unknown cause.

    Potassium has its own place in the monitoring of a load (R-137). An intrinsic-factor antibody
    can read falsely positive after B12, so it cannot be made up for later (R-81).
    """
    baseline = tuple([test for test in missing if test != "potassium"])
    if cause.bucket is not Bucket.UNKNOWN:
        return baseline
    known = {result.test for result in case.facts.presences}
    looked_for = ("intrinsic-factor-antibody", "coeliac-serology")
    return (*baseline, *[test for test in looked_for if test not in known])


def missing_baseline(case: Case, results: Usable) -> tuple[str, ...]:
    """Tests to have at hand before dose 1 that are missing or too old on the day (R-10, R-19)."""
    limits = case.limits
    wanted = (
        ("cbc", Analyte.HEMOGLOBIN, limits.baseline_blood_count_days),
        ("potassium", Analyte.POTASSIUM, limits.baseline_potassium_days),
        ("folate", Analyte.FOLATE, limits.baseline_folate_iron_days),
        ("ferritin", Analyte.FERRITIN, limits.baseline_folate_iron_days),
    )
    missing = [
        test for test, analyte, days in wanted if not fresh(results.get(analyte), case.day, days)
    ]
    if not _reticulocytes(case, results):
        missing.insert(1 if "cbc" in missing else 0, "reticulocytes")
    return tuple(missing)


def _reticulocytes(case: Case, results: Usable) -> bool:
    day, days = case.day, case.limits.baseline_blood_count_days
    share, count = results.get(Analyte.RETIC_PCT), results.get(Analyte.RETIC_COUNT)
    return fresh(share, day, days) or fresh(count, day, days)


def monitoring_needs(
    case: Case,
    results: Usable,
    classified: Classified,
    blood: Blood,
    causes: frozenset[str],
) -> MonitoringNeeds:
    """What the monitoring of section 13 depends on; ``causes`` are those that are sure."""
    potassium_course = wants_potassium_course(blood, causes)
    hematocrit_normal = not blood.anaemic.is_yes and _hematocrit_normal(case, results)
    raised = _raised(classified)
    mother = case.pregnant.is_yes or case.breastfeeding().is_yes
    pernicious = not causes.isdisjoint(_GASTRITIS)
    polycythaemia = bool(case.with_role("polycythaemia-vera"))
    # By name it would take thrice as long.
    return MonitoringNeeds(
        potassium_course, hematocrit_normal, raised, mother, pernicious, polycythaemia
    )


def _raised(classified: Classified) -> tuple[str, ...]:
    measured = classified.metabolites
    if measured is None:
        return ()
    mma = ("mma",) if measured.mma_raised.is_yes else ()
    return (*mma, "homocysteine") if measured.homocysteine_raised.is_yes else mma


def _hematocrit_normal(case: Case, results: Usable) -> bool:
    """R-138: no early blood counts if the haematocrit was normal at d0."""
    hematocrit = results.get(Analyte.HEMATOCRIT)
    if hematocrit is None or not fresh(hematocrit, case.day, case.limits.baseline_blood_count_days):
        return False
    return hematocrit.low(case.limits.hematocrit_low).is_no

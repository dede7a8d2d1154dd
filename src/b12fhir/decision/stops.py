"""What forbids a treatment outright (section 16: R-163, R-165, R-167; R-76)."""

from b12fhir.decision.anaemia import Blood
from b12fhir.decision.case import Case
from b12fhir.decision.model import Anaemia, Bucket, Cause
from b12fhir.decision.reasons import (
    NONE,
    Reasons,
    caution,
    contraindication,
    flag,
    found,
    gap,
)
from b12fhir.decision.usable import Usable, fresh
from b12fhir.facts.labs import LabResult
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value


@value
class Stops:
    """``rule`` names the stop in force, or is empty; ``potassium`` is the fresh result.

    ``leber``: cyanocobalamin alone is blocked, hydroxocobalamin is left (R-165).
    """

    rule: str
    potassium: LabResult | None
    potassium_low: Truth
    reasons: Reasons
    leber: bool = False


def stops(case: Case, results: Usable, blood: Blood, cause: Cause) -> Stops:
    """Look for everything that forbids a regimen."""
    potassium = _fresh_potassium(case, results)
    low = _potassium_low(case, potassium)
    allergy, why = _allergy(case)
    hospital, why_hospital = _hospital(case, blood, low, potassium)
    specialist, why_specialist = _specialist(cause)
    blocked = _leber(case)
    return Stops(
        allergy or hospital or specialist,
        potassium,
        low,
        why + why_hospital + why_specialist + blocked,
        leber=bool(blocked),
    )


def _allergy(case: Case) -> tuple[str, Reasons]:
    """R-163: an active confirmed allergy stops every B12 product; a doubtful one is asked about."""
    if not case.facts.allergies:
        return "", NONE
    stopping = tuple([a for a in case.facts.allergies if a.stops.is_yes])
    doubtful = tuple([a for a in case.facts.allergies if a.stops.is_unknown])
    if stopping:
        text = (
            "Allergy to cobalt or a cobalamin: no vitamin B12 product is proposed; allergy referral"
            " or desensitisation by a specialist."
        )
        return "R-163", found("R-163", stopping) + contraindication("allergy", text, "R-163")
    if doubtful:
        text = (
            "An allergy to cobalt or a cobalamin is recorded as inactive or unconfirmed: clear it"
            " before dose 1. Confirmed, it forbids every vitamin B12 product."
        )
        return "", found("R-163", doubtful, truth=Truth.UNKNOWN) + gap("allergy", text, "R-163")
    return "", NONE


def _leber(case: Case) -> Reasons:
    """R-165: cyanocobalamin is blocked in every form, also where Leber is only possible."""
    sure = case.ever("leber")
    possible = case.ever("possible-leber") + case.asked("leber") + case.asked("possible-leber")
    if not sure and not possible:
        return NONE
    text = (
        "Leber optic atrophy: cyanocobalamin in every form can bring swift optic atrophy and is"
        " blocked. Hydroxocobalamin, with specialist advice before dose 1, takes its place."
    )
    reasons = flag("leber") + contraindication("leber", text, "R-165")
    if sure:
        return reasons + found("R-165", sure)
    ask = gap(
        "leber",
        "Leber optic atrophy is possible by the record (hereditary, or not confirmed): is it there?"
        " If not, cyanocobalamin is open.",
        "R-165",
    )
    return reasons + ask + found("R-165", possible, truth=Truth.UNKNOWN)


def _hospital(
    case: Case, blood: Blood, low: Truth, potassium: LabResult | None
) -> tuple[str, Reasons]:
    """R-167: severe anaemia with low potassium or breathlessness at rest belongs in hospital."""
    if blood.grade is not Anaemia.SEVERE:
        return "", NONE
    breathless = case.with_role("dyspnea-at-rest")
    if not (low.is_yes or breathless):
        return "", NONE
    shown = tuple(r for r in (blood.hemoglobin, potassium) if r is not None)
    text = (
        "Severe anaemia with low potassium or breathlessness at rest: hospital. Correct potassium"
        " first or together; no community schedule is drafted for the first days."
    )
    return "R-167", (
        flag("hospital")
        + found("R-167", shown + breathless)
        + contraindication("hospital", text, "R-167")
    )


def _specialist(cause: Cause) -> tuple[str, Reasons]:
    if cause.bucket is not Bucket.SPECIALIST:
        return "", NONE
    text = "An inborn defect of B12 handling: specialist; no regimen is proposed."
    return "R-76", contraindication("specialist", text, "R-76")


def _fresh_potassium(case: Case, results: Usable) -> LabResult | None:
    potassium = results.get(Analyte.POTASSIUM)
    return potassium if fresh(potassium, case.day, case.limits.baseline_potassium_days) else None


def _potassium_low(case: Case, potassium: LabResult | None) -> Truth:
    if potassium is None:
        return Truth.UNKNOWN
    return potassium.low(case.limits.potassium_low)


def potassium_care(seen: Stops, blood: Blood, causes: frozenset[str]) -> Reasons:
    """R-166 and R-168: potassium before and with the first doses; ``causes`` that are sure."""
    if seen.potassium_low.is_yes:
        shown = (seen.potassium,) if seen.potassium is not None else ()
        return found("R-166", shown) + caution(
            "potassium-low",
            "Potassium is low: correct it before or together with the first dose; it may fall"
            " further when treatment starts. Sudden death is known in intense treatment of"
            " megaloblastic anaemia.",
            "R-166",
        )
    if seen.potassium is not None or not wants_potassium_course(blood, causes):
        return NONE
    return found("R-168") + caution(
        "potassium-before-dose-1",
        "Order potassium before dose 1 and watch for hypokalaemia in the first 48 hours.",
        "R-168",
    )


def wants_potassium_course(blood: Blood, causes: frozenset[str]) -> bool:
    """Pernicious anaemia (confirmed or probable) or severe anaemia (R-137, R-168)."""
    return blood.may_be_severe or "pernicious-anaemia" in causes

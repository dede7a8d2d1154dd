"""May a proposal be made for this person at all? (R-52, R-175, R-182 to R-184, ruling 8)"""

from b12fhir.decision.case import Case
from b12fhir.decision.reasons import NONE, Reasons, caution, contraindication, flag, found, gap
from b12fhir.kernel.evidence import Evidence, Input
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value


@value
class Person:
    """``proposable`` is no for the dead, the inactive, merged records and the under 16."""

    proposable: Truth
    adult: Truth
    reasons: Reasons


def person(case: Case) -> Person:
    """Who the patient is, as far as limits and proposals depend on it."""
    adult = case.aged_at_least(case.limits.adult_from_years)
    gone = _gone(case)
    reasons = gone + _age(case, adult) + _mother(case)
    return Person(Truth.of(not gone) & adult, adult, reasons)


def _gone(case: Case) -> Reasons:
    patient = case.facts.patient
    if patient.deceased:
        shown = (Input(patient.reference, "patient record"),)
        return flag("deceased") + found("R-20", shown, "the patient has died: no proposal")
    if patient.replaced or not patient.active:
        return flag("record-not-active") + gap(
            "patient-record",
            "The patient record is inactive or was merged into another: no proposal is made here;"
            " assess the record that replaced it.",
            "R-20",
        )
    return NONE


def _age(case: Case, adult: Truth) -> Reasons:
    if adult.is_unknown:
        return flag("age-unknown") + gap(
            "birth-date",
            "Date of birth: without it nobody can tell whether adult limits and regimens apply; no"
            " regimen is proposed until it is known.",
            "R-175",
        )
    if adult.is_no:
        shown = _birth(case)
        return (
            flag("under-16")
            + flag("adult-limits")
            + found("R-52", shown, "the class is shown by adult limits")
            + found("R-175", shown)
            + contraindication(
                "under-16",
                "Under 16: no regimen is proposed; refer to a specialist.",
                "R-175",
            )
        )
    if case.aged_at_least(case.limits.older_risk_above_years + 1).is_yes:
        return found("R-184", _birth(case))
    return NONE


def _birth(case: Case) -> Evidence:
    return (Input(case.facts.patient.reference, "date of birth"),)


def _mother(case: Case) -> Reasons:
    shown = case.facts.pregnancy.inputs
    reasons = NONE
    if case.pregnant.is_yes:
        reasons = flag("pregnant") + found("R-182", shown)
        reasons = reasons + caution(
            "pregnancy-folic-acid",
            "The folic acid of pregnancy goes on; B12 is not delayed for it.",
            "R-182",
        )
    if case.breastfeeding().is_yes:
        reasons = reasons + flag("breastfeeding") + found("R-183", shown)
        reasons = reasons + caution(
            "infant",
            "If the mother is deficient, the breast-fed infant needs a paediatric check.",
            "R-183",
        )
    return reasons

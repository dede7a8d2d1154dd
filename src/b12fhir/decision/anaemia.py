"""Is there anaemia, and of which grade? (R-53 to R-57, WHO 2024 limits)"""

from dataclasses import dataclass
from decimal import Decimal

from b12fhir.decision.case import Case
from b12fhir.decision.model import Anaemia
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.decision.usable import Usable, fresh
from b12fhir.facts.labs import LabResult
from b12fhir.facts.patient import Sex
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.limits import AnaemiaLimit

_TRIMESTERS = ("pregnant-t1", "pregnant-t2", "pregnant-t3")


@dataclass(frozen=True, slots=True)
class Blood:
    """The grade of anaemia, the haemoglobin it rests on, and what the rest of the count adds."""

    grade: Anaemia
    hemoglobin: LabResult | None
    macrocytosis: Truth
    pancytopenia: Truth
    reasons: Reasons

    @property
    def anaemic(self) -> Truth:
        """Anaemia of any grade."""
        return Truth.UNKNOWN if self.grade is Anaemia.UNKNOWN else Truth.of(self.grade.is_anaemic)


def blood(case: Case, results: Usable) -> Blood:
    """Read the blood count."""
    hemoglobin = results.get(Analyte.HEMOGLOBIN)
    grade, reasons = _grade(case, hemoglobin)
    mcv = results.get(Analyte.MCV)
    macro = _macrocytosis(case, mcv)
    if mcv is not None:
        reasons = reasons + found("R-02", (mcv.as_input(),), "mean cell volume", macro)
    normal = grade is Anaemia.NONE and macro.is_no
    if normal and hemoglobin is not None and mcv is not None:
        reasons = reasons + found("R-14", (hemoglobin.as_input(), mcv.as_input()))
    pancytopenia, why = _pancytopenia(case, results, grade)
    return Blood(grade, hemoglobin, macro, pancytopenia, reasons + why)


def _grade(case: Case, hemoglobin: LabResult | None) -> tuple[Anaemia, Reasons]:
    if hemoglobin is None:
        return Anaemia.UNKNOWN, NONE
    groups = _groups(case)
    grades = {_grade_in(hemoglobin, case.limits.anaemia[name]) for name in groups}
    grade = grades.pop() if len(grades) == 1 else Anaemia.UNKNOWN
    note = f"{hemoglobin.amount.text()}, limits for {' or '.join(groups) or 'this age: none'}"
    reasons = found("R-53", (hemoglobin.as_input(),), note, _truth(grade))
    if grade is Anaemia.UNKNOWN:
        reasons = reasons + gap(
            "anaemia-group",
            f"Haemoglobin {hemoglobin.amount.text()} is anaemia for some of the groups the patient"
            " may belong to: sex, age or week of pregnancy decides.",
            "R-55",
        )
    elif not fresh(hemoglobin, case.day, case.limits.baseline_blood_count_days):
        reasons = reasons + gap(
            "repeat-cbc", "Repeat the blood count: the haemoglobin is not recent.", "R-19"
        )
    return grade, reasons


def _truth(grade: Anaemia) -> Truth:
    return Truth.UNKNOWN if grade is Anaemia.UNKNOWN else Truth.of(grade.is_anaemic)


def _groups(case: Case) -> tuple[str, ...]:
    """Every group of the WHO table that the patient can belong to."""
    if case.pregnant().is_yes:
        return _trimesters(case)
    ages = case.age()
    sex = case.facts.patient.sex
    return tuple(
        row.group
        for row in case.limits.anaemia.values()
        if not row.trimester
        and (not row.sex or sex in (Sex(row.sex), Sex.UNKNOWN))
        and (ages is None or (row.from_years <= ages[1] and ages[0] < row.to_years))
    )


def _trimesters(case: Case) -> tuple[str, ...]:
    weeks = case.facts.pregnancy.weeks_on(case.day)
    if weeks is None:
        return _TRIMESTERS
    first, last = (_trimester(case, week) for week in weeks)
    return _TRIMESTERS[first : last + 1]


def _trimester(case: Case, week: int) -> int:
    limits = case.limits
    return int(week >= limits.trimester_2_from_week) + int(week >= limits.trimester_3_from_week)


def _grade_in(hemoglobin: LabResult, limit: AnaemiaLimit) -> Anaemia:
    steps = (
        (limit.severe, Anaemia.SEVERE),
        (limit.mild, Anaemia.MODERATE),
        (limit.limit, Anaemia.MILD),
    )
    for bound, grade in steps:
        below = hemoglobin.amount.below(bound)
        if not below.is_no:
            return grade if below.is_yes else Anaemia.UNKNOWN
    return Anaemia.NONE


def _macrocytosis(case: Case, mcv: LabResult | None) -> Truth:
    if mcv is None:
        on_record = case.with_role("macrocytosis") or case.presences("macrocytes")
        return Truth.YES if on_record else Truth.UNKNOWN
    high = mcv.lab_range.high
    return mcv.amount.above(high.value if high is not None else case.limits.mcv_high)


def _pancytopenia(case: Case, results: Usable, grade: Anaemia) -> tuple[Truth, Reasons]:
    """All three lines low, or on record (R-65)."""
    recorded = case.with_role("pancytopenia")
    if recorded:
        return Truth.YES, NONE
    wbc, platelets = results.get(Analyte.WBC), results.get(Analyte.PLATELETS)
    low = (
        _low(wbc, case.limits.wbc_low) & _low(platelets, case.limits.platelets_low) & _truth(grade)
    )
    if not low.is_yes:
        return low, NONE
    shown = tuple(r.as_input() for r in (wbc, platelets, results.get(Analyte.HEMOGLOBIN)) if r)
    return low, found("R-65", shown, "all three cell lines are low")


def _low(result: LabResult | None, otherwise: Decimal) -> Truth:
    if result is None:
        return Truth.UNKNOWN
    low = result.lab_range.low
    return result.amount.below(low.value if low is not None else otherwise)

"""Is there anaemia, and of which grade? (R-53 to R-57, WHO 2024 limits)"""

from decimal import Decimal

from b12fhir.decision.case import Case
from b12fhir.decision.model import Anaemia
from b12fhir.decision.reasons import NONE, Reasons, found, gap, note_of
from b12fhir.decision.usable import Usable, fresh
from b12fhir.facts.labs import LabResult
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.quantities import Measure
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value
from b12fhir.protocol.limits import AnaemiaLimit

_TRIMESTERS = ("pregnant-t1", "pregnant-t2", "pregnant-t3")


@value
class Blood:
    """What the blood count says.

    ``grade`` is the only one that the haemoglobin can mean for the groups the patient can belong
    to, or unknown. ``anaemic``: anaemia of any grade, also as a diagnosis where no haemoglobin
    counts. ``may_be_severe``: surely anaemia, and severe for some of those groups.
    """

    grade: Anaemia
    anaemic: Truth
    may_be_severe: bool
    hemoglobin: LabResult | None
    macrocytosis: Truth
    pancytopenia: Truth
    reasons: Reasons


def _anaemic(possible: tuple[Anaemia, ...]) -> Truth:
    if len(possible) == 1:
        return Truth.YES if possible[0].is_anaemic else Truth.NO
    answers = {grade.is_anaemic for grade in possible}
    return Truth.of(answers.pop()) if len(answers) == 1 else Truth.UNKNOWN


def blood(case: Case, results: Usable) -> Blood:
    """Read the blood count."""
    hemoglobin = results.get(Analyte.HEMOGLOBIN)
    possible: tuple[Anaemia, ...] = ()
    if hemoglobin is not None:
        possible, anaemic, reasons = _grades(case, hemoglobin)
    else:
        anaemic, reasons = _on_record(case)
    mcv = results.get(Analyte.MCV)
    macro = _macrocytosis(case, mcv)
    if mcv is not None:
        reasons += found("R-02", (mcv,), "mean cell volume", macro)
    grade = possible[0] if len(possible) == 1 else Anaemia.UNKNOWN
    if grade is Anaemia.NONE and macro.is_no and hemoglobin is not None and mcv is not None:
        reasons += found("R-14", (hemoglobin, mcv))
    pancytopenia, why = _pancytopenia(case, results, anaemic)
    severe = anaemic.is_yes and Anaemia.SEVERE in possible
    return Blood(grade, anaemic, severe, hemoglobin, macro, pancytopenia, reasons + why)


def _on_record(case: Case) -> tuple[Truth, Reasons]:
    """Anaemia among the diagnoses counts where no haemoglobin does."""
    recorded = case.with_role("anaemia")
    if not recorded:
        return Truth.UNKNOWN, NONE
    return Truth.YES, found("R-02", recorded, "anaemia on record, no haemoglobin")


def _grades(case: Case, hemoglobin: LabResult) -> tuple[tuple[Anaemia, ...], Truth, Reasons]:
    """Every grade the haemoglobin can mean for the groups the patient can belong to."""
    groups = _groups(case)
    possible: tuple[Anaemia, ...] = ()
    for name in groups:
        possible += _grades_in(hemoglobin, case.limits.anaemia[name])
    if len(possible) > 1:
        possible = tuple(dict.fromkeys(possible))
    anaemic = _anaemic(possible)
    note = note_of(_limits_for, hemoglobin.amount, groups)
    reasons = found("R-53", (hemoglobin,), note, anaemic)
    if len(possible) != 1:
        reasons += _ask_group(hemoglobin, possible)
    elif not fresh(hemoglobin, case.day, case.limits.baseline_blood_count_days):
        reasons += gap(
            "repeat-cbc", "Repeat the blood count: the haemoglobin is not recent.", "R-19"
        )
    return possible, anaemic, reasons


def _limits_for(hemoglobin: Measure, groups: tuple[str, ...]) -> str:
    return f"{hemoglobin.text()}, limits for {' or '.join(groups) or 'this age: none'}"


def _ask_group(hemoglobin: LabResult, possible: tuple[Anaemia, ...]) -> Reasons:
    grades = " or ".join(grade.value for grade in Anaemia if grade in possible) or "unknown"
    return gap(
        "anaemia-group",
        f"Haemoglobin {hemoglobin.amount.text()}: anaemia {grades}, as sex, age, week of pregnancy"
        " and the exact value decide.",
        "R-55",
    )


def normal_hemoglobin(case: Case) -> Decimal | None:
    """From which haemoglobin (g/L) there is no anaemia; ``None`` where the groups differ on it."""
    limits = {case.limits.anaemia[name].limit for name in _groups(case)}
    return limits.pop() if len(limits) == 1 else None


def _groups(case: Case) -> tuple[str, ...]:
    """Every group of the WHO table that the patient can belong to."""
    if case.pregnant.is_yes:
        return _trimesters(case)
    patient = case.facts.patient
    return case.protocol.ages.anaemia(patient.sex.value, patient.months_range(case.day))


def _trimesters(case: Case) -> tuple[str, ...]:
    weeks = case.facts.pregnancy.weeks_on(case.day)
    if weeks is None:
        return _TRIMESTERS
    first, last = (_trimester(case, week) for week in weeks)
    return _TRIMESTERS[first : last + 1]


def _trimester(case: Case, week: int) -> int:
    limits = case.limits
    return int(week >= limits.trimester_2_from_week) + int(week >= limits.trimester_3_from_week)


def _grades_in(hemoglobin: LabResult, limit: AnaemiaLimit) -> tuple[Anaemia, ...]:
    """Every grade the result can mean in one group; an interval can mean several."""
    steps = (
        (limit.severe, Anaemia.SEVERE),
        (limit.mild, Anaemia.MODERATE),
        (limit.limit, Anaemia.MILD),
    )
    grades: tuple[Anaemia, ...] = ()
    for bound, grade in steps:
        below = hemoglobin.amount.below(bound)
        if not below.is_no:
            grades += (grade,)
        if below.is_yes:
            return grades
    return (*grades, Anaemia.NONE)


def _macrocytosis(case: Case, mcv: LabResult | None) -> Truth:
    if mcv is None:
        on_record = case.with_role("macrocytosis") or case.presences("macrocytes")
        return Truth.YES if on_record else Truth.UNKNOWN
    return mcv.high(case.limits.mcv_high)


def _pancytopenia(case: Case, results: Usable, anaemic: Truth) -> tuple[Truth, Reasons]:
    """All three lines low, or on record (R-65)."""
    recorded = case.with_role("pancytopenia")
    if recorded:
        return Truth.YES, NONE
    wbc, platelets = results.get(Analyte.WBC), results.get(Analyte.PLATELETS)
    cells = _low(wbc, case.limits.wbc_low) & _low(platelets, case.limits.platelets_low)
    low = cells & anaemic
    if not low.is_yes:
        return low, NONE
    shown = tuple(r for r in (wbc, platelets, results.get(Analyte.HEMOGLOBIN)) if r)
    return low, found("R-65", shown, "all three cell lines are low")


def _low(result: LabResult | None, otherwise: Decimal) -> Truth:
    return Truth.UNKNOWN if result is None else result.low(otherwise)

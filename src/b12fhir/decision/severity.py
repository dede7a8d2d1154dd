"""How severe is it? (R-65 to R-67; the number alone never makes it severe, R-68)"""

from b12fhir.decision.anaemia import Blood
from b12fhir.decision.classification import Classified
from b12fhir.decision.model import Anaemia
from b12fhir.decision.model import SeverityGrade as S
from b12fhir.decision.neurology import Neurology
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.decision.symptoms import Symptoms
from b12fhir.kernel.evidence import Evidence


def severity(
    classified: Classified, blood: Blood, neurology: Neurology, shown: Symptoms
) -> tuple[S, Reasons]:
    """Grade of a deficiency (or of one treated under R-48); any other class has none."""
    if not classified.to_be_treated:
        return S.NONE, NONE
    hemoglobin = (blood.hemoglobin,) if blood.hemoglobin is not None else ()
    grade, reasons = _grade(blood, neurology, shown, hemoglobin)
    if blood.hemoglobin is None and grade is not S.SEVERE:
        text = "Blood count: haemoglobin is not known, so severity may be higher."
        reasons = reasons + gap("cbc", text, "R-67")
    return grade, reasons


def _grade(
    blood: Blood, neurology: Neurology, shown: Symptoms, hemoglobin: Evidence
) -> tuple[S, Reasons]:
    severe = _severe(blood, neurology, shown, hemoglobin)
    if severe:
        return S.SEVERE, severe
    if blood.anaemic.is_yes or shown.other or shown.of_anaemia:
        why = shown.other + shown.of_anaemia
        return S.MODERATE, found("R-66", (hemoglobin if blood.anaemic.is_yes else ()) + why)
    return S.MILD, found("R-67", hemoglobin)


def _severe(blood: Blood, neurology: Neurology, shown: Symptoms, hemoglobin: Evidence) -> Reasons:
    reasons = NONE
    if neurology.present:
        reasons = reasons + found("R-65", neurology.signs, "neurological sign")
    if blood.grade is Anaemia.SEVERE:
        reasons = reasons + found("R-65", hemoglobin, "severe anaemia")
    if pancytopenia_with_symptoms(blood, shown):
        why = shown.of_anaemia
        reasons = reasons + found("R-65", why, "pancytopenia with symptoms of anaemia")
    return reasons


def pancytopenia_with_symptoms(blood: Blood, shown: Symptoms) -> bool:
    """All cell lines low in a patient who feels the anaemia (R-61, R-65)."""
    return blood.pancytopenia.is_yes and bool(shown.of_anaemia)

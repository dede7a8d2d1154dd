"""Signs and symptoms other than neurological ones, and risk on record (R-01 to R-03)."""

from b12fhir.decision.anaemia import Blood
from b12fhir.decision.case import Case
from b12fhir.decision.neurology import Neurology
from b12fhir.decision.reasons import NONE, Reasons, found
from b12fhir.facts.history import Concept
from b12fhir.kernel.values import value


@value
class Symptoms:
    """``other`` are non-neurological symptoms; ``any_sign`` counts every sign of R-02."""

    other: tuple[Concept, ...]
    of_anaemia: tuple[Concept, ...]
    any_sign: bool
    reasons: Reasons


def symptoms(case: Case, blood: Blood, neurology: Neurology) -> Symptoms:
    """Gather what the patient shows."""
    other = case.with_role("symptom")
    of_anaemia = case.with_role("anaemia-symptom")
    seen = case.with_role("hypersegmentation") or case.presences("hypersegmented-neutrophils")
    any_sign = bool(
        other
        or of_anaemia
        or neurology.present
        or seen
        or blood.anaemic.is_yes
        or blood.macrocytosis.is_yes
        or blood.pancytopenia.is_yes
    )
    reasons = found("R-02", other) if other else NONE
    return Symptoms(other, of_anaemia, any_sign, reasons)

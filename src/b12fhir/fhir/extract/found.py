"""What an extractor may yield."""

from b12fhir.facts.history import Concept
from b12fhir.facts.labs import LabResult, PresenceResult, RefusedLab
from b12fhir.facts.medicines import Allergy, B12Dose, DraftedDrug, Exposure
from b12fhir.facts.record import OwnPlan
from b12fhir.fhir.extract.pregnancy import Statement
from b12fhir.fhir.extract.record import Listed
from b12fhir.kernel.evidence import Issue

# What counts as used: a fact, as against a refusal, an issue or an entry of the unmapped list.
FACTS = (
    LabResult,
    PresenceResult,
    Concept,
    Exposure,
    DraftedDrug,
    B12Dose,
    Allergy,
    OwnPlan,
    Statement,
)

Found = (
    LabResult
    | RefusedLab
    | PresenceResult
    | Concept
    | Exposure
    | DraftedDrug
    | B12Dose
    | Allergy
    | OwnPlan
    | Statement
    | Listed
    | Issue
)

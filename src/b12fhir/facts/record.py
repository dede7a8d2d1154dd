"""All facts about one patient, gathered: what `extract` returns and `decide` reads."""

from dataclasses import dataclass, field
from datetime import date

from b12fhir.facts.history import Concept
from b12fhir.facts.labs import LabResult, PresenceResult, RefusedLab
from b12fhir.facts.medicines import Allergy, B12Dose, DraftedDrug, Exposure
from b12fhir.facts.patient import Patient, Pregnancy
from b12fhir.kernel.evidence import Issue


@dataclass(frozen=True, slots=True)
class OwnPlan:
    """A plan this program proposed before and found in the record again.

    ``start`` is the d0 its dates hang on. ``status`` and ``intent`` are FHIR's. ``treats`` tells a
    plan with medicines from one of tests only.
    """

    reference: str
    key: str
    status: str
    intent: str
    start: date | None
    decision_digest: str = ""
    treats: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one patient. Every tuple is sorted, so input order does not matter."""

    patient: Patient
    pregnancy: Pregnancy = field(default_factory=Pregnancy)
    labs: tuple[LabResult, ...] = ()
    refused: tuple[RefusedLab, ...] = ()
    presences: tuple[PresenceResult, ...] = ()
    concepts: tuple[Concept, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    drafted: tuple[DraftedDrug, ...] = ()
    doses: tuple[B12Dose, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    own_plans: tuple[OwnPlan, ...] = ()
    issues: tuple[Issue, ...] = ()
    used: int = 0
    ignored: int = 0

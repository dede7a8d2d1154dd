"""Foreign resources, built small: a test names only what it is about."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from b12fhir.facts.record import Facts
from b12fhir.fhir.extract import extract
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import LOINC, RXNORM, SNOMED, UCUM
from b12fhir.protocol.load import load_protocol

Resource = dict[str, Any]

SITE = Site(zone=ZoneInfo("Asia/Kathmandu"))
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
ME = {"reference": "Patient/p1"}
B12, B12_MOLES, B12_EITHER, ACTIVE = "2132-9", "14685-2", "35201-3", "72160-5"
MMA, HB, HB_MOLES, EGFR = "13964-2", "718-7", "59260-0", "33914-3"
POSITIVE, NEGATIVE = "10828004", "260385009"
PERNICIOUS, TINGLING, ILEUM = "84027009", "91019004", "307193005"


def patient(**changes: Any) -> Resource:
    """A woman born in 1960."""
    base = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1960-05-04"}
    return base | changes


def concept(system: str, code: str, display: str = "", said: str = "") -> Resource:
    """A CodeableConcept with one coding."""
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]} | ({"text": said} if said else {})


def quantity(value: Any, ucum: str | None = None, /, **changes: Any) -> Resource:
    """A Quantity in UCUM; ``value`` as text becomes a Decimal."""
    number = Decimal(value) if isinstance(value, str) else value
    coded = {} if ucum is None else {"unit": ucum, "system": UCUM, "code": ucum}
    given = {"value": number} | coded | changes
    return {key: held for key, held in given.items() if held is not None}


def observation(code: str | Resource = B12, **changes: Any) -> Resource:
    """A final laboratory Observation without a value."""
    base = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": concept(LOINC, code) if isinstance(code, str) else code,
        "subject": ME,
        "effectiveDateTime": "2026-11-10T08:00:00+05:45",
    }
    return {key: held for key, held in (base | changes).items() if held is not None}


def lab(
    value: Any, unit: str | None = "pg/mL", code: str | Resource = B12, **changes: Any
) -> Resource:
    """A final result: by default total B12 in pg/mL."""
    return observation(code, **({"valueQuantity": quantity(value, unit)} | changes))


def condition(code: str | Resource = PERNICIOUS, **changes: Any) -> Resource:
    """An active, confirmed Condition."""
    base = {
        "resourceType": "Condition",
        "id": "c1",
        "subject": ME,
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": concept(SNOMED, code) if isinstance(code, str) else code,
        "recordedDate": "2026-10-01",
    }
    return {key: held for key, held in (base | changes).items() if held is not None}


def procedure(code: str | Resource = ILEUM, **changes: Any) -> Resource:
    """A completed Procedure."""
    base = {
        "resourceType": "Procedure",
        "id": "pr1",
        "status": "completed",
        "subject": ME,
        "code": concept(SNOMED, code) if isinstance(code, str) else code,
        "performedDateTime": "2020-02-03",
    }
    return {key: held for key, held in (base | changes).items() if held is not None}


def drug(code: str = "11248", said: str = "", system: str = RXNORM) -> Resource:
    """A medicine's code: by default the ingredient vitamin B12."""
    return concept(system, code, said=said)


def medicine(kind: str = "MedicationRequest", **changes: Any) -> Resource:
    """An active order, statement, dispense or administration of vitamin B12."""
    status = {"MedicationDispense": "completed", "MedicationAdministration": "completed"}
    base = {
        "resourceType": kind,
        "id": "m1",
        "status": status.get(kind, "active"),
        "subject": ME,
        "medicationCodeableConcept": drug(),
    }
    if kind == "MedicationRequest":
        base |= {"intent": "order", "authoredOn": "2026-01-05"}
    return {key: held for key, held in (base | changes).items() if held is not None}


def dosage(dose: Resource | None = None, route: str = "", **timing: Any) -> Resource:
    """A Dosage with one dose quantity, a route by SNOMED code, and a repeat."""
    made: Resource = {}
    if dose is not None:
        made["doseAndRate"] = [{"doseQuantity": dose}]
    if route:
        made["route"] = concept(SNOMED, route)
    if timing:
        made["timing"] = {"repeat": timing}
    return made


def allergy(said: str = "", **changes: Any) -> Resource:
    """An active, confirmed allergy known by text."""
    base = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": ME,
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": {"text": said},
    }
    return {key: held for key, held in (base | changes).items() if held is not None}


def relative(code: str | Resource = PERNICIOUS, kin: str = "MTH", **changes: Any) -> Resource:
    """A relative of the patient, by default the mother, and her disease."""
    disease = {"code": concept(SNOMED, code) if isinstance(code, str) else code}
    base = {
        "resourceType": "FamilyMemberHistory",
        "id": "f1",
        "status": "completed",
        "patient": ME,
        "date": "2026-10-01",
        "relationship": concept(ROLES, kin),
        "condition": [disease],
    }
    return {key: held for key, held in (base | changes).items() if held is not None}


def read(*resources: Resource, site: Site = SITE, person: Resource | None = None) -> Facts:
    """Facts of the patient and the resources."""
    return extract([person or patient(), *resources], load_protocol(), site)


def codes(facts: Facts) -> list[str]:
    """The issue codes, in their order."""
    return [issue.code for issue in facts.issues]

"""Messages of CDS Hooks as a client sends them and as ours must look: whole and valid."""

from copy import deepcopy
from typing import Any

from b12fhir.service.hooks.model import Hook

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
SUGGESTION = "7d3f1c52-9c1d-4f0e-8d53-5a1f0f0c9a11"
REASONS = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"

_ORDER = {"resourceType": "MedicationRequest", "id": "draft1", "status": "draft"}
_BUNDLE = {"resourceType": "Bundle", "entry": [{"resource": _ORDER}]}
_OWN: dict[Hook, dict[str, Any]] = {
    Hook.PATIENT_VIEW: {},
    Hook.ORDER_SELECT: {"selections": ["MedicationRequest/draft1"], "draftOrders": _BUNDLE},
    Hook.ORDER_SIGN: {"draftOrders": _BUNDLE},
    Hook.ENCOUNTER_DISCHARGE: {"encounterId": "e1"},
    Hook.APPOINTMENT_BOOK: {"appointments": {"resourceType": "Bundle"}},
    Hook.MEDICATION_REFILL: {"medications": _BUNDLE},
    Hook.PROBLEM_CREATE: {"conditions": {"resourceType": "Bundle"}},
    Hook.ALLERGY_CREATE: {"allergyIntolerance": {"resourceType": "AllergyIntolerance"}},
}


def body(hook: Hook, patient: str = "p1", **members: Any) -> dict[str, Any]:
    """A call of a hook with all that its context requires; ``members`` stand beside it."""
    context = {"userId": "Practitioner/dr1", "patientId": patient, **deepcopy(_OWN[hook])}
    return {"hook": hook.value, "hookInstance": INSTANCE, "context": context, **members}


def answer() -> dict[str, Any]:
    """An answer with one card, one suggestion and one link, by the specification."""
    order = {
        "resourceType": "MedicationRequest",
        "id": "made-up-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "5514"}],
            "text": "hydroxocobalamin 1 mg/mL solution for injection",
        },
        "subject": {"reference": "Patient/p1"},
        "dosageInstruction": [
            {
                "text": "1 mg - every 2 days - intramuscular",
                "timing": {"repeat": {"frequency": 1, "period": 2, "periodUnit": "d"}},
                "route": {"text": "intramuscular"},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "mg"}}],
            }
        ],
    }
    action = {"type": "create", "description": "Draft the first course", "resource": order}
    card = {
        "uuid": CARD,
        "summary": "B12 132 ng/L (18 Nov): consider hydroxocobalamin 1 mg IM on alternate days",
        "detail": "| Why | B12 132 ng/L |\n|---|---|\n| Checked | blood count |",
        "indicator": "warning",
        "source": {
            "label": "b12fhir",
            "url": "https://b12fhir.example/guideline",
            "topic": {"system": "https://b12fhir.example/fhir/topic", "code": "deficiency"},
        },
        "suggestions": [
            {"label": "Draft it", "uuid": SUGGESTION, "isRecommended": True, "actions": [action]}
        ],
        "selectionBehavior": "at-most-one",
        "overrideReasons": [
            {"code": "patient-refuses", "system": REASONS, "display": "Patient refuses"}
        ],
        "links": [{"label": "Why", "url": "https://b12fhir.example/why", "type": "absolute"}],
    }
    decided = {
        "classification": "confirmed",
        "severity": "mild",
        "neuro": False,
        "urgency": "routine",
        "action": "treat",
        "route": "im",
        "decision": "0" * 64,
        "pack": "seed-default",
        "version": "1",
        "review": "draft",
    }
    return {"cards": [card], "extension": {"org.b12fhir": decided}}


def feedback() -> dict[str, Any]:
    """Feedback on two cards of two calls: one accepted, one overridden with a reason."""
    accepted = {
        "card": CARD,
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": SUGGESTION}],
        "outcomeTimestamp": "2026-11-21T09:00:00Z",
    }
    reason = {"code": "patient-refuses", "system": REASONS}
    overridden = {
        "card": INSTANCE,
        "outcome": "overridden",
        "overrideReason": {"reason": reason, "userComment": "next week"},
        "outcomeTimestamp": "2026-11-21T09:00:00.123+00:00",
    }
    return {"feedback": [accepted, overridden]}

"""Calls of CDS Hooks as clients send them, from the standard's own shape to the sandbox's."""

from typing import Any

PATIENT = "p1"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CYANO = {"system": RXNORM, "code": "11248", "display": "vitamin B12"}
AMPOULE = "cyanocobalamin 1000 microgram/mL solution for injection"
TABLET = "cyanocobalamin 1000 microgram tablet"


def call(hook: str, context: dict[str, Any], /, **more: Any) -> dict[str, Any]:
    """The body of a call; members given as ``None`` are left out."""
    members = {"userId": "Practitioner/dr1", "patientId": PATIENT} | context
    body = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {key: value for key, value in members.items() if value is not None},
    } | more
    return {key: value for key, value in body.items() if value is not None}


def bundle(*resources: Any, kind: str | None = "collection") -> dict[str, Any]:
    """A Bundle of entries; without ``kind`` it has no type, as in the standard's examples."""
    held = {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}
    return held | ({"type": kind} if kind else {})


def order_sign(*orders: Any, **more: Any) -> dict[str, Any]:
    """A call that signs these orders."""
    return call("order-sign", {"draftOrders": bundle(*orders)}, **more)


def order_select(*orders: Any, selections: Any = (), **more: Any) -> dict[str, Any]:
    """A call in which some of these orders are selected: the ids of all of them unless told."""
    chosen = list(selections) or [f"MedicationRequest/{one['id']}" for one in orders]
    return call("order-select", {"draftOrders": bundle(*orders), "selections": chosen}, **more)


def order(**changes: Any) -> dict[str, Any]:
    """A plain right order: 1000 microgram intramuscularly every other day, seven times.

    A change to ``None`` takes the element away.
    """
    whole = {
        "resourceType": "MedicationRequest",
        "id": "o1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "medicationCodeableConcept": {"coding": [CYANO], "text": AMPOULE},
        "dosageInstruction": [dosage()],
    } | changes
    return {key: value for key, value in whole.items() if value is not None}


def dosage(
    value: Any = 1000,
    unit: str = "ug",
    route: str | None = "78421000",
    every: tuple[int, int, str] | None = (1, 2, "d"),
    **more: Any,
) -> dict[str, Any]:
    """A Dosage: an amount, a SNOMED CT route, and how often (frequency, period, unit)."""
    made: dict[str, Any] = {"doseAndRate": [{"doseQuantity": {"value": value, "code": unit}}]}
    if route:
        made["route"] = {"coding": [{"system": "http://snomed.info/sct", "code": route}]}
    if every:
        frequency, period, length = every
        repeat = {"frequency": frequency, "period": period, "periodUnit": length}
        made["timing"] = {"repeat": repeat | more.pop("repeat", {})}
    return made | more


def sandbox_order(text: str = AMPOULE, code: str = "11248") -> dict[str, Any]:
    """What the cds-hooks sandbox makes of an accepted card: dose and route are its own.

    Observed: category is an object, the dose is 1 {pill} a day, there is neither intent nor route.
    """
    return {
        "resourceType": "MedicationRequest",
        "id": "request-123",
        "status": "draft",
        "authoredOn": "2026-11-21",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "category": {"coding": [{"code": "outpatient"}]},
        "medicationCodeableConcept": {
            "text": text,
            "coding": [{"display": text, "system": RXNORM, "code": code}],
        },
        "dosageInstruction": [
            {
                "doseAndRate": [
                    {
                        "doseQuantity": {
                            "value": 1,
                            "system": "http://unitsofmeasure.org",
                            "code": "{pill}",
                        }
                    }
                ],
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
            }
        ],
    }


def sandbox_first_order() -> dict[str, Any]:
    """The sandbox's order before a medicine was picked: neither intent nor medicine."""
    picked = ("dosageInstruction", "medicationCodeableConcept")
    return {key: value for key, value in sandbox_order().items() if key not in picked}

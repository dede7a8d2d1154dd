"""Resources that are still being written, mended so far that they can be judged.

What an EHR shows a decision service while somebody writes an order is no whole resource: status,
intent or subject are missing, a category is an object or a word where R4 has a list. None of that
changes what the order means, so it is put right here; a dose, a route or a medicine never is. What
is mended is judged and thrown away: it is never sent back.
"""

import re
from collections.abc import Mapping
from typing import Any

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.tree import items, obj, text

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_MEDICATION = "b12fhir-medication"
_HL7 = "http://terminology.hl7.org/CodeSystem"
# Elements that hold a CodeableConcept in R4 and come as a bare word, with the system of that word.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "Condition": {
        "clinicalStatus": f"{_HL7}/condition-clinical",
        "verificationStatus": f"{_HL7}/condition-ver-status",
        "code": "",
    },
    "AllergyIntolerance": {
        "clinicalStatus": f"{_HL7}/allergyintolerance-clinical",
        "verificationStatus": f"{_HL7}/allergyintolerance-verification",
        "code": "",
    },
}
_OWNERS = {"AllergyIntolerance": "patient"}


def is_id(value: object) -> bool:
    """Is it an id as FHIR writes them, which nothing of a path or a query fits into?"""
    return isinstance(value, str) and _ID.match(value) is not None


def mended_order(
    given: Resource, name: str, patient: str, medications: Mapping[str, Resource]
) -> dict[str, Any]:
    """A MedicationRequest as a draft order of ``patient``, under the id ``name``.

    The id is not the client's: the record may hold another version under that one, which must stay
    what it is. It is named as what this draft replaces, so that an order that is signed again or
    changed is no second one. ``medications`` are those sent beside it, by every name they go by.
    """
    order = {key: value for key, value in given.items() if key not in {"meta", "text"}}
    own = text(given.get("id"))
    order |= {
        "id": name,
        "status": "draft",
        "intent": "order",
        "subject": {"reference": patient},
        **_medicine(given, medications),
    }
    if is_id(own):
        order["priorPrescription"] = {"reference": f"MedicationRequest/{own}"}
        order["basedOn"] = [*items(given.get("basedOn")), *_listed(given.get("priorPrescription"))]
    order["dosageInstruction"] = [_dosage(one) for one in _listed(given.get("dosageInstruction"))]
    return order


def names_medicine(given: Resource) -> bool:
    """Does an order say at all which medicine it is about?"""
    told = _medicine(given, {})
    concept, link = obj(told.get("medicationCodeableConcept")), obj(told.get("medicationReference"))
    return bool(concept.get("coding") or concept.get("text") or link)


def mended(given: Resource, name: str, patient: str) -> dict[str, Any]:
    """A condition or an allergy that is being recorded, as R4 has it; ``name`` if it has no id."""
    kind = text(given.get("resourceType"))
    whole = {**given, "id": text(given.get("id")) or name}
    for element, system in _WORDS.get(kind, {}).items():
        word = text(given.get(element))
        if word:
            coded = {"coding": [{"system": system, "code": word.lower()}]}
            whole[element] = coded if system else {"text": word}
    if kind in _WORDS:
        whole[_OWNERS.get(kind, "subject")] = {"reference": patient}
        # Nobody decides by it, and as a word or an object it is no list.
        whole.pop("category", None)
    return whole


def _medicine(given: Resource, medications: Mapping[str, Resource]) -> dict[str, Any]:
    """The medicine where R4 has it; a Medication sent beside the order is put into it."""
    both = obj(given.get("medication"))  # R5 writes a code and a reference under one name
    concept = given.get("medicationCodeableConcept") or both.get("concept")
    if concept:
        said = {"text": concept} if isinstance(concept, str) else concept
        return {"medicationCodeableConcept": said}
    link = obj(given.get("medicationReference")) or obj(both.get("reference"))
    if not link:
        return {}
    beside = medications.get(text(link.get("reference")).partition("/_history/")[0])
    if beside is None:
        return {"medicationReference": link}
    return {
        "contained": [*items(given.get("contained")), {**beside, "id": _MEDICATION}],
        "medicationReference": {**link, "reference": f"#{_MEDICATION}"},
    }


def _dosage(given: Resource) -> dict[str, Any]:
    """A Dosage whose dose and route stand where R4 has them."""
    dosage = dict(given)
    rates = _listed(given.get("doseAndRate"))
    if not rates and "doseQuantity" in given:  # as STU3 had it
        rates = [{"doseQuantity": given["doseQuantity"]}]
    if rates:
        dosage["doseAndRate"] = rates
    if isinstance(given.get("route"), str):
        dosage["route"] = {"text": given["route"]}
    return dosage


def _listed(value: object) -> list[dict[str, Any]]:
    return [value] if isinstance(value, dict) else items(value)

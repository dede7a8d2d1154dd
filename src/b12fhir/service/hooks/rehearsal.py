"""Calls of nobody, answered to nobody: what a first answer has to build is there before a second.

Tables of words, patterns and look-ups are made when they are first asked for, which takes as long
as a hundred calls. A process that answers calls should not make its first caller wait for that.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from b12fhir.fhir.json import decode, encode
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import LOINC, RXNORM, SNOMED, UCUM
from b12fhir.protocol.fingerprint import fingerprint
from b12fhir.protocol.model import Protocol
from b12fhir.service.hooks.advise import advise
from b12fhir.service.hooks.answer import Issuing, answer
from b12fhir.service.hooks.call import read_call
from b12fhir.service.hooks.model import Hook
from b12fhir.service.propose import propose

_ID = "invented"
_WHO = {"reference": f"Patient/{_ID}"}
# Deficient, with what makes a full card: anaemia, a sign of nerves, a cause, a medicine.
_RESULTS = (("2132-9", 120, "ng/L"), ("718-7", 9, "g/dL"), ("787-2", 110, "fL"))
_SIGN, _METFORMIN, _CYANOCOBALAMIN = "62507009", "6809", "11248"
_WEEK = timedelta(days=7)


def rehearse(protocol: Protocol, site: Site, now: datetime) -> None:
    """Decide on an invented patient and make the cards; nothing is kept, counted or told."""
    record = tuple(_record(now))
    for hook, context in ((Hook.PATIENT_VIEW, {}), (Hook.ORDER_SIGN, {"draftOrders": _draft()})):
        call = read_call(hook, decode(encode(_body(hook, context))))
        carried = (draft.resource for draft in call.drafts)
        proposal = propose((*record, *carried), protocol, now, site, call.patient)
        cards = advise(proposal, call, (), record)
        issuing = Issuing(hook.value, now, fingerprint(protocol.pack.id), lambda: _ID)
        encode(answer(cards, proposal, call, issuing)[0])


def _body(hook: Hook, context: dict[str, Any]) -> dict[str, Any]:
    who = {"userId": "Practitioner/invented", "patientId": _ID}
    return {"hook": hook.value, "hookInstance": _ID, "context": who | context}


def _record(now: datetime) -> Iterator[dict[str, Any]]:
    yield {"resourceType": "Patient", "id": _ID, "gender": "female", "birthDate": "1960-01-01"}
    day = (now - _WEEK).isoformat(timespec="seconds")
    for code, value, unit in _RESULTS:
        amount = {"value": value, "unit": unit, "system": UCUM, "code": unit}
        yield _about("Observation", code, status="final", effectiveDateTime=day) | {
            "code": _coded(LOINC, code),
            "valueQuantity": amount,
        }
    yield _about("Condition", "sign", recordedDate=day, code=_coded(SNOMED, _SIGN))
    yield _order("drug", "active", _METFORMIN, day)


def _draft() -> dict[str, Any]:
    order = _order("draft", "draft", _CYANOCOBALAMIN, "")
    return {"resourceType": "Bundle", "entry": [{"resource": order}]}


def _order(name: str, status: str, drug: str, day: str) -> dict[str, Any]:
    dated = {"authoredOn": day} if day else {}
    medicine = {"medicationCodeableConcept": _coded(RXNORM, drug)}
    return _about("MedicationRequest", name, status=status, intent="order") | medicine | dated


def _about(kind: str, name: str, **elements: object) -> dict[str, Any]:
    return {"resourceType": kind, "id": f"{_ID}-{name}", "subject": _WHO, **elements}


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}

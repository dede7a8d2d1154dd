"""A call of CDS Hooks, read: strict where a patient could be mistaken, tolerant everywhere else.

The members that the specification requires must be there. Whatever an EHR sends of half-written
orders is no error: what cannot be read is named in ``unread`` and left out.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from b12fhir.errors import CallError
from b12fhir.fhir.extract.tree import text
from b12fhir.fhir.mend import is_id, mended, mended_order, names_medicine
from b12fhir.ports import Resource
from b12fhir.service.hooks.context import Opened, opened
from b12fhir.service.hooks.model import Call, Draft, Hook, Role

_HINT = "See the page of the hook in the CDS Hooks library."
_LONGEST = 300
# Each order is compared with each other one; nobody signs so many for one patient.
_MOST_ORDERS = 200
# What each hook requires beside the patient.
_REQUIRED: Mapping[Hook, tuple[str, ...]] = {
    Hook.PATIENT_VIEW: ("userId",),
    Hook.ORDER_SELECT: ("userId", "selections", "draftOrders"),
    Hook.ORDER_SIGN: ("userId", "draftOrders"),
    Hook.ENCOUNTER_DISCHARGE: ("userId", "encounterId"),
    Hook.APPOINTMENT_BOOK: ("userId", "appointments"),
    Hook.MEDICATION_REFILL: ("medications",),
    Hook.PROBLEM_CREATE: ("userId", "conditions"),
    Hook.ALLERGY_CREATE: ("userId", "allergyIntolerance"),
}
_DRAFTS = "draftOrders"
# Where the other hooks carry what their advice is about.
_CARRIED = ("appointments", "medications", "conditions", "allergyIntolerance")
# In any spelling: whoever is not known to be a patient is offered orders.
_USER = re.compile(
    r"(?:.*/)?(?P<kind>[a-z]+)/[^/]+(?:/_history(?:/[^/]*)?)?/?\Z", re.DOTALL | re.IGNORECASE
)
_ROLES = {
    "practitioner": Role.PRESCRIBER,
    "practitionerrole": Role.PRESCRIBER,
    "patient": Role.PATIENT,
    "relatedperson": Role.PATIENT,
}
_OVER = frozenset({"cancelled", "completed", "entered-in-error", "stopped"})
# What orders are made of beside medicines: of R4, and nothing that B12 is ever ordered by.
_OTHER_ORDERS = frozenset(
    {"Appointment", "Claim", "CommunicationRequest", "DeviceRequest", "Encounter"}
    | {"EnrollmentRequest", "ImmunizationRecommendation", "Medication", "NutritionOrder", "Patient"}
    | {"Practitioner", "RequestGroup", "ServiceRequest", "SupplyRequest", "Task"}
    | {"VisionPrescription"}
)


def read_call(hook: Hook, body: object) -> Call:
    """Understand one call of the service of ``hook``; ``body`` is its JSON, decoded.

    Raises `CallError` naming the member that is missing or of a wrong kind, and for orders or
    records of another patient.
    """
    whole = _object(body, "")
    _string(whole, "hookInstance")
    if _string(whole, "hook") != hook.value:
        raise CallError(
            f"hook is not {hook.value}, which this service is for.",
            hint="Call the service that discovery names for the hook.",
            where="hook",
        )
    _extension(whole.get("extension"))
    context = _object(_required(whole, "context"), "context")
    patient = _identity(context, "patientId")
    for member in _REQUIRED[hook]:
        _required(context, member, "context.")
    user = _user(context)
    base = _Base(f"Patient/{patient}", text(whole.get("fhirServer")))
    drafts, undrafted = _drafts(hook, context, base)
    carried, uncarried = _carried(hook, context, base)
    return Call(
        hook=hook,
        patient=base.patient,
        user=user,
        role=_role(user),
        encounter=_encounter(context),
        drafts=drafts,
        context=carried,
        unread=(*undrafted, *uncarried),
    )


class _Base(NamedTuple):
    """Whose call it is."""

    patient: str
    server: str

    def opened(self, value: object, member: str) -> Opened:
        found = opened(value, member, self.patient, self.server)
        kinds = [one.resource.get("resourceType") for one in found.resources]
        if kinds.count("MedicationRequest") > _MOST_ORDERS:
            raise CallError(
                f"context.{member} holds more than {_MOST_ORDERS} orders of medicines, so none was"
                " checked.",
                hint="Send the orders of one signature.",
                where=f"context.{member}",
            )
        return found


def _required(holder: Resource, member: str, path: str = "") -> object:
    """A member that must be there; null is none."""
    value = holder.get(member)
    if value is None:
        where = f"{path}{member}"
        raise CallError(f"{where} is missing.", hint=_HINT, where=where)
    return value


def _object(value: object, where: str) -> Resource:
    if not isinstance(value, dict):
        what = where or "The body of the call"
        raise CallError(f"{what} is not a JSON object.", hint=_HINT, where=where)
    return value


def _string(holder: Resource, member: str, path: str = "") -> str:
    """A text that must be there: not empty, and no longer than any that is meant."""
    where, value = f"{path}{member}", _required(holder, member, path)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= _LONGEST:
        raise CallError(f"{where} is not a text of usual length.", hint=_HINT, where=where)
    return value.strip()


def _identity(context: Resource, member: str) -> str:
    """An id that goes into addresses of the FHIR server: nothing else may come along."""
    value = _string(context, member, "context.")
    if not is_id(value):
        raise CallError(
            f"context.{member} is not a FHIR id.",
            hint="Send the bare id: letters, digits, - and ., up to 64.",
            where=f"context.{member}",
        )
    return value


def _extension(value: object) -> None:
    if value is not None and not isinstance(value, dict):
        raise CallError("extension is not a JSON object.", hint=_HINT, where="extension")


def _user(context: Resource) -> str:
    """``userId`` as it was sent; ``""`` where the hook knows none and none was sent."""
    return "" if context.get("userId") is None else _string(context, "userId", "context.")


def _role(user: str) -> Role:
    match = _USER.match(user)
    return _ROLES.get(match["kind"].lower(), Role.UNKNOWN) if match else Role.UNKNOWN


def _encounter(context: Resource) -> str:
    return "" if context.get("encounterId") is None else _identity(context, "encounterId")


def _drafts(
    hook: Hook, context: Resource, base: _Base
) -> tuple[tuple[Draft, ...], tuple[str, ...]]:
    """Every order of a medicine that is being written."""
    if _DRAFTS not in _REQUIRED[hook]:
        return (), ()
    found = base.opened(context[_DRAFTS], _DRAFTS)
    unread = list(found.unread)
    drafts: list[Draft] = []
    for one in found.resources:
        kind = text(one.resource.get("resourceType"))
        if kind != "MedicationRequest":
            if kind not in _OTHER_ORDERS:
                unread.append(f"{one.place} is of a type that is not read here")
        elif text(one.resource.get("status")) in _OVER:
            # Signed to end it: nobody is given anything by it, and no suggestion may revive it.
            continue
        elif not names_medicine(one.resource):
            unread.append(f"{one.place} names no medicine")
        else:
            name = f"b12fhir-draft-{len(drafts) + 1}"
            judged = mended_order(one.resource, name, base.patient, found.medications)
            drafts.append(Draft(f"MedicationRequest/{name}", judged, one.resource))
    return _selected(tuple(drafts), context.get("selections")), tuple(unread)


def _selected(drafts: tuple[Draft, ...], selections: object) -> tuple[Draft, ...]:
    """The drafts with what was selected marked; without selections all of them are.

    A draft that has no id cannot be named: where a selection points nowhere, it may be meant.
    """
    if not isinstance(selections, list):
        return drafts
    named = {_tail(one) for one in selections if isinstance(one, str)}
    lost = named - {_client_id(draft) for draft in drafts}
    return tuple(
        Draft(draft.reference, draft.resource, draft.given, _is_selected(draft, named, lost))
        for draft in drafts
    )


def _is_selected(draft: Draft, named: set[str], lost: set[str]) -> bool:
    own = _client_id(draft)
    return own in named if own else bool(lost)


def _client_id(draft: Draft) -> str:
    return text(draft.given.get("id"))


def _tail(selection: str) -> str:
    """The id within a selection, which is a reference and at times an address or a bare id."""
    return selection.strip().partition("/_history/")[0].rpartition("/")[2].removeprefix("urn:uuid:")


def _carried(
    hook: Hook, context: Resource, base: _Base
) -> tuple[tuple[Resource, ...], tuple[str, ...]]:
    """What the other hooks are about: appointments, medicines, conditions, an allergy."""
    resources: list[Resource] = []
    unread: list[str] = []
    for member in _CARRIED:
        if member in _REQUIRED[hook]:
            found = base.opened(context[member], member)
            unread += found.unread
            resources += _whole(found, base.patient)
    return tuple(resources), tuple(unread)


def _whole(found: Opened, patient: str) -> list[Resource]:
    """Each with a reference; a medicine to refill is an order that is being written."""
    whole: list[Resource] = []
    for number, one in enumerate(found.resources, 1):
        if one.resource.get("resourceType") == "MedicationRequest":
            name = f"b12fhir-draft-{number}"
            whole.append(mended_order(one.resource, name, patient, found.medications))
        else:
            whole.append(mended(one.resource, f"b12fhir-new-{number}", patient))
    return whole

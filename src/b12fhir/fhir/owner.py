"""Whose is a resource that a client sent without a search: the patient's, another's, or unsaid?

`b12fhir.fhir.extract.subject` asks the same of a record, where what names nobody is left out. What
a clinician is writing belongs to the patient in front of him unless it says otherwise.
"""

import re
from collections.abc import Mapping
from enum import Enum

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.tree import items, obj, text

_PATIENT = re.compile(r"(?P<base>https?://\S+/)?Patient/(?P<id>[^/]+)\Z")


class Owner(Enum):
    """Whose it is, as far as its references tell.

    ``UNCLEAR``: it names somebody whom nobody can follow, or who is no single patient.
    """

    PATIENT = "patient"
    OTHER = "other"
    UNSAID = "unsaid"
    UNCLEAR = "unclear"


def owner(
    resource: Resource, patient: str, server: str, temporary: Mapping[str, Resource]
) -> Owner:
    """Whose it is; ``patient`` is ``Patient/<id>`` on ``server`` (``""`` if no server is known).

    ``temporary`` are the resources sent beside it by the address they were sent under. Of several
    people (an appointment of a group) the patient need only be one.
    """

    def whose(element: object) -> Owner:
        target = text(obj(element).get("reference"))
        return _whose(target, patient, server, temporary)

    said = {whose(resource.get("subject")), whose(resource.get("patient"))}
    told = next((one for one in (Owner.OTHER, Owner.UNCLEAR, Owner.PATIENT) if one in said), None)
    if told is not None:
        return told
    present = {whose(one.get("actor")) for one in items(resource.get("participant"))}
    by_weight = (Owner.PATIENT, Owner.OTHER)
    return next((one for one in by_weight if one in present), Owner.UNSAID)


def _whose(target: str, patient: str, server: str, temporary: Mapping[str, Resource]) -> Owner:
    bare = target.partition("/_history/")[0]
    if not bare:
        return Owner.UNSAID
    if bare in temporary:
        beside = temporary[bare]
        bare = f"{beside.get('resourceType')}/{beside.get('id')}"
    match = _PATIENT.match(bare)
    if match is None:
        return Owner.UNCLEAR
    base = match["base"] or ""
    elsewhere = bool(base and server) and base.rstrip("/") != server.rstrip("/")
    return Owner.OTHER if elsewhere or f"Patient/{match['id']}" != patient else Owner.PATIENT

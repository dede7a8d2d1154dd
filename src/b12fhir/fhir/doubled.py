"""The finding that two therapies stand active under one identity: a person must end one.

It is ours, ``preliminary``, and beside the plan: what it is about is never changed. It is taken
back by itself when no more than one of them is active.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from b12fhir.fhir.compose import device_bundle
from b12fhir.fhir.compose.entry import DEVICE_KEY, create, identifier, meta, references
from b12fhir.fhir.digest import stored_digest, untouched
from b12fhir.fhir.identity import DEVICE, DOUBLED_THERAPY, urn
from b12fhir.fhir.lifecycle.held import SIGNED
from b12fhir.fhir.narrative import short
from b12fhir.fhir.publish import Write
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import Owned, owned_resources
from b12fhir.fhir.withdraw import entry_to_withdraw, put
from b12fhir.ports import Resource

ONE_LEFT = "No more than one of them is active now."
_MEDICINE = "MedicationRequest"
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_ASK = "Compare them, and have all but one stopped by whoever signed them."


def doubled_write(stored: Sequence[Resource], patient: str, site: Site) -> Write:
    """What is to be done about the findings of this patient, whose resources ``stored`` are.

    One that a person settled or changed is never touched.
    """
    wanted = [_finding(both, site) for both in _active_twice(stored, patient, site)]
    entries = {one["identifier"][0]["value"]: create(site, DOUBLED_THERAPY, one) for one in wanted}
    systems = {"DetectedIssue": DOUBLED_THERAPY}
    held = {
        one.key: one
        for one in owned_resources(stored, site, systems)
        if one.patient == patient and one.version
    }
    created = [entry for key, entry in entries.items() if key not in held]
    updated = [
        put(held[key], entry)
        for key, entry in entries.items()
        if key in held and _is_other(held[key], entry, site)
    ]
    stale = [
        entry_to_withdraw(one, ONE_LEFT, site)
        for one in held.values()
        if one.key not in entries and one.is_draft_proposal and untouched(one.resource, site)
    ]
    if not (created or updated or stale):
        return Write("nothing", None, 0, 0, 0, "no therapy stands twice that was not told before")
    engine = device_bundle(site)["entry"]
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [*engine, *created, *updated, *stale],
    }
    kind = "create" if created else "update" if updated else "withdraw"
    reason = "two therapies stand active" if created or updated else ONE_LEFT
    return Write(kind, bundle, len(created), len(updated), len(stale), reason)


def _active_twice(stored: Sequence[Resource], patient: str, site: Site) -> list[list[Owned]]:
    """Active requests of medicine that bear one key, signed or not, where there are several."""
    found: dict[str, list[Owned]] = {}
    for item in (*owned_resources(stored, site), *owned_resources(stored, site, SIGNED)):
        if (item.kind, item.status, item.patient) == (_MEDICINE, "active", patient):
            found.setdefault(item.key, []).append(item)
    return [both for _, both in sorted(found.items()) if len(both) > 1]


def _finding(both: Iterable[Owned], site: Site) -> dict[str, Any]:
    orders = sorted(both, key=lambda one: one.reference)
    text = (
        f"{' and '.join(one.reference for one in orders)} are active at the same time under one "
        "identity: each dose may be given twice."
    )
    return {
        "resourceType": "DetectedIssue",
        "meta": meta(site),
        "text": short(text, _ASK),
        "identifier": [identifier(site, DOUBLED_THERAPY, orders[0].key)],
        "status": "preliminary",
        "code": {
            "coding": [{"system": _ACT, "code": "DUPTHPY", "display": "Duplicate Therapy Alert"}],
            "text": "Two therapies at once",
        },
        "severity": "high",
        "patient": orders[0].resource["subject"],
        "author": {"reference": urn(site, DEVICE, DEVICE_KEY)},
        "implicated": references(one.reference for one in orders),
        "detail": text,
        "mitigation": [{"action": {"text": _ASK}}],
    }


def _is_other(known: Owned, entry: Resource, site: Site) -> bool:
    """Is it still ours, and does it say something else, or nothing because it was withdrawn?"""
    ours = (known.is_draft_proposal or known.is_withdrawn) and untouched(known.resource, site)
    same = stored_digest(known.resource, site) == stored_digest(entry["resource"], site)
    return ours and not same

"""Changing a stored draft: always by id and only if it is still the version that was read."""

from typing import Any

from b12fhir.fhir.digest import content_digest
from b12fhir.fhir.identity import CONTENT_DIGEST, urn
from b12fhir.fhir.narrative import with_notice
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS, WITHDRAWN, Owned
from b12fhir.ports import Resource

# What a server sets by itself; to send it back says nothing and some servers refuse it.
_SERVER_META = frozenset({"versionId", "lastUpdated", "source"})


def put(item: Owned, entry: Resource) -> dict[str, Any]:
    """Write a composed resource over the stored one."""
    return {
        "fullUrl": entry["fullUrl"],
        "resource": {**entry["resource"], "id": item.id},
        "request": {
            "method": "PUT",
            "url": item.reference,
            "ifMatch": f'W/"{item.version}"',
        },
    }


def entry_to_withdraw(item: Owned, why: str, site: Site) -> dict[str, Any]:
    """Revoke or cancel a stored draft, saying why; everything else in it stays as it is.

    R4 knows a statusReason for MedicationRequest only; the others say it in a note.
    """
    withdrawn: dict[str, Any] = dict(item.resource)
    withdrawn["status"] = WITHDRAWN[item.kind]
    withdrawn["meta"] = {k: v for k, v in withdrawn["meta"].items() if k not in _SERVER_META}
    notice = f"Withdrawn: {why}"
    withdrawn["note"] = [{"text": notice}, *withdrawn.get("note", [])]
    if item.kind == "MedicationRequest":
        withdrawn["statusReason"] = {"text": why}
    if "div" in withdrawn.get("text", {}):
        narrative = withdrawn["text"]
        withdrawn["text"] = {**narrative, "div": with_notice(narrative["div"], notice)}
    _sign(withdrawn, site)
    return put(item, {"fullUrl": urn(site, KINDS[item.kind], item.key), "resource": withdrawn})


def _sign(resource: dict[str, Any], site: Site) -> None:
    """Renew the content digest, so that our own withdrawal is told from a clinician's."""
    system = site.system(CONTENT_DIGEST)
    digest = content_digest(resource, site)
    resource["identifier"] = [
        {**entry, "value": digest} if entry.get("system") == system else entry
        for entry in resource["identifier"]
    ]

"""Changing a stored draft: always by id and only if it is still the version that was read."""

from collections.abc import Callable
from typing import Any

from b12fhir.fhir.digest import content_digest
from b12fhir.fhir.identity import CONTENT_DIGEST
from b12fhir.fhir.narrative import with_notice
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import WITHDRAWN, Owned, status_element
from b12fhir.ports import Resource

# What a server sets by itself; to send it back says nothing and some servers refuse it.
_SERVER_META = frozenset({"versionId", "lastUpdated", "source"})
# Words in a Goal, a concept elsewhere; the other types have no such element.
_STATUS_REASON: dict[str, Callable[[str], Any]] = {
    "MedicationRequest": lambda why: {"text": why},
    "Task": lambda why: {"text": why},
    "Goal": lambda why: why,
}


def put(item: Owned, entry: Resource) -> dict[str, Any]:
    """Write a composed resource over the stored one, at the address of that one."""
    return {
        "fullUrl": item.address,
        "resource": {**entry["resource"], "id": item.id},
        "request": {
            "method": "PUT",
            "url": item.reference,
            "ifMatch": f'W/"{item.version}"',
        },
    }


def entry_to_withdraw(item: Owned, why: str, site: Site) -> dict[str, Any]:
    """Revoke or cancel a stored draft, saying why; everything else in it stays as it is."""
    notice = f"Withdrawn: {why}"
    changes = {status_element(item.kind): WITHDRAWN[item.kind], **_said(item, why, notice)}
    if "div" in item.resource.get("text", {}):
        narrative = item.resource["text"]
        changes["text"] = {**narrative, "div": with_notice(narrative["div"], notice)}
    return rewritten(item, {**item.resource, **changes}, site)


def rewritten(item: Owned, resource: Resource, site: Site) -> dict[str, Any]:
    """Write ``resource`` over the stored one, sealed anew with its content digest."""
    changed: dict[str, Any] = dict(resource)
    changed["meta"] = {k: v for k, v in changed["meta"].items() if k not in _SERVER_META}
    _sign(changed, site)
    return put(item, {"resource": changed})


def _said(item: Owned, why: str, notice: str) -> dict[str, Any]:
    """The reason, in the elements that R4 has for it: they differ from type to type."""
    if item.kind == "DetectedIssue":
        detail = item.resource.get("detail")
        return {"detail": f"{notice} {detail}" if detail else notice}
    note = {"note": [{"text": notice}, *item.resource.get("note", [])]}
    reason = _STATUS_REASON.get(item.kind)
    return note | {"statusReason": reason(why)} if reason else note


def _sign(resource: dict[str, Any], site: Site) -> None:
    """Renew the content digest, so that our own withdrawal is told from a clinician's."""
    system = site.system(CONTENT_DIGEST)
    digest = content_digest(resource, site)
    resource["identifier"] = [
        {**entry, "value": digest} if entry.get("system") == system else entry
        for entry in resource["identifier"]
    ]

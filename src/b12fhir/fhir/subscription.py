"""Subscriptions of a server (R4, rest-hook): it tells us that something changed, and never what.

One for each type that a decision reads. None has a payload, so no patient datum travels; what the
address is called with proves that it is the server, and stands in a header.

R4 gives a Subscription no identifier: one of ours is known by its address and its criteria.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from b12fhir.fhir.capabilities import NEEDED, USEFUL, Capabilities
from b12fhir.fhir.extract.tree import obj
from b12fhir.ports import Resource

KIND = "Subscription"
ACTIVE, REQUESTED = "active", "requested"
# What the server does of itself with one that was asked for; the rest is off or an error.
_UNDER_WAY = frozenset({ACTIVE, REQUESTED})
_REST_HOOK = "rest-hook"
_REASON = "Vitamin B12 decision support looks again when one of these changes. No data is sent."
# HAPI also tells of deletions if this is set; others ignore it.
_TELLS_DELETIONS = {
    "url": "http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages",
    "valueBoolean": True,
}
_WATCHED = (*NEEDED, *USEFUL, "Medication")


@dataclass(frozen=True, slots=True)
class Change:
    """One Subscription that is to be created (no ``id``), replaced (``resource``) or deleted."""

    criteria: str
    id: str = ""
    version: str = ""
    resource: Resource | None = None


def watched(can: Capabilities) -> tuple[str, ...]:
    """The types of which changes are told: all that a decision reads and the server has."""
    return tuple(kind for kind in _WATCHED if can.searches(kind))


def subscription(kind: str, endpoint: str, secret: str) -> dict[str, Any]:
    """The Subscription to changes of one type, to be asked for."""
    return {
        "resourceType": KIND,
        "status": REQUESTED,
        "reason": _REASON,
        "criteria": criteria(kind),
        "channel": {
            "extension": [_TELLS_DELETIONS],
            "type": _REST_HOOK,
            "endpoint": endpoint,
            "header": [f"Authorization: Bearer {secret}"],
        },
    }


def criteria(kind: str) -> str:
    """Every resource of the type: which codes count is for the next look to say."""
    return f"{kind}?"


def leads_to(resource: Resource, endpoint: str) -> bool:
    """Is it a Subscription that calls this address?"""
    channel = obj(resource.get("channel"))
    is_hook = resource.get("resourceType") == KIND and channel.get("type") == _REST_HOOK
    return is_hook and channel.get("endpoint") == endpoint


def changes(held: Sequence[Resource], wanted: Iterable[Mapping[str, Any]]) -> list[Change]:
    """What makes the Subscriptions to one address those that are wanted: one for each criteria."""
    left = list(held)
    found = []
    for one in wanted:
        same = [other for other in left if other.get("criteria") == one["criteria"]]
        keep = next((other for other in same if _is_as_wanted(other, one)), None)
        if keep is None:
            keep = same[0] if same else None
            found.append(_changed(keep, one))
        if keep is not None:
            left.remove(keep)
    return [*found, *(removal(one) for one in left)]


def removal(held: Resource) -> Change:
    """The end of a Subscription."""
    return Change(str(held.get("criteria")), _id(held))


def transaction(base: str, chosen: Sequence[Change]) -> dict[str, Any]:
    """The changes to the server at ``base`` as one transaction."""
    entries = [_entry(base, change) for change in chosen]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _changed(held: Resource | None, wanted: Resource) -> Change:
    if held is None:
        return Change(str(wanted["criteria"]), resource=wanted)
    version = str(obj(held.get("meta")).get("versionId", ""))
    own = {**wanted, "id": _id(held)}
    return Change(str(wanted["criteria"]), _id(held), version, own)


def _id(held: Resource) -> str:
    return str(held.get("id", ""))


def _is_as_wanted(held: Resource, wanted: Resource) -> bool:
    """What the server adds, such as a tag or its own extension, is no difference."""
    has, asked = obj(held.get("channel")), obj(wanted.get("channel"))
    return (
        held.get("status") in _UNDER_WAY
        and not has.get("payload")
        and has.get("header") == asked["header"]
        and _TELLS_DELETIONS in (has.get("extension") or ())
    )


def _entry(base: str, change: Change) -> dict[str, Any]:
    at = f"{KIND}/{change.id}"
    if change.resource is None:
        return {"request": {"method": "DELETE", "url": at}}
    if not change.id:
        request, full = {"method": "POST", "url": KIND}, _temporary(change)
    else:
        request, full = {"method": "PUT", "url": at}, f"{base}/{at}"
    if change.version:
        request["ifMatch"] = f'W/"{change.version}"'
    return {"fullUrl": full, "resource": change.resource, "request": request}


def _temporary(change: Change) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{KIND}/{change.criteria}')}"

"""The single writes that a step consists of: new resources, and changes of stored ones.

A change goes by id with the version that was read, and patches what is stored: whatever somebody
else wrote into it stays.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from b12fhir.errors import ChangedError, SignOffError
from b12fhir.fhir.compose.entry import create, identifier, meta, references
from b12fhir.fhir.digest import untouched
from b12fhir.fhir.identity import APPROVED_PLAN, CONTENT_DIGEST, ORDER
from b12fhir.fhir.lifecycle.signer import Signer
from b12fhir.fhir.lifecycle.words import still_says_proposal, without_notice
from b12fhir.fhir.links import relinked
from b12fhir.fhir.narrative import clean, with_notice
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS, Owned, status_element
from b12fhir.fhir.withdraw import rewritten

Entry = dict[str, Any]
_PROFILES = {
    "CarePlan": "b12-plan",
    "MedicationRequest": "b12-order",
    "ServiceRequest": "b12-test-order",
}


def order_of(item: Owned, by: Signer, *, despite: str = "", prior: str = "") -> Entry:
    """Create the order that a proposal becomes by a signature.

    ``despite`` is the reason for signing it beside another order, ``prior`` the order it replaces.
    """
    held = without_notice(item.resource)
    if despite:
        told = " ".join(clean(despite).split())
        held = _noticed(held, f"Signed although other vitamin B12 is on order: {told}")
    if prior:
        held["priorPrescription"] = {"reference": prior}
    order = {
        **_bare(held),
        "meta": _meta(item, by.site),
        "identifier": [identifier(by.site, ORDER, item.key)],
        "basedOn": references([item.reference]),
        "status": "active",
        "intent": "order",
        "authoredOn": by.instant,
        "requester": {"reference": by.practitioner},
    }
    return create(by.site, ORDER, _unproposed(order))


def plan_of(item: Owned, by: Signer, links: Mapping[str, str], replaces: Iterable[str]) -> Entry:
    """Create the plan in force that a proposed one becomes; ``links`` lead to its orders."""
    held = without_notice(item.resource)
    keys = [identifier(by.site, APPROVED_PLAN, item.key)]
    own = {by.site.system(CONTENT_DIGEST), by.site.system(KINDS[item.kind])}
    plan = {
        **relinked(_bare(held), links),
        "meta": _meta(item, by.site),
        "identifier": [*keys, *(i for i in held["identifier"] if i.get("system") not in own)],
        "basedOn": references([item.reference]),
        "status": "active",
        "intent": "plan",
        "created": by.instant,
        "author": {"reference": by.practitioner},
    }
    plan.pop("replaces", None)
    if replaced := references(replaces):
        plan["replaces"] = replaced
    return create(by.site, APPROVED_PLAN, _unproposed(_noticed(plan, f"Signed {by.words}.")))


def amend(item: Owned, changes: Mapping[str, Any], site: Site) -> Entry:
    """Change some elements of a stored resource."""
    return _rewritten(item, {**item.resource, **changes}, site)


def become(item: Owned, status: str, site: Site) -> Entry:
    """Give a stored resource another status."""
    return amend(item, {status_element(item.kind): status}, site)


def settle(item: Owned, status: str, site: Site) -> Entry:
    """Give a part of a proposal its status once signed; it is no proposal any more."""
    settled = {**without_notice(item.resource), status_element(item.kind): status}
    return _rewritten(item, settled, site)


def _rewritten(item: Owned, resource: Mapping[str, Any], site: Site) -> Entry:
    """Seal it anew only if the seal held: somebody else's edit must stay visible."""
    entry = rewritten(item, resource, site)
    if not untouched(item.resource, site):
        entry["resource"]["identifier"] = resource["identifier"]
    return entry


def noted(item: Owned, notice: str) -> dict[str, Any]:
    """The elements that say a sentence on top: a note, and the narrative if there is one."""
    return _only_text(_noticed(item.resource, notice))


def as_proposed(items: Iterable[Owned], site: Site) -> None:
    """Raise `ChangedError` unless each still says what the engine wrote."""
    for item in items:
        if not untouched(item.resource, site):
            raise ChangedError(
                f"{item.reference} was changed by someone else since it was proposed.",
                hint="Read it; then sign it as it is now with --accept-changes, or reject it.",
            )


def versioned(entries: Iterable[Entry]) -> None:
    """Raise `SignOffError` if a change cannot be guarded by the version that was read."""
    for entry in entries:
        if entry["request"].get("ifMatch") == 'W/""':
            raise SignOffError(
                f"{entry['request']['url']} has no version, so a change somebody makes meanwhile "
                "would be overwritten.",
                hint="The server must keep versions and honour If-Match; see b12fhir doctor.",
            )


def transaction(entries: Iterable[Entry]) -> dict[str, Any]:
    """All of it or nothing."""
    whole = list(entries)
    versioned(whole)
    return {"resourceType": "Bundle", "type": "transaction", "entry": whole}


def _meta(item: Owned, site: Site) -> dict[str, Any]:
    """Names the profile of what is signed, unless the server keeps none on the proposal."""
    profiled = item.resource.get("meta", {}).get("profile")
    return meta(site, _PROFILES[item.kind] if profiled else "")


def _bare(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key not in ("id", "meta")}


def _noticed(resource: Mapping[str, Any], notice: str) -> dict[str, Any]:
    changed = {**resource, "note": [{"text": notice}, *resource.get("note", [])]}
    narrative = resource.get("text", {})
    if "div" in narrative:
        changed["text"] = {**narrative, "div": with_notice(narrative["div"], notice)}
    return changed


def _only_text(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: resource[key] for key in ("note", "text") if key in resource}


def _unproposed(resource: dict[str, Any]) -> dict[str, Any]:
    """An order that says of itself that it is none would be taken for a draft."""
    if still_says_proposal(resource):
        raise SignOffError(
            f"The text of the {resource['resourceType']} would still say that it is a proposal.",
            hint="Somebody has reworded it: have it proposed anew, then sign that.",
        )
    return resource

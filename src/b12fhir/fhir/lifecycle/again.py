"""What of a wanted plan is still to be proposed, given what somebody has rejected or signed."""

from collections.abc import Container, Iterable
from typing import Any

from b12fhir.fhir.compose.entry import create
from b12fhir.fhir.compose.notice import Notice, standing_issue
from b12fhir.fhir.digest import identifier_value
from b12fhir.fhir.identity import (
    CONTENT_DIGEST,
    DECISION_DIGEST,
    DETECTED_ISSUE,
    PLAN,
    TREATMENT_DIGEST,
)
from b12fhir.fhir.lifecycle.held import Held, links, plans_held
from b12fhir.fhir.lifecycle.mark import rejected_digests
from b12fhir.fhir.lifecycle.words import kind_of
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS
from b12fhir.ports import Resource

_ISSUE = "facts-changed"


def in_force(stored: Iterable[Resource], site: Site) -> tuple[Held, ...]:
    """The plans that somebody signed and that are neither closed nor withdrawn."""
    return tuple(one for one in plans_held(stored, site) if one.in_force)


def to_replace(stored: Iterable[Resource], site: Site) -> frozenset[str]:
    """Keys of the open proposals that would take the place of a plan in force."""
    held = plans_held(stored, site)
    own = {
        item.reference
        for one in held
        if one.in_force
        for item in (one.proposal, one.approved)
        if item is not None
    }
    return frozenset(
        one.key
        for one in held
        if one.approved is None
        and one.shown.is_draft_proposal
        and own & links(one.shown.resource, "replaces")
    )


def to_propose(
    bundle: Resource | None,
    stored: Iterable[Resource],
    site: Site,
    *,
    without: Container[str] = (),
) -> dict[str, Any] | None:
    """The transaction of a plan as it is to be proposed now; ``None`` if it is not to be.

    A decision that was rejected is not proposed again. Beside a plan in force only another
    treatment is proposed (ruling 7), as one that replaces it: what is signed stays as it is.
    Tests to confirm replace no treatment.
    """
    if bundle is None:
        return None
    resources = list(stored)
    plan = next(e["resource"] for e in bundle["entry"] if _is(e, "CarePlan"))
    if identifier_value(plan, site.system(DECISION_DIGEST)) in rejected_digests(resources, site):
        return None
    running = in_force(resources, site)
    if not running:
        return dict(bundle)
    if any(_treatment(one.shown.resource, site) == _treatment(plan, site) for one in running):
        return None
    medicine = any(_is(entry, "MedicationRequest") for entry in bundle["entry"])
    if kind_of(plan, medicine=medicine) == "confirm" and any(one.phases(site) for one in running):
        return None
    return _replacing(bundle, plan, running[0], site, without)


def _is(entry: Resource, kind: str) -> bool:
    return bool(entry["resource"]["resourceType"] == kind)


def _treatment(plan: Resource, site: Site) -> str:
    return identifier_value(plan, site.system(TREATMENT_DIGEST))


def _replacing(
    bundle: Resource, plan: Resource, old: Held, site: Site, without: Container[str]
) -> dict[str, Any]:
    """The plan says whose place it would take and why; approving it then ends that one."""
    issues = [] if "DetectedIssue" in without else [_issue(plan, old, site)]
    links_ = [{"reference": entry["fullUrl"]} for entry in issues]
    order = old.running_order
    entries = []
    for entry in bundle["entry"]:
        more: dict[str, Any] = {}
        if _is(entry, "CarePlan"):
            info = [*entry["resource"].get("supportingInfo", []), *links_]
            more = {"replaces": [{"reference": old.shown.reference}], "supportingInfo": info}
        elif _is(entry, "MedicationRequest"):
            more = {"detectedIssue": [*entry["resource"].get("detectedIssue", []), *links_]}
            if order is not None and _first(entry, bundle):
                more["priorPrescription"] = {"reference": order.reference}
        changes = {name: value for name, value in more.items() if value}
        entries.append(_with(entry, changes, site) if changes else dict(entry))
    return {**bundle, "entry": [*entries, *issues]}


def _first(entry: Resource, bundle: Resource) -> bool:
    """The first phase is what a signature orders in the place of what runs now."""
    return next(one for one in bundle["entry"] if _is(one, "MedicationRequest")) is entry


def _issue(plan: Resource, old: Held, site: Site) -> dict[str, Any]:
    text = (
        f"Plan {old.key} is in force, and the facts changed since it was approved: another "
        f"treatment is proposed in its place. {plan['description']}"
    )
    by = {
        "patient": plan["subject"],
        "identifiedDateTime": plan["created"],
        "author": plan["author"],
    }
    key = f"{identifier_value(plan, site.system(PLAN))}:{_ISSUE}"
    notice = Notice(_ISSUE, old.shown.reference, text)
    return create(site, DETECTED_ISSUE, standing_issue(notice, key, by, site))


def _with(entry: Resource, changes: Resource, site: Site) -> dict[str, Any]:
    """A composed entry with more in it, sealed anew."""
    resource = {**entry["resource"], **changes}
    resource["identifier"] = [
        one for one in resource["identifier"] if one["system"] != site.system(CONTENT_DIGEST)
    ]
    return create(site, KINDS[resource["resourceType"]], resource)

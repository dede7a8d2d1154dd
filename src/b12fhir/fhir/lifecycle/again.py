"""What of a wanted plan is still to be proposed, given what somebody has rejected or signed."""

from collections.abc import Iterable
from typing import Any

from b12fhir.fhir.digest import identifier_value
from b12fhir.fhir.identity import DECISION_DIGEST, TREATMENT_DIGEST
from b12fhir.fhir.lifecycle.held import Held, plans_held
from b12fhir.fhir.lifecycle.mark import rejected_digests
from b12fhir.fhir.site import Site
from b12fhir.ports import Resource


def to_propose(
    bundle: Resource | None, stored: Iterable[Resource], site: Site
) -> dict[str, Any] | None:
    """The transaction of a plan as it is to be proposed now; ``None`` if it is not to be.

    A decision that was rejected is not proposed again. Beside a plan in force only another
    treatment is proposed (ruling 7), as one that replaces it: what is signed stays as it is.
    """
    if bundle is None:
        return None
    resources = list(stored)
    plan = next(e["resource"] for e in bundle["entry"] if _is_plan(e))
    if identifier_value(plan, site.system(DECISION_DIGEST)) in rejected_digests(resources, site):
        return None
    running = [one for one in plans_held(resources, site) if one.in_force]
    if any(_treatment(one.shown.resource, site) == _treatment(plan, site) for one in running):
        return None
    return {**bundle, "entry": [_replacing(entry, running) for entry in bundle["entry"]]}


def _is_plan(entry: Resource) -> bool:
    return bool(entry["resource"]["resourceType"] == "CarePlan")


def _treatment(plan: Resource, site: Site) -> str:
    return identifier_value(plan, site.system(TREATMENT_DIGEST))


def _replacing(entry: Resource, running: list[Held]) -> dict[str, Any]:
    """The plan says whose place it would take; approving it then ends that one."""
    if not running or not _is_plan(entry):
        return dict(entry)
    taken = [{"reference": one.shown.reference} for one in running]
    return {**entry, "resource": {**entry["resource"], "replaces": taken}}

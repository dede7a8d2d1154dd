"""Plan in, one transaction Bundle out: CarePlan, MedicationRequests, ServiceRequests.

Everything hangs on the plan's start, never on the day of the run, and everything is a draft
proposal: the engine signs nothing.
"""

from typing import Any

from b12fhir.decision.model import Decision
from b12fhir.facts.record import Facts
from b12fhir.fhir.compose.careplan import care_plan
from b12fhir.fhir.compose.device import device
from b12fhir.fhir.compose.entry import Context, context, create
from b12fhir.fhir.compose.medication import medication_request
from b12fhir.fhir.compose.orders import by_test, service_request
from b12fhir.fhir.identity import DEVICE, MEDICATION_REQUEST, PLAN, SERVICE_REQUEST
from b12fhir.fhir.site import Site
from b12fhir.plan.model import Plan
from b12fhir.protocol.model import Protocol

__all__ = ["compose", "device_bundle"]


def compose(
    facts: Facts, decision: Decision, plan: Plan, protocol: Protocol, site: Site
) -> dict[str, Any] | None:
    """The transaction that writes this plan, or ``None`` if nothing is to be written.

    Every entry is a conditional create on its own identifier, so posting it twice writes once.
    """
    if plan.is_empty or decision.intent.kind == "none":
        return None
    ctx = context(facts, decision, plan, protocol, site)
    medicines = [create(ctx, MEDICATION_REQUEST, medication_request(ctx, p)) for p in plan.phases]
    tests = [
        create(ctx, SERVICE_REQUEST, service_request(ctx, monitor))
        for monitor in by_test(plan.monitoring)
        if protocol.tests[monitor.test].laboratory
    ]
    umbrella = care_plan(ctx, [*medicines, *tests])
    return _transaction([_device(ctx), create(ctx, PLAN, umbrella), *medicines, *tests])


def device_bundle(site: Site) -> dict[str, Any]:
    """The transaction that makes sure this engine's Device exists: done once, before many plans."""
    return _transaction([create(site, DEVICE, device(site))])


def _device(ctx: Context) -> dict[str, Any]:
    return create(ctx, DEVICE, device(ctx.site))


def _transaction(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

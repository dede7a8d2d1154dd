"""Plan in, one transaction Bundle out: the CarePlan, its requests, and what speaks for them.

Everything hangs on the plan's start, never on the day of the run, and everything is a draft
proposal: the engine signs nothing.
"""

from collections.abc import Container, Iterable
from typing import Any

from b12fhir.decision.model import Decision
from b12fhir.facts.record import Facts
from b12fhir.fhir.compose.assessment import risk_assessment
from b12fhir.fhir.compose.careplan import Parts, care_plan
from b12fhir.fhir.compose.device import device
from b12fhir.fhir.compose.entry import Context, context, create
from b12fhir.fhir.compose.goal import goals
from b12fhir.fhir.compose.issue import detected_issues
from b12fhir.fhir.compose.medication import medication_request
from b12fhir.fhir.compose.orders import by_test, service_request
from b12fhir.fhir.compose.task import approval_task
from b12fhir.fhir.identity import DEVICE
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS
from b12fhir.plan.model import Plan
from b12fhir.protocol.model import Protocol

__all__ = ["compose", "device_bundle"]

Entry = dict[str, Any]


def compose(  # noqa: PLR0913 - what a proposal consists of
    facts: Facts,
    decision: Decision,
    plan: Plan,
    protocol: Protocol,
    site: Site,
    *,
    without: Container[str] = (),
) -> dict[str, Any] | None:
    """The transaction that writes this plan, or ``None`` if nothing is to be written.

    Every entry is a conditional create on its own identifier, so posting it twice writes once.
    ``without`` names types that the server does not have (`b12fhir.fhir.capabilities.OPTIONAL`).
    """
    if plan.is_empty or decision.intent.kind == "none":
        return None
    ctx = context(facts, decision, plan, protocol, site)
    issues = _entries(ctx, detected_issues(ctx), without)
    links = [entry["fullUrl"] for entry in issues]
    medicines = _entries(ctx, (medication_request(ctx, p, links) for p in plan.phases))
    tests = _entries(ctx, _tests(ctx))
    findings = [*_entries(ctx, [risk_assessment(ctx)], without), *issues]
    aims = _entries(ctx, goals(ctx), without)
    umbrella = care_plan(ctx, Parts([*medicines, *tests], findings, aims))
    plans = _entries(ctx, [umbrella])
    task = _entries(ctx, [approval_task(ctx, plans[0]["fullUrl"])], without)
    return _transaction(
        [_device(ctx), *plans, *medicines, *tests, *findings, *aims, *task],
    )


def _tests(ctx: Context) -> Iterable[dict[str, Any]]:
    return (
        service_request(ctx, monitor)
        for monitor in by_test(ctx.plan.monitoring)
        if ctx.protocol.tests[monitor.test].laboratory
    )


def _entries(
    ctx: Context, resources: Iterable[dict[str, Any]], without: Container[str] = ()
) -> list[Entry]:
    """Resources as entries, each under the identifier system of its type."""
    return [
        create(ctx, KINDS[resource["resourceType"]], resource)
        for resource in resources
        if resource["resourceType"] not in without
    ]


def device_bundle(site: Site) -> dict[str, Any]:
    """The transaction that makes sure this engine's Device exists: done once, before many plans."""
    return _transaction([create(site, DEVICE, device(site))])


def _device(ctx: Context) -> dict[str, Any]:
    return create(ctx, DEVICE, device(ctx.site))


def _transaction(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

"""The CarePlan: what people search for, with the reasons in its narrative."""

from collections.abc import Mapping, Sequence
from typing import Any

from b12fhir.fhir.compose.entry import (
    Context,
    author,
    compact,
    group,
    identifier,
    meta,
    provenance,
    references,
)
from b12fhir.fhir.compose.orders import by_test
from b12fhir.fhir.digest import decision_digest
from b12fhir.fhir.identity import DECISION_DIGEST, replaced_plan
from b12fhir.fhir.narrative import PROPOSAL_NOTICE, narrative, pack_notice, summary
from b12fhir.fhir.timing import due_timing
from b12fhir.plan.model import Monitor
from b12fhir.protocol.model import Test

_TITLES = {
    "treat": "Vitamin B12 deficiency: treatment plan (proposal)",
    "prophylaxis": "Vitamin B12: plan to prevent deficiency (proposal)",
    "confirm": "Vitamin B12: tests to confirm deficiency (proposal)",
    "stop": "Vitamin B12: treatment to be stopped or changed (proposal)",
}
_US_CORE = "http://hl7.org/fhir/us/core/CodeSystem/careplan-category"


def care_plan(ctx: Context, children: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The CarePlan of one proposal; ``children`` are the addresses of its requests."""
    digest = decision_digest(ctx.decision, ctx.plan, ctx.protocol.pack)
    replaced = replaced_plan(ctx.key, ctx.facts.own_plans)
    return compact(
        {
            "resourceType": "CarePlan",
            "meta": meta(ctx.site),
            "text": narrative(ctx.decision, ctx.plan, ctx.protocol),
            "identifier": [group(ctx), identifier(ctx.site, DECISION_DIGEST, digest)],
            **provenance(ctx),
            "replaces": references([replaced.reference]) if replaced else [],
            "status": "draft",
            "intent": "proposal",
            "category": _category(ctx),
            "title": _TITLES[ctx.plan.kind],
            "description": summary(ctx.decision),
            "subject": {"reference": ctx.facts.patient.reference},
            "period": {"start": ctx.start},
            "created": ctx.start,
            "author": author(ctx),
            "addresses": references(ctx.conditions),
            "supportingInfo": references(ctx.evidence),
            "activity": [*_requests(children), *_activities(ctx)],
            "note": [{"text": PROPOSAL_NOTICE}, {"text": pack_notice(ctx.protocol.pack)}],
        }
    )


def _category(ctx: Context) -> list[dict[str, Any]]:
    """US Core's category, which older versions require, and our own."""
    own = {"system": ctx.site.code_system("plan-category"), "code": "b12-deficiency"}
    return [
        {"coding": [{"system": _US_CORE, "code": "assess-plan"}]},
        {"coding": [own], "text": "Vitamin B12 deficiency"},
    ]


def _requests(children: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Links to the requests; the type tells a plan with medicines from one of tests only."""
    return [
        {"reference": {"reference": one["fullUrl"], "type": one["resource"]["resourceType"]}}
        for one in children
    ]


def _activities(ctx: Context) -> list[dict[str, Any]]:
    """What no laboratory does: reviews, examinations, symptom reports."""
    tests = ctx.protocol.tests
    return [
        _activity(monitor, tests[monitor.test])
        for monitor in by_test(ctx.plan.monitoring)
        if not tests[monitor.test].laboratory
    ]


def _activity(monitor: Monitor, test: Test) -> dict[str, Any]:
    yearly = ", then yearly" if monitor.open_ended else ""
    detail = {
        "kind": "Task",
        "code": {"text": test.label},
        "status": "not-started",
        "scheduledTiming": due_timing(monitor.due) if monitor.due else None,
        "description": f"{test.label}{yearly} ({monitor.rule})",
    }
    return {"detail": compact(detail)}

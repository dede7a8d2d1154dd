"""The CarePlan: what people search for, with the reasons in its narrative."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from b12fhir.fhir.compose.task import asked
from b12fhir.fhir.digest import treatment_digest
from b12fhir.fhir.identity import DECISION_DIGEST, TREATMENT_DIGEST, replaced_plan
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


@dataclass(frozen=True, slots=True)
class Parts:
    """The transaction entries of everything a plan links to."""

    requests: Sequence[Mapping[str, Any]] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    goals: Sequence[Mapping[str, Any]] = ()


def care_plan(ctx: Context, parts: Parts) -> dict[str, Any]:
    """The CarePlan of one proposal: every part hangs on it."""
    replaced = replaced_plan(ctx.key, ctx.facts.own_plans)
    return compact(
        {
            "resourceType": "CarePlan",
            "meta": meta(ctx.site, "b12-careplan"),
            "text": narrative(ctx.decision, ctx.plan, ctx.protocol, _goals(parts), asked(ctx)),
            "identifier": [
                group(ctx),
                identifier(ctx.site, DECISION_DIGEST, ctx.digest),
                identifier(ctx.site, TREATMENT_DIGEST, treatment_digest(ctx.decision, ctx.plan)),
            ],
            **provenance(ctx),
            "replaces": references([replaced.reference]) if replaced else [],
            "status": "draft",
            "intent": "proposal",
            "category": _category(ctx),
            "title": _TITLES[ctx.plan.kind],
            "description": summary(ctx.decision),
            "subject": ctx.patient,
            "period": {"start": ctx.start},
            "created": ctx.start,
            "author": author(ctx),
            "addresses": references(ctx.conditions),
            "supportingInfo": references([*_addresses(parts.findings), *ctx.evidence]),
            "goal": references(_addresses(parts.goals)),
            "activity": [*_requests(parts.requests), *_activities(ctx)],
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


def _addresses(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    return [entry["fullUrl"] for entry in entries]


def _goals(parts: Parts) -> list[str]:
    return [entry["resource"]["description"]["text"] for entry in parts.goals]


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

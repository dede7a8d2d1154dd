"""A proposal as JSON, in the shape that ``proposal.schema.json`` describes and versions."""

import json
from importlib.resources import files
from typing import Any

from b12fhir.decision.model import Bucket, Cause, Decision
from b12fhir.kernel.dates import add_days
from b12fhir.plan.model import Monitor, Phase, Plan
from b12fhir.protocol.model import Product, Protocol, Span
from b12fhir.service import parts
from b12fhir.service.propose import Proposal
from b12fhir.service.reasons import Names, Reason, cited, reason
from b12fhir.service.wording import test

SCHEMA_VERSION = "1.0"
# How a plan names all rows of its pack at once.
_ANY = "any"


def proposal_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `to_json`'s answer, with the rules of its versions."""
    return read_schema("proposal")


def read_schema(name: str) -> dict[str, Any]:
    """A schema of this package."""
    text = files("b12fhir.service").joinpath(f"{name}.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def to_json(proposal: Proposal) -> dict[str, Any]:
    """The proposal as plain JSON values; amounts are decimals, dates ISO days."""
    protocol, decision = proposal.protocol, proposal.decision
    as_of = proposal.as_of.astimezone(proposal.site.zone)
    names = Names.of(proposal.facts, protocol)
    reasons = [reason(one, protocol.rules[one.rule], names) for one in decision.findings]
    return {
        **parts.head(SCHEMA_VERSION, proposal.patient_reference, as_of, protocol.pack),
        "decision": _decision(decision, reasons, names),
        "plan": _plan(proposal.plan, decision, protocol),
        "issues": [parts.issue(one) for one in proposal.issues],
        "sources": parts.sources(cited((one.citation for one in reasons), protocol)),
        "bundle": proposal.bundle(),
    }


def _decision(decision: Decision, reasons: list[Reason], names: Names) -> dict[str, Any]:
    return {
        "classification": decision.classification.value,
        "flags": list(decision.flags),
        "severity": decision.severity.value,
        "neuro": decision.neuro,
        "anaemia": decision.anaemia.value,
        "urgency": decision.urgency.value,
        "causes": [_cause(cause, names) for cause in decision.causes],
        "action": decision.intent.kind,
        "route": decision.route,
        "rejected_routes": [
            {"route": one.route, "reason": one.reason, "rule": one.rule}
            for one in decision.intent.rejected_routes
        ],
        "findings": [parts.finding(one) for one in reasons],
        "gaps": [parts.remark(one) for one in decision.gaps],
        "cautions": [parts.remark(one) for one in decision.cautions],
        "contraindications": [parts.remark(one) for one in decision.contraindications],
        "mimics": [parts.remark(one) for one in decision.mimics],
    }


def _cause(cause: Cause, names: Names) -> dict[str, Any]:
    # That none is known is no cause of which anybody could be sure.
    known = cause.bucket is not Bucket.UNKNOWN
    return {
        "cause": cause.cause,
        "bucket": cause.bucket.value,
        "confidence": cause.confidence.value if known else None,
        "lasts": cause.lasts,
        "governs": cause.governs,
        "rule": cause.rule,
        "inputs": parts.inputs(names.facts(cause.inputs)),
    }


def _plan(plan: Plan, decision: Decision, protocol: Protocol) -> dict[str, Any]:
    return {
        "start": plan.start.isoformat(),
        "regimen": plan.regimen or None,
        "rejected_regimens": _rejected(plan, decision),
        "phases": [_phase(phase) for phase in plan.phases],
        "monitoring": [_monitor(item, protocol) for item in plan.monitoring],
        "doses": [
            {"slot": dose.slot, "due": dose.due.isoformat(), "status": dose.status}
            for dose in plan.doses
        ],
        "advice": [{"text": text} for text in plan.advice],
    }


def _rejected(plan: Plan, decision: Decision) -> list[dict[str, Any]]:
    """What is said of regimens: the plan repeats the routes of the decision beside them."""
    routes = {(one.route, one.reason, one.rule) for one in decision.intent.rejected_routes}
    return [
        {
            "regimen": None if one.regimen == _ANY else one.regimen,
            "reason": one.reason,
            "rule": one.rule,
        }
        for one in plan.rejected
        if (one.regimen, one.reason, one.rule) not in routes
    ]


def _phase(phase: Phase) -> dict[str, Any]:
    return {
        "id": phase.id,
        "drug": phase.product.drug,
        "form": phase.product.form,
        "strength": _strength(phase.product),
        "dose": {"value": phase.dose, "max": phase.dose_max, "unit": "ug"},
        "volume": {"value": phase.volume_ml, "unit": "mL"} if phase.volume_ml is not None else None,
        "route": phase.route,
        "interval": _interval(phase),
        "count": phase.count or None,
        "duration": _span(phase.duration) if phase.duration is not None else None,
        "start": phase.start.isoformat(),
        "last_day": _last_day(phase),
        "reviews": [day.isoformat() for day in phase.reviews],
        "gate": phase.gate or None,
        "stop_when": phase.stop_rule or None,
        "alternative": phase.alternative or None,
        "rule": phase.rule,
    }


def _strength(product: Product) -> dict[str, Any]:
    return {"value": product.strength, "unit": product.strength_unit}


def _last_day(phase: Phase) -> str | None:
    """The last day with a dose; ``end`` is the day on which the next phase may begin."""
    last = phase.last
    if last is None and phase.end is not None:
        last = add_days(phase.end, -1)
    return last.isoformat() if last is not None else None


def _interval(phase: Phase) -> dict[str, Any]:
    # Three a week: one week with frequency 3; the dates stand among the doses.
    return _span(phase.interval) | {"frequency": len(phase.days) or 1}


def _span(span: Span) -> dict[str, Any]:
    return {"value": span.value, "max": span.max, "unit": span.unit}


def _monitor(item: Monitor, protocol: Protocol) -> dict[str, Any]:
    return {
        "test": item.test,
        "label": test(item.test, protocol),
        "due": [day.isoformat() for day in item.due],
        "open_ended": item.open_ended,
        "rule": item.rule,
    }

"""A proposal as JSON, in the shape that ``proposal.schema.json`` describes and versions.

The pack with its version and review status goes with every proposal (R-201).
"""

import json
from importlib.resources import files
from typing import Any

from b12fhir.decision.model import Cause, Decision
from b12fhir.kernel.evidence import Finding, Input, Issue, Remark
from b12fhir.kernel.quantities import plain
from b12fhir.plan.model import Monitor, Phase, Plan
from b12fhir.protocol.model import Pack, Protocol, Rule, Span
from b12fhir.service.propose import Proposal

SCHEMA_VERSION = "0.9"


def proposal_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `to_json`'s answer."""
    text = files("b12fhir.service").joinpath("proposal.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def to_json(proposal: Proposal) -> dict[str, Any]:
    """The proposal as plain JSON values; amounts are decimals, dates ISO days."""
    return {
        "schema_version": SCHEMA_VERSION,
        "patient": proposal.patient_reference,
        "as_of": proposal.as_of.isoformat(),
        "pack": _pack(proposal.protocol.pack),
        "decision": _decision(proposal.decision, proposal.protocol),
        "plan": _plan(proposal.plan),
        "issues": [_issue(issue) for issue in proposal.issues],
        "bundle": proposal.bundle(),
    }


def _pack(pack: Pack) -> dict[str, Any]:
    review = pack.review
    return {
        "id": pack.id,
        "version": pack.version,
        "date": pack.date.isoformat(),
        "review": {
            "status": review.status,
            "by": review.by or None,
            "on": review.on.isoformat() if review.on else None,
        },
    }


def _decision(decision: Decision, protocol: Protocol) -> dict[str, Any]:
    return {
        "classification": decision.classification.value,
        "flags": list(decision.flags),
        "severity": decision.severity.value,
        "neuro": decision.neuro,
        "anaemia": decision.anaemia.value,
        "urgency": decision.urgency.value,
        "causes": [_cause(cause) for cause in decision.causes],
        "route": decision.route,
        "action": decision.intent.kind,
        "findings": [_finding(finding, protocol) for finding in decision.findings],
        "gaps": [_remark(remark) for remark in decision.gaps],
        "cautions": [_remark(remark) for remark in decision.cautions],
        "contraindications": [_remark(remark) for remark in decision.contraindications],
        "mimics": [_remark(remark) for remark in decision.mimics],
        "response": [],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "cause": cause.cause,
        "bucket": cause.bucket.value,
        "confidence": cause.confidence.value,
        "lasts": cause.lasts,
        "governs": cause.governs,
    }


def _finding(finding: Finding, protocol: Protocol) -> dict[str, Any]:
    rule = protocol.rules[finding.rule]
    return {
        "rule": finding.rule,
        "truth": finding.truth.value,
        "text": sentence(rule, finding),
        "inputs": [_input(used) for used in finding.inputs],
        "citation": citation(rule),
    }


def sentence(rule: Rule, finding: Finding) -> str:
    """The rule's own sentence and what this case adds to it."""
    return f"{rule.text} ({finding.note})" if finding.note else rule.text


def citation(rule: Rule) -> str:
    """Who says so, and how strong that is."""
    return f"{', '.join(rule.citation.sources)} [{rule.citation.evidence}]"


def _input(used: Input) -> dict[str, Any]:
    return {
        "reference": used.reference,
        "value": used.value,
        "unit": used.unit or None,
        "date": used.date or None,
    }


def _remark(remark: Remark) -> dict[str, Any]:
    return {"id": remark.id, "text": remark.text, "rule": remark.rule}


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "start": plan.start.isoformat(),
        "regimen": plan.regimen or None,
        "rejected": [
            {"regimen": r.regimen, "reason": r.reason, "rule": r.rule} for r in plan.rejected
        ],
        "phases": [_phase(phase) for phase in plan.phases],
        "monitoring": [_monitor(item) for item in plan.monitoring],
        "doses": [
            {"slot": dose.slot, "due": dose.due.isoformat(), "status": dose.status}
            for dose in plan.doses
        ],
        "advice": list(plan.advice),
    }


def _phase(phase: Phase) -> dict[str, Any]:
    product = phase.product
    dose: dict[str, Any] = {"value": phase.dose, "unit": "ug"}
    if phase.dose_max is not None:
        dose["max"] = phase.dose_max
    return {
        "id": phase.id,
        "drug": product.drug,
        "form": product.form,
        "strength": f"{plain(product.strength)} {product.strength_unit}",
        "dose": dose,
        "volume": {"value": phase.volume_ml, "unit": "mL"} if phase.volume_ml is not None else None,
        "route": phase.route,
        "interval": _interval(phase),
        "count": phase.count or None,
        "duration": _span(phase.duration),
        "start": phase.start.isoformat(),
        "reviews": [day.isoformat() for day in phase.reviews],
        "gate": phase.gate or None,
        "stop_rule": phase.stop_rule or None,
        "alternative": phase.alternative or None,
        "rule": phase.rule,
    }


def _interval(phase: Phase) -> dict[str, Any] | None:
    shown = _span(phase.interval)
    # Three a week: one week with frequency 3; the dates stand among the doses.
    return shown if shown is None or not phase.days else shown | {"frequency": len(phase.days)}


def _span(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    shown: dict[str, Any] = {"value": span.value, "unit": span.unit}
    if span.max is not None:
        shown["max"] = span.max
    return shown


def _monitor(item: Monitor) -> dict[str, Any]:
    return {
        "test": item.test,
        "due": [day.isoformat() for day in item.due],
        "open_ended": item.open_ended,
        "rule": item.rule,
    }


def _issue(issue: Issue) -> dict[str, Any]:
    return {
        "code": issue.code,
        "severity": issue.severity.value,
        "resource": issue.resource or None,
        "text": issue.text,
    }

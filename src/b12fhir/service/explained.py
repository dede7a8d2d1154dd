"""An explanation as JSON, for programs."""

from typing import Any

from b12fhir.protocol.model import Rule
from b12fhir.service.counterfactual import Counterfactual, Outcome
from b12fhir.service.explain import Explanation, Reason, Step
from b12fhir.service.view import citation


def explanation_json(one: Explanation) -> dict[str, Any]:
    """The explanation as plain JSON values."""
    return {
        "patient": one.patient,
        "as_of": one.as_of.isoformat(),
        "pack": {"id": one.pack.id, "version": one.pack.version, "review": one.pack.review.status},
        "outcome": _outcome(one.outcome),
        "steps": [_step_json(step) for step in one.steps],
        "counterfactuals": [_change(change) for change in one.changes],
        "rules": [_rule(rule) for rule in one.rules],
        "issues": [
            {
                "code": issue.code,
                "severity": issue.severity.value,
                "resource": issue.resource or None,
                "text": issue.text,
            }
            for issue in one.issues
        ],
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "question": step.question,
        "answer": step.answer,
        "lines": list(step.lines),
        "reasons": [_reason(reason) for reason in step.reasons],
        "missing": [{"id": gap.id, "text": gap.text, "rule": gap.rule} for gap in step.missing],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "rule": reason.rule,
        "truth": reason.truth.value,
        "text": reason.text,
        "note": reason.note or None,
        "inputs": [
            {
                "reference": used.reference,
                "value": used.value,
                "unit": used.unit or None,
                "date": used.date or None,
            }
            for used in reason.inputs
        ],
        "citation": reason.citation,
    }


def _change(change: Counterfactual) -> dict[str, Any]:
    return {
        "change": change.change,
        "now": change.now,
        "becomes": _outcome(change.becomes),
        "distance": round(change.distance, 2),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "classification": outcome.classification.value,
        "action": outcome.action,
        "route": outcome.route,
        "urgency": outcome.urgency.value,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {"rule": rule.id, "title": rule.title, "text": rule.text, "citation": citation(rule)}

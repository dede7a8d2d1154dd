"""An explanation as JSON, in the shape that ``explanation.schema.json`` describes and versions."""

from typing import Any

from b12fhir.protocol.model import Rule
from b12fhir.service import parts
from b12fhir.service.counterfactual import Counterfactual, Outcome
from b12fhir.service.explain import Explanation, Step
from b12fhir.service.view import read_schema

EXPLANATION_VERSION = "1.0"


def explanation_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `explanation_json`'s answer; versions as a proposal's."""
    return read_schema("explanation")


def explanation_json(one: Explanation) -> dict[str, Any]:
    """The explanation as plain JSON values, in a proposal's words where they say the same."""
    return {
        **parts.head(EXPLANATION_VERSION, one.patient, one.as_of, one.pack),
        "outcome": _outcome(one.outcome),
        "questions": [_question(step) for step in one.steps],
        "counterfactuals": [_change(change) for change in one.changes],
        "rules": [_rule(rule) for rule in one.rules],
        "sources": parts.sources(one.sources),
        "issues": [parts.issue(issue) for issue in one.issues],
    }


def _question(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "question": step.question,
        "answer": step.answer,
        "details": [{"text": line} for line in step.lines],
        "findings": [parts.finding(reason) for reason in step.reasons],
        "gaps": [parts.remark(gap) for gap in step.missing],
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
    return {
        "rule": rule.id,
        "title": rule.title,
        "text": rule.text,
        "citation": parts.citation(rule.citation),
    }

"""Why it was decided so: the pathway walked, question by question, and what would change it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from b12fhir.kernel.evidence import Finding, Issue, Remark
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.model import Pack, Rule
from b12fhir.service.answers import ANSWERS, Answer, seen
from b12fhir.service.counterfactual import Counterfactual, Outcome, counterfactuals
from b12fhir.service.propose import Proposal
from b12fhir.service.questions import QUESTIONS, Question, question_of
from b12fhir.service.reasons import Names, Reason, Source, cited, reason
from b12fhir.service.wording import test


@dataclass(frozen=True, slots=True)
class Step:
    """One question with its answer, the rules behind it, and what was missing for it."""

    id: str
    question: str
    answer: str
    lines: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    missing: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole pathway of one patient, in order, and the nearest changes of the answer.

    ``as_of`` is in the site's zone: its date is the day that was decided for.
    """

    patient: str
    as_of: datetime
    pack: Pack
    outcome: Outcome
    steps: tuple[Step, ...]
    changes: tuple[Counterfactual, ...]
    rules: tuple[Rule, ...]
    sources: tuple[Source, ...]
    issues: tuple[Issue, ...] = ()


def explain(proposal: Proposal) -> Explanation:
    """Walk the pathway of a proposal once more, with every reason where it belongs."""
    view = seen(proposal)
    protocol, decision = proposal.protocol, proposal.decision
    reasons = _by_question(proposal, (*decision.findings, *_of_plan(proposal)))
    gaps: dict[str, list[Remark]] = {}
    for gap in decision.gaps:
        gaps.setdefault(question_of(protocol.rules[gap.rule]), []).append(gap)
    steps = tuple(
        _step(one, ANSWERS[one.id](view), reasons.get(one.id, ()), gaps.get(one.id, ()))
        for one in QUESTIONS
    )
    rules = _rules(proposal, steps)
    return Explanation(
        proposal.patient_reference,
        proposal.as_of.astimezone(proposal.site.zone),
        protocol.pack,
        Outcome.of(decision),
        steps,
        counterfactuals(proposal.facts, protocol, view.case.day, decision),
        rules,
        cited((rule.citation for rule in rules), protocol),
        proposal.issues,
    )


def _step(
    question: Question, answer: Answer, reasons: Iterable[Reason], missing: Iterable[Remark]
) -> Step:
    return Step(
        question.id, question.text, answer.text, answer.lines, tuple(reasons), tuple(missing)
    )


def _by_question(proposal: Proposal, findings: tuple[Finding, ...]) -> dict[str, list[Reason]]:
    grouped: dict[str, list[Reason]] = {}
    names = Names.of(proposal.facts, proposal.protocol)
    for finding in dict.fromkeys(findings):
        rule = proposal.protocol.rules[finding.rule]
        grouped.setdefault(question_of(rule), []).append(reason(finding, rule, names))
    return grouped


def _of_plan(proposal: Proposal) -> Iterator[Finding]:
    """The rules behind regimen, phases and tests: the plan carries them, not the decision."""
    notes: dict[str, list[str]] = {}
    plan, protocol = proposal.plan, proposal.protocol
    for row in protocol.pack.regimens:
        if row.id == plan.regimen:
            notes.setdefault(row.rule, []).append(row.label)
    for phase in plan.phases:
        notes.setdefault(phase.rule, []).append(phase.id.replace("-", " "))
    for item in plan.monitoring:
        notes.setdefault(item.rule, []).append(test(item.test, protocol))
    met = {finding.rule for finding in proposal.decision.findings}
    for rule, told in notes.items():
        if rule not in met:
            yield Finding(rule, Truth.YES, (), ", ".join(dict.fromkeys(told)))


def _rules(proposal: Proposal, steps: tuple[Step, ...]) -> tuple[Rule, ...]:
    """Every rule that the explanation names, in the order of the rule book."""
    decision = proposal.decision
    remarks = (
        *decision.gaps,
        *decision.cautions,
        *decision.contraindications,
        *decision.mimics,
    )
    named = {
        *(reason.rule for step in steps for reason in step.reasons),
        *(remark.rule for remark in remarks),
        *(row.rule for row in decision.intent.rejected_routes),
        *(cause.rule for cause in decision.causes),
    }
    return tuple(rule for rule in proposal.protocol.rules.values() if rule.id in named)

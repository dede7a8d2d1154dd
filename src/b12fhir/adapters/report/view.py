"""What a reader sees of one proposal, in plain words: one view for terminal and page."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from b12fhir.adapters.report import words
from b12fhir.decision.model import Bucket, Cause, Urgency
from b12fhir.fhir.dosage import dose_text, product_text, route_text
from b12fhir.fhir.timing import every_text
from b12fhir.kernel.evidence import Finding, Issue, Remark
from b12fhir.plan.model import Monitor, Phase
from b12fhir.protocol.model import Protocol
from b12fhir.service import Proposal
from b12fhir.service.gist import Gist
from b12fhir.service.wording import cited, sentence


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that was met: does it hold, what it says, on which facts, and who says so."""

    rule: str
    truth: str
    text: str
    facts: tuple[str, ...]
    citation: str


@dataclass(frozen=True, slots=True)
class Row:
    """A table row of plain cells."""

    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """One patient, in words. ``asks`` are the questions in brief, for a table."""

    patient: str
    short: str
    anchor: str
    urgent: bool
    urgency: str
    classification: str
    severity: str
    route: str
    plan: str
    flags: tuple[str, ...]
    questions: tuple[str, ...]
    asks: tuple[str, ...]
    causes: tuple[str, ...]
    reasons: tuple[Reason, ...]
    cautions: tuple[str, ...]
    contraindications: tuple[str, ...]
    mimics: tuple[str, ...]
    rejected: tuple[str, ...]
    advice: tuple[str, ...]
    phases: tuple[Row, ...]
    monitoring: tuple[Row, ...]
    issues: tuple[str, ...]


def view(proposal: Proposal) -> View:
    """One proposal in words."""
    decision, plan, protocol = proposal.decision, proposal.plan, proposal.protocol
    patient = words.clean(proposal.patient_reference)
    return View(
        patient=patient,
        short=patient.removeprefix("Patient/"),
        anchor=anchor(patient),
        urgent=decision.urgency is Urgency.URGENT,
        urgency=words.URGENCIES[decision.urgency],
        classification=words.CLASSES[decision.classification],
        severity=words.severity(decision),
        route=words.route(decision.route),
        plan=words.clean(words.plan_in_words(plan, decision, protocol)),
        flags=tuple(words.clean(flag.replace("_", " ")) for flag in decision.flags),
        questions=_remarks(decision.gaps),
        asks=tuple(words.clean(words.short(gap.text)) for gap in decision.gaps),
        causes=tuple(_cause(cause) for cause in decision.causes),
        reasons=tuple(_reason(finding, protocol) for finding in decision.findings),
        cautions=_remarks(decision.cautions),
        contraindications=_remarks(decision.contraindications),
        mimics=_remarks(decision.mimics),
        rejected=_rejected(proposal),
        advice=tuple(words.clean(line) for line in plan.advice),
        phases=tuple(_phase(phase) for phase in plan.phases),
        monitoring=tuple(_monitor(one, protocol) for one in plan.monitoring),
        issues=tuple(_issue(issue) for issue in proposal.issues),
    )


def anchor(patient: str) -> str:
    """Where a page has a patient."""
    return f"p-{re.sub('[^A-Za-z0-9.-]', '-', patient)}"


def ordered(gist: Gist) -> list[View]:
    """Views of those a report shows, urgent first."""
    return [view(one) for one in gist.kept]


def class_counts(gist: Gist) -> list[tuple[str, int]]:
    """How many of each class, in the order of the rule book; classes without anybody left out."""
    return [(word, gist.classes[one]) for one, word in words.CLASSES.items() if gist.classes[one]]


def urgent_line(gist: Gist) -> str:
    """The line every report begins with (0 is said too)."""
    what = "need action the same day" if gist.urgent != 1 else "needs action the same day"
    return f"Urgent found: {gist.urgent} of {gist.total} {what}."


def _remarks(remarks: Iterable[Remark]) -> tuple[str, ...]:
    return tuple(words.clean(f"{one.text} ({one.rule})") for one in remarks)


def _cause(cause: Cause) -> str:
    if cause.bucket is Bucket.UNKNOWN:
        return f"None on record ({cause.rule})."
    governs = ", governs the treatment" if cause.governs else ""
    rule = f" ({cause.rule})" if cause.rule else ""
    facts = "; ".join(words.fact(one) for one in cause.inputs)
    name = cause.cause.replace("_", " ").replace("-", " ")
    text = f"{name}: {cause.confidence.value}{governs}{rule}"
    return words.clean(f"{text}. {facts}" if facts else text)


def _reason(finding: Finding, protocol: Protocol) -> Reason:
    rule = protocol.rules.get(finding.rule)
    text = sentence(rule, finding) if rule else finding.note
    facts = tuple(words.fact(one) for one in finding.inputs)
    source = cited(rule.citation) if rule else ""
    return Reason(finding.rule, finding.truth.value, words.clean(text), facts, source)


def _rejected(proposal: Proposal) -> tuple[str, ...]:
    routes = proposal.decision.intent.rejected_routes
    rows = [(one.route, one.reason, one.rule) for one in routes]
    rows += [(one.regimen, one.reason, one.rule) for one in proposal.plan.rejected]
    return tuple(words.clean(f"{what}: {why} ({rule})") for what, why, rule in dict.fromkeys(rows))


def _phase(phase: Phase) -> Row:
    end = phase.last if phase.count else phase.end
    reviews = ", ".join(day.isoformat() for day in phase.reviews)
    conditions = (
        phase.gate,
        phase.stop_rule,
        phase.alternative,
        f"Review on {reviews}." if reviews else "",
    )
    cells = (
        phase.id.replace("-", " "),
        f"{product_text(phase.product)}: {dose_text(phase)}",
        route_text(phase.route),
        every_text(phase),
        str(phase.count) if phase.count else "open",
        phase.start.isoformat(),
        end.isoformat() if end else "open",
        " ".join(part for part in conditions if part) or "-",
    )
    return Row(tuple(words.clean(cell) for cell in cells))


def _monitor(one: Monitor, protocol: Protocol) -> Row:
    days = ", ".join(day.isoformat() for day in one.due)
    due = f"{days}; then every year" if one.open_ended else days
    return Row((words.clean(words.test(one.test, protocol)), due, one.rule))


def _issue(issue: Issue) -> str:
    return words.clean(f"{issue.severity.value}: {issue.text}")

"""The plan in words: XHTML that any FHIR viewer can show, with every reason in it.

It holds dates, never "3 days ago" and never the day of the run, so that it stands still while the
facts do. All text from a record or a pack is escaped, and what XML cannot carry is replaced.
"""

import html
import re
from collections.abc import Iterable, Sequence

from b12fhir.decision.model import Bucket, Cause, Decision
from b12fhir.fhir.dosage import dose_text, product_text, route_text
from b12fhir.fhir.timing import bounds, every_text
from b12fhir.kernel.evidence import Finding, Input, Remark
from b12fhir.kernel.truth import Truth
from b12fhir.plan.model import Monitor, Phase, Plan
from b12fhir.protocol.model import Pack, Protocol

PROPOSAL_NOTICE = (
    "Proposal by decision support: not an order until a clinician signs it. "
    "Check it against the patient before use."
)
_XHTML = "http://www.w3.org/1999/xhtml"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PHASE_HEAD = ("Phase", "Medicine", "Dose", "Route", "How often", "From", "Until", "Conditions")


def narrative(
    decision: Decision,
    plan: Plan,
    protocol: Protocol,
    goals: Sequence[str] = (),
    asked: str = "",
) -> dict[str, str]:
    """Narrative of the CarePlan; ``asked`` says who is to sign it, and until when."""
    parts = (
        _NOTICE,
        _paragraph(summary(decision)),
        _paragraph(asked) if asked else "",
        _list("Reasons", [_reason(f, protocol) for f in _with(decision, Truth.YES)]),
        _list("Causes", [_cause(cause) for cause in decision.causes]),
        _list("Do not", _remarks(decision.contraindications)),
        _list("Cautions", _remarks(decision.cautions)),
        _list("Not known, and what it would change", _remarks(decision.gaps)),
        _list("Other conditions to exclude", _remarks(decision.mimics)),
        _table("Treatment", _PHASE_HEAD, [_phase_row(phase) for phase in plan.phases]),
        _list("Not chosen", _rejected(decision, plan)),
        _table(
            "Tests and reviews",
            ("What", "Due", "Rule"),
            [_monitor_row(monitor, protocol) for monitor in plan.monitoring],
        ),
        _list("Goals", goals),
        _list("Advice", plan.advice),
        _paragraph(pack_notice(protocol.pack)),
    )
    return _text("".join(parts))


def short(*lines: str) -> dict[str, str]:
    """Narrative of one part of a plan: that it is a proposal, then a few lines."""
    shown = "".join(_paragraph(line) for line in lines if line)
    return _text(f"{_NOTICE}{shown}")


def reasons(decision: Decision, protocol: Protocol) -> list[str]:
    """Each rule that holds, in words and with its facts; text from a record is made safe."""
    return [clean(_reason(finding, protocol)) for finding in _with(decision, Truth.YES)]


def with_notice(div: str, notice: str) -> str:
    """A narrative with one more paragraph at its top."""
    head, tag, rest = div.partition(">")
    return f"{head}{tag}{clean(_paragraph(notice, bold=True))}{rest}"


def summary(decision: Decision) -> str:
    """Class, severity, nerves and urgency in one sentence."""
    neuro = "; neurological signs" if decision.neuro else ""
    return (
        f"Vitamin B12 deficiency: {_words(decision.classification.value)}; "
        f"severity {decision.severity.value}{neuro}; urgency {decision.urgency.value}."
    )


def pack_notice(pack: Pack) -> str:
    """Which protocol speaks, in which version, and who has reviewed it."""
    review = pack.review
    by = f" by {review.by}" if review.by else ""
    on = f" on {review.on.isoformat()}" if review.on else ""
    return (
        f"Protocol pack {pack.id} version {pack.version} of {pack.date.isoformat()}, "
        f"review status: {review.status}{by}{on}."
    )


def clean(text: str) -> str:
    """Text without characters that neither XML nor a FHIR string may hold."""
    if text.isascii() and text.isprintable():  # nearly every text, told in a tenth of the time
        return text
    return _NOT_XML.sub("\ufffd", text)


def _text(body: str) -> dict[str, str]:
    return {"status": "generated", "div": f'<div xmlns="{_XHTML}">{clean(body)}</div>'}


def _words(value: str) -> str:
    return value.replace("-", " ")


def _with(decision: Decision, truth: Truth) -> list[Finding]:
    return [finding for finding in decision.findings if finding.truth is truth]


def _reason(finding: Finding, protocol: Protocol) -> str:
    rule = protocol.rules.get(finding.rule)
    title = rule.title if rule is not None else "Rule"
    facts = "; ".join(_fact(fact) for fact in finding.inputs)
    return _joined(f"{title} ({finding.rule})", facts, finding.note)


def _fact(fact: Input) -> str:
    amount = f"{fact.value} {fact.unit}".strip()
    when = f" on {fact.date}" if fact.date else ""
    return f"{amount}{when}"


def _cause(cause: Cause) -> str:
    if cause.bucket is Bucket.UNKNOWN:
        return f"none on record ({cause.rule})"
    governs = ", governs the treatment" if cause.governs else ""
    rule = f" ({cause.rule})" if cause.rule else ""
    facts = "; ".join(_fact(fact) for fact in cause.inputs)
    name = cause.cause.replace("_", " ").replace("-", " ")
    return _joined(f"{name}, {cause.confidence.value}{governs}{rule}", facts)


def _remarks(remarks: Iterable[Remark]) -> list[str]:
    return [f"{remark.text} ({remark.rule})" for remark in remarks]


def _rejected(decision: Decision, plan: Plan) -> list[str]:
    rows = [
        *((row.route, row.reason, row.rule) for row in decision.intent.rejected_routes),
        *((row.regimen, row.reason, row.rule) for row in plan.rejected),
    ]
    return [f"{what}: {why} ({rule})" for what, why, rule in dict.fromkeys(rows)]


def _phase_row(phase: Phase) -> tuple[str, ...]:
    conditions = (phase.gate, phase.stop_rule, phase.alternative)
    reviews = ", ".join(day.isoformat() for day in phase.reviews)
    return (
        f"{_words(phase.id)} ({phase.rule})",
        product_text(phase.product),
        dose_text(phase),
        route_text(phase.route),
        every_text(phase),
        phase.start.isoformat(),
        _until(phase),
        _joined(*conditions, f"review on {reviews}" if reviews else ""),
    )


def _until(phase: Phase) -> str:
    if phase.count:
        last = f", the last on {phase.last.isoformat()}" if phase.last else ""
        return f"{phase.count} dose{'s' if phase.count > 1 else ''}{last}"
    return bounds(phase).get("end", "open-ended")


def _monitor_row(monitor: Monitor, protocol: Protocol) -> tuple[str, ...]:
    test = protocol.tests.get(monitor.test)
    label = test.label if test is not None else _words(monitor.test)
    days = ", ".join(day.isoformat() for day in monitor.due)
    return label, f"{days}, then yearly" if monitor.open_ended else days, monitor.rule


def _joined(*parts: str) -> str:
    return ": ".join(part for part in (parts[0], "; ".join(p for p in parts[1:] if p)) if part)


def _paragraph(text: str, *, bold: bool = False) -> str:
    inner = html.escape(text)
    return f"<p><b>{inner}</b></p>" if bold else f"<p>{inner}</p>"


# It opens every narrative, sixteen times in a plan.
_NOTICE = _paragraph(PROPOSAL_NOTICE, bold=True)


def _list(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<p><b>{html.escape(title)}</b></p><ul>{items}</ul>"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return (
        f"<p><b>{html.escape(title)}</b></p>"
        f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"
    )

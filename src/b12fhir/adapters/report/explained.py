"""An explanation as lines for the terminal: question, answer, reasons, what was missing."""

from collections.abc import Iterator
from dataclasses import dataclass

from b12fhir.adapters.report import words
from b12fhir.decision.model import GIVEN
from b12fhir.fhir.dosage import route_text
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.model import Citation, Rule
from b12fhir.service.counterfactual import Counterfactual, Outcome
from b12fhir.service.explain import Explanation, Step
from b12fhir.service.reasons import Fact, Reason
from b12fhir.service.wording import ACTIONS, cited

_TRUTHS = {Truth.YES: "holds", Truth.NO: "does not hold", Truth.UNKNOWN: "not known"}
# How strong a source is, as the rule book marks it.
_MARKS = (
    ("seed", "in a founding article"),
    ("guideline", "in a guideline or a label"),
    ("(secondary)", "a guideline or label seen on a page that quotes it"),
    ("(unverified)", "recalled; a person must check it"),
    ("choice", "chosen by the project; a clinician must review it"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its indent, that of its further rows, and a style of the terminal."""

    text: str
    indent: int = 0
    hang: int = 2
    style: str = ""


def lines(one: Explanation) -> Iterator[Line]:
    """The whole explanation, in reading order."""
    yield Line(f"{words.clean(one.patient)}, as of {one.as_of.date().isoformat()}", style="bold")
    yield Line(f"{_sentence(one.outcome)}.")
    for number, step in enumerate(one.steps, 1):
        yield Line("")
        yield from _step(number, step)
    yield Line("")
    yield from _changes(one)
    yield Line("")
    yield Line("The rules named above", style="bold")
    for rule in one.rules:
        yield _rule(rule)
    yield Line("")
    yield from _sources(one)
    if one.issues:
        yield Line("")
        yield Line("Set aside or doubted while reading", style="bold")
    for issue in one.issues:
        yield Line(words.clean(f"- {issue.severity.value}: {issue.text}"), 2)


def _step(number: int, step: Step) -> Iterator[Line]:
    yield Line(f"{number:2}. {step.question}", hang=4, style="bold")
    yield Line(words.clean(step.answer), 4, 0)
    for text in step.lines:
        yield Line(words.clean(f"- {text}"), 6)
    for before, reason in zip((None, *step.reasons), step.reasons, strict=False):
        yield from _reason(reason, before)
    for gap in step.missing:
        yield Line(words.clean(f"? Missing: {gap.text} ({gap.rule})"), 6, style="yellow")


def _reason(reason: Reason, before: Reason | None) -> Iterator[Line]:
    """A rule with its facts; facts that the rule before rests on too are not said again."""
    note = f": {reason.note}" if reason.note else ""
    told = (
        f"{reason.rule} {_TRUTHS[reason.truth]}. {reason.title}{note}. {_source(reason.citation)}"
    )
    yield Line(words.clean(told), 6)
    if before is not None and reason.facts and reason.facts == before.facts:
        yield Line("Facts: the same", 8)
    elif reason.facts:
        yield Line(f"Facts: {'; '.join(_fact(fact) for fact in reason.facts)}", 8)


def _fact(fact: Fact) -> str:
    return f"{fact.name} {words.fact(fact.used)}".strip()


def _source(citation: Citation) -> str:
    return f"Source: {cited(citation)}."


def _sources(one: Explanation) -> Iterator[Line]:
    yield Line("The sources, and how strong they are", style="bold")
    for source in one.sources:
        yield Line(words.clean(f"{source.id}: {source.title}"), 4)
    used = {mark for rule in one.rules for mark in rule.citation.evidence.split("; ")}
    for mark, meaning in _MARKS:
        if mark in used:
            yield Line(f"[{mark}]: {meaning}", 4)


def _changes(one: Explanation) -> Iterator[Line]:
    yield Line("What would change the answer", style="bold")
    if not one.changes:
        yield Line("No single change of a result, sign or test that was tried.", 4)
        return
    yield Line(
        "One fact changed at a time and decided again by the same rules; nearest first.", 4, 0
    )
    yield Line("They explain the answer; they are no goals of treatment.", 4, 0)
    for change in one.changes:
        yield Line(words.clean(f"- {_change(change)}."), 6)


def _change(change: Counterfactual) -> str:
    """The class always; of the rest only what would be different."""
    was, becomes = change.was, change.becomes
    name = words.CLASSES[becomes.classification]
    parts = [name[:1].lower() + name[1:]]
    if becomes.classification is was.classification:
        parts[0] = "same class"
    if _doing(becomes) != _doing(was):
        parts.append(_doing(becomes))
    elif becomes.route != was.route:
        parts.append(f"route {words.route(becomes.route)}")
    if becomes.urgency is not was.urgency:
        parts.append(words.URGENCIES[becomes.urgency])
    if len(parts) == 1:
        parts.append("the rest as now")
    return f"With {change.change} ({change.now}): {'; '.join(parts)}"


def _sentence(outcome: Outcome) -> str:
    name, soon = words.CLASSES[outcome.classification], words.URGENCIES[outcome.urgency]
    return f"{name}; {_doing(outcome)}; {soon}"


def _doing(outcome: Outcome) -> str:
    given = outcome.route if outcome.action in GIVEN else None
    route = f", {route_text(given)}" if given else ""
    return f"{ACTIONS[outcome.action]}{route}"


def _rule(rule: Rule) -> Line:
    return Line(words.clean(f"{rule.id} {rule.title}. {rule.text} {_source(rule.citation)}"), 4)

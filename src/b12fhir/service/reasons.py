"""One rule met on the way, ready to be told: its sentence, its facts by name, and who says so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from b12fhir.facts.record import Facts
from b12fhir.kernel.evidence import Finding, Input
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.model import Citation, Protocol, Rule
from b12fhir.service.wording import OURSELVES


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as a rule used it; ``name`` says what was measured, ``""`` where the value does."""

    name: str
    used: Input


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule met: its title and sentence, does it hold, on which facts, and who says so."""

    rule: str
    title: str
    text: str
    truth: Truth
    note: str
    facts: tuple[Fact, ...]
    citation: Citation


@dataclass(frozen=True, slots=True)
class Source:
    """A source by the short name that a citation uses."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Names:
    """What each fact of a patient measured; a number without it tells a reader little."""

    known: Mapping[Input, str]

    @staticmethod
    def of(facts: Facts, protocol: Protocol) -> "Names":
        """The names of all results; one result that stands under two names is given none."""
        labels = protocol.analytes.info
        told = [(lab.as_input(), labels[lab.analyte].label) for lab in facts.labs]
        told += [
            (one.as_input(), one.test.replace("-", " ").capitalize()) for one in facts.presences
        ]
        known: dict[Input, str] = {}
        for used, name in told:
            known[used] = name if known.get(used, name) == name else ""
        return Names(known)

    def facts(self, inputs: Iterable[Input]) -> tuple[Fact, ...]:
        """The inputs of a rule with their names."""
        return tuple(Fact(self.known.get(used, ""), used) for used in inputs)


def reason(finding: Finding, rule: Rule, names: Names) -> Reason:
    """The finding with what the rule book says of its rule."""
    return Reason(
        rule.id,
        rule.title,
        rule.text,
        finding.truth,
        finding.note,
        names.facts(finding.inputs),
        rule.citation,
    )


def cited(citations: Iterable[Citation], protocol: Protocol) -> tuple[Source, ...]:
    """The sources that are cited, in the order of the rule book; the project itself is none."""
    names = {source for one in citations for source in one.sources} - {OURSELVES}
    return tuple(Source(name, title) for name, title in protocol.sources.items() if name in names)

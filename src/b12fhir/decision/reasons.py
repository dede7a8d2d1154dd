"""The reasons an answer carries, and how the reasons of two questions join."""

from dataclasses import dataclass
from itertools import chain

from b12fhir.kernel.evidence import Finding, Input, Remark
from b12fhir.kernel.truth import Truth


@dataclass(frozen=True, slots=True)
class Reasons:
    """Findings and remarks of one question; ``a + b`` joins those of two."""

    findings: tuple[Finding, ...] = ()
    gaps: tuple[Remark, ...] = ()
    cautions: tuple[Remark, ...] = ()
    contraindications: tuple[Remark, ...] = ()
    mimics: tuple[Remark, ...] = ()
    flags: tuple[str, ...] = ()

    def __add__(self, other: "Reasons") -> "Reasons":
        # Most questions have nothing to say: then there is nothing to build either.
        if other is NONE:
            return self
        if self is NONE:
            return other
        return Reasons(
            self.findings + other.findings,
            self.gaps + other.gaps,
            self.cautions + other.cautions,
            self.contraindications + other.contraindications,
            self.mimics + other.mimics,
            self.flags + other.flags,
        )


NONE = Reasons()


def joined(*parts: Reasons) -> Reasons:
    """All reasons in the order of the questions."""
    told = [part for part in parts if part is not NONE]
    if len(told) <= 1:
        return told[0] if told else NONE
    return Reasons(
        tuple(chain.from_iterable(part.findings for part in told)),
        tuple(chain.from_iterable(part.gaps for part in told)),
        tuple(chain.from_iterable(part.cautions for part in told)),
        tuple(chain.from_iterable(part.contraindications for part in told)),
        tuple(chain.from_iterable(part.mimics for part in told)),
        tuple(chain.from_iterable(part.flags for part in told)),
    )


def found(
    rule: str, inputs: tuple[Input, ...] = (), note: str = "", truth: Truth = Truth.YES
) -> Reasons:
    """One finding: the rule's condition holds (or ``truth``)."""
    return Reasons(findings=(Finding(rule, truth, inputs, note),))


def gap(key: str, text: str, rule: str) -> Reasons:
    """Something missing, and what it would change."""
    return Reasons(gaps=(Remark(key, text, rule),))


def caution(key: str, text: str, rule: str) -> Reasons:
    """Something to heed before or during treatment."""
    return Reasons(cautions=(Remark(key, text, rule),))


def contraindication(key: str, text: str, rule: str) -> Reasons:
    """Something that forbids a treatment."""
    return Reasons(contraindications=(Remark(key, text, rule),))


def mimic(key: str, text: str, rule: str) -> Reasons:
    """Another explanation that has not been excluded."""
    return Reasons(mimics=(Remark(key, text, rule),))


def flag(name: str) -> Reasons:
    """A short machine-readable mark on the decision."""
    return Reasons(flags=(name,))

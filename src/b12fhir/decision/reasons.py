"""The reasons an answer carries: a plain tuple, so that those of two questions join with ``+``."""

from itertools import chain
from typing import NamedTuple

from b12fhir.kernel.evidence import Evidence, Finding, Remark
from b12fhir.kernel.truth import Truth


class Gap(Remark):
    """Something missing, and what it would change."""

    __slots__ = ()


class Caution(Remark):
    """Something to heed before or during treatment."""

    __slots__ = ()


class Contraindication(Remark):
    """Something that forbids a treatment."""

    __slots__ = ()


class Mimic(Remark):
    """Another explanation that has not been excluded."""

    __slots__ = ()


class Flag(NamedTuple):
    """A short machine-readable mark on the decision."""

    name: str


Reason = Finding | Remark | Flag
# A named tuple's own constructor is one more call in Python; a decision makes some forty.
_new = tuple.__new__
Reasons = tuple[Reason, ...]

NONE: Reasons = ()


def joined(*parts: Reasons) -> Reasons:
    """All reasons in the order of the questions."""
    return tuple(chain.from_iterable(parts))


class Sorted(NamedTuple):
    """Reasons by kind, each said once, in the order in which they were first said.

    Flags are in alphabetical order.
    """

    findings: tuple[Finding, ...]
    gaps: tuple[Remark, ...]
    cautions: tuple[Remark, ...]
    contraindications: tuple[Remark, ...]
    mimics: tuple[Remark, ...]
    flags: tuple[str, ...]


def by_kind(reasons: Reasons) -> Sorted:
    """Sort reasons by their kind."""
    findings: list[Finding] = []
    remarks: tuple[dict[Remark, None], ...] = tuple({} for _ in _PLACE)
    flags: set[str] = set()
    rules: set[str] = set()
    for reason in reasons:
        if isinstance(reason, Finding):
            # Facts are compared only where a rule was found before: that is dear.
            if reason.rule not in rules or reason not in findings:
                rules.add(reason.rule)
                findings.append(reason)
        elif isinstance(reason, Flag):
            flags.add(reason.name)
        else:
            remarks[_PLACE[type(reason)]][reason] = None
    gaps, cautions, contraindications, mimics = map(tuple, remarks)
    return Sorted(tuple(findings), gaps, cautions, contraindications, mimics, tuple(sorted(flags)))


_PLACE: dict[type, int] = {
    kind: place for place, kind in enumerate((Gap, Caution, Contraindication, Mimic))
}


def found(rule: str, facts: Evidence = (), note: str = "", truth: Truth = Truth.YES) -> Reasons:
    """One finding: the rule's condition holds (or ``truth``)."""
    return (_new(Finding, (rule, truth, facts, note)),)


def gap(key: str, text: str, rule: str, about: str = "") -> Reasons:
    """Something missing, and what it would change."""
    return (_new(Gap, (key, text, rule, about)),)


def caution(key: str, text: str, rule: str, about: str = "") -> Reasons:
    """Something to heed before or during treatment."""
    return (_new(Caution, (key, text, rule, about)),)


def contraindication(key: str, text: str, rule: str, about: str = "") -> Reasons:
    """Something that forbids a treatment."""
    return (_new(Contraindication, (key, text, rule, about)),)


def mimic(key: str, text: str, rule: str) -> Reasons:
    """Another explanation that has not been excluded."""
    return (_new(Mimic, (key, text, rule, "")),)


def flag(name: str) -> Reasons:
    """A short machine-readable mark on the decision."""
    return (Flag(name),)

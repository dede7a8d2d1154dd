"""The reasons an answer carries: a plain tuple, so that those of two questions join with ``+``."""

from collections.abc import Callable
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import NamedTuple, final

from b12fhir.kernel.evidence import Evidence, Finding, Remark, Wording
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value


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


@final
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


@value
class Sorted:
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
    flags: set[str] = set()
    remarks: dict[type, dict[Remark, None]] = {
        Gap: {},
        Caution: {},
        Contraindication: {},
        Mimic: {},
    }
    for reason in reasons:
        if type(reason) is Finding:
            findings.append(reason)
        elif type(reason) is Flag:
            flags.add(reason.name)
        else:
            remarks[type(reason)][reason] = None
    gaps, cautions, contraindications, mimics = map(tuple, remarks.values())
    once, names = _once(findings), tuple(sorted(flags))
    return Sorted(once, gaps, cautions, contraindications, mimics, names)


def _once(findings: list[Finding]) -> tuple[Finding, ...]:
    """Each finding once. Facts are compared last, and where the rest is equal: that is dear."""
    if len(set(map(_rule_and_note, findings))) == len(findings):
        return tuple(findings)
    once: list[Finding] = []
    for finding in findings:
        if finding not in once:
            once.append(finding)
    return tuple(once)


_rule_and_note = itemgetter(*map(Finding._fields.index, ("rule", "adds")))


def found(
    rule: str, facts: Evidence = (), note: str | Wording = "", truth: Truth = Truth.YES
) -> Reasons:
    """One finding: the rule's condition holds (or ``truth``)."""
    return (_new(Finding, (rule, truth, facts, note)),)


def note_of(write: Callable[..., str], *of: object) -> Wording:
    """A note with numbers in it: they are put into words only if somebody reads the finding."""
    return _new(Wording, (write, of))


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


@cache  # there are a dozen
def flag(name: str) -> Reasons:
    """A short machine-readable mark on the decision."""
    return (Flag(name),)

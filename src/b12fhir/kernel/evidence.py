"""What a statement rests on: the facts used, where they stand, and who says so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, final

from b12fhir.kernel.truth import Truth
from b12fhir.kernel.words import Word


class Severity(Word):
    """How bad an issue is: ``error`` set something aside, ``warning`` doubts it, else a note."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Issue(NamedTuple):
    """A datum that was set aside or doubted: what, where, why it matters, what to do.

    ``code`` is stable and machine-readable; ``resource`` a FHIR reference or ``""``. ``relevant``
    is true when the datum could have changed the decision.
    """

    code: str
    severity: Severity
    resource: str
    text: str
    relevant: bool = True

    def sort_key(self) -> tuple[str, str, str]:
        """Order that does not depend on the order of the input."""
        return (self.code, self.resource, self.text)


@dataclass(frozen=True, slots=True)
class Input:
    """One fact as used by a rule: FHIR reference, value and unit as recorded, and its date."""

    reference: str
    value: str
    unit: str = ""
    date: str = ""

    def as_input(self) -> "Input":
        """Itself: an input is evidence too."""
        return self


class Fact(Protocol):
    """Anything on record that a rule can rest on."""

    @property
    def reference(self) -> str:
        """Where it stands on record."""
        ...

    def as_input(self) -> Input:
        """The fact as it is shown, in the words of the record."""
        ...


Evidence = tuple[Fact, ...]


class Wording(NamedTuple):
    """A text that is written when somebody reads it: ``write`` is given ``of``.

    Two are equal where the same way of writing gives the same text: of the same amount in another
    unit, say. So ``write`` must not depend on anything but ``of``.
    """

    write: Callable[..., str]
    of: tuple[object, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Wording) or self.write is not other.write:
            return False
        return self.of == other.of or self.write(*self.of) == other.write(*other.of)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        # Results take long to hash, and few findings of one decision share the way of writing.
        return hash(self.write)


@final
class Finding(NamedTuple):
    """One numbered rule met on the way: does its condition hold, and on which facts.

    ``note`` adds what the rule's own sentence cannot say (a number, a missing test); ``adds`` is
    that text, or how to write it. The sentence and the citation come from the rule catalogue when
    the finding is shown, and so does each fact's own text: most decisions of a population are
    never shown.
    """

    rule: str
    truth: Truth
    facts: Evidence = ()
    adds: str | Wording = ""

    @property
    def note(self) -> str:
        """What the rule's own sentence cannot say, or ``""``."""
        adds = self.adds
        return adds if isinstance(adds, str) else adds.write(*adds.of)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The facts as they are shown."""
        return tuple(fact.as_input() for fact in self.facts)


class Remark(NamedTuple):
    """A gap, caution, contraindication or mimic: a stable id, one sentence, and its rule.

    ``about`` is the reference of the one order that it is about, if it is about one.
    """

    id: str
    text: str
    rule: str
    about: str = ""

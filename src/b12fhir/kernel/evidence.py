"""What a statement rests on: the facts used, where they stand, and who says so."""

from dataclasses import dataclass
from enum import Enum

from b12fhir.kernel.truth import Truth


class Severity(Enum):
    """How bad an issue is: ``error`` set something aside, ``warning`` doubts it, else a note."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Issue:
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


@dataclass(frozen=True, slots=True)
class Finding:
    """One numbered rule met on the way: does its condition hold, and on which facts.

    ``note`` adds what the rule's own sentence cannot say (a number, a missing test). The sentence
    and the citation come from the rule catalogue when the finding is shown.
    """

    rule: str
    truth: Truth
    inputs: tuple[Input, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """A gap, caution, contraindication or mimic: a stable id, one sentence, and its rule."""

    id: str
    text: str
    rule: str

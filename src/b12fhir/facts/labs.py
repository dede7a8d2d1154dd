"""Laboratory results that were read, each in the unit its decision limit is written in."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.dates import When
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.quantities import Measure
from b12fhir.kernel.truth import Truth

__all__ = ["Analyte", "LabResult", "PresenceResult", "Range", "RefusedLab"]


class Range(NamedTuple):
    """The laboratory's own limits in the result's unit; either side may be absent."""

    low: Measure | None = None
    high: Measure | None = None


class LabResult(NamedTuple):
    """One usable result; a tuple, since a record may hold thousands.

    ``amount`` is in the analyte's native unit (total B12 keeps ng/L and pmol/L apart, R-29).
    ``recorded`` is the value and unit as sent. ``pending`` results are shown and never decide
    (R-15). ``version`` orders corrections of one result; ``specimen`` is a reference or ``""``.
    """

    analyte: Analyte
    amount: Measure
    when: When
    reference: str
    recorded_value: str
    recorded_unit: str
    lab_range: Range = Range()
    lab_flag: str = ""
    pending: bool = False
    corrected: bool = False
    issued_only: bool = False
    specimen: str = ""

    def low(self, otherwise: Decimal) -> Truth:
        """Is it below the laboratory's own lower limit, else below ``otherwise``?"""
        own = self.lab_range.low
        return self.amount.below(own.value if own is not None else otherwise)

    def high(self, otherwise: Decimal) -> Truth:
        """Is it above the laboratory's own upper limit, else above ``otherwise``?"""
        own = self.lab_range.high
        return self.amount.above(own.value if own is not None else otherwise)

    def as_input(self) -> Input:
        """This result as evidence, in the words the laboratory used."""
        return Input(self.reference, self.recorded_value, self.recorded_unit, self.when.iso())


@dataclass(frozen=True, slots=True)
class RefusedLab:
    """A result of a relevant analyte that was not used.

    ``faulty`` tells a data fault (unreadable, wrong unit, implausible: R-23 to R-26) from a result
    that does not exist (cancelled, entered in error, not done). ``code`` is that of the issue.
    """

    analyte: Analyte
    reference: str
    code: str
    faulty: bool
    when: When | None = None


@dataclass(frozen=True, slots=True)
class PresenceResult:
    """A yes/no test such as an intrinsic-factor antibody."""

    test: str
    present: Truth
    when: When | None
    reference: str
    recorded: str = ""

    def as_input(self) -> Input:
        """This result as evidence."""
        return Input(self.reference, self.recorded, "", self.when.iso() if self.when else "")

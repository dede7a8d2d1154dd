"""What each laboratory code measures, in which units, and what is plausible (section 24)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from b12fhir.kernel.analyte import Analyte


@dataclass(frozen=True, slots=True)
class UnitRule:
    """One accepted unit: its kind (mass, moles, count, ...) and the way to the native unit."""

    unit: str
    kind: str
    native: str
    multiply: Decimal
    divide: Decimal
    note: str = ""

    def convert(self, value: Decimal) -> Decimal:
        """The number in the native unit: multiplied first, exact, never rounded."""
        return value * self.multiply / self.divide


@dataclass(frozen=True, slots=True)
class LabCode:
    """A LOINC code that is read: its analyte, the kind its unit must be of, and a note.

    ``kind`` is ``any`` where the code allows mass and moles and the unit decides.
    """

    code: str
    analyte: Analyte
    kind: str
    note: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class AnalyteInfo:
    """Limits of one analyte, each per native unit.

    ``plausible`` (low, high): outside is a data fault (R-25). ``usual``: the adult range that a
    reference range must overlap (ruling 25). ``decides`` analytes carry the class (R-23).
    ``scales`` of a native unit whose limits are those of the first one, turned into it: by what
    they were multiplied and divided. To compare amounts of two units only: R-29 keeps them apart.
    """

    analyte: Analyte
    label: str
    units: Mapping[str, UnitRule]
    plausible: Mapping[str, tuple[Decimal, Decimal]]
    usual: Mapping[str, tuple[Decimal, Decimal]]
    decides: bool = False
    scales: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnalyteTable:
    """All analytes by id, all laboratory codes, presence tests, and codes that look alike."""

    info: Mapping[Analyte, AnalyteInfo]
    codes: Mapping[str, LabCode]
    presence: Mapping[str, str]
    not_these: Mapping[str, str]
    panels: frozenset[str]

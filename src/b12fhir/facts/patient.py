"""The person: identity by reference only, sex, age, and whether a proposal may be made."""

from dataclasses import dataclass
from datetime import date

from b12fhir.kernel.dates import When, completed_weeks, whole_months, whole_years
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.words import Word


class Sex(Word):
    """Administrative gender as far as a haemoglobin limit needs it."""

    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Patient:
    """Who the facts are about. Holds no name, address or business identifier."""

    reference: str
    sex: Sex = Sex.UNKNOWN
    birth: When | None = None
    deceased: bool = False
    death: When | None = None
    active: bool = True
    replaced: bool = False

    def age_range(self, day: date) -> tuple[int, int] | None:
        """Youngest and oldest age in completed years on ``day``; ``None`` if not known."""
        if self.birth is None:
            return None
        oldest = whole_years(self.birth.first, day)
        if self.birth.is_exact:
            return oldest, oldest
        return whole_years(self.birth.last, day), oldest

    def months_range(self, day: date) -> tuple[int, int] | None:
        """As `age_range`, in completed months: infants' limits begin at half a year."""
        if self.birth is None:
            return None
        oldest = whole_months(self.birth.first, day)
        if self.birth.is_exact:
            return oldest, oldest
        return whole_months(self.birth.last, day), oldest


@dataclass(frozen=True, slots=True)
class Pregnancy:
    """Pregnancy and breast-feeding as recorded.

    ``last_period`` is the span of days the pregnancy is counted from (recorded, or worked out from
    the expected delivery date or a gestational age), so the week can be told for any day.
    """

    pregnant: Truth = Truth.UNKNOWN
    breastfeeding: Truth = Truth.UNKNOWN
    last_period: When | None = None
    inputs: tuple[Input, ...] = ()

    def weeks_on(self, day: date) -> tuple[int, int] | None:
        """Fewest and most completed weeks on ``day``; ``None`` if not known."""
        if self.last_period is None:
            return None
        first, last = self.last_period.first, self.last_period.last
        return completed_weeks(last, day), completed_weeks(first, day)

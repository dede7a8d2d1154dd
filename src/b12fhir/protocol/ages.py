"""The tables by age: which rows hold for somebody. Worked out once for each age that is asked for.

Nearly everybody of a population falls under one of a few hundred ages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from b12fhir.kernel.values import remembered
from b12fhir.protocol.limits import Limits

# The youngest and the oldest that somebody can be; ``None``: not known.
Ages = tuple[int, int] | None

_MONTHS = 12
# Whose limits are not those of a sex; for one that is not known none is left out.
_OTHER = {"female": "male", "male": "female"}


@dataclass(frozen=True, slots=True)
class ByAge:
    """What the tables say of an age; a span of ages can fall under several rows.

    ``anaemia``: names of the groups outside pregnancy, by administrative sex and completed months.
    ``mma``: cut-offs in nmol/L by completed years; of an unknown age those of adults.
    """

    anaemia: Callable[[str, Ages], tuple[str, ...]]
    mma: Callable[[Ages], tuple[Decimal, ...]]


def by_age(limits: Limits) -> ByAge:
    """The look-ups for these limits."""
    return ByAge(remembered(partial(_groups, limits)), remembered(partial(_cutoffs, limits)))


def _groups(limits: Limits, sex: str, months: Ages) -> tuple[str, ...]:
    other = _OTHER.get(sex)
    rows = limits.anaemia.values()
    mine = [row for row in rows if not row.trimester and row.sex != other]
    if months is None:
        return tuple(row.group for row in mine)
    youngest, oldest = (Decimal(age) / _MONTHS for age in months)
    return tuple(r.group for r in mine if r.from_years <= oldest and youngest < r.to_years)


def _cutoffs(limits: Limits, years: Ages) -> tuple[Decimal, ...]:
    table = limits.mma_cutoff
    if years is None:
        return tuple(row.value for row in table if row.to_years > limits.adult_from_years)
    youngest, oldest = years
    return tuple(r.value for r in table if r.from_years <= oldest and youngest < r.to_years)

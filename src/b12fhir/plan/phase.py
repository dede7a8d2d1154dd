"""A phase of a plan with its dates, and the doses it consists of."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from b12fhir.protocol.model import Product, Span


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase with its dates; drug, form, strength, dose, route and interval always explicit.

    ``volume_ml`` is ``None`` for tablets. ``count`` 0 is open-ended. ``last`` is the day of the
    last dose of a counted phase, ``end`` the day a timed phase ends; both ``None`` when open.
    ``days`` and ``step`` are those of the `PhaseTemplate`.
    """

    id: str
    product: Product
    route: str
    dose: Decimal
    dose_max: Decimal | None
    volume_ml: Decimal | None
    interval: Span
    count: int
    start: date
    last: date | None
    end: date | None
    duration: Span | None
    reviews: tuple[date, ...]
    gate: str
    stop_rule: str
    alternative: str
    rule: str
    days: tuple[int, ...] = ()
    step: Span | None = None


@dataclass(frozen=True, slots=True)
class DoseSlot:
    """One dose to give: ``slot`` is phase and number, never a date (section 12)."""

    slot: str
    due: date
    status: str = "scheduled"

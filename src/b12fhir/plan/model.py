"""What a plan says: phases, monitoring and doses with dates."""

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
class Monitor:
    """A test with the days it is due; of an open-ended one, those of the first year."""

    test: str
    due: tuple[date, ...]
    rule: str
    open_ended: bool = False


@dataclass(frozen=True, slots=True)
class DoseSlot:
    """One dose to give: ``slot`` is phase and number, never a date (section 12)."""

    slot: str
    due: date
    status: str = "scheduled"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A regimen or route that was not chosen, and why."""

    regimen: str
    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The treatment or confirmation plan of one patient; empty phases mean tests only.

    ``kind`` is that of the decision's intent; ``start`` is d0.
    """

    kind: str
    start: date
    regimen: str = ""
    phases: tuple[Phase, ...] = ()
    monitoring: tuple[Monitor, ...] = ()
    doses: tuple[DoseSlot, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    advice: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing to write: neither phases nor tests, nor a stop, which is a message in itself."""
        return not self.phases and not self.monitoring and self.kind != "stop"

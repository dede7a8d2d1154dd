"""What a plan says: phases, monitoring and doses with dates."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from b12fhir.plan.phase import DoseSlot, Phase
from b12fhir.plan.schedule import slots

__all__ = ["DoseSlot", "Monitor", "Phase", "Plan", "Rejected"]


class Monitor(NamedTuple):
    """A test with the days it is due; of an open-ended one, those of the first year."""

    test: str
    due: tuple[date, ...]
    rule: str
    open_ended: bool = False


class Rejected(NamedTuple):
    """A regimen or route that was not chosen, and why."""

    regimen: str
    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The treatment or confirmation plan of one patient; empty phases mean tests only.

    ``kind`` is that of the decision's intent; ``start`` is d0. ``horizon`` is the day up to which
    the doses of an open-ended phase are written out.
    """

    kind: str
    start: date
    regimen: str = ""
    phases: tuple[Phase, ...] = ()
    monitoring: tuple[Monitor, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    advice: tuple[str, ...] = ()
    horizon: date = date.min

    @property
    def doses(self) -> tuple[DoseSlot, ...]:
        """Every dose with its day, worked out anew each time: most plans are never read so far."""
        return slots(self.phases, self.horizon)

    @property
    def is_empty(self) -> bool:
        """Nothing to write: neither phases nor tests, nor a stop, which is a message in itself."""
        return not self.phases and not self.monitoring and self.kind != "stop"

"""What a dose of a plan in force is on a day: slot, status, and the log they make."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from b12fhir.kernel.evidence import Remark


class SlotStatus(Enum):
    """What a slot, or a dose beside all slots (``extra``, ``too-soon``), is on a day."""

    SCHEDULED = "scheduled"
    DUE = "due"
    GIVEN = "given"
    GIVEN_EARLY = "given-early"
    GIVEN_LATE = "given-late"
    OVERDUE = "overdue"
    MISSED = "missed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    EXTRA = "extra"
    TOO_SOON = "too-soon"


_LATE = frozenset({SlotStatus.OVERDUE, SlotStatus.MISSED})
_DONE = frozenset(
    {SlotStatus.GIVEN, SlotStatus.GIVEN_EARLY, SlotStatus.GIVEN_LATE, SlotStatus.SKIPPED}
)


@dataclass(frozen=True, slots=True)
class Slot:
    """One dose of a phase, or (``ordinal`` 0, no ``due``) a dose that fills no slot.

    ``ordinal`` identifies the slot and never changes; ``number`` counts the doses, from which
    skipped slots are left out. ``given`` and ``reference`` are those of the dose on record.
    ``overdue_from`` is the first day on which an open slot is late.
    """

    phase: str
    ordinal: int
    number: int
    due: date | None
    status: SlotStatus
    given: date | None = None
    reference: str = ""
    overdue_from: date | None = None

    @property
    def is_open(self) -> bool:
        """Still to be given: never after it was cancelled."""
        return self.status not in _DONE and self.status is not SlotStatus.CANCELLED

    @property
    def is_late(self) -> bool:
        """Overdue or missed: to be given now."""
        return self.status in _LATE


@dataclass(frozen=True, slots=True)
class DoseLog:
    """Slots of all phases in order, doses that fill none, and what must be asked."""

    slots: tuple[Slot, ...] = ()
    beside: tuple[Slot, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def late(self) -> Slot | None:
        """The slot that is overdue or missed; there is never more than one of a phase."""
        return next((slot for slot in self.slots if slot.is_late), None)

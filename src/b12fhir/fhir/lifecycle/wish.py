"""What a practitioner asks for when signing."""

from dataclasses import dataclass
from datetime import date

from b12fhir.ports import Resource


@dataclass(frozen=True, slots=True)
class Wish:
    """The phase to sign, and what was agreed or acknowledged.

    ``phase`` must be named for every phase but the first: a second press of the same button must
    not order the next one. ``start`` is the agreed first day (default: as proposed) and ``plan``
    the whole plan composed for it, where the first phase is to be moved. ``despite`` is the reason
    for signing beside another active order. ``accept_changes`` signs a draft as somebody edited it.
    """

    phase: str = ""
    start: date | None = None
    plan: Resource | None = None
    despite: str = ""
    accept_changes: bool = False


NOTHING_SPECIAL = Wish()

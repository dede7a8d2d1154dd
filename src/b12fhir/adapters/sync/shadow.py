"""A place for a dry run: begins as the real one stands, and leaves that as it is."""

from collections.abc import Sequence
from datetime import date

from b12fhir.adapters.sync.place import PlaceInMemory
from b12fhir.ports import Found, Place, Reader


class Shadow(PlaceInMemory):
    """What a run would do to a place. Who waits there waits here, those due on ``day`` too."""

    def __init__(self, real: Place, day: date) -> None:
        super().__init__()
        self._real = real
        known = Found(tuple(real.peek(day)), real.marks(), expected=real.expected())
        self.note(known, real.full_read())

    def readers(self) -> Sequence[Reader]:
        """Who looked in truth, or in this run."""
        return (*self._real.readers(), *super().readers())

    def seen(self, kind: str) -> frozenset[tuple[str, str]]:
        """What need not be looked at again, in truth or in this run."""
        return self._real.seen(kind) | super().seen(kind)

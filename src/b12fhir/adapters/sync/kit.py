"""What is needed to see to a patient."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Event, Lock

from b12fhir.adapters.sync.handing import Desk
from b12fhir.adapters.sync.known import Recent
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.adapters.sync.settings import SyncSettings
from b12fhir.fhir.capabilities import Capabilities
from b12fhir.fhir.site import Site
from b12fhir.ports import Audit, FhirWriter
from b12fhir.protocol.model import Protocol


class DeviceOnce:
    """Our Device is made before the first plan: plans written at once would race for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_there = False

    def ensure(self, make: Callable[[], None]) -> None:
        """Make it, unless this run did so."""
        with self._lock:
            if not self._is_there:
                make()
                self._is_there = True


@dataclass(frozen=True, slots=True)
class Kit:
    """What is needed to see to a patient; shared by all threads of a run.

    ``now``: when the run began. ``full_every``: how long it is until every patient is read again
    anyway; nothing where nobody would come back to one. ``left``: the run is over. Whoever it did
    not wait for begins nothing any more, for another run may have the patient.
    """

    server: FhirWriter
    protocol: Protocol
    site: Site
    as_of: datetime
    settings: SyncSettings
    reader: PatientReader
    audit: Audit
    can: Capabilities
    desk: Desk
    recent: Recent
    now: datetime
    full_every: timedelta = timedelta()
    device: DeviceOnce = field(default_factory=DeviceOnce)
    left: Event = field(default_factory=Event)

    @property
    def today(self) -> date:
        """The day that is judged as of."""
        return self.as_of.astimezone(self.site.zone).date()

    @property
    def tomorrow(self) -> date:
        """The day after it."""
        return self.today + timedelta(days=1)

"""When, where, and on whose behalf: what every step of a plan's life needs besides the plan."""

from dataclasses import dataclass
from datetime import date, datetime

from b12fhir.fhir.site import Site


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment asked about, the site, and how many days ahead the next phase is asked for."""

    at: datetime
    site: Site
    notice_days: int

    @property
    def day(self) -> date:
        """The day at the site."""
        return self.at.astimezone(self.site.zone).date()

    @property
    def instant(self) -> str:
        """The moment as FHIR writes it, to the second."""
        return self.at.astimezone(self.site.zone).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Signer:
    """On whose behalf, and when: ``Practitioner/<id>`` or ``PractitionerRole/<id>``.

    ``""`` is the engine itself, which may take back what it proposed and nothing else.
    """

    practitioner: str
    clock: Clock

    @property
    def site(self) -> Site:
        """The site."""
        return self.clock.site

    @property
    def words(self) -> str:
        """Who and when, to stand behind a verb."""
        whose = f" on behalf of {self.practitioner}" if self.practitioner else ""
        return f"on {self.clock.day.isoformat()}{whose}"

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


@dataclass(frozen=True, slots=True)
class Signer:
    """On whose behalf, and when: ``Practitioner/<id>`` or ``PractitionerRole/<id>``.

    ``""`` is the engine itself, which may take back what it proposed and nothing else. ``made`` is
    the moment in which it is really done, by default the one asked about: whoever looks at another
    day must not date a signature back to it.
    """

    practitioner: str
    clock: Clock
    made: datetime | None = None

    @property
    def site(self) -> Site:
        """The site."""
        return self.clock.site

    @property
    def words(self) -> str:
        """Who and when, to stand behind a verb."""
        whose = f" on behalf of {self.practitioner}" if self.practitioner else ""
        return f"on {self._at_the_site.date().isoformat()}{whose}"

    @property
    def instant(self) -> str:
        """The moment of the act as FHIR writes it, to the second."""
        return self._at_the_site.isoformat(timespec="seconds")

    @property
    def _at_the_site(self) -> datetime:
        return (self.made or self.clock.at).astimezone(self.site.zone)

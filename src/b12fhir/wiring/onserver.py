"""What is done on a FHIR server: sync, the life of a plan, its profiles, and what it can do."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from b12fhir.adapters import cli, signoff
from b12fhir.adapters.doctor import STOPS, diagnose
from b12fhir.adapters.follow import no_signed_plan, owner_of
from b12fhir.adapters.install import install, refusals
from b12fhir.adapters.server import RestServer
from b12fhir.adapters.sync import SyncSettings
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.errors import OK, PARTIAL, ServerError
from b12fhir.fhir.capabilities import Capabilities, read_capabilities
from b12fhir.fhir.lifecycle import PlanState, State
from b12fhir.fhir.profiles import artefacts
from b12fhir.ports import Audit, Resource
from b12fhir.service import Followed, follow
from b12fhir.service.recording import OFF
from b12fhir.wiring.house import House
from b12fhir.wiring.saying import said
from b12fhir.wiring.syncing import sync_and_tell


@dataclass(frozen=True)
class OnServer:
    """The doors of the command line that lead to a FHIR server."""

    house: House

    def sync(self, asked: cli.Round, ticker: cli.Ticker) -> cli.Synced:
        return sync_and_tell(self.house, asked, ticker)

    def follow(self, plan: str, patient: str, as_of: datetime) -> Sequence[Followed]:
        """The signed plans of one patient; one of them, if its key is given."""
        with self.house.server() as server:
            site = self.house.site(server.base)
            can = self._can(server)
            reader = PatientReader(server, can, SyncSettings().page_size, site)
            for note in reader.check():
                self.house.say(note)
            named = f"Patient/{patient.removeprefix('Patient/')}"
            owner = named if patient else owner_of(server, site, plan)
            resources = reader.everything(owner)
        found = follow(resources, self.house.protocol(as_of), as_of, site, owner)
        chosen = [one for one in found if plan in {"", one.course.key}]
        if not chosen:
            raise no_signed_plan("This patient has no signed plan")
        return chosen

    def plans(
        self, as_of: datetime, patient: str, states: Collection[State]
    ) -> Sequence[PlanState]:
        with self.house.server() as server:
            desk = self._desk(server, as_of, OFF)
            return signoff.list_plans(desk, patient=patient, states=states)

    def step(self, asked: cli.Step, as_of: datetime) -> cli.Stepped:
        """One step of a plan's life; recorded like everything that writes."""
        with self.house.server() as server:
            audit = self.house.audit(writes=not asked.dry_run)
            desk = self._desk(server, as_of, audit, dry_run=asked.dry_run)
            return _STEPS[asked.kind](desk, asked)

    def _desk(
        self, server: RestServer, as_of: datetime, audit: Audit, *, dry_run: bool = False
    ) -> signoff.Desk:
        can, site = self._can(server), self.house.site(server.base)
        return signoff.Desk(
            server=server,
            can=can,
            protocol=self.house.protocol(as_of),
            site=site,
            at=as_of,
            read=PatientReader(server, can, SyncSettings().page_size, site).everything,
            audit=audit,
            validate=self.house.settings.validate,
            dry_run=dry_run,
            made=self.house.clock(),
        )

    def _can(self, server: RestServer) -> Capabilities:
        """What the server says of itself, and the site of it."""
        return read_capabilities(server.capabilities(), self.house.settings.server_can)

    def artefacts(self) -> Sequence[Resource]:
        return artefacts(self.house.protocol(self.house.clock()), self.house.settings.canonical)

    def install(self, dry_run: bool) -> cli.Installed:  # noqa: FBT001 - a port
        with self.house.server() as server:
            done = install(server, self.artefacts(), dry_run=dry_run)
        refused = [error for kind in done for _, error in kind.refused]
        written = sum(kind.created + kind.updated for kind in done)
        what = "Would write" if dry_run else "Wrote"
        lines = [*(kind.line() for kind in done), f"{what} {written} artefacts."]
        lacking = any(kind.lacking for kind in done)
        code = PARTIAL if refused or lacking else OK
        return cli.Installed(lines, list(refusals(done)), said(refused, self.house.stderr), code)

    def doctor(self) -> cli.Diagnosis:
        with self.house.server() as server:
            found = diagnose(server, self.house.settings.server_can)
            checks = [*found, *self.house.proof.checks()]
        stops = any(check.state == STOPS for check in checks)
        return cli.Diagnosis(
            [check.line() for check in checks], ServerError.exit_code if stops else OK
        )


def _signed(desk: signoff.Desk, asked: cli.Step) -> signoff.Done:
    wish = signoff.Asked(asked.phase, asked.start, asked.despite, asked.accept_changes)
    return signoff.sign(desk, asked.plan, asked.practitioner, wish)


_STEPS: Mapping[str, Callable[[signoff.Desk, cli.Step], signoff.Done]] = {
    "approve": _signed,
    "reject": lambda desk, a: signoff.refuse(desk, a.plan, a.practitioner, a.reason),
    "withdraw": lambda desk, a: signoff.withdraw(desk, a.plan, a.practitioner, a.reason),
    "close": lambda desk, a: signoff.close(desk, a.plan, a.practitioner, a.phase),
}

"""Settings to concrete parts; the entry point; the only place that has a clock."""

import os
import sys
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import as_file
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

from b12fhir import config
from b12fhir.adapters import cli, files, report, signoff
from b12fhir.adapters.audit import FileAudit, history, verify
from b12fhir.adapters.cli.exits import BROKEN_PIPE, INTERRUPTED
from b12fhir.adapters.cli.parser import SETTING_OPTIONS
from b12fhir.adapters.doctor import STOPS, diagnose
from b12fhir.adapters.follow import no_signed_plan, owner_of
from b12fhir.adapters.install import install, refusals
from b12fhir.adapters.server import Limits, RestServer
from b12fhir.adapters.server.address import parse_address
from b12fhir.adapters.sync import SyncReport, SyncSettings, sync
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.adapters.sync.report import HANDED_OVER, NOTHING
from b12fhir.config import Settings
from b12fhir.demo import cohort_dir
from b12fhir.errors import (
    OK,
    PARTIAL,
    AuditError,
    B12Error,
    ConfigError,
    Defect,
    ProtocolError,
    ServerError,
    UserError,
)
from b12fhir.fhir.capabilities import Capabilities, read_capabilities
from b12fhir.fhir.lifecycle import PlanState, State
from b12fhir.fhir.profiles import artefacts
from b12fhir.fhir.site import Site
from b12fhir.ports import Audit, Resource
from b12fhir.protocol.load import load_protocol, pack_ids
from b12fhir.protocol.model import Pack, Protocol
from b12fhir.service import Followed, Proposal, follow, propose
from b12fhir.service.recording import OFF, pseudonym, record_decision

Clock = Callable[[], datetime]

HANDOVER = "handover"


def run() -> None:
    """Console entry point."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets a question mark, never a crash.
        cast("TextIOWrapper", stream).reconfigure(errors="replace")
    code = main(sys.argv[1:], os.environ, sys.stdout, sys.stderr, lambda: datetime.now(UTC))
    if code == BROKEN_PIPE:
        # Python flushes at exit and would complain about the closed pipe once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def main(
    argv: Sequence[str],
    environ: Mapping[str, str],
    stdout: IO[str],
    stderr: IO[str],
    clock: Clock,
) -> int:
    """Run one command; the exit code. A user's error is one line, ours keeps its traceback."""
    try:
        code = _command(argv, environ, stdout, stderr, clock)
        stdout.flush()
    except UserError as error:
        for line in (str(error), *_said([error], stderr)):
            stderr.write(f"b12fhir: {report.one_line(line)}\n")
        return error.exit_code
    except KeyboardInterrupt:
        stderr.write("b12fhir: stopped.\n")
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    except Exception:  # noqa: BLE001 - the last stop: whose mistake it is, and what to do
        traceback.print_exc(file=stderr)
        stderr.write("b12fhir: this is our mistake. Please report it, without patient data.\n")
        return Defect.exit_code
    return code


def _command(
    argv: Sequence[str],
    environ: Mapping[str, str],
    stdout: IO[str],
    stderr: IO[str],
    clock: Clock,
) -> int:
    args = cli.parse(argv, stdout)
    if args is None:
        return OK
    options = {name: getattr(args, name, None) for name in SETTING_OPTIONS}
    house = _House(config.load(environ, options), clock, stderr)
    screens = report.Terminal(stdout, environ), report.Terminal(stderr, environ)
    return cli.run(args, house.doors(*screens))


@dataclass(frozen=True)
class _House:
    """The parts that depend on the settings, each made when first asked for."""

    settings: Settings
    clock: Clock
    stderr: IO[str]

    def protocol(self, as_of: datetime) -> Protocol:
        """The chosen pack with the numbers in force on that day of the site.

        Refused if unreviewed where the site refuses those (ruling 14).
        """
        day = as_of.astimezone(self.settings.zone).date()
        protocol = load_protocol(self.settings.pack, day)
        if self.settings.refuse_unreviewed and protocol.pack.review.status == "unreviewed":
            msg = f"Pack {protocol.pack.id} is unreviewed, and this site refuses unreviewed packs."
            hint = "Have a clinician review it, or set B12FHIR_REFUSE_UNREVIEWED=off."
            raise ProtocolError(msg, hint=hint)
        return protocol

    def site(self, address: str = "local") -> Site:
        """The site; ``address`` names the server unless the settings do (ruling 12)."""
        chosen = self.settings
        codes = chosen.codes()
        return Site(
            server_id=chosen.server_id or address,
            site_key=chosen.site_key,
            canonical=chosen.canonical,
            zone=chosen.zone,
            code_map=codes.labs,
            drugs=codes.drugs,
            approver=chosen.approver,
            approve_days=chosen.approve_days,
        )

    def doors(self, out: report.Terminal, err: report.Terminal) -> cli.Doors:
        """Everything the command line may do."""
        return cli.Doors(
            out=out,
            err=err,
            zone=self.settings.zone,
            folder=self.settings.out,
            now=self.clock,
            pack=lambda as_of: self.protocol(as_of).pack,
            packs=_packs,
            read=files.read,
            demo=_demo,
            propose=self._propose,
            page=report.page,
            write=files.write,
            sync=self._sync,
            doctor=self._doctor,
            artefacts=self._artefacts,
            install=self._install,
            follow=self._follow,
            plans=self._plans,
            step=self._step,
            audit_verify=self._audit_verify,
            audit_history=self._audit_history,
        )

    def _propose(self, resources: Sequence[Resource], as_of: datetime, patient: str) -> Proposal:
        proposal = propose(resources, self.protocol(as_of), as_of, self.site(), patient=patient)
        record_decision(self._reading_audit, proposal, resources)
        return proposal

    @cached_property
    def _reading_audit(self) -> Audit:
        """The record of doors that write to no server: one for all patients of a command."""
        return self.audit(writes=False)

    def audit(self, *, writes: bool) -> Audit:
        """The audit record this run keeps; one that keeps nothing where it is off."""
        path = self.settings.audit_file(writes=writes)
        return FileAudit(path, self.clock, key=self.settings.audit_key()) if path else OFF

    def _audit_path(self, file: str) -> Path:
        path = Path(file) if file else self.settings.audit_file(writes=True)
        if path is None:
            raise ConfigError("The audit record is switched off.", hint="Name one with --file.")
        return path

    def _audit_verify(self, file: str) -> cli.Diagnosis:
        found = verify(self._audit_path(file), self.settings.audit_key())
        return cli.Diagnosis(found.lines(), OK if found.is_good else AuditError.exit_code)

    def _audit_history(self, file: str, patient: str) -> Sequence[str]:
        named = self.settings.server
        sites = [self.site(), *([self.site(parse_address(named).base)] if named else [])]
        return history(self._audit_path(file), {pseudonym(patient, site) for site in sites})

    def _server(self) -> RestServer:
        if not self.settings.server:
            hint = "Give --server https://ehr.example.org/fhir, or set B12FHIR_SERVER."
            raise ConfigError("No FHIR server is named.", hint=hint)
        limits = Limits(read_s=self.settings.timeout)
        return RestServer(
            self.settings.server, token=self.settings.token, limits=limits, clock=self.clock
        )

    def _can(self, server: RestServer) -> Capabilities:
        """What the server says of itself, and the site of the server."""
        return read_capabilities(server.capabilities(), self.settings.server_can)

    def _sync(self, as_of: datetime, dry_run: bool, ticker: cli.Ticker) -> cli.Synced:  # noqa: FBT001 - a port
        chosen = SyncSettings(
            workers=self.settings.workers,
            dry_run=dry_run,
            validate=self.settings.validate,
            told=self.settings.server_can,
        )
        handover = self.settings.out / HANDOVER
        with self._server() as server:
            done = sync(
                server,
                self.protocol(as_of),
                self.site(server.base),
                as_of,
                chosen,
                audit=self.audit(writes=not dry_run),
                handover=files.HandoverFolder(handover),
                begin=ticker.begin,
                done=lambda _: ticker.step(),
            )
        record = self.settings.audit_file(writes=not dry_run)
        kept = f"Audit record: {record or 'none is kept'}." if record or not dry_run else ""
        waits = f"Handover folder: {handover}" if done.counts[HANDED_OVER] else ""
        return _synced(done, self.stderr, *(line for line in (waits, kept) if line))

    def _follow(self, plan: str, patient: str, as_of: datetime) -> Sequence[Followed]:
        """The signed plans of one patient; one of them, if its key is given."""
        with self._server() as server:
            site = self.site(server.base)
            can = self._can(server)
            reader = PatientReader(server, can, SyncSettings().page_size, site)
            for note in reader.check():
                self.stderr.write(f"b12fhir: {report.one_line(note)}\n")
            named = f"Patient/{patient.removeprefix('Patient/')}"
            owner = named if patient else owner_of(server, site, plan)
            resources = reader.everything(owner)
        found = follow(resources, self.protocol(as_of), as_of, site, owner)
        chosen = [one for one in found if plan in {"", one.course.key}]
        if not chosen:
            raise no_signed_plan("This patient has no signed plan")
        return chosen

    def _plans(
        self, as_of: datetime, patient: str, states: Collection[State]
    ) -> Sequence[PlanState]:
        with self._server() as server:
            desk = self._desk(server, as_of, OFF)
            return signoff.list_plans(desk, patient=patient, states=states)

    def _step(self, asked: cli.Step, as_of: datetime) -> cli.Stepped:
        """One step of a plan's life; recorded like everything that writes."""
        with self._server() as server:
            audit = self.audit(writes=not asked.dry_run)
            desk = self._desk(server, as_of, audit, dry_run=asked.dry_run)
            return _STEPS[asked.kind](desk, asked)

    def _desk(
        self, server: RestServer, as_of: datetime, audit: Audit, *, dry_run: bool = False
    ) -> signoff.Desk:
        can, site = self._can(server), self.site(server.base)
        return signoff.Desk(
            server=server,
            can=can,
            protocol=self.protocol(as_of),
            site=site,
            at=as_of,
            read=PatientReader(server, can, SyncSettings().page_size, site).everything,
            audit=audit,
            validate=self.settings.validate,
            dry_run=dry_run,
            made=self.clock(),
        )

    def _artefacts(self) -> Sequence[Resource]:
        return artefacts(self.protocol(self.clock()), self.settings.canonical)

    def _install(self, dry_run: bool) -> cli.Installed:  # noqa: FBT001 - a port
        with self._server() as server:
            done = install(server, self._artefacts(), dry_run=dry_run)
        refused = [error for kind in done for _, error in kind.refused]
        written = sum(kind.created + kind.updated for kind in done)
        what = "Would write" if dry_run else "Wrote"
        lines = [*(kind.line() for kind in done), f"{what} {written} artefacts."]
        lacking = any(kind.lacking for kind in done)
        code = PARTIAL if refused or lacking else OK
        return cli.Installed(lines, list(refusals(done)), _said(refused, self.stderr), code)

    def _doctor(self) -> cli.Diagnosis:
        with self._server() as server:
            checks = diagnose(server, self.settings.server_can)
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


def _synced(done: SyncReport, stderr: IO[str], *more: str) -> cli.Synced:
    """What the command line shows of a run; ``more`` lines come last."""
    lines = list(done.lines())
    unchanged = done.counts[NOTHING]
    if unchanged == len(done.results):
        lines.append(f"Nothing to write: {unchanged} patients stand unchanged.")
    writes = [result.write for result in done.results if result.write]
    errors = [result.error for result in done.results if result.error]
    if defect := next((error for error in errors if isinstance(error, Defect)), None):
        traceback.print_exception(defect, file=stderr)
    code = PARTIAL if done.partial else OK
    if errors and len(errors) == len(done.results):
        code = errors[0].exit_code
    return cli.Synced(
        done.proposals,
        [write.bundle for write in writes if write.bundle],
        [*lines, *more],
        done.problems(),
        _said(errors, stderr),
        code,
    )


def _said(errors: Sequence[B12Error], stderr: IO[str]) -> list[str]:
    """A server's own words: they may quote a patient's data, so never into a file or a log."""
    words = dict.fromkeys(e.detail for e in errors if isinstance(e, ServerError) and e.detail)
    if words and not stderr.isatty():
        return ["the server said more; run this in a terminal to see its words."]
    return [f"the server said: {text}" for text in words]


def _packs() -> Sequence[Pack]:
    return [load_protocol(name).pack for name in pack_ids()]


def _demo() -> AbstractContextManager[Path]:
    return as_file(cohort_dir())

"""Over all patients of a server: read, decide, compare, write; one transaction a patient."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import Lock

from b12fhir.adapters.sync import report
from b12fhir.adapters.sync.beside import Beside, look_beside
from b12fhir.adapters.sync.brake import Brake
from b12fhir.adapters.sync.handing import Desk, HandoverInMemory
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.adapters.sync.report import PatientResult, SyncReport
from b12fhir.errors import (
    B12Error,
    ConflictError,
    Defect,
    DuplicateError,
    ServerError,
    TemporaryServerError,
)
from b12fhir.fhir.capabilities import Capabilities, read_capabilities
from b12fhir.fhir.compose import device_bundle
from b12fhir.fhir.compose.entry import plan_definition, used_records
from b12fhir.fhir.formed import found_instead_of_created
from b12fhir.fhir.provenance import Account, provenance_after, versions, with_provenance
from b12fhir.fhir.publish import Write, reconcile
from b12fhir.fhir.server_profile import ServerProfile, server_profile
from b12fhir.fhir.site import Site
from b12fhir.fhir.validate import validate
from b12fhir.ports import Audit, AuditEntry, AuditKind, FhirServer, Handover, Resource
from b12fhir.protocol.model import Protocol
from b12fhir.service import Proposal, Wanted, propose, wanted
from b12fhir.service.forming import FormedWriter
from b12fhir.service.recording import (
    ENGINE,
    OFF,
    record_decision,
    record_run,
    settle,
    transact,
    write_entry,
)

_PAUSE_S = 0.2
_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How a run goes about it.

    ``patients`` limits it to some references. ``tries`` is how often a lost race is run again,
    ``give_up_after`` after how many patients in a row a silent server is believed to be down.
    ``pause`` waits seconds, ``jitter`` returns 0 to 1. ``told`` is what the site knows better
    about the server than the server itself (`b12fhir.fhir.told`).
    """

    workers: int = 2
    dry_run: bool = False
    validate: bool = True
    page_size: int = 200
    patients: tuple[str, ...] = ()
    tries: int = 3
    give_up_after: int = 5
    pause: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    told: Mapping[str, bool] = field(default_factory=dict)


def sync(  # noqa: PLR0913 - two callbacks and two records beside the four things a run is about
    server: FhirServer,
    protocol: Protocol,
    site: Site,
    as_of: datetime,
    settings: SyncSettings = SyncSettings(),
    *,
    audit: Audit = OFF,
    handover: Handover | None = None,
    begin: Callable[[int], None] = lambda _: None,
    done: Callable[[PatientResult], None] = lambda _: None,
) -> SyncReport:
    """Process every patient of the server, or those named in the settings.

    ``begin`` is told how many patients there are, ``done`` each result in the order of the
    patients. Raises `ServerError` only if the run cannot begin at all; whatever befalls one
    patient stands in that patient's result and all others are still processed. ``audit`` is told
    of each new decision, of each transaction before and after, and of the run; raises `AuditError`
    if that cannot be recorded at the end. ``handover`` keeps what the server cannot take
    (`b12fhir.fhir.server_profile`); without one it waits in memory only.
    """
    can = read_capabilities(server.capabilities(), settings.told)
    profile = server_profile(can)
    reader = PatientReader(server, can, settings.page_size, site)
    notes = (*reader.check(), *profile.notes())
    patients = settings.patients or tuple(reader.patients())
    begin(len(patients))
    run = _Run(
        server=server,
        protocol=protocol,
        site=site,
        as_of=as_of,
        settings=settings,
        reader=reader,
        audit=audit,
        can=can,
        profile=profile,
        desk=Desk(profile, handover or HandoverInMemory(), audit, site),
    )
    results = []
    for result in run.over(patients):
        done(result)
        results.append(result)
    whole = SyncReport(tuple(results), notes, settings.dry_run)
    record_run(audit, as_of.isoformat(), whole.counts, dry_run=settings.dry_run)
    return whole


class _Run:
    """One run; its methods are called from several threads."""

    def __init__(  # noqa: PLR0913 - what `sync` was given
        self,
        *,
        server: FhirServer,
        protocol: Protocol,
        site: Site,
        as_of: datetime,
        settings: SyncSettings,
        reader: PatientReader,
        audit: Audit,
        can: Capabilities,
        profile: ServerProfile,
        desk: Desk,
    ) -> None:
        self._server = FormedWriter(server, profile)
        self._desk = desk
        self._protocol = protocol
        self._site = site
        self._as_of = as_of
        self._settings = settings
        self._reader = reader
        self._audit = audit
        self._can = can
        self._brake = Brake(settings.give_up_after)
        self._device_lock = Lock()
        self._device_is_there = False

    def over(self, patients: Sequence[str]) -> Iterator[PatientResult]:
        """Results in the order of the patients, however many work on them."""
        with ThreadPoolExecutor(self._settings.workers) as pool:
            yield from pool.map(self._guarded, patients)

    def _guarded(self, patient: str) -> PatientResult:
        """One patient; no error leaves here, because the next patient must have a turn."""
        if self._brake.is_on:
            return PatientResult(patient, report.NOT_TRIED, self._brake.reason)
        try:
            result = self._tried(patient)
        except B12Error as error:
            result = PatientResult(patient, report.FAILED, str(error), error=error)
        except Exception as problem:  # noqa: BLE001 - one odd record must not stop the others
            defect = Defect(f"Our own mistake ({type(problem).__name__}). Please report it.")
            defect.__cause__ = problem
            result = PatientResult(patient, report.FAILED, str(defect), error=defect)
        self._brake.note(result.error)
        return result

    def _tried(self, patient: str) -> PatientResult:
        """Read, decide and write; all of it again when what was read is out of date.

        What bore one identity is put right first: then the patient is read again as well.
        """
        turn, healed = 1, 0
        while True:
            try:
                result = self._once(patient)
                if not (result.put_right and self._may_go_on(turn)):
                    return result.after(healed)
                healed += result.put_right
            except _ReadAgainError as again:
                if turn >= self._settings.tries:
                    raise again.error from None
                self._settings.pause(_PAUSE_S * turn * (1 + self._settings.jitter()))
            turn += 1

    def _may_go_on(self, turn: int) -> bool:
        return turn < self._settings.tries and not self._settings.dry_run

    def _once(self, patient: str) -> PatientResult:
        try:
            resources = self._reader.everything(patient)
        except ServerError as error:
            return PatientResult(patient, report.UNDECIDED, str(error), error=error)
        record = [*resources, *self._desk.remembered(patient, resources)]
        proposal = propose(record, self._protocol, self._as_of, self._site, patient)
        write = self._compared(proposal, resources)
        why = self._desk.why(write.bundle)
        self._note(proposal, resources, is_sent=write.bundle is not None and not why)
        if write.bundle is not None and why:
            return self._handed_over(write, write.bundle, why, proposal, len(resources))
        if write.bundle is not None:
            write = self._published(write, proposal, resources)
        seen = Beside()
        if not write.heals:
            seen = look_beside(proposal, resources, partial(self._told, proposal, resources))
        if not self._settings.dry_run:
            self._desk.clear(proposal)
        return PatientResult(
            patient,
            write.kind,
            write.reason,
            proposal,
            write,
            read=len(resources),
            overdue=seen.overdue,
            beside=seen.written,
            problem=seen.problem,
        )

    def _handed_over(
        self, write: Write, bundle: Resource, why: str, proposal: Proposal, read: int
    ) -> PatientResult:
        """Check a write that the server cannot take, and let it wait."""
        self._check(bundle)
        fresh = not self._settings.dry_run and self._desk.hand_over(bundle, proposal, write.kind)
        reason = f"{write.reason}; {why}"
        return PatientResult(
            proposal.patient_reference,
            report.HANDED_OVER,
            reason,
            proposal,
            write,
            read=read,
            fresh=fresh,
        )

    def _told(
        self,
        proposal: Proposal,
        resources: Sequence[Resource],
        write: Write,
        inputs: Sequence[str],
    ) -> str:
        """Send what stands beside the plan, on the ground of ``inputs``; why not, if it was not."""
        why = self._desk.why(write.bundle)
        if not why:
            self._published(write, proposal, resources, inputs)
        return why

    def _published(
        self,
        write: Write,
        proposal: Proposal,
        resources: Sequence[Resource],
        inputs: Sequence[str] | None = None,
    ) -> Write:
        """Check and send a write, with who wrote it and on what; the write as it was sent.

        ``inputs`` are the records it rests on, where they are not those of the decision.
        """
        account = self._account(write, proposal, resources, inputs)
        bundle = write.bundle or {}
        if self._can.provenance == "named":
            bundle = with_provenance(bundle, account)
        self._check(bundle)
        write = replace(write, bundle=bundle)
        if self._settings.dry_run:
            return write
        entry = write_entry(proposal, write.kind)
        answer = self._send(bundle, entry)
        if self._can.provenance != "posted":
            return write
        missing = self._account_for(bundle, answer, account, entry)
        return replace(write, reason=f"{write.reason}{missing}")

    def _account(
        self,
        write: Write,
        proposal: Proposal,
        resources: Sequence[Resource],
        inputs: Sequence[str] | None,
    ) -> Account:
        used = used_records(proposal.decision) if inputs is None else inputs
        return Account(
            kind=write.kind,
            reason=write.reason,
            recorded=self._as_of,
            policy=plan_definition(self._protocol, self._site),
            inputs=versions(used, resources),
            site=self._site,
        )

    def _account_for(
        self, bundle: Resource, answer: Resource, account: Account, entry: AuditEntry
    ) -> str:
        """Send the Provenance of a write that is done; what to add to its reason if that fails."""
        after = provenance_after(bundle, answer, account)
        if after is None:
            return ""
        try:
            self._transact(after, replace(entry, outcome="provenance"))
        except ServerError as error:
            return f"; its Provenance could not be stored: {error}"
        return ""

    def _compared(self, proposal: Proposal, resources: Sequence[Resource]) -> Write:
        asked = wanted(proposal, resources, without=self._can.without)
        write = _reconciled(resources, asked, self._site)
        if write.kind != report.CREATE:
            return write
        # What is left of a deleted plan would be found too late, by its conditional create.
        left = tuple(self._reader.parts(proposal.patient_reference))
        return _reconciled([*resources, *left], asked, self._site) if left else write

    def _check(self, bundle: Resource) -> None:
        problems = validate(bundle) if self._settings.validate else []
        if problems:
            raise Defect(f"The plan was not sent, because it is not valid: {'; '.join(problems)}")

    def _note(self, proposal: Proposal, resources: Sequence[Resource], *, is_sent: bool) -> None:
        """Tell the audit record what was decided, and how an earlier write ended after all."""
        writes = not self._settings.dry_run
        if writes:
            settle(self._audit, proposal, resources)
        record_decision(self._audit, proposal, resources, always=is_sent and writes)

    def _send(self, bundle: Resource, entry: AuditEntry) -> Resource:
        """Write; what was overtaken by somebody else is read again.

        For a stale version HAPI answers 409, others 412, which also stands for duplicates: both
        are read again, and duplicates put right then. So is a create that found its resource there
        already: what it says was not read yet. After a 500 nobody knows what was written: HAPI
        8.8.0 answers it to the loser of a race for the first row of a table (HAPI-0389), and the
        same plan is taken a moment later.
        """
        try:
            self._ensure_device()
            answer = self._transact(bundle, entry)
        except (ConflictError, DuplicateError) as error:
            raise _ReadAgainError(error) from None
        except TemporaryServerError as error:
            if error.status != _SERVER_FAULT:
                raise
            raise _ReadAgainError(error) from None
        if found_instead_of_created(bundle, answer):
            raise _ReadAgainError(ConflictError("Someone else wrote this plan at the same time."))
        return answer

    def _transact(self, bundle: Resource, entry: AuditEntry) -> Resource:
        return transact(self._server, bundle, self._audit, entry, self._site)

    def _ensure_device(self) -> None:
        """Create our Device before the first plan: plans written at once would race for it."""
        with self._device_lock:
            if not self._device_is_there:
                self._transact(
                    device_bundle(self._site), AuditEntry(AuditKind.WRITE, ENGINE, outcome="device")
                )
                self._device_is_there = True


def _reconciled(resources: Sequence[Resource], asked: Wanted, site: Site) -> Write:
    return reconcile(resources, asked.bundle, site, why=asked.why, keep=asked.keep)


class _ReadAgainError(Exception):
    """What we know of the server is out of date: somebody wrote, or our answer was unclear."""

    def __init__(self, error: ServerError) -> None:
        super().__init__()
        self.error = error

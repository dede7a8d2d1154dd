"""One patient: read, decide, compare, write; one transaction, and all anew if it was overtaken."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

from b12fhir.adapters.sync import report
from b12fhir.adapters.sync.behind import behind, is_over
from b12fhir.adapters.sync.beside import Beside, look_beside
from b12fhir.adapters.sync.kit import Kit
from b12fhir.adapters.sync.known import written
from b12fhir.adapters.sync.report import PatientResult
from b12fhir.errors import (
    ConflictError,
    Defect,
    DuplicateError,
    ServerError,
    TemporaryServerError,
)
from b12fhir.fhir.compose import device_bundle
from b12fhir.fhir.compose.entry import plan_definition, used_records
from b12fhir.fhir.formed import found_instead_of_created
from b12fhir.fhir.identity import CLOSED
from b12fhir.fhir.lifecycle.held import SIGNED
from b12fhir.fhir.provenance import Account, provenance_after, versions, with_provenance
from b12fhir.fhir.publish import Write, reconcile
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS, owned_resources
from b12fhir.fhir.validate import validate
from b12fhir.ports import AuditEntry, AuditKind, Resource, Turn, Version
from b12fhir.service import Proposal, Wanted, propose, wanted
from b12fhir.service.ahead import turns_on
from b12fhir.service.recording import (
    ENGINE,
    PROVENANCE,
    let_go,
    record_decision,
    settle,
    transact,
    write_entry,
)

_PAUSE_S = 0.2
# Each day costs a decision; who is not read again sooner is looked at after so long.
_FORESEEN = timedelta(days=31)
_SERVER_FAULT = 500
_GONE = "the server has no such patient any more"
_LAG = (
    "The server told of a change ({kinds}) that the record it then gave does not show: it answers "
    "from a copy that lags behind. The patient is read again by the next run."
)
_NEVER_SHOWN = (
    "the server told of a change ({kinds}) an hour ago or more that the record does not show; "
    "decided without it: look at the server's search for this patient"
)


class LeftError(Exception):
    """The run is over and this turn with it."""


class Visit:
    """One patient's turn. Raises what befalls: `ServerError`, `AuditError`, `PatientError`...

    And `LeftError` where the run ended without waiting for it.
    """

    def __init__(self, kit: Kit, turn: Turn) -> None:
        self._kit = kit
        self.patient = turn.patient
        self._expects = turn.expects
        self._written: list[Version] = []
        self.proposal: Proposal | None = None
        """What was decided, also where it could not be written."""

    def result(self) -> PatientResult:
        """Read, decide and write; all of it again when what was read is out of date.

        What bore one identity is put right first: then the patient is read again as well.
        """
        settings = self._kit.settings
        turn, healed = 1, 0
        while True:
            try:
                result = self._once()
                if not (result.put_right and self._may_go_on(turn)):
                    return result.after(healed)
                healed += result.put_right
            except _ReadAgainError as again:
                if turn >= settings.tries and again.is_lag:
                    error = again.error
                    return PatientResult(self.patient, report.UNDECIDED, str(error), error=error)
                if turn >= settings.tries:
                    raise again.error from None
                settings.pause(_PAUSE_S * turn * (1 + settings.jitter()))
            turn += 1

    def _may_go_on(self, turn: int) -> bool:
        return turn < self._kit.settings.tries and not self._kit.settings.dry_run

    def _once(self) -> PatientResult:
        kit, patient = self._kit, self.patient
        try:
            resources = kit.reader.everything(patient)
        except ServerError as error:
            return PatientResult(patient, report.UNDECIDED, str(error), error=error)
        missed = self._missed(resources)
        if not any(one.get("resourceType") == "Patient" for one in resources):
            return replace(self._gone(resources), problem=missed)
        self._go_on()
        record = [*resources, *kit.desk.remembered(patient, resources)]
        proposal = propose(record, kit.protocol, kit.as_of, kit.site, patient)
        self.proposal = proposal
        write = self._compared(proposal, resources)
        why = kit.desk.why(write.bundle)
        self._note(proposal, resources, is_sent=write.bundle is not None and not why)
        if write.bundle is not None and why:
            result = self._handed_over(write, write.bundle, why, proposal)
        else:
            result = self._carried_out(write, proposal, resources)
        return replace(
            result,
            read=len(resources),
            problem="; ".join(one for one in (missed, result.problem) if one),
            seen=(*kit.recent.read(resources, patient), *self._written),
            again_on=self._again_on(write, proposal, resources),
        )

    def _missed(self, resources: Sequence[Resource]) -> str:
        """Changes that were listed and do not show, although there was time; ``""`` if none.

        Raises `_ReadAgainError` where they may show soon: what is older is not decided on.
        """
        kit = self._kit
        lacking = tuple(behind(resources, self._expects, kit.reader.read_in(resources)))
        kinds = ", ".join(sorted({one.version.kind for one in lacking}))
        if not all(is_over(one, kit.now) for one in lacking):
            raise _ReadAgainError(TemporaryServerError(_LAG.format(kinds=kinds)), is_lag=True)
        return _NEVER_SHOWN.format(kinds=kinds) if lacking else ""

    def _gone(self, resources: Sequence[Resource]) -> PatientResult:
        """Somebody deleted the patient, or we may not see this one any more."""
        left = "; a plan of ours is still there: withdraw it" if self._has_plan(resources) else ""
        return PatientResult(
            self.patient,
            report.GONE,
            f"{_GONE}{left}",
            read=len(resources),
            again_on=self._kit.tomorrow if left else None,
        )

    def _again_on(
        self, write: Write, proposal: Proposal, resources: Sequence[Resource]
    ) -> date | None:
        """The next day on which to look at this patient although nothing changed.

        Each day where there is a plan, for its doses and dates; else when the decision turns.
        """
        if write.bundle is not None or self._has_plan(resources):
            return self._kit.tomorrow
        wait = min(self._kit.full_every, _FORESEEN)
        until = self._kit.today + wait
        return turns_on(proposal, until) or (until if wait < self._kit.full_every else None)

    def _has_plan(self, resources: Sequence[Resource]) -> bool:
        """Is there a plan of ours, proposed or in force, of which time alone changes something?"""
        ours = (owned_resources(resources, self._kit.site, own) for own in (KINDS, SIGNED))
        return any(one.is_plan and one.status not in CLOSED for own in ours for one in own)

    def _carried_out(
        self, write: Write, proposal: Proposal, resources: Sequence[Resource]
    ) -> PatientResult:
        """Send what is to be sent, then see to what stands beside the plan."""
        if write.bundle is not None:
            write = self._published(write, proposal, resources)
        seen = Beside()
        # What was written is told all the same; the rest is for the next run.
        may_go_on = not self._kit.left.is_set()
        if may_go_on and not write.heals:
            seen = look_beside(proposal, resources, partial(self._told, proposal, resources))
        if may_go_on and not self._kit.settings.dry_run:
            self._kit.desk.clear(proposal)
        return PatientResult(
            self.patient,
            write.kind,
            write.reason,
            proposal,
            write,
            overdue=seen.overdue,
            beside=seen.written,
            problem=seen.problem,
        )

    def _handed_over(
        self, write: Write, bundle: Resource, why: str, proposal: Proposal
    ) -> PatientResult:
        """Check a write that the server cannot take, and let it wait."""
        kit = self._kit
        self._check(bundle)
        fresh = not kit.settings.dry_run and kit.desk.hand_over(bundle, proposal, write.kind)
        reason = f"{write.reason}; {why}"
        return PatientResult(self.patient, report.HANDED_OVER, reason, proposal, write, fresh=fresh)

    def _make_device(self) -> None:
        """Send our Device."""
        entry = AuditEntry(AuditKind.WRITE, ENGINE, outcome="device")
        self._transact(device_bundle(self._kit.site), entry)

    def _told(
        self,
        proposal: Proposal,
        resources: Sequence[Resource],
        write: Write,
        inputs: Sequence[str],
    ) -> str:
        """Send what stands beside the plan, on the ground of ``inputs``; why not, if it was not."""
        why = self._kit.desk.why(write.bundle)
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
        if self._kit.can.provenance == "named":
            bundle = with_provenance(bundle, account)
        self._check(bundle)
        write = replace(write, bundle=bundle)
        if self._kit.settings.dry_run:
            return write
        entry = write_entry(proposal, write.kind)
        answer = self._send(bundle, entry)
        if self._kit.can.provenance != "posted":
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
            recorded=self._kit.as_of,
            policy=plan_definition(self._kit.protocol, self._kit.site),
            inputs=versions(used, resources),
            site=self._kit.site,
        )

    def _account_for(
        self, bundle: Resource, answer: Resource, account: Account, entry: AuditEntry
    ) -> str:
        """Send the Provenance of a write that is done; what to add to its reason if that fails."""
        after = provenance_after(bundle, answer, account)
        if after is None:
            return ""
        try:
            self._transact(after, replace(entry, outcome=PROVENANCE))
        except ServerError as error:
            # The patient is done and not read again for this.
            let_go(self._kit.audit, entry)
            return f"; its Provenance could not be stored: {error}"
        return ""

    def _compared(self, proposal: Proposal, resources: Sequence[Resource]) -> Write:
        asked = wanted(proposal, resources, without=self._kit.can.without)
        write = _reconciled(resources, asked, self._kit.site)
        if write.kind != report.CREATE:
            return write
        # What is left of a deleted plan would be found too late, by its conditional create.
        left = tuple(self._kit.reader.parts(proposal.patient_reference))
        return _reconciled([*resources, *left], asked, self._kit.site) if left else write

    def _check(self, bundle: Resource) -> None:
        problems = validate(bundle) if self._kit.settings.validate else []
        if problems:
            raise Defect(f"The plan was not sent, because it is not valid: {'; '.join(problems)}")

    def _note(self, proposal: Proposal, resources: Sequence[Resource], *, is_sent: bool) -> None:
        """Tell the audit record what was decided, and how an earlier write ended after all."""
        writes = not self._kit.settings.dry_run
        if writes:
            settle(self._kit.audit, proposal, resources)
        record_decision(self._kit.audit, proposal, resources, always=is_sent and writes)

    def _send(self, bundle: Resource, entry: AuditEntry) -> Resource:
        """Write; what was overtaken by somebody else is read again.

        For a stale version HAPI answers 409, others 412, which also stands for duplicates: both
        are read again, and duplicates put right then. So is a create that found its resource there
        already: what it says was not read yet. After a 500 nobody knows what was written: HAPI
        8.8.0 answers it to the loser of a race for the first row of a table (HAPI-0389), and the
        same plan is taken a moment later.
        """
        try:
            self._kit.device.ensure(self._make_device)
            self._go_on()
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

    def _go_on(self) -> None:
        """Before anything is kept or sent. Raises `LeftError` if this is not our turn any more."""
        if self._kit.left.is_set():
            raise LeftError

    def _transact(self, bundle: Resource, entry: AuditEntry) -> Resource:
        kit = self._kit
        answer = transact(kit.server, bundle, kit.audit, entry, kit.site)
        self._written.extend(written(bundle, answer, kit.as_of))
        return answer


def _reconciled(resources: Sequence[Resource], asked: Wanted, site: Site) -> Write:
    return reconcile(resources, asked.bundle, site, why=asked.why, keep=asked.keep)


class _ReadAgainError(Exception):
    """What we know of the server is out of date: somebody wrote, or our answer was unclear.

    ``is_lag``: or the record it gave is older than what it had told before.
    """

    def __init__(self, error: ServerError, *, is_lag: bool = False) -> None:
        super().__init__()
        self.error, self.is_lag = error, is_lag

"""The parts that depend on the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO

from b12fhir.adapters import report
from b12fhir.adapters.audit import FileAudit
from b12fhir.adapters.server import Limits, RestServer
from b12fhir.config import Settings
from b12fhir.errors import ConfigError, ProtocolError
from b12fhir.fhir.site import Site
from b12fhir.ports import Audit
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import Protocol
from b12fhir.service.recording import OFF
from b12fhir.wiring.proof import Proof, left_open, make_proof

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class House:
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
            site_key=self._key,
            canonical=chosen.canonical,
            zone=chosen.zone,
            code_map=codes.labs,
            drugs=codes.drugs,
            approver=chosen.approver,
            approve_days=chosen.approve_days,
        )

    @cached_property
    def _key(self) -> str:
        """Read once: plans of one run have one kind of identity."""
        return self.settings.pseudonym_key()

    def say(self, line: str) -> None:
        """A line for whoever started the program."""
        self.stderr.write(f"b12fhir: {report.one_line(line)}\n")
        self.stderr.flush()

    def audit(self, *, writes: bool) -> Audit:
        """The audit record this run keeps; one that keeps nothing where it is off."""
        path = self.settings.audit_file(writes=writes)
        return FileAudit(path, self.clock, key=self.settings.audit_key()) if path else OFF

    @cached_property
    def reading_audit(self) -> Audit:
        """The record of doors that write to no server: one for all patients of a command."""
        return self.audit(writes=False)

    def audit_path(self, file: str) -> Path:
        """The audit record's file; raises `ConfigError` where none is kept."""
        path = Path(file) if file else self.settings.audit_file(writes=True)
        if path is None:
            raise ConfigError("The audit record is switched off.", hint="Name one with --file.")
        return path

    def server(self) -> RestServer:
        """The FHIR server of the settings; raises `ConfigError` if none is named."""
        if not self.settings.server:
            hint = "Give --server https://ehr.example.org/fhir, or set B12FHIR_SERVER."
            raise ConfigError("No FHIR server is named.", hint=hint)
        limits = Limits(read_s=self.settings.timeout)
        proof = self.proof
        return RestServer(
            self.settings.server,
            token=proof.token,
            refused=proof.refused,
            tls=proof.tls,
            limits=limits,
            clock=self.clock,
        )

    @cached_property
    def proof(self) -> Proof:
        """How the FHIR server knows who we are: the same for all who ask it."""
        proof = make_proof(self.settings, self.clock)
        for line in left_open(self.settings):
            self.say(line)
        return proof

"""The doors of the command line, each led to the part that does it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.resources import as_file
from pathlib import Path

from b12fhir.adapters import cli, files, report
from b12fhir.adapters.audit import history, verify
from b12fhir.demo import cohort_dir
from b12fhir.errors import OK, AuditError
from b12fhir.kernel.address import parse_address
from b12fhir.ports import Resource
from b12fhir.protocol.load import load_protocol, pack_ids
from b12fhir.protocol.model import Pack
from b12fhir.service import Proposal, propose
from b12fhir.service.recording import pseudonym, record_decision
from b12fhir.wiring.feedback import feedback, feedback_plot
from b12fhir.wiring.house import House
from b12fhir.wiring.keys import new_key, public_keys
from b12fhir.wiring.onserver import OnServer
from b12fhir.wiring.serving import serve
from b12fhir.wiring.stores import store
from b12fhir.wiring.subscribing import subscriptions


def doors(house: House, out: report.Terminal, err: report.Terminal) -> cli.Doors:
    """Everything the command line may do."""
    here, there = _Here(house), OnServer(house)
    return cli.Doors(
        out=out,
        err=err,
        zone=house.settings.zone,
        folder=house.settings.out,
        now=house.clock,
        pack=lambda as_of: house.protocol(as_of).pack,
        packs=_packs,
        read=files.read,
        demo=_demo,
        propose=here.propose,
        page=report.page,
        write=files.write,
        sync=there.sync,
        doctor=there.doctor,
        artefacts=there.artefacts,
        install=there.install,
        follow=there.follow,
        plans=there.plans,
        step=there.step,
        audit_verify=here.audit_verify,
        audit_history=here.audit_history,
        new_key=new_key,
        public_keys=public_keys,
        serve=partial(serve, house),
        subscriptions=partial(subscriptions, house),
        store=partial(store, house),
        feedback=partial(feedback, house),
        feedback_csv=report.feedback_csv,
        feedback_plot=feedback_plot,
    )


@dataclass(frozen=True)
class _Here:
    """The doors that need no server."""

    house: House

    def propose(self, resources: Sequence[Resource], as_of: datetime, patient: str) -> Proposal:
        proposal = propose(
            resources, self.house.protocol(as_of), as_of, self.house.site(), patient=patient
        )
        record_decision(self.house.reading_audit, proposal, resources)
        return proposal

    def audit_verify(self, file: str) -> cli.Diagnosis:
        found = verify(self.house.audit_path(file), self.house.settings.audit_key())
        return cli.Diagnosis(found.lines(), OK if found.is_good else AuditError.exit_code)

    def audit_history(self, file: str, patient: str) -> Sequence[str]:
        named = self.house.settings.server
        sites = [
            self.house.site(),
            *([self.house.site(parse_address(named).base)] if named else []),
        ]
        return history(self.house.audit_path(file), {pseudonym(patient, one) for one in sites})


def _packs() -> Sequence[Pack]:
    return [load_protocol(name).pack for name in pack_ids()]


def _demo() -> AbstractContextManager[Path]:
    return as_file(cohort_dir())

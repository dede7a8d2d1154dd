"""What may follow a proposal: signed, rejected, withdrawn, looked at again, put right."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from b12fhir.adapters.memory import MemoryServer
from b12fhir.decision.model import Classification, Intent
from b12fhir.fhir.compose.entry import plan_definition, used_records
from b12fhir.fhir.dose_task import overdue_write
from b12fhir.fhir.heal import heal
from b12fhir.fhir.lifecycle import Clock, Signer, Wish, approve, reject
from b12fhir.fhir.provenance import Account, versions, with_provenance
from b12fhir.fhir.publish import reconcile
from b12fhir.service import Proposal, wanted
from b12fhir.service.follow import follow

DOCTOR = "Practitioner/example-practitioner"
# How long before a phase the next one is asked for; any number will do here.
NOTICE_DAYS = 14
# Any moment before the first dose is late.
_SIGNED = "2026-01-01T09:00:00Z"


def lived(proposal: Proposal, bundle: Any) -> Iterator[tuple[str, Any]]:
    """Each transaction that may follow a proposal, by the name of the act."""
    server = MemoryServer()
    server.transaction(bundle)
    patient = proposal.patient_reference.partition("/")[2]
    stored = list(_stored(server, bundle, patient))
    withdrawal = reconcile(stored, None, proposal.site)
    yield "withdrawn", answered_for(proposal, withdrawal.bundle, withdrawal.kind, withdrawal.reason)
    by = Signer(DOCTOR, Clock(proposal.as_of, proposal.site, NOTICE_DAYS))
    key = bundle["entry"][1]["resource"]["identifier"][0]["value"]
    yield "rejected", reject(stored, key, by, "The patient does not want it.").bundle
    signed = approve(stored, key, by).bundle
    yield "signed", signed
    server.transaction(signed)
    now = list(_stored(server, bundle, patient))
    yield from _late(proposal, now)
    later = proposal.plan.phases[1:2]
    if later:
        yield "signed-on", approve(now, key, by, Wish(phase=later[0].id)).bundle
    for name, found in (("facts-changed", _unlikely(proposal)), ("died", _dead(proposal))):
        asked = wanted(found, now).bundle
        if asked is not None:
            yield name, answered_for(proposal, asked, "update", "to be looked at")
    server.put({**stored[0], "id": "copy"})
    copied = heal(list(_stored(server, bundle, patient)), proposal.site)
    entries = {"resourceType": "Bundle", "type": "transaction", "entry": list(copied.entries)}
    yield "healed", answered_for(proposal, entries, "update", "two of one identity")


def _unlikely(proposal: Proposal) -> Proposal:
    """The same patient, were every result on record normal or withdrawn."""
    verdict = proposal.decision._replace(
        classification=Classification.UNLIKELY, intent=Intent("none")
    )
    return replace(proposal, decision=verdict)


def _dead(proposal: Proposal) -> Proposal:
    person = replace(proposal.facts.patient, deceased=True)
    return replace(proposal, facts=replace(proposal.facts, patient=person))


def _late(proposal: Proposal, stored: list[Any]) -> Iterator[tuple[str, Any]]:
    """The Task about a dose that nobody gave, where the plan has doses to give."""
    stamped = [one | {"meta": {**one["meta"], "lastUpdated": _SIGNED}} for one in stored]
    patient = {"resourceType": "Patient", "id": proposal.patient_reference.partition("/")[2]}
    at = proposal.as_of + timedelta(days=NOTICE_DAYS)
    done = follow([patient, *stamped], proposal.protocol, at, proposal.site)
    for one in done:
        write = overdue_write(one.course, one.log, stamped, proposal.site)
        if write.bundle is not None:
            yield "late", write.bundle


def answered_for(proposal: Proposal, bundle: Any, kind: str, reason: str) -> Any:
    """The transaction with its Provenance, as sync sends it."""
    account = Account(
        kind=kind,
        reason=reason,
        recorded=proposal.as_of,
        policy=plan_definition(proposal.protocol, proposal.site),
        inputs=versions(used_records(proposal.decision), ()),
        site=proposal.site,
    )
    return with_provenance(bundle, account)


def _stored(server: MemoryServer, bundle: Any, patient: str) -> Iterator[Any]:
    kinds = dict.fromkeys(entry["resource"]["resourceType"] for entry in bundle["entry"])
    for kind in kinds:
        if kind != "Device":
            yield from server.search(kind, {"patient": patient})

"""What goes into the audit record, and when: nothing is sent that was not recorded first.

Every door that writes to a server sends through `transact`. The record then says before each
transaction what is intended and afterwards what came of it; what a crash leaves open is closed by
`settle`, once the patient has been read again.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from b12fhir import __version__
from b12fhir.errors import AuthError, PatientError, RefusedError, ServerError
from b12fhir.fhir.digest import decision_digest, identifier_value, stored_digest
from b12fhir.fhir.extract.tree import items, obj
from b12fhir.fhir.identity import PLAN, keyed_digest, patient_key
from b12fhir.fhir.json import canonical
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS
from b12fhir.kernel.evidence import Input
from b12fhir.ports import (
    Audit,
    AuditEntry,
    AuditKind,
    AuditState,
    FhirWriter,
    Recalled,
    Resource,
    Versioned,
)
from b12fhir.protocol.fingerprint import fingerprint
from b12fhir.service.propose import Proposal

ENGINE = f"b12fhir/{__version__}"
UNKEYED = "unkeyed"
# The outcome of a Provenance that is sent after the write that it is about.
PROVENANCE = "provenance"
_LITERAL = re.compile(r"(?P<kind>[A-Z][A-Za-z]{1,63})/[A-Za-z0-9.-]{1,64}\Z")
_LOCATION = re.compile(r"(?:.*/)?(?P<ref>[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})/_history/(?P<v>[^/]+)")


class Unrecorded:
    """An audit record that is switched off: keeps nothing and recalls nothing."""

    def record(self, _entry: AuditEntry) -> str:
        return ""

    def recall(self, _patient: str) -> Recalled:
        return Recalled()


OFF = Unrecorded()


def pseudonym(patient: str, site: Site) -> str:
    """How a patient stands in the record; `UNKEYED` for one whose reference is not of FHIR's form.

    Such a patient gets no plan either, so that no two of them can be confused.
    """
    try:
        return patient_key(patient, site)
    except PatientError:
        return UNKEYED


def record_decision(
    audit: Audit, proposal: Proposal, resources: Sequence[Resource], *, always: bool = False
) -> None:
    """Record a decision if it is another than the last one recorded for this patient.

    ``always``: also if it is the same, because something is written on its ground. Raises
    `AuditError`.
    """
    about = _about(proposal)
    if always or audit.recall(about.patient).decision != about.decision:
        audit.record(_decision(about, proposal, resources))


def _decision(about: AuditEntry, proposal: Proposal, resources: Sequence[Resource]) -> AuditEntry:
    decision, intent = proposal.decision, proposal.decision.intent
    return replace(
        about,
        kind=AuditKind.DECISION,
        inputs=tuple(_inputs(proposal, resources)),
        rules=fingerprint(proposal.protocol.pack.id),
        outcome=",".join(
            (
                decision.classification.value,
                f"severity={decision.severity.value}",
                f"urgency={decision.urgency.value}",
                f"plan={intent.kind}",
                f"route={decision.route or 'none'}",
                f"gaps={len(decision.gaps)}",
                f"issues={len(proposal.issues)}",
            )
        ),
    )


def write_entry(proposal: Proposal, outcome: str) -> AuditEntry:
    """What a write of the engine for this patient is recorded as; ``outcome`` is its kind."""
    return replace(_about(proposal), outcome=outcome)


def _about(proposal: Proposal) -> AuditEntry:
    pack = proposal.protocol.pack
    return AuditEntry(
        AuditKind.WRITE,
        ENGINE,
        patient=pseudonym(proposal.patient_reference, proposal.site),
        as_of=proposal.as_of.isoformat(),
        decision=decision_digest(proposal.decision, proposal.plan, pack),
        pack=f"{pack.id}/{pack.version}",
    )


def transact(
    server: FhirWriter, bundle: Resource, audit: Audit, entry: AuditEntry, site: Site
) -> Resource:
    """Send one transaction, recorded before and after; the answer.

    ``entry`` says who writes, for whom and on which ground. Raises `AuditError` before anything is
    sent if the intention cannot be recorded, afterwards if the end cannot; and what the server
    raises, which is recorded as refused, or as unclear where the server may have written after all.
    """
    plan = entry.plan or _plan(bundle, site)
    intended = tuple(_intended(bundle, site))
    entry = replace(entry, plan=plan, written=intended, state=AuditState.INTENDED)
    name = audit.record(entry)
    entry = replace(entry, written=(), answers=name)
    try:
        answer = server.transaction(bundle)
    except ServerError as error:
        # Without a status a part may be written: the answer was that of a batch.
        refused = isinstance(error, RefusedError | AuthError) and error.status is not None
        state = AuditState.REFUSED if refused else AuditState.UNCLEAR
        outcome = f"{type(error).__name__}-{error.status or 0}"
        audit.record(replace(entry, state=state, outcome=outcome))
        raise
    audit.record(replace(entry, state=AuditState.DONE, written=tuple(_written(bundle, answer))))
    return answer


def settle(audit: Audit, proposal: Proposal, resources: Sequence[Resource]) -> None:
    """Close a write that nobody knows the end of, now that the patient has been read again.

    It was done if every resource of it is stored as intended; else it is overtaken. A Provenance
    that followed a write is not looked for: the write itself is on record, and no decision rests
    on it. Any other without a digest to look for stays open: a person has to look.
    """
    about = _about(proposal)
    known = audit.recall(about.patient)
    let_go(audit, about)
    if not (known.unfinished and known.digests):
        return
    ours = (resource for resource in resources if resource.get("resourceType") in KINDS)
    stored = {stored_digest(resource, proposal.site) for resource in ours}
    found = known.digests <= stored
    audit.record(
        replace(
            about,
            state=AuditState.DONE if found else AuditState.OVERTAKEN,
            outcome="found-on-server" if found else "not-as-intended",
            answers=known.unfinished,
        )
    )


def let_go(audit: Audit, about: AuditEntry) -> None:
    """Look no further for a Provenance of which nobody knows whether the server has it.

    ``about`` says for whom. Raises `AuditError`.
    """
    known = audit.recall(about.patient)
    if known.unfinished and known.outcome == PROVENANCE:
        outcome, answers = "provenance-not-looked-for", known.unfinished
        audit.record(replace(about, state=AuditState.OVERTAKEN, outcome=outcome, answers=answers))


def record_run(audit: Audit, as_of: str, counts: Mapping[str, int], *, dry_run: bool) -> None:
    """Record that a run came to its end, with the patients by kind of result."""
    told = [f"{kind}={count}" for kind, count in sorted(counts.items())]
    outcome = ",".join([*(["dry-run"] if dry_run else []), *(told or ["no-patients"])])
    audit.record(AuditEntry(AuditKind.RUN, ENGINE, as_of=as_of, outcome=outcome))


def _inputs(proposal: Proposal, resources: Sequence[Resource]) -> Iterator[Versioned]:
    """What the decision rests on: the Patient, and every fact a finding or a cause names."""
    held = {f"{r.get('resourceType')}/{r.get('id')}": r for r in resources}
    for reference in sorted({proposal.patient_reference, *_used(proposal)}):
        match = _LITERAL.match(reference)
        resource = held.get(reference, {})
        digest = keyed_digest(canonical(resource), proposal.site) if resource else ""
        is_open = match is not None and match["kind"] != "Patient"
        # A Patient reference would undo the pseudonym; an address of another form may hold a name.
        shown = reference if is_open else match["kind"] if match else "other"
        yield Versioned(shown, _version(resource), digest)


def _used(proposal: Proposal) -> Iterator[str]:
    decision = proposal.decision
    facts: list[Input] = [fact for one in decision.findings for fact in one.inputs]
    facts += [fact for cause in decision.causes for fact in cause.inputs]
    return (fact.reference for fact in facts)


def _version(resource: Resource) -> str:
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, Mapping) else None
    return version if isinstance(version, str) and _is_id(version) else ""


def _is_id(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9.-]{1,64}", text) is not None


def _plan(bundle: Resource, site: Site) -> str:
    """Key of the plan that a transaction writes; ``""`` if it writes none."""
    keys = (identifier_value(entry["resource"], site.system(PLAN)) for entry in bundle["entry"])
    return next((key for key in keys if key), "")


def _intended(bundle: Resource, site: Site) -> Iterator[Versioned]:
    """What a transaction is about to write, and the version it must find for that."""
    for entry in bundle["entry"]:
        request = entry["request"]
        version = str(request.get("ifMatch", "")).removeprefix("W/").strip('"')
        yield Versioned(_address(request), version, stored_digest(entry["resource"], site))


def _written(bundle: Resource, answer: Resource) -> Iterator[Versioned]:
    """What the server says it wrote. A create that found its resource there wrote nothing."""
    for entry, reply in zip(bundle["entry"], items(answer.get("entry")), strict=False):
        response = obj(reply.get("response"))
        request = entry["request"]
        if request["method"] == "POST" and str(response.get("status", "")).startswith("200"):
            continue
        match = _LOCATION.match(str(response.get("location", "")))
        if match and _is_id(match["v"]):
            yield Versioned(match["ref"], match["v"])
        else:
            yield Versioned(_address(request))


def _address(request: Mapping[str, Any]) -> str:
    """``Type`` or ``Type/id``, without the condition of a conditional write."""
    return str(request["url"]).partition("?")[0]

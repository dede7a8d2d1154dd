"""What is to stand on a server for one patient, beside the plans that somebody signed."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from b12fhir.decision.model import RUNNING
from b12fhir.fhir.compose.entry import Context, context
from b12fhir.fhir.compose.notice import REVIEW, Notice, notice_bundle
from b12fhir.fhir.identity import CLOSED, PlanKey
from b12fhir.fhir.lifecycle import changed, in_force, to_propose, to_replace
from b12fhir.fhir.lifecycle.held import Held
from b12fhir.fhir.publish import NO_LONGER, why_withdrawn
from b12fhir.fhir.stored import owned_resources
from b12fhir.kernel.dates import parse_when
from b12fhir.ports import Resource
from b12fhir.service.propose import Proposal

STANDS = "The plan in force stands: nothing else is proposed beside it."
_DAYS = ("authoredOn", "identifiedDateTime")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `b12fhir.fhir.publish.reconcile` is to bring about.

    ``bundle`` proposes a plan, or is a notice about one in force, or ``None``. ``why`` says why
    other proposals fall; those whose plan keys are in ``keep`` wait for a clinician.
    """

    bundle: dict[str, Any] | None
    why: str
    keep: frozenset[str] = frozenset()


def wanted(
    proposal: Proposal, stored: Sequence[Resource], *, without: Container[str] = ()
) -> Wanted:
    """What is to be proposed, told or taken back, given what was signed before.

    A plan in force is never changed. Another treatment is proposed to replace it; where the facts
    no longer bear it, or the record was closed, a person is asked to look. ``without`` names types
    that the server does not keep.
    """
    running = in_force(stored, proposal.site)
    patient = proposal.facts.patient
    why = why_withdrawn(patient)
    if not running:
        bundle = proposal.bundle(without=without)
        return Wanted(to_propose(bundle, stored, proposal.site, without=without), why)
    if why != NO_LONGER:
        return Wanted(_notice(proposal, stored, _closed(running[0], why), without), why)
    bundle = proposal.bundle(without=without)
    proposed = to_propose(bundle, stored, proposal.site, without=without)
    if proposed is not None:
        return Wanted(proposed, STANDS)
    for one in running:
        found = changed(one, proposal.decision, stored, proposal.site)
        if found is not None:
            told = Notice("facts-changed", one.shown.reference, found.text, found.records)
            return Wanted(_notice(proposal, stored, told, without), found.text)
    # B12 that runs is no reason to take back what waits for a signature.
    waits = RUNNING in proposal.decision.flags
    keep = to_replace(stored, proposal.site) if waits else frozenset()
    return Wanted(None, STANDS, keep)


def _closed(held: Held, why: str) -> Notice:
    text = f"{why} Plan {held.key} is still in force, with its orders."
    return Notice("record-closed", held.shown.reference, text, assessed=False)


def _notice(
    proposal: Proposal, stored: Sequence[Resource], notice: Notice, without: Container[str]
) -> dict[str, Any] | None:
    return notice_bundle(_context(proposal, stored), notice, without=without)


def _context(proposal: Proposal, stored: Sequence[Resource]) -> Context:
    """The next revision, from the day on which the notice was first written."""
    made = context(
        proposal.facts, proposal.decision, proposal.plan, proposal.protocol, proposal.site
    )
    key = _free(made.key, proposal)
    day = _since(proposal, stored, key)
    return replace(made, key=key, plan=replace(proposal.plan, start=day))


def _free(key: PlanKey, proposal: Proposal) -> PlanKey:
    """The revision after the one that is open and falls with this notice."""
    is_open = any(
        plan.key == str(key) and plan.status not in CLOSED for plan in proposal.facts.own_plans
    )
    return replace(key, revision=key.revision + 1) if is_open else key


def _since(proposal: Proposal, stored: Sequence[Resource], key: PlanKey) -> date:
    zone = proposal.site.zone
    written = (
        parse_when(item.resource.get(name), zone)
        for item in owned_resources(stored, proposal.site)
        if item.key == key.child(REVIEW) and not item.is_withdrawn
        for name in _DAYS
    )
    days = [when.first for when in written if when is not None]
    return min(days, default=proposal.as_of.astimezone(zone).date())

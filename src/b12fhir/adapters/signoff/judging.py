"""What is looked at again just before a signature: the patient, the decision, other orders."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from b12fhir.adapters.signoff.desk import Asked, Desk
from b12fhir.errors import ChangedError, ConfirmationError, InputError, SignOffError
from b12fhir.fhir.digest import decision_digest, identifier_value
from b12fhir.fhir.identity import DECISION_DIGEST
from b12fhir.fhir.lifecycle import to_propose
from b12fhir.fhir.lifecycle.held import Held
from b12fhir.fhir.lifecycle.phases import phase_states
from b12fhir.plan.make import make_plan
from b12fhir.ports import Resource
from b12fhir.service import Proposal, follow_proposed, propose


class Judged(NamedTuple):
    """What the record bears: the plan for another first day, if one was agreed on, and doubts."""

    plan: Resource | None = None
    doubts: tuple[str, ...] = ()


def judged(desk: Desk, held: Held, asked: Asked) -> Judged:
    """Decide again on the record as it is now; raise if it does not bear the signature.

    Raises `ChangedError` if the decision is another one today, `ConfirmationError` for another
    order of vitamin B12, and `SignOffError` if the patient may not be treated.
    """
    record = desk.read(held.shown.patient)
    proposal = propose(record, desk.protocol, desk.at, desk.site, held.shown.patient)
    _check_patient(proposal)
    if held.approved is None:
        _check_decision(proposal, held, desk)
    else:
        _check_no_stop(proposal)
    if held.of("MedicationRequest"):
        _check_others(proposal, asked)
    if held.approved is not None:
        return Judged(doubts=tuple(_not_given(desk, held, proposal, record)))
    if asked.start is None:
        return Judged()
    moved = make_plan(proposal.decision, desk.protocol, asked.start)
    bundle = replace(proposal, plan=moved).bundle(without=desk.can.without)
    # Beside a plan in force it says more: whose place it takes, and why.
    beside = to_propose(bundle, record, desk.site, without=desk.can.without)
    return Judged(beside or bundle)


def is_open(held: Held) -> bool:
    """Can it be signed at all? Otherwise the plan itself says why not, whatever the record says."""
    return held.in_force or (held.approved is None and held.shown.is_draft_proposal)


def warnings(desk: Desk) -> Iterator[str]:
    """What whoever signs should know and is free to judge."""
    review = desk.protocol.pack.review
    if review.status == "unreviewed":
        yield (
            f"No clinician has reviewed protocol pack {desk.protocol.pack.id}: check every dose "
            "and date yourself."
        )


def _not_given(
    desk: Desk, held: Held, proposal: Proposal, record: Sequence[Resource]
) -> Iterator[str]:
    """Doses of the phases so far that nobody recorded: an order that is over takes them along."""
    try:
        courses = follow_proposed(proposal, record)
    except InputError as problem:
        yield f"The doses given so far cannot be counted: {problem.message}"
        return
    slots = [slot for one in courses if one.course.key == held.key for slot in one.log.slots]
    ending = {one.id for one in phase_states(held, desk.clock) if one.runs and one.end is not None}
    missing = Counter(slot.phase for slot in slots if slot.is_open and slot.phase in ending)
    for phase, number in missing.items():
        yield (
            f"Doses of phase {phase} that are not on record as given: {number}. Once its order is "
            "completed nobody is asked for them."
        )


def _check_patient(proposal: Proposal) -> None:
    patient = proposal.facts.patient
    if patient.deceased or patient.replaced or not patient.active:
        state = "deceased" if patient.deceased else "merged" if patient.replaced else "inactive"
        raise SignOffError(
            f"The patient's record is marked {state}.",
            hint="Nothing can be signed for it; sync withdraws an open proposal.",
        )


def _check_decision(proposal: Proposal, held: Held, desk: Desk) -> None:
    digest = decision_digest(proposal.decision, proposal.plan, desk.protocol.pack)
    if digest != identifier_value(held.shown.resource, desk.site.system(DECISION_DIGEST)):
        raise ChangedError(
            "The record has changed since this plan was proposed: today the decision is another.",
            hint="Run sync, look at the new proposal, then sign that one.",
        )


def _check_no_stop(proposal: Proposal) -> None:
    if proposal.decision.intent.kind == "stop":
        raise ChangedError(
            "Since the plan was signed something has come up that forbids the treatment.",
            hint="Run sync and read the new proposal; withdraw this plan if it is right.",
        )


def _check_others(proposal: Proposal, asked: Asked) -> None:
    """Another active order of B12: two courses at once, unless somebody says why."""
    others = [
        dose.reference
        for dose in proposal.facts.doses
        if dose.ordered and dose.active and not dose.combined and not dose.own
    ]
    if others and not asked.despite.strip():
        raise ConfirmationError(
            f"Vitamin B12 is already on order ({', '.join(sorted(others))}), which is not ours.",
            hint="Have that order stopped first, or give the reason with --despite-duplicate TEXT.",
        )

"""Withdraw a plan with a reason, or close one whose phases are done."""

from collections.abc import Iterable
from datetime import date

from b12fhir.errors import PractitionerError, SignedError, SignOffError
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.fhir.identity import CLOSED
from b12fhir.fhir.lifecycle.act import Act, Said, act
from b12fhir.fhir.lifecycle.end import done, ended, let_go
from b12fhir.fhir.lifecycle.entries import amend, become, noted
from b12fhir.fhir.lifecycle.held import IN_FORCE, Held, the_plan
from b12fhir.fhir.lifecycle.phases import PhaseState, next_phase, phase_states
from b12fhir.fhir.lifecycle.reject import in_words
from b12fhir.fhir.lifecycle.signer import Signer
from b12fhir.kernel.dates import parse_when
from b12fhir.ports import Resource

_PROPOSED_ANEW = (
    "While the decision stands, the next sync proposes a plan anew. To be left alone, reject that "
    "one: the same decision is not proposed again then."
)


def withdraw(stored: Iterable[Resource], key: str, by: Signer, reason: str) -> Act:
    """The transaction that withdraws a proposal, or on behalf of a practitioner a signed plan.

    Orders that run are stopped and tests revoked, with the reason. Raises `SignedError` for a plan
    that is closed, `PractitionerError` for a signed one with nobody named.
    """
    held = the_plan(stored, key, by.site)
    told = in_words(reason)
    _check_open(held)
    is_signed = bool(held.signed)
    if is_signed and not by.practitioner:
        raise PractitionerError(
            "The plan is signed: its orders are stopped only on behalf of a practitioner.",
            hint="Name one with --practitioner Practitioner/ID.",
        )
    entries = ended(held, told, by) if is_signed else let_go(held, told, by)
    stopped = f"Running orders that are stopped: {len(held.running)}."
    ordered = stopped if is_signed else "Nothing of it was ordered."
    lines = (f"Plan {key} is withdrawn.", ordered, _PROPOSED_ANEW)
    return act("withdraw", held, entries, by, Said(lines, told))


def close(stored: Iterable[Resource], key: str, by: Signer, phase: str = "") -> Act:
    """The transaction that completes a plan, or one phase of it, when nothing is left to do.

    Raises `SignedError` for a plan that is not in force, `SignOffError` for one that still runs.
    """
    held = the_plan(stored, key, by.site)
    if not held.in_force:
        raise SignedError(
            f"The plan is {held.shown.status}: only a signed plan in force can be closed.",
            hint="A proposal is rejected or withdrawn instead.",
        )
    if phase:
        return _close_phase(held, phase, by)
    _check_done(held, by)
    return act("close", held, done(held, by), by, Said((f"Plan {key} is closed.",)))


def _check_open(held: Held) -> None:
    if held.shown.status in CLOSED and not held.running:
        raise SignedError(
            f"The plan is {held.shown.status} already.", hint="There is nothing left to do."
        )


def _close_phase(held: Held, name: str, by: Signer) -> Act:
    """Complete one order, if its phase is over and somebody signed what comes after it."""
    phases = phase_states(held, by.clock)
    chosen = next((one for one in phases if one.id == name and one.runs), None)
    if chosen is None or not chosen.over(by.clock.day):
        raise SignOffError(
            f"Phase {name[:40]!r} is no phase of this plan that is over and still on order.",
            hint="See b12fhir plans. To end a phase early, withdraw the plan.",
        )
    if next_phase(phases) is not None:
        raise SignOffError(
            f"A phase after {name} is not signed: to complete this one would leave a gap.",
            hint="Sign the next phase, or withdraw the plan.",
        )
    plan, order = held.shown, held.request(name)
    entries = [
        amend(plan, noted(plan, f"Phase {name} closed {by.words}."), by.site),
        become(order, "completed", by.site),
    ]
    return act("close", held, entries, by, Said((f"Phase {name} is completed.",)))


def _check_done(held: Held, by: Signer) -> None:
    """Every phase and test lies behind us; what goes on for life is never done."""
    day = by.clock.day
    phases = [one for one in phase_states(held, by.clock) if _is_open(one, day)]
    if phases:
        names = ", ".join(phase.id for phase in phases)
        raise SignOffError(
            f"These phases are not over, or not signed: {names}.",
            hint="Sign them, wait for their last day, or withdraw the plan with a reason.",
        )
    due = [last for item in held.orders("ServiceRequest") if (last := _last(item.resource, by))]
    if due and max(due) >= day:
        raise SignOffError(
            f"Tests of this plan are still to come, the last on {max(due)}.",
            hint="Wait for them, or withdraw the plan with a reason.",
        )


def _is_open(phase: PhaseState, day: date) -> bool:
    return phase.state == "proposed" or not phase.over(day)


def _last(test: Resource, by: Signer) -> date | None:
    """The last day a test is asked for, unless it was ended."""
    events = obj(test.get("occurrenceTiming")).get("event", [])
    days = [when.last for event in events if (when := parse_when(event, by.site.zone))]
    return max(days, default=None) if text(test.get("status")) in IN_FORCE else None

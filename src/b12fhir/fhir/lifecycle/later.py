"""Sign a later phase of a plan in force."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from b12fhir.errors import ConfirmationError, SignedError, SignOffError
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.lifecycle.act import Act, Said, act
from b12fhir.fhir.lifecycle.asks import answered, ask_for
from b12fhir.fhir.lifecycle.entries import (
    Entry,
    amend,
    as_proposed,
    become,
    noted,
    order_of,
)
from b12fhir.fhir.lifecycle.held import Held
from b12fhir.fhir.lifecycle.phases import PhaseState, Turn, check_dated, phase_states, turn
from b12fhir.fhir.lifecycle.redraw import moved
from b12fhir.fhir.lifecycle.signer import Signer
from b12fhir.fhir.lifecycle.wish import Wish
from b12fhir.fhir.links import relinked
from b12fhir.fhir.stored import Owned
from b12fhir.fhir.stored_timing import stretch_of
from b12fhir.kernel.dates import add_days, days_between


def approve_later(held: Held, by: Signer, wish: Wish) -> Act:
    """The transaction that orders the next phase of a signed plan.

    Raises `SignedError` if it was done before or no phase is named, `ConfirmationError` if its
    start has passed, `SignOffError` if it would overlap the phase before it.
    """
    phases = phase_states(held, by.clock)
    due = turn(phases, by.clock.day)
    _check_named(held, phases, due, wish)
    check_dated(phases)
    if due is None or held.shown.status != "active":
        raise SignOffError(
            f"The plan is {held.shown.status}, or the order of its phase before is missing: no "
            "further phase can be signed.",
            hint="Look at it on the server; take it up again, or withdraw it.",
        )
    if wish.phase != due.following.id:
        raise SignOffError(
            f"Phase {wish.phase} is not the next one: that is {due.following.id}.",
            hint="Phases are signed one after the other.",
        )
    item = held.request(due.following.id)
    if not wish.accept_changes:
        as_proposed([item], by.site)
    return _signed(held, due, _days(due, phases, by, wish), by, wish)


def _check_named(held: Held, phases: tuple[PhaseState, ...], due: Turn | None, wish: Wish) -> None:
    """The phase is named, is one of the plan, and nobody signed it yet."""
    if not wish.phase:
        raise SignedError(
            f"The plan was signed before, by {_author(held)}.",
            hint=f"To sign the next phase, name it: --phase {due.following.id}."
            if due is not None
            else "Nothing is left to sign.",
        )
    named = next((phase for phase in phases if phase.id == wish.phase), None)
    if named is None:
        raise SignOffError(
            f"The plan has no phase {wish.phase[:40]!r}.",
            hint=f"It has: {', '.join(phase.id for phase in phases) or 'none'}.",
        )
    if named.signed_by:
        raise SignedError(
            f"Phase {named.id} was signed before, by {named.signed_by} at {named.signed_on}.",
            hint="See b12fhir plans for what is to be signed.",
        )
    if named.state != "proposed":
        raise SignOffError(
            f"Phase {named.id} is {named.state}.",
            hint="Have the plan proposed anew if it is to be given after all.",
        )


def _author(held: Held) -> str:
    plan = held.shown.resource
    return f"{text(obj(plan.get('author')).get('reference'))} at {text(plan.get('created'))}"


def _days(due: Turn, phases: tuple[PhaseState, ...], by: Signer, wish: Wish) -> int:
    """By how many days the phase moves; its first day has not passed and overlaps nothing."""
    planned = due.following.start or date.max
    start = wish.start or planned
    if start < by.clock.day:
        raise ConfirmationError(
            f"Phase {due.following.id} would begin on {start}, which has passed.",
            hint="Agree on a day and sign with --start DATE.",
        )
    for one in phases:
        if not one.runs or (one.end is not None and one.end < start):
            continue
        until = f"until {one.end}" if one.end else "without an end"
        raise SignOffError(
            f"Phase {one.id} is ordered {until}: another phase from {start} would double it.",
            hint="Choose a later --start, or have the order before stopped by its prescriber.",
        )
    return days_between(planned, start)


def _signed(held: Held, due: Turn, days: int, by: Signer, wish: Wish) -> Act:
    """The order, the plan that lists it, and what is answered, over, or moves along."""
    plan, draft = held.shown, held.request(due.following.id)
    item = moved(draft, days)
    order = order_of(item, by, despite=wish.despite)
    later = [one for one in _waiting(held) if one.key != item.key]
    shifted = tuple(moved(one, days) for one in later)
    over = [
        one
        for one in held.orders("MedicationRequest")
        if one.status == "active" and _is_over(held, one, by)
    ]
    notice = f"Phase {due.following.id} signed {by.words}.{_moved_words(held, item, days, by)}"
    listed = relinked(plan.resource.get("activity", []), {item.reference: order["fullUrl"]})
    entries = [
        amend(plan, {**noted(plan, notice), "activity": listed}, by.site),
        order,
        amend(draft, {**item.resource, "status": "completed"}, by.site),
        *(become(one, "completed", by.site) for one in over),
        *(answered(task, "order", order["fullUrl"], by) for task in held.tasks),
        *(amend(a, b.resource, by.site) for a, b in zip(later, shifted, strict=True) if days),
        *_ask(replace(held, drafts=_with(held.drafts, (item, *shifted))), due, plan.reference, by),
    ]
    said = Said(tuple(_lines(due, item, over, later, by)), wish.despite, _early(due, by))
    return act("approve", held, entries, by, said)


def _moved_words(held: Held, item: Owned, days: int, by: Signer) -> str:
    """The plan's own table keeps the day that was planned, so the notice on top says the other."""
    begins = stretch_of(item.resource, by.site.zone)
    if not days or begins is None:
        return ""
    planned = add_days(begins.start, -days)
    later = " Later phases move by as many days." if len(_waiting(held)) > 1 else ""
    return f" It begins on {begins.start}, not on {planned} as planned.{later}"


def _waiting(held: Held) -> list[Owned]:
    return [item for item in held.of("MedicationRequest") if item.is_draft_proposal]


def _with(drafts: tuple[Owned, ...], changed: tuple[Owned, ...]) -> tuple[Owned, ...]:
    by_place = {one.reference: one for one in changed}
    return tuple(by_place.get(one.reference, one) for one in drafts)


def _is_over(held: Held, order: Owned, by: Signer) -> bool:
    phases = {phase.id: phase for phase in phase_states(held, by.clock)}
    return phases[held.name(order)].over(by.clock.day)


def _ask(held: Held, due: Turn, url: str, by: Signer) -> list[Entry]:
    """The Task for the phase after the one that is signed now, if there is one."""
    waiting = [one for one in phase_states(held, by.clock) if one.state == "proposed"]
    signed = next(one for one in waiting if one.id == due.following.id)
    rest = [one for one in waiting if one.id != signed.id]
    return [ask_for(held, rest[0], signed, url, by)] if rest else []


def _early(due: Turn, by: Signer) -> tuple[str, ...]:
    if due.asked <= by.clock.day:
        return ()
    until = f"Phase {due.current.id} runs until {due.current.end}"
    return (f"{until}: the next is asked for from {due.asked} on, to see the response (R-121).",)


def _lines(
    due: Turn, item: Owned, over: list[Owned], later: list[Owned], by: Signer
) -> Iterator[str]:
    dosage = text(items(item.resource.get("dosageInstruction"))[0].get("text"))
    yield f"Phase {due.following.id} is signed {by.words}."
    yield f"Ordered: {due.following.medicine}: {dosage.rstrip('.')}."
    if due.current.runs and not over:
        yield f"Phase {due.current.id} stays in force until its last day, {due.current.end}."
    for one in over:
        yield f"{one.reference} is completed: its phase is over."
    for one in later:
        yield f"Not ordered yet: {one.reference}. It stays a proposal until it is signed."

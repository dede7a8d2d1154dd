"""Sign a plan, one phase at a time, on behalf of a named practitioner: one transaction.

A signature makes new resources, based on the proposals, and never turns a proposal into an order.
The first signature puts the plan in force and orders its first phase and its tests; each later one
orders the next phase. Until then later phases stay proposals, with a Task that asks for them.
"""

from collections.abc import Container, Iterable, Iterator

from b12fhir.errors import ConfirmationError, Defect, SignedError, SignOffError
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.fhir.identity import ORDER
from b12fhir.fhir.lifecycle.act import Act, Said, act
from b12fhir.fhir.lifecycle.asks import answered, ask_for
from b12fhir.fhir.lifecycle.end import ended
from b12fhir.fhir.lifecycle.entries import (
    Entry,
    amend,
    as_proposed,
    become,
    order_of,
    plan_of,
    settle,
)
from b12fhir.fhir.lifecycle.held import IN_FORCE, Held, links, plans_held, the_plan
from b12fhir.fhir.lifecycle.later import approve_later
from b12fhir.fhir.lifecycle.mark import is_rejected
from b12fhir.fhir.lifecycle.phases import PhaseState, check_dated, next_phase, phase_states
from b12fhir.fhir.lifecycle.redraw import redrawn
from b12fhir.fhir.lifecycle.signer import Signer
from b12fhir.fhir.lifecycle.valid import check_edited
from b12fhir.fhir.lifecycle.wish import NOTHING_SPECIAL, Wish
from b12fhir.fhir.lifecycle.words import kind_of
from b12fhir.fhir.stored import Owned, owned_resources
from b12fhir.kernel.dates import parse_when
from b12fhir.ports import Resource

_FINAL = {"Goal": "active", "RiskAssessment": "final", "DetectedIssue": "final"}
_NO_MEDICINE = {
    "confirm": "This plan holds no medicine: signing it orders its tests and nothing else.",
    "stop": "This plan holds no medicine: signing it says that the stop was seen, and orders its "
    "tests. It ends no order that is running, unless it is of a plan replaced here: that is for "
    "whoever wrote that order.",
}


def approve(stored: Iterable[Resource], key: str, by: Signer, wish: Wish = NOTHING_SPECIAL) -> Act:
    """The transaction that signs a plan, or its next phase, with what it means in words.

    ``stored`` is everything of ours that the patient has. Raises `SignedError` if it was done
    before, `ChangedError` if the draft is not what was proposed, `ConfirmationError` if its start
    has passed, and `SignOffError` for everything else that forbids it.
    """
    resources = list(stored)
    held = the_plan(resources, key, by.site)
    if held.approved is not None:
        _check_alone(resources, {key}, by)
        step = approve_later(held, by, wish)
    else:
        _check_open(held, by)
        old = _in_the_way(held, plans_held(resources, by.site))
        _check_alone(resources, {one.key for one in old}, by)
        step = _first(held, old, by, wish)
    if wish.accept_changes:
        check_edited(step.bundle)
    return step


def _check_open(held: Held, by: Signer) -> None:
    plan = held.shown
    if held.running:
        raise SignOffError(
            f"Orders of this plan run ({_named(held.running)}), but no signed plan holds them.",
            hint="Was a signature written by half, or the signed plan deleted? Withdraw the plan, "
            "which stops them, and have it proposed anew.",
        )
    if is_rejected(held, by.site):
        raise SignedError(
            "The proposal was rejected.",
            hint="If that was a mistake, have a changed decision proposed anew by sync.",
        )
    if plan.status in ("revoked", "entered-in-error"):
        raise SignOffError(
            "The proposal was withdrawn: the facts behind it no longer hold.",
            hint="See b12fhir plans for what is proposed instead.",
        )
    if not plan.is_draft_proposal:
        raise SignOffError(
            f"{plan.reference} is {plan.status} ({plan.intent}), which no proposal of ours is.",
            hint="Look at it on the server: somebody changed it by hand.",
        )
    if any(task.status == "on-hold" for task in held.tasks):
        raise SignOffError(
            "The Task that asks for this signature is on hold.",
            hint="Whoever put it on hold takes it up again first.",
        )


def _first(held: Held, old: tuple[Held, ...], by: Signer, wish: Wish) -> Act:
    drafts = [item for item in held.drafts if item.is_draft_proposal and item.kind != "Task"]
    if not wish.accept_changes:
        as_proposed(drafts, by.site)
    dated = _dated(held, by, wish)
    phases = phase_states(dated, by.clock)
    check_dated(phases)
    phase = next_phase(phases)
    _check_phase(phase, wish, by)
    signed = _signed(dated, phase, old, by, wish)
    rest = _moved_along(dated, phase, by) if dated is not held else []
    said = Said(tuple(_lines(dated, phase, old, by)), wish.despite)
    return act("approve", dated, [*signed, *rest], by, said)


def _moved_along(held: Held, phase: PhaseState | None, by: Signer) -> list[Entry]:
    """Later phases of a plan that begins on another day: still proposals, on their new days."""
    drafts = [item for item in held.of("MedicationRequest") if item.is_draft_proposal]
    return [amend(i, {}, by.site) for i in drafts if phase and held.name(i) != phase.id]


def _in_the_way(held: Held, plans: Iterable[Held]) -> tuple[Held, ...]:
    """The plans in force whose place this one takes; two at once would double the treatment."""
    others = tuple(one for one in plans if one.in_force and one.key != held.key)
    meant = links(held.shown.resource, "replaces")
    for other in others:
        own = {item.reference for item in (other.proposal, other.approved) if item is not None}
        if not own & meant:
            raise SignOffError(
                f"Another plan of this patient is in force ({other.key}), and this one was not "
                "proposed to replace it.",
                hint="Withdraw or close that one first.",
            )
    return others


def _check_alone(stored: Iterable[Resource], known: Container[str], by: Signer) -> None:
    """Raise `SignOffError` if an order of ours runs that is of none of the plans in hand.

    Of a plan that was closed by hand, or has lost its CarePlan, the orders may go on unseen.
    """
    for item in owned_resources(stored, by.site, {"MedicationRequest": ORDER}):
        if item.status in IN_FORCE and item.plan_key not in known:
            raise SignOffError(
                f"{item.reference}, an order of plan {item.plan_key}, still runs although that plan"
                " is not in force: two orders at once would double the treatment.",
                hint="Withdraw that plan, which stops its orders, or have the order stopped.",
            )


def _named(items: Iterable[Owned]) -> str:
    return ", ".join(item.reference for item in items)


def _dated(held: Held, by: Signer, wish: Wish) -> Held:
    """The plan as it is to be signed: for the agreed day, which has not passed."""
    start = _start(held)
    if wish.start is not None and wish.start.isoformat() != start:
        if wish.plan is None:
            raise Defect("A plan is to begin on another day, and was not composed for it.")
        held = redrawn(held, wish.plan, by.site)
        start = _start(held)
    when = parse_when(start, by.site.zone)
    if when is None or when.first < by.clock.day:
        raise ConfirmationError(
            f"The plan begins on {start or 'no day that can be read'}: its first doses or tests "
            "would lie in the past.",
            hint="Agree on a day and sign with --start DATE.",
        )
    return held


def _start(held: Held) -> str:
    return text(obj(held.shown.resource.get("period")).get("start"))


def _check_phase(phase: PhaseState | None, wish: Wish, by: Signer) -> None:
    """It is the phase that was meant, and does not begin in the past, as one edited by hand may."""
    name = phase.id if phase is not None else ""
    if wish.phase and wish.phase != name:
        now = f"that is {name!r}" if name else "the plan holds no medicine"
        raise SignOffError(
            f"Phase {wish.phase[:40]!r} is not the one to be signed now: {now}.",
            hint="Phases are signed one after the other.",
        )
    if phase is not None and phase.start is not None and phase.start < by.clock.day:
        raise ConfirmationError(
            f"Phase {name} would begin on {phase.start}, which has passed.",
            hint="Correct its dates on the server, or have the plan proposed anew.",
        )


def _signed(
    held: Held, phase: PhaseState | None, old: tuple[Held, ...], by: Signer, wish: Wish
) -> list[Entry]:
    """Everything the first signature makes and changes."""
    orders = _orders(held, phase, old, by, wish)
    proposal = held.shown
    addresses = {item.reference: entry["fullUrl"] for item, entry in orders}
    plan = plan_of(proposal, by, addresses, [one.shown.reference for one in old])
    url = plan["fullUrl"]
    return [
        plan,
        *(entry for _, entry in orders),
        *(become(item, "completed", by.site) for item in (proposal, *(i for i, _ in orders))),
        *(settle(i, _FINAL[i.kind], by.site) for i in held.drafts if _is_settled(i)),
        *(answered(i, "approved plan", url, by) for i in held.tasks if i.key == held.key),
        *_ask(held, phase, url, by),
        *(entry for one in old for entry in ended(one, f"Replaced by plan {held.key}.", by)),
    ]


def _orders(
    held: Held, phase: PhaseState | None, old: tuple[Held, ...], by: Signer, wish: Wish
) -> list[tuple[Owned, Entry]]:
    """The first phase, and every test; each with the proposal it is made of."""
    tests = [item for item in held.of("ServiceRequest") if item.is_draft_proposal]
    made = [(item, order_of(item, by)) for item in tests]
    if phase is None:
        return made
    before = (one.running_order for one in old)
    prior = next((order.reference for order in before if order is not None), "")
    medicine = held.request(phase.id)
    order = order_of(medicine, by, despite=wish.despite, prior=prior)
    return [(medicine, order), *made]


def _is_settled(item: Owned) -> bool:
    return item.kind in _FINAL and item.is_draft_proposal


def _ask(held: Held, phase: PhaseState | None, url: str, by: Signer) -> list[Entry]:
    """The Task for the phase after this one, if there is one."""
    phases = phase_states(held, by.clock)
    waiting = [one for one in phases if one.state == "proposed"]
    return [ask_for(held, waiting[1], waiting[0], url, by)] if phase and waiting[1:] else []


def _lines(
    held: Held, phase: PhaseState | None, old: tuple[Held, ...], by: Signer
) -> Iterator[str]:
    yield f"Plan {held.key} is signed {by.words}."
    kind = kind_of(held.shown.resource, medicine=phase is not None)
    tests = sum(item.is_draft_proposal for item in held.of("ServiceRequest"))
    if phase is None:
        yield _NO_MEDICINE.get(kind, _NO_MEDICINE["confirm"])
    else:
        yield f"Ordered: phase {phase.id}: {phase.medicine}: {phase.dosage.rstrip('.')}."
    yield f"Ordered: {tests} test{'' if tests == 1 else 's'}."
    phases = phase_states(held, by.clock)
    for later in [one.id for one in phases if one.state == "proposed"][1:]:
        yield f"Not ordered yet: phase {later}. It stays a proposal until it is signed."
    for one in old:
        yield f"Plan {one.key} is replaced: its orders are stopped."

"""Where each plan stands, read from the server alone: nothing is remembered anywhere else."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from b12fhir.fhir.digest import identifier_value
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.fhir.identity import DECISION_DIGEST
from b12fhir.fhir.lifecycle.held import Held, links, plans_held, the_plan
from b12fhir.fhir.lifecycle.mark import is_rejected
from b12fhir.fhir.lifecycle.phases import (
    PhaseState,
    Turn,
    current_phase,
    phase_states,
    turn,
)
from b12fhir.fhir.lifecycle.signer import Clock
from b12fhir.fhir.lifecycle.words import kind_of
from b12fhir.ports import Resource

_LOOKED_AT = frozenset({"received", "accepted", "in-progress"})


class State(Enum):
    """Where a plan stands."""

    PROPOSED = "proposed"
    IN_REVIEW = "in-review"
    RUNNING = "running"
    NEXT_DUE = "next-phase-due"
    ON_HOLD = "on-hold"
    DONE = "done"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"

    @property
    def asks(self) -> bool:
        """Does it wait for a signature?"""
        return self in _ASKS

    @property
    def is_open(self) -> bool:
        """May something still have to be done?"""
        return self in _OPEN


_ASKS = frozenset({State.PROPOSED, State.IN_REVIEW, State.NEXT_DUE})
_OPEN = _ASKS | {State.RUNNING, State.ON_HOLD}


@dataclass(frozen=True, slots=True)
class PlanState:
    """One plan: ``reference`` is its CarePlan that counts, ``version`` the one that was read.

    ``kind`` is ``treat``, ``prophylaxis``, ``confirm`` or ``stop``; ``tests`` is how many are part
    of it. ``due`` is when the open Task wants an answer, else from when on the next phase is asked
    for. ``next`` says in one sentence what to do.
    """

    key: str
    patient: str
    kind: str
    state: State
    urgent: bool
    reference: str
    version: str
    title: str
    start: str
    decision: str
    phases: tuple[PhaseState, ...]
    tests: int
    due: str
    signed_by: str
    signed_on: str
    next: str


def plan_states(stored: Iterable[Resource], clock: Clock) -> tuple[PlanState, ...]:
    """Every plan among the stored resources: what waits for a signature first, urgent on top."""
    held = plans_held(stored, clock.site)
    return tuple(sorted((_state(one, held, clock) for one in held), key=_place))


def state_of(stored: Iterable[Resource], key: str, clock: Clock) -> PlanState:
    """One plan; raises `SignOffError` if there is none of that key, or not exactly one."""
    resources = list(stored)
    one = the_plan(resources, key, clock.site)
    return _state(one, plans_held(resources, clock.site), clock)


def _place(plan: PlanState) -> tuple[bool, bool, bool, str, str]:
    return (not plan.state.asks, not plan.urgent, not plan.state.is_open, plan.due, plan.key)


def _state(one: Held, every: Iterable[Held], clock: Clock) -> PlanState:
    resource, phases = one.shown.resource, phase_states(one, clock)
    state = _named(one, every, phases, clock)
    signed = one.approved.resource if one.approved is not None else {}
    return PlanState(
        key=one.key,
        patient=one.shown.patient,
        kind=kind_of(resource, medicine=bool(phases)),
        state=state,
        urgent=_urgent(one),
        reference=one.shown.reference,
        version=one.shown.version,
        title=text(resource.get("title")),
        start=text(obj(resource.get("period")).get("start")),
        decision=identifier_value(resource, clock.site.system(DECISION_DIGEST)),
        phases=phases,
        tests=len(one.orders("ServiceRequest") or one.of("ServiceRequest")),
        due=_due(one, phases, clock),
        signed_by=text(obj(signed.get("author")).get("reference")),
        signed_on=text(signed.get("created")),
        next=_next(one, state, phases, clock),
    )


def _named(one: Held, every: Iterable[Held], phases: tuple[PhaseState, ...], clock: Clock) -> State:
    status = one.shown.status
    if status in ("revoked", "entered-in-error"):
        if one.approved is None and is_rejected(one, clock.site):
            return State.REJECTED
        return State.REPLACED if _is_replaced(one, every) else State.WITHDRAWN
    if one.approved is None:
        return _unsigned(one, clock)
    if status != "active":
        return State.DONE if status == "completed" else State.ON_HOLD
    due = turn(phases, clock.day)
    return State.NEXT_DUE if due is not None and due.asked <= clock.day else State.RUNNING


def _unsigned(one: Held, clock: Clock) -> State:
    """A proposal that is not withdrawn; in a state we never give it, it is on hold."""
    if is_rejected(one, clock.site):
        return State.REJECTED
    tasks = {task.status for task in one.tasks}
    if not one.shown.is_draft_proposal or one.running or "on-hold" in tasks:
        return State.ON_HOLD
    return State.IN_REVIEW if tasks & _LOOKED_AT else State.PROPOSED


def _is_replaced(one: Held, every: Iterable[Held]) -> bool:
    own = {item.reference for item in (one.proposal, one.approved) if item is not None}
    return any(links(other.shown.resource, "replaces") & own for other in every)


def _urgent(one: Held) -> bool:
    """As its open Task says; without one, as its requests that are not over say."""
    told = [item.resource.get("priority") for item in one.tasks]
    live = (*one.drafts, *one.signed)
    told = told or [i.resource.get("priority") for i in live if i.status in ("draft", "active")]
    return bool({"urgent", "asap", "stat"} & set(told))


def _due(one: Held, phases: tuple[PhaseState, ...], clock: Clock) -> str:
    ends = (
        text(obj(obj(task.resource.get("restriction")).get("period")).get("end"))
        for task in one.tasks
    )
    due = turn(phases, clock.day) if one.in_force else None
    return min((end for end in ends if end), default=due.asked.isoformat() if due else "")


def _next(one: Held, state: State, phases: tuple[PhaseState, ...], clock: Clock) -> str:
    if one.running and not one.in_force:
        names = ", ".join(item.reference for item in one.running)
        return f"Orders of it still run ({names}), which no plan in force holds: withdraw it."
    due = turn(phases, clock.day)
    if state is State.NEXT_DUE and due is not None:
        return _sign_next(due)
    if state is State.PROPOSED:
        return _sign_or_reject(one, clock)
    if state is State.RUNNING:
        return _go_on(phases, clock)
    if state is State.ON_HOLD and one.approved is None:
        return "Look at it on the server: somebody took it out of the engine's hands."
    return _NEXT[state]


_NEXT = {
    State.IN_REVIEW: "Somebody has accepted the Task and is looking at it.",
    State.ON_HOLD: "Somebody put it on hold: take it up again on the server, or withdraw it.",
    State.DONE: "Nothing: every phase is done.",
    State.REJECTED: "Nothing: the same decision is not proposed again.",
    State.WITHDRAWN: "Nothing: it was withdrawn.",
    State.REPLACED: "Nothing: a later plan took its place.",
}


def _sign_or_reject(one: Held, clock: Clock) -> str:
    start = text(obj(one.shown.resource.get("period")).get("start"))
    if start < clock.day.isoformat():
        return f"Its first day, {start}, has passed: sign it with a new --start, or reject it."
    return "Sign it, or reject it with a reason."


def _sign_next(due: Turn) -> str:
    ends = f"ends on {due.current.end}" if due.current.runs and due.current.end else "is over"
    return (
        f"Phase {due.current.id} {ends}: look at the response, then sign phase "
        f"{due.following.id} from {due.following.start}, or withdraw the plan."
    )


def _go_on(phases: tuple[PhaseState, ...], clock: Clock) -> str:
    current = current_phase(phases)
    if current is None:
        return "Close it when its tests are done and what it asks for is settled."
    if current.over(clock.day):
        return "Every phase is over: close it."
    if current.end is None:
        return f"Nothing: phase {current.id} goes on."
    return f"Nothing: phase {current.id} runs until {current.end}."

"""The steps themselves: read, judge, compose, send, and say what came of it."""

from collections.abc import Collection
from functools import partial

from b12fhir.adapters.signoff.desk import Asked, Desk, Done
from b12fhir.adapters.signoff.judging import Judged, is_open, judged, warnings
from b12fhir.adapters.signoff.reading import check_practitioner, of_plan, ours
from b12fhir.adapters.signoff.sending import faster, refusal, send
from b12fhir.errors import ChangedError, SignedError
from b12fhir.fhir import lifecycle
from b12fhir.fhir.lifecycle import PlanState, State, Wish
from b12fhir.fhir.lifecycle.held import Held, the_plan


def list_plans(
    desk: Desk, *, patient: str = "", states: Collection[State] = frozenset()
) -> tuple[PlanState, ...]:
    """The plans on the server, what waits for a signature first and urgent ones on top.

    ``patient`` is ``Patient/<id>``; without ``states`` every state is shown.
    """
    plans = lifecycle.plan_states(ours(desk, patient), desk.clock)
    return tuple(plan for plan in plans if not states or plan.state in states)


def sign(desk: Desk, key: str, practitioner: str, asked: Asked) -> Done:
    """Sign a plan, or a later phase of it that is named.

    Raises `SignedError`, `PractitionerError`, `ChangedError`, `ConfirmationError`, `SignOffError`
    or `ServerError`; nothing is written then, unless the error says that this is not known.
    """
    desk.check()
    check_practitioner(desk, practitioner)
    stored = of_plan(desk, key)
    held = the_plan(stored, key, desk.site)
    _check_seen(held, asked)
    step = partial(lifecycle.approve, key=key, by=desk.signer(practitioner))
    try:
        found = judged(desk, held, asked) if is_open(held) else Judged()
    except ChangedError as changed:
        # Read after another's signature the record holds its orders, which is no new fact.
        now = refusal(desk, key, partial(step, wish=Wish(asked.phase)))
        raise (faster(now) if isinstance(now, SignedError) else changed) from None
    wish = Wish(asked.phase, asked.start, found.plan, asked.despite, asked.accept_changes)
    step = partial(step, wish=wish)
    return send(desk, step, stored, (*warnings(desk), *found.doubts))


def refuse(desk: Desk, key: str, practitioner: str, reason: str) -> Done:
    """Reject a proposal; the same decision is not proposed again."""
    desk.check()
    check_practitioner(desk, practitioner)
    by = desk.signer(practitioner)
    step = partial(lifecycle.reject, key=key, by=by, reason=reason)
    return send(desk, step, of_plan(desk, key))


def withdraw(desk: Desk, key: str, practitioner: str, reason: str) -> Done:
    """Withdraw a proposal, or on behalf of a practitioner a signed plan with its orders."""
    desk.check()
    if practitioner:
        check_practitioner(desk, practitioner)
    by = desk.signer(practitioner)
    step = partial(lifecycle.withdraw, key=key, by=by, reason=reason)
    return send(desk, step, of_plan(desk, key))


def close(desk: Desk, key: str, practitioner: str, phase: str = "") -> Done:
    """Complete a plan whose phases and tests are over, or one phase of it."""
    desk.check()
    check_practitioner(desk, practitioner)
    by = desk.signer(practitioner)
    step = partial(lifecycle.close, key=key, by=by, phase=phase)
    return send(desk, step, of_plan(desk, key))


def _check_seen(held: Held, asked: Asked) -> None:
    if asked.seen and asked.seen != held.shown.version:
        raise ChangedError(
            "The plan was changed since you looked at it.", hint="Read it again, then sign."
        )

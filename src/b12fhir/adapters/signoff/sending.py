"""Sending one act: recorded before and after, and never in doubt longer than need be."""

from collections.abc import Callable, Sequence

from b12fhir.adapters.signoff.desk import Desk, Done
from b12fhir.adapters.signoff.reading import of_plan
from b12fhir.errors import (
    ChangedError,
    ConflictError,
    Defect,
    DuplicateError,
    ServerError,
    SignedError,
    SignOffError,
    TemporaryServerError,
    UserError,
)
from b12fhir.fhir.digest import content_digest
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.formed import found_instead_of_created
from b12fhir.fhir.lifecycle import Act
from b12fhir.fhir.lifecycle.valid import validate
from b12fhir.ports import AuditEntry, AuditKind, Resource
from b12fhir.service.forming import FormedWriter
from b12fhir.service.recording import ENGINE, pseudonym, transact

_KINDS = {
    "approve": AuditKind.SIGNATURE,
    "close": AuditKind.SIGNATURE,
    "reject": AuditKind.REJECTION,
    "withdraw": AuditKind.WITHDRAWAL,
}
# Plans and orders: what they say does not depend on the addresses that the server gives.
_TRACED = frozenset({"CarePlan", "MedicationRequest", "ServiceRequest"})


def send(
    desk: Desk,
    step: Callable[[Sequence[Resource]], Act],
    stored: Sequence[Resource],
    warnings: tuple[str, ...] = (),
) -> Done:
    """Compose the act on what is ``stored`` and send it, unless it is a dry run.

    Raises what ``step`` raises, `SignedError` if somebody else was faster, `ChangedError` if the
    plan changed in that very moment, `Defect` for a transaction that breaks a rule, and what the
    server raises.
    """
    act = step(stored)
    problems = validate(act.bundle) if desk.validate else []
    if problems:
        raise Defect(f"Nothing was sent, because it is not valid: {'; '.join(problems)}")
    if not desk.dry_run:
        _post(desk, act, step)
    told = (*act.said.warnings, *warnings)
    return Done(act.key, act.said.lines, told, act.bundle, sent=not desk.dry_run)


def _post(desk: Desk, act: Act, step: Callable[[Sequence[Resource]], Act]) -> None:
    """Write; tell a lost race from a lost answer.

    A version that is out of date is answered with 409 by HAPI and with 412 by others. After a 5xx
    nobody knows what was written, and HAPI gives one to some losers of a race: what it holds now
    tells. The transaction is never repeated by itself, so a 409 is never about our own first try.
    """
    server = FormedWriter(desk.server, desk.profile)
    try:
        answer = transact(server, act.bundle, desk.audit, _entry(desk, act), desk.site)
    except (ConflictError, DuplicateError) as error:
        raise _overtaken(desk, act, step) from error
    except TemporaryServerError as error:
        _look_again(desk, act, step, error)
        return
    if found_instead_of_created(act.bundle, answer):
        now = refusal(desk, act.key, step)
        raise SignedError(
            "Part of this stood on the server already, and the rest of it was written."
            f" {now.message if now else ''}".rstrip(),
            hint="Look at the plan and its orders on the server before anything is given.",
        )
    if len(items(answer.get("entry"))) != len(act.bundle["entry"]) and not _is_done(desk, act):
        raise ServerError(
            f"{desk.server.base} did not answer for every part, and does not hold them all.",
            hint="Look at the plan and its orders on the server before anything is given.",
        )


def _look_again(
    desk: Desk, act: Act, step: Callable[[Sequence[Resource]], Act], error: TemporaryServerError
) -> None:
    """After an unclear answer: return if all of it was written, else say what is known."""
    try:
        if _is_done(desk, act):
            return
        told: UserError = _overtaken(desk, act, step, error)
    except ServerError as lost:
        raise TemporaryServerError(
            f"{error.message} Whether anything was written is not known, since the server could "
            "not be read again either.",
            hint="Look at the plan with b12fhir plans before you repeat this.",
            status=error.status,
        ) from lost
    raise told from error


def _entry(desk: Desk, act: Act) -> AuditEntry:
    pack = desk.protocol.pack
    return AuditEntry(
        _KINDS[act.kind],
        act.practitioner or ENGINE,
        patient=pseudonym(act.patient, desk.site),
        plan=act.key,
        as_of=desk.at.isoformat(),
        decision=act.decision,
        pack=f"{pack.id}/{pack.version}",
        outcome=act.kind,
    )


def _overtaken(
    desk: Desk,
    act: Act,
    step: Callable[[Sequence[Resource]], Act],
    error: ServerError | None = None,
) -> UserError:
    """Read again: what would come of the same step now says what happened meanwhile."""
    now = refusal(desk, act.key, step)
    if now is not None:
        return faster(now)
    return error or ChangedError(
        "The plan was changed in this very moment, and nothing of this was written.",
        hint="Read it again, then repeat.",
    )


def faster(now: SignOffError) -> SignedError:
    """Somebody else was, as what speaks against the step ``now`` shows."""
    return SignedError(
        f"Somebody else was faster, and nothing of this was written. {now.message}", hint=now.hint
    )


def refusal(desk: Desk, key: str, step: Callable[[Sequence[Resource]], Act]) -> SignOffError | None:
    """What speaks against the same step on what the server holds now."""
    try:
        step(of_plan(desk, key))
    except SignOffError as now:
        return now
    return None


def _is_done(desk: Desk, act: Act) -> bool:
    """Does the server hold what this very act was to write? All of it, then: or nothing."""
    stored = {_trace(resource, desk) for resource in of_plan(desk, act.key)}
    wanted = (entry["resource"] for entry in act.bundle["entry"])
    return {_trace(one, desk) for one in wanted if one["resourceType"] in _TRACED} <= stored


def _trace(resource: Resource, desk: Desk) -> tuple[str, str, str]:
    """What is written, word for word, and on whose behalf."""
    who = (text(obj(resource.get(name)).get("reference")) for name in ("author", "requester"))
    return str(resource["resourceType"]), content_digest(resource, desk.site), "".join(who)

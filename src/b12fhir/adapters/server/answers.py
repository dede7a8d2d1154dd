"""What an HTTP answer means: a resource, or one error of our tree."""

from dataclasses import dataclass
from typing import Any

from b12fhir.adapters.server.retry import AGAIN, PASSING
from b12fhir.errors import (
    AuthError,
    ConflictError,
    DuplicateError,
    InputError,
    RefusedError,
    ServerError,
    TemporaryServerError,
)
from b12fhir.fhir.json import decode_resource
from b12fhir.fhir.outcome import Outcome, read_outcome
from b12fhir.kernel.http import Answer, Request

_BY_STATUS: dict[int, tuple[type[ServerError], str]] = {
    401: (AuthError, "Give a valid token with --token-file, or see doctor: it says who we are."),
    403: (AuthError, "The token does not permit this: ask for the scopes that doctor lists."),
    404: (RefusedError, "Check that the address is the base of a FHIR server."),
    409: (ConflictError, "Someone else wrote at the same time: run again."),
    412: (DuplicateError, "Several resources claim one identity, or one changed: see the server."),
    429: (TemporaryServerError, "The server is busy: run again later, with fewer workers."),
}

# HTTP's own division: from here on the fault is the server's.
_FAULT = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """The error to raise; ``again`` says that another try may help, after ``wait`` seconds."""

    error: ServerError
    again: bool = False
    wait: float | None = None


def judge(
    answer: Answer, request: Request, base: str, wait: float | None = None
) -> dict[str, Any] | Failure:
    """Tell what an answer means; ``wait`` is what its ``Retry-After`` asks for."""
    if answer.status in range(200, 300):
        return _success(answer, request, base)
    if answer.status in range(300, 400):
        return Failure(_redirect(answer, request, base))
    outcome = _outcome(answer)
    return Failure(_failure(answer, outcome, request, base), _may_pass(answer, outcome), wait)


def _success(answer: Answer, request: Request, base: str) -> dict[str, Any] | Failure:
    if "html" in answer.media_type or answer.body.lstrip()[:1] == b"<":
        error = ServerError(
            f"{base} answered with a web page or XML, not FHIR JSON, while {request.doing}.",
            hint="Check the address: it must be the FHIR base, not a portal or a login page.",
            status=answer.status,
        )
        return Failure(error)
    try:
        return decode_resource(answer.body, where=base)
    except InputError:
        error = TemporaryServerError(
            f"{base} answered with broken or incomplete JSON while {request.doing}.",
            hint="Nothing of it was used. Try again; if it lasts, ask the server's operator.",
            status=answer.status,
        )
        return Failure(error, again=True)


def _redirect(answer: Answer, request: Request, base: str) -> ServerError:
    return ServerError(
        f"{base} answered {answer.status} (a redirect) while {request.doing}; it is not followed, "
        "because the token would go with it.",
        hint="Give the final address of the FHIR base.",
        status=answer.status,
    )


def _may_pass(answer: Answer, outcome: Outcome | None) -> bool:
    """May another try help? By the status, or because the server says so of its own fault."""
    if answer.status in AGAIN:
        return True
    codes = {issue.code for issue in outcome.issues} if outcome else set()
    return answer.status >= _FAULT and not codes.isdisjoint(PASSING)


def _failure(answer: Answer, outcome: Outcome | None, request: Request, base: str) -> ServerError:
    kind, hint = _BY_STATUS.get(answer.status, _default(answer.status))
    said = f" ({outcome.summary()})" if outcome and outcome.issues else ""
    return kind(
        f"{base} answered {answer.status}{said} while {request.doing}.",
        hint=hint,
        status=answer.status,
        detail=outcome.detail() if outcome else "",
    )


def _default(status: int) -> tuple[type[ServerError], str]:
    if status >= _FAULT:
        return TemporaryServerError, "The server has a problem: try again later, or see its log."
    return RefusedError, "The server refused the request: see what it says."


def _outcome(answer: Answer) -> Outcome | None:
    """Read the OperationOutcome of a failure; gateways send anything else, which is not shown."""
    try:
        return read_outcome(decode_resource(answer.body, where="answer"))
    except InputError:
        return None

"""Whatever is no answer with cards: an OperationOutcome that says what, where and what to do.

A 401 has no body and is always the same: whoever may not call is not told why.
"""

from collections.abc import Mapping
from math import ceil

from flask import Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from b12fhir.errors import (
    B12Error,
    BookError,
    CallError,
    ConfigError,
    HookError,
    InputError,
    MissingDataError,
    PatientError,
    UntrustedError,
)
from b12fhir.fhir.json import encode

FHIR_JSON = "application/fhir+json"
_NO_HEADERS: Mapping[str, str] = {}
_AGAIN_S = "10"

# FHIR's issue type for each status that is sent.
_CODES = {
    400: "invalid",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    412: "incomplete",
    413: "too-long",
    415: "not-supported",
    429: "throttled",
    500: "exception",
    503: "transient",
}
_STATUS: tuple[tuple[type[B12Error], int], ...] = (
    (CallError, 400),
    (MissingDataError, 412),
    (BookError, 503),
    (InputError, 400),
    (PatientError, 400),
    (ConfigError, 400),
)
_SAID = {
    404: "There is nothing at this address. GET /cds-services lists the services.",
    413: "The body is too large, so nothing of it was read. Send fewer or smaller resources, or "
    "leave prefetch out and give fhirServer.",
    415: "The body is not application/json, or it is compressed. Send plain UTF-8 JSON.",
}


class RefusedCallError(Exception):
    """A call that is refused with a status for which there is no error of the core."""

    def __init__(
        self, status: int, said: str = "", headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        super().__init__(status)
        self.status = status
        self.said = said or _SAID[status]
        self.headers = headers


def too_often(seconds: float) -> RefusedCallError:
    """429 with the whole seconds after which a call may go through."""
    wait = str(max(1, ceil(seconds)))
    said = f"Too many calls of one client. Call again in {wait} s."
    return RefusedCallError(429, said, {"Retry-After": wait})


def refused(status: int, said: str, where: str = "") -> Response:
    """An answer with one issue; ``where`` is the path of the member at fault."""
    issue: dict[str, object] = {
        "severity": "error",
        "code": _CODES.get(status, "processing"),
        "diagnostics": said,
    }
    if where:
        issue["expression"] = [where]
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    return Response(encode(outcome), status, mimetype=FHIR_JSON)


def bare(status: int, headers: Mapping[str, str] = _NO_HEADERS) -> Response:
    """An answer without a body, and so of no type."""
    response = Response(status=status, headers=dict(headers))
    del response.headers["Content-Type"]
    return response


def of_call(error: RefusedCallError) -> Response:
    """The answer to a call that the web refused."""
    response = refused(error.status, error.said)
    response.headers.extend(error.headers)
    return response


def of_error(error: B12Error) -> Response | None:
    """The answer to an error of ours; ``None`` for one that should not have come this far."""
    if isinstance(error, UntrustedError):
        return bare(401, {"WWW-Authenticate": "Bearer"})
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), None)
    if status is None:
        return None
    response = refused(status, str(error), error.where if isinstance(error, HookError) else "")
    if status == 503:  # noqa: PLR2004 - Service Unavailable
        response.headers["Retry-After"] = _AGAIN_S
    return response


def of_web(error: HTTPException) -> Response:
    """The answer to what the web server refused before us."""
    status = error.code or 500
    said = _SAID.get(status, f"The call was refused ({error.name}).")
    response = refused(status, said)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def of_defect() -> Response:
    """500: our own mistake. What and where stands in our log, without data."""
    said = "This is our mistake: nothing was assessed. Assess the patient without this service."
    return refused(500, said)

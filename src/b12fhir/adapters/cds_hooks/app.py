"""The web application: routes, and what every answer has in common."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from b12fhir.adapters.cds_hooks import refusals
from b12fhir.adapters.cds_hooks.calls import Desk
from b12fhir.adapters.cds_hooks.metrics import CONTENT_TYPE
from b12fhir.adapters.cds_hooks.openapi import described
from b12fhir.adapters.cds_hooks.parts import Parts
from b12fhir.adapters.cds_hooks.refusals import RefusedCallError
from b12fhir.errors import B12Error
from b12fhir.service.hooks.services import SERVICES

LOG = logging.getLogger("b12fhir.hooks")
_DISCOVERY = "/cds-services"
_SERVICE = f"{_DISCOVERY}/<service>"
_FEEDBACK = f"{_SERVICE}/feedback"
_JSON = "application/json"
_STARTED = "b12fhir.started"
_OTHER = "other"
_ALWAYS = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))
_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>b12fhir</title>"
    "<h1>b12fhir</h1><p>CDS Hooks 2.0 for vitamin B12 deficiency. It proposes; a clinician decides."
    '<p>Services: <a href="cds-services">cds-services</a>. For programs and people who connect '
    'them: <a href="docs">docs</a>.</html>'
)


class Application(Flask):
    """The web application, with a short way for the calls of its services.

    A call of a service at its own address needs nothing of what Flask does around a request:
    routes, contexts and signals cost more than a token's check. All else, and whatever is odd,
    takes Flask's way. Both ways read, refuse, count and log by the same functions.
    """

    def __init__(self, parts: Parts, desk: Desk) -> None:
        super().__init__("b12fhir", static_folder=None)
        self.config["MAX_CONTENT_LENGTH"] = parts.limits.body_bytes
        self._parts = parts
        self._desk = desk
        known = (one.id for one in SERVICES if one.id in parts.services)
        self._short: Mapping[str, str] = {f"{_DISCOVERY}/{one}": one for one in known}

    def rehearse(self) -> None:
        """Answer an invented call to nobody, so that no first caller waits for what it builds."""
        self._desk.rehearse()

    def wsgi_app(self, environ: Any, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI
        """Answer one request."""
        service = self._short.get(environ["PATH_INFO"])
        # An upgrade to a socket is refused by the routes.
        if service is None or environ["REQUEST_METHOD"] != "POST" or "HTTP_UPGRADE" in environ:
            return super().wsgi_app(environ, start_response)
        started = time.perf_counter()
        try:
            told = self._desk.call(service, environ, environ["PATH_INFO"])
        except Exception as error:  # noqa: BLE001 - as Flask does, and nothing is passed over
            refusal = _refusal(error)
            refusal.headers.extend(
                _end(environ, service, refusal.status_code, started, self._parts)
            )
            return refusal(environ, start_response)
        more = _end(environ, service, 200, started, self._parts)
        typed = [("Content-Type", _JSON), *more, ("Content-Length", str(len(told)))]
        start_response("200 OK", typed)
        return (told,)


def create_app(parts: Parts) -> Application:
    """The application, made of its parts; nothing of it is global."""
    desk = Desk(parts)
    app = Application(parts, desk)
    offered = [one for one in SERVICES if one.id in parts.services]
    app.register_blueprint(described(offered, parts.public))
    _routes(app, desk)
    _about(app, parts)
    app.register_error_handler(Exception, _refusal)
    app.before_request(_begin)
    app.after_request(_ending(parts))
    return app


def _routes(app: Flask, desk: Desk) -> None:
    @app.get(_DISCOVERY, provide_automatic_options=False)
    def discovery() -> Response:
        return Response(desk.discovery(request.environ, request.path), mimetype=_JSON)

    @app.post(_SERVICE, provide_automatic_options=False)
    def call(service: str) -> Response:
        return Response(desk.call(service, request.environ, request.path), mimetype=_JSON)

    @app.post(_FEEDBACK, provide_automatic_options=False)
    def feedback(service: str) -> Response:
        desk.feedback(service, request.environ, request.path)
        return refusals.bare(200)

    def preflight(service: str = "") -> Response:
        """A browser asks before it sends, without a token. `_let_in` adds what it asks for."""
        del service
        return refusals.bare(204)

    for path in (_DISCOVERY, _SERVICE, _FEEDBACK):
        app.add_url_rule(path, "preflight", preflight, methods=["OPTIONS"])


def _about(app: Flask, parts: Parts) -> None:
    @app.get("/")
    def page() -> Response:
        return Response(_PAGE, mimetype="text/html")

    @app.get("/healthz")
    def alive() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @app.get("/readyz")
    def ready() -> Response:
        """Ready: the protocol loads, and the book can be read and written."""
        parts.protocol(parts.clock())
        if parts.book.is_ready():
            return Response(f"ok\n{parts.beside()}", mimetype="text/plain")
        return refusals.refused(503, "The book of cards and feedback cannot be used now.")

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(parts.metrics.text(), content_type=CONTENT_TYPE)


def _refusal(error: Exception) -> Response:
    """The answer to whatever kept a request from being answered."""
    if isinstance(error, RefusedCallError):
        return refusals.of_call(error)
    if isinstance(error, HTTPException):
        return refusals.of_web(error)
    if isinstance(error, RecursionError):
        return refusals.refused(400, "The body is nested too deeply.")
    answer = refusals.of_error(error) if isinstance(error, B12Error) else None
    if answer is None:
        LOG.error("defect %s at %s", type(error).__name__, _places(error))
        answer = refusals.of_defect()
    return answer


def _places(error: BaseException) -> str:
    """Where it happened: our modules and lines, the innermost last. Never a text of the error."""
    places, trace = [], error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        places.append(f"{name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(place for place in places if place.startswith("b12fhir."))


def _begin() -> None:
    request.environ[_STARTED] = time.perf_counter()


def _ending(parts: Parts) -> Callable[[Response], Response]:
    """Count and log an answer that took Flask's way."""

    def end(response: Response) -> Response:
        environ = request.environ
        service = (request.view_args or {}).get("service", _OTHER)
        if service not in parts.services:
            service = _OTHER
        told = _end(environ, service, response.status_code, environ[_STARTED], parts)
        response.headers.extend(told)
        return response

    return end


def _end(
    environ: Mapping[str, Any], service: str, status: int, started: float, parts: Parts
) -> list[tuple[str, str]]:
    """Count and log an answer; the headers that all answers have.

    The path of a request is never logged: whoever sends a patient's id in it would find it there.
    """
    seconds = time.perf_counter() - started
    parts.metrics.answered(service, status, seconds)
    LOG.info(
        "%s %s %d %.1f ms%s",
        environ["REQUEST_METHOD"],
        service,
        status,
        seconds * 1000,
        environ.get(Desk.COUNTS, ""),
    )
    return [*_ALWAYS, *_let_in(environ, parts)] if parts.origins else [*_ALWAYS]


def _let_in(environ: Mapping[str, Any], parts: Parts) -> Iterator[tuple[str, str]]:
    """What lets the browsers of known origins read an answer."""
    yield "Vary", "Origin"
    origin = environ.get("HTTP_ORIGIN", "")
    if origin in parts.origins:
        yield "Access-Control-Allow-Origin", origin
        if environ["REQUEST_METHOD"] == "OPTIONS":
            yield "Access-Control-Allow-Methods", "GET, POST, OPTIONS"
            yield "Access-Control-Allow-Headers", "authorization, content-type, accept"
            yield "Access-Control-Max-Age", "600"

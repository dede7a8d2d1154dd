"""The web application: routes, and what every answer has in common."""

import logging
import time
from collections.abc import Callable

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
_STARTED = "b12fhir.started"
_OTHER = "other"
_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>b12fhir</title>"
    "<h1>b12fhir</h1><p>CDS Hooks 2.0 for vitamin B12 deficiency. It proposes; a clinician decides."
    '<p>Services: <a href="cds-services">cds-services</a>. For programs and people who connect '
    'them: <a href="docs">docs</a>.</html>'
)


def create_app(parts: Parts) -> Flask:
    """The application, made of its parts; nothing of it is global."""
    app = Flask("b12fhir", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = parts.limits.body_bytes
    desk = Desk(parts)
    offered = [one for one in SERVICES if one.id in parts.services]
    app.register_blueprint(described(offered, parts.public))
    _routes(app, desk)
    _about(app, parts)
    _errors(app)
    app.before_request(_begin)
    app.after_request(_ending(parts))
    return app


def _routes(app: Flask, desk: Desk) -> None:
    @app.get(_DISCOVERY, provide_automatic_options=False)
    def discovery() -> Response:
        return desk.discovery()

    @app.post(_SERVICE, provide_automatic_options=False)
    def call(service: str) -> Response:
        return desk.call(service)

    @app.post(_FEEDBACK, provide_automatic_options=False)
    def feedback(service: str) -> Response:
        return desk.feedback(service)

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
            return Response("ok\n", mimetype="text/plain")
        return refusals.refused(503, "The book of cards and feedback cannot be used now.")

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(parts.metrics.text(), content_type=CONTENT_TYPE)


def _errors(app: Flask) -> None:
    @app.errorhandler(RefusedCallError)
    def refused_call(error: RefusedCallError) -> Response:
        return refusals.of_call(error)

    @app.errorhandler(HTTPException)
    def refused_by_web(error: HTTPException) -> Response:
        return refusals.of_web(error)

    @app.errorhandler(RecursionError)
    def too_deep(_error: RecursionError) -> Response:
        return refusals.refused(400, "The body is nested too deeply.")

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
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
    """Count and log an answer, and let the browsers of known origins read it.

    The path of a request is never logged: whoever sends a patient's id in it would find it there.
    """

    def end(response: Response) -> Response:
        environ = request.environ
        seconds = time.perf_counter() - environ[_STARTED]
        service = (request.view_args or {}).get("service", _OTHER)
        if service not in parts.services:
            service = _OTHER
        parts.metrics.answered(service, response.status_code, seconds)
        LOG.info(
            "%s %s %d %.1f ms%s",
            environ["REQUEST_METHOD"],
            service,
            response.status_code,
            seconds * 1000,
            environ.get(Desk.COUNTS, ""),
        )
        _let_in(response, parts)
        return response

    return end


def _let_in(response: Response, parts: Parts) -> None:
    headers = response.headers
    headers.add("X-Content-Type-Options", "nosniff")
    headers.add("Cache-Control", "no-store")
    if not parts.origins:
        return
    headers.add("Vary", "Origin")
    origin = request.headers.get("Origin", "")
    if origin in parts.origins:
        headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
            headers["Access-Control-Allow-Headers"] = "authorization, content-type, accept"
            headers["Access-Control-Max-Age"] = "600"

"""What the service offers, for programs (OpenAPI 3.1) and for people (a page made of it)."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from flask import Blueprint, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from b12fhir import __version__
from b12fhir.adapters.cds_hooks.messages import schemas
from b12fhir.fhir.json import encode
from b12fhir.service.hooks.services import Service

Document = dict[str, Any]

_ABOUT = (
    "CDS Hooks 2.0 for vitamin B12 deficiency. Cards offer options and draft orders; a clinician "
    "decides, and nothing is ordered until one signs. No clinician has signed a protocol pack yet."
)
_JSON, _FHIR_JSON = "application/json", "application/fhir+json"
_PLACE = "#/components/schemas/"
_DISCOVERY, _FEEDBACK = "cds-services", "feedback"
# Why a call is not answered, and what is sent then. A 401 says nothing, on purpose.
_REFUSALS = {
    400: "The call is not what CDS Hooks asks for; the body names the member.",
    401: "No token, or one that is not good. The body does not say which.",
    404: "There is no such service.",
    412: "Data that a decision needs could not be had; the body names the prefetch key. An empty "
    "answer would read: no finding.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    429: "Too many calls; Retry-After says when to come again.",
    503: "Feedback cannot be kept now; Retry-After says when to send it again.",
}
_WITHOUT_BODY = frozenset({401})
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def openapi(services: Iterable[Service], address: str) -> Document:
    """The OpenAPI 3.1 document of these services under a public base address."""
    paths: Document = {f"/{_DISCOVERY}": {"get": _discovery()}}
    for service in services:
        paths[f"/{_DISCOVERY}/{service.id}"] = {"post": _call(service)}
        paths[f"/{_DISCOVERY}/{service.id}/{_FEEDBACK}"] = {"post": _feedback(service)}
    paths["/healthz"] = {"get": _state("The process runs.")}
    paths["/readyz"] = {"get": _state("Calls can be answered and feedback can be kept.", 503)}
    paths["/metrics"] = {"get": _state("Figures for Prometheus; they name nobody.")}
    return {
        "openapi": "3.1.1",
        "info": {"title": "b12fhir", "version": __version__, "description": _ABOUT},
        "servers": [{"url": address}],
        "paths": paths,
        "components": {
            "schemas": schemas(_PLACE),
            "securitySchemes": {
                "client": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Signed by the client for exactly the address that it calls "
                    "(RS384 or ES384), used once.",
                }
            },
        },
    }


def _discovery() -> Document:
    answers = {"200": _sends("The services, with their prefetch templates.", "discovery")}
    return {
        "operationId": "discovery",
        "summary": "The services of this server",
        "security": [{"client": []}, {}],
        "responses": answers | _refusals(401, 429),
    }


def _call(service: Service) -> Document:
    answers = {"200": _sends("The cards; none if there is nothing to say.", "response")}
    return {
        "operationId": service.id,
        "summary": service.title,
        "description": service.description,
        "security": [{"client": []}, {}],
        "requestBody": _takes(service.hook.value),
        "responses": answers | _refusals(400, 401, 412, 413, 415, 429),
    }


def _feedback(service: Service) -> Document:
    return {
        "operationId": f"{service.id}-{_FEEDBACK}",
        "summary": f"What came of cards of {service.id}",
        "security": [{"client": []}, {}],
        "requestBody": _takes(_FEEDBACK),
        "responses": {
            "200": {"description": "It is kept; it counts if the card was this client's."}
        }
        | _refusals(400, 401, 413, 415, 429, 503),
    }


def _state(told: str, *others: int) -> Document:
    failing = {str(status): {"description": "Not now."} for status in others}
    return {
        "summary": told,
        "security": [{}],
        "responses": {"200": {"description": told}} | failing,
    }


def _takes(name: str) -> Document:
    return {"required": True, "content": _content(name, _JSON)}


def _sends(told: str, name: str, form: str = _JSON) -> Document:
    return {"description": told, "content": _content(name, form)}


def _refusals(*statuses: int) -> Document:
    return {
        str(status): {"description": _REFUSALS[status]}
        if status in _WITHOUT_BODY
        else _sends(_REFUSALS[status], "operation-outcome", _FHIR_JSON)
        for status in statuses
    }


def _content(name: str, form: str) -> Document:
    return {form: {"schema": {"$ref": f"{_PLACE}{name}"}}}


def page(document: Mapping[str, Any]) -> str:
    """The document as one page: no script, no outside file."""
    return _template().render(
        document=document, schema_of=_schema_of, type_of=_type_of, refusals=_REFUSALS
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("b12fhir.adapters.cds_hooks"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("docs.html.j2")


def _schema_of(content: Mapping[str, Any]) -> str:
    """The name of the schema of a body."""
    (form,) = content.values()
    return str(form["schema"]["$ref"]).removeprefix(_PLACE)


def _type_of(part: Mapping[str, Any]) -> str:
    """What a property is, in a word or two: its type, its values, or the schema that says it."""
    if "enum" in part:
        return " | ".join(map(str, part["enum"]))
    if "const" in part:
        return str(part["const"])
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    kind = part.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def described(services: Iterable[Service], address: str) -> Blueprint:
    """``/openapi.json`` and ``/docs``, which is made when it is first asked for."""
    document = openapi(services, address)
    told, shown = encode(document), cache(lambda: page(document))
    blueprint = Blueprint("described", __name__)

    @blueprint.get("/openapi.json")
    def document_told() -> Response:
        return Response(told, mimetype=_JSON)

    @blueprint.get("/docs")
    def document_shown() -> Response:
        answer = Response(shown(), mimetype="text/html")
        answer.headers["Content-Security-Policy"] = _POLICY
        return answer

    return blueprint

"""The OpenAPI document and its page say what is offered, and need nothing from elsewhere."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from b12fhir.adapters.cds_hooks.messages import NAMES
from b12fhir.adapters.cds_hooks.openapi import described, openapi
from b12fhir.service.hooks.model import Hook
from b12fhir.service.hooks.services import SERVICES
from tests.adapters.cds_hooks.test_messages import refs
from tests.support import hook_messages

ADDRESS = "https://b12.example"


# A title of one more service holds what a page must escape.
ODD = replace(SERVICES[0], id="odd", title="B12 <title>")
OFFERS = (*SERVICES, ODD)


@pytest.fixture
def client() -> Any:
    app = Flask("described")
    app.register_blueprint(described(OFFERS, ADDRESS))
    return app.test_client()


def test_each_service_takes_calls_and_feedback() -> None:
    paths = openapi(OFFERS, ADDRESS)["paths"]
    for hook in Hook:
        assert set(paths[f"/cds-services/b12-{hook.value}"]) == {"post"}
        assert set(paths[f"/cds-services/b12-{hook.value}/feedback"]) == {"post"}
    assert {"/cds-services", "/healthz", "/readyz", "/metrics"} < set(paths)


def test_every_reference_stands_in_the_document() -> None:
    document = openapi(OFFERS, ADDRESS)
    for ref in set(refs(document)):
        place: Any = document
        for step in ref.removeprefix("#/").split("/"):
            place = place[step]


def test_the_bodies_are_those_of_the_schemas() -> None:
    document = openapi(OFFERS, ADDRESS)
    call = document["paths"]["/cds-services/b12-order-sign"]["post"]
    taken = call["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**taken, "components": document["components"]})
    assert validator.is_valid(hook_messages.body(Hook.ORDER_SIGN))
    assert not validator.is_valid(hook_messages.body(Hook.PATIENT_VIEW))


def test_a_401_has_no_body_and_every_other_refusal_names_the_reason() -> None:
    """Who tries tokens must not learn which part of one was wrong."""
    answers = openapi(OFFERS, ADDRESS)["paths"]["/cds-services/b12-patient-view"]["post"]
    refusals = {key: one for key, one in answers["responses"].items() if key != "200"}
    assert {key for key, one in refusals.items() if "content" not in one} == {"401"}


def test_the_document_is_served(client: Any) -> None:
    answer = client.get("/openapi.json")
    assert answer.mimetype == "application/json"
    assert json.loads(answer.data) == openapi(OFFERS, ADDRESS)


def test_the_page_shows_every_address_and_every_schema(client: Any) -> None:
    shown = client.get("/docs").text
    for offer in OFFERS:
        assert f"/cds-services/{offer.id}/feedback" in shown
    for name in NAMES:
        assert f'id="{name}"' in shown
    links = set(re.findall(r'href="#([^"]+)"', shown))
    assert links <= set(re.findall(r'id="([^"]+)"', shown))


def test_the_page_loads_nothing_and_runs_nothing(client: Any) -> None:
    """No script of another host reads what a hospital's server offers."""
    answer = client.get("/docs")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in answer.text
    assert not re.findall(r'(?:src|href)="https?:', answer.text)
    assert "B12 &lt;title&gt;" in answer.text

"""Where tokens are issued: what the server says, in which order, and what is refused."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from b12fhir.adapters.smart.discovery import Endpoint, find_endpoint
from b12fhir.errors import AuthError
from b12fhir.kernel.http import Answer

BASE = "https://ehr.example/fhir"
TOKEN_URL = "https://login.example/token"  # noqa: S105 - an address
WELL_KNOWN = f"{BASE}/.well-known/smart-configuration"
METADATA = f"{BASE}/metadata"
OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


class Pages:
    """A web of prepared pages; everything else is not found."""

    def __init__(self, **pages: tuple[int, bytes]) -> None:
        named = {"well_known": WELL_KNOWN, "metadata": METADATA}
        self._pages: Mapping[str, tuple[int, bytes]] = {named[k]: v for k, v in pages.items()}
        self.asked: list[str] = []

    def ask(self, where, make) -> Answer:
        request = make()
        assert where == BASE
        assert request.method == "GET"
        assert request.headers["Accept"].startswith("application/")
        self.asked.append(request.url)
        status, body = self._pages.get(request.url, (404, b"not here"))
        return Answer(status, {}, body)


def ok(document: Any) -> tuple[int, bytes]:
    return 200, json.dumps(document).encode()


def statement(*extensions: Any, **security: Any) -> dict[str, Any]:
    rest = {"mode": "server", "security": {"extension": list(extensions), **security}}
    return {"resourceType": "CapabilityStatement", "rest": [rest]}


def oauth(url: object = TOKEN_URL) -> dict[str, Any]:
    parts = [{"url": "authorize", "valueUri": "https://login.example/authorize"}]
    return {"url": OAUTH, "extension": [*parts, {"url": "token", "valueUri": url}]}


CONFIGURATION = {
    "token_endpoint": TOKEN_URL,
    "token_endpoint_auth_signing_alg_values_supported": ["ES384", "RS384"],
    "capabilities": ["launch-ehr", "client-confidential-asymmetric"],
}


def test_the_smart_configuration_is_asked_first():
    web = Pages(well_known=ok(CONFIGURATION), metadata=ok(statement(oauth("https://old.example"))))
    found = find_endpoint(web, BASE)
    assert found == Endpoint(TOKEN_URL, "its smart-configuration", ("ES384", "RS384"))
    assert web.asked == [WELL_KNOWN]


def test_a_server_that_names_no_algorithms_and_no_abilities_is_believed_to_take_ours():
    found = find_endpoint(Pages(well_known=ok({"token_endpoint": TOKEN_URL})), BASE)
    assert (found.algorithms, found.declares) == ((), False)


def test_what_is_no_name_of_an_algorithm_is_left_out():
    odd = {**CONFIGURATION, "token_endpoint_auth_signing_alg_values_supported": [384, "RS384"]}
    assert find_endpoint(Pages(well_known=ok(odd)), BASE).algorithms == ("RS384",)


@pytest.mark.parametrize(
    "page",
    [
        (404, b""),
        (401, b""),
        (302, b""),
        (200, b"<html>Welcome</html>"),
        (200, b"[]"),
        (200, b"[" * 100_000),
        ok({"authorization_endpoint": "https://login.example/authorize"}),
        ok({"token_endpoint": ""}),
        ok({"token_endpoint": None}),
    ],
)
def test_without_one_the_capability_statement_is_asked(page):
    web = Pages(well_known=page, metadata=ok(statement({"url": "other"}, oauth())))
    assert find_endpoint(web, BASE) == Endpoint(TOKEN_URL, "its CapabilityStatement")
    assert web.asked == [WELL_KNOWN, METADATA]


@pytest.mark.parametrize(
    "page",
    [
        (404, b""),
        ok({"resourceType": "CapabilityStatement"}),
        ok(statement()),
        ok(statement({"url": OAUTH})),
        ok({"rest": [{"security": []}, "odd", {"security": {"extension": "odd"}}]}),
    ],
)
def test_a_server_that_does_not_say_is_named_with_what_to_do(page):
    with pytest.raises(AuthError, match="does not say where") as caught:
        find_endpoint(Pages(metadata=page), BASE)
    assert BASE in caught.value.message
    assert "smart_token_url" in caught.value.hint


def test_the_sites_own_address_is_taken_without_asking():
    web = Pages(well_known=ok(CONFIGURATION))
    mine = "https://gateway.example/token"
    assert find_endpoint(web, BASE, mine) == Endpoint(mine, "smart_token_url")
    assert web.asked == []


UNSAFE = [
    "http://login.example/token",
    # Only a server on this machine may name another one on it.
    "http://127.0.0.1/token",
    "ftp://login.example/token",
    "//login.example/token",
    "/token",
    "https://user:secret@login.example/token",
    "https://login.example:x/token",
    7,
]


@pytest.mark.parametrize("url", UNSAFE)
def test_an_address_to_which_nothing_secret_may_travel_is_refused(url):
    for pages in (
        {"well_known": ok({**CONFIGURATION, "token_endpoint": url})},
        {"metadata": ok(statement(oauth(url)))},
    ):
        with pytest.raises(AuthError, match="no https address") as caught:
            find_endpoint(Pages(**pages), BASE)
        assert "login.example" not in str(caught.value)

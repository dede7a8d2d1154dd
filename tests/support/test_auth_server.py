"""The strict authorization server is strict: every breach of the specification is refused."""

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import time_machine

from tests.support.auth_server import CLIENT, JWT_BEARER, SCOPES, AuthServer, authorizing, real_time
from tests.support.tokens import Signer, ec_signer, rsa_signer

pytestmark = pytest.mark.loopback
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def auth():
    with authorizing([ec_signer("a").public, rsa_signer("b").public]) as server:
        yield server


def claims(auth: AuthServer, **changed: Any) -> dict[str, Any]:
    usual = {"iss": CLIENT, "sub": CLIENT, "aud": auth.token_url, "exp": time.time() + 300}
    told = {**usual, "jti": "one", **changed}
    return {name: value for name, value in told.items() if value is not None}


def form(assertion: str, **changed: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion,
        "scope": SCOPES,
    } | changed


def post(auth: AuthServer, body: Any, **headers: str) -> requests.Response:
    return requests.post(auth.token_url, urlencode(body), headers={**_FORM, **headers}, timeout=5)


def test_a_good_request_gets_a_token_that_ends(auth):
    auth.lives = 0.5
    answer = post(auth, form(ec_signer("a").token(claims(auth))))
    token = answer.json()["access_token"]
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert auth.admits(f"Bearer {token}")
    assert not auth.admits(f"bearer {token}x")
    assert not auth.admits(None)
    auth.now = lambda: time.time() + 0.5
    assert not auth.valid(token)


def test_for_another_process_there_is_the_real_clock():
    """The tests live in one moment; this one goes on."""
    before = real_time()
    while real_time() == before:
        pass
    with time_machine.travel(0):
        assert real_time() > before


def test_tokens_can_be_taken_back(auth):
    token = post(auth, form(ec_signer("a").token(claims(auth)))).json()["access_token"]
    auth.revoke()
    assert not auth.valid(token)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "other"}, "iss, sub"),
        ({"sub": None}, "iss, sub"),
        ({"aud": "http://127.0.0.1/token"}, "aud"),
        ({"aud": None}, "aud"),
        ({"exp": None}, "no exp"),
        ({"exp": 1}, "expired"),
        ({"exp": 10**12}, "exp more than five minutes ahead"),
        ({"iat": 10**12}, "iat ahead"),
        ({"nbf": 10**12}, "nbf ahead"),
        ({"jti": None}, "no jti"),
        ({"jti": ""}, "no jti"),
    ],
)
def test_claims_that_are_not_right_are_refused(auth, changed, why):
    answer = post(auth, form(ec_signer("a").token(claims(auth, **changed))))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert auth.refusals == [why]


@pytest.mark.parametrize(
    ("signer", "header", "why"),
    [
        (ec_signer("b"), {}, "0 keys of that kid"),
        (ec_signer("other"), {}, "0 keys of that kid"),
        (Signer("RS384", rsa_signer("a").key, "b"), {}, "signature"),
        (Signer("RS256", rsa_signer("b").key, "b"), {}, "algorithm RS256"),
        (Signer("HS384", "a secret that both sides know " * 2, "b"), {}, "algorithm HS384"),
        (ec_signer("a"), {"typ": "jose"}, "typ"),
        (ec_signer("a"), {"jku": "https://attacker.net"}, "jku"),
        (ec_signer("a"), {"x5u": "https://attacker.net"}, "header"),
    ],
)
def test_what_another_key_or_algorithm_signed_is_refused(auth, signer, header, why):
    post(auth, form(signer.token(claims(auth), **header)))
    assert auth.refusals == [why]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "jwt"}, "invalid_request"),
        ({"client_assertion": "none"}, "invalid_client"),
        ({"scope": f"{SCOPES} system/*.cruds"}, "invalid_scope"),
        ({"scope": "system/Patient.rs system/Patient.rs"}, "invalid_scope"),
        ({"client_id": CLIENT}, "invalid_request"),
    ],
)
def test_a_request_that_is_not_right_is_refused(auth, changed, code):
    answer = post(auth, form(ec_signer("a").token(claims(auth)), **changed))
    assert answer.json()["error"] == code


def test_a_proof_is_good_once(auth):
    proof = ec_signer("a").token(claims(auth))
    assert post(auth, form(proof)).status_code == 200
    post(auth, form(proof))
    assert auth.refusals == ["jti used before"]


def test_other_ways_of_asking_are_refused(auth):
    sent = form(ec_signer("a").token(claims(auth)))
    assert requests.get(auth.token_url, timeout=5).status_code == 400
    requests.post(auth.token_url, json.dumps(sent), timeout=5)
    post(auth, sent, Authorization="Basic abc")
    post(auth, [*sent.items(), ("scope", SCOPES)])
    assert auth.refusals[:3] == ["not POST", "not a form", "an Authorization header"]
    assert auth.refusals[3].startswith("parameters")

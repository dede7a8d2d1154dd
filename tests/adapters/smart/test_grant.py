"""What a token endpoint answers: believed as far as it makes sense, and never repeated."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from b12fhir.adapters.smart.grant import LONGEST_S, USUAL_S, read_grant
from b12fhir.errors import AuthError
from b12fhir.kernel.http import Answer
from tests.support.phi import TOKEN, assert_no_phi

URL = "https://login.example/token"
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
GOOD = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 300, "scope": "system/*.rs"}


def answer(status: int = 200, date: str = "", **body: Any) -> Answer:
    return Answer(status, {"date": date} if date else {}, json.dumps(body).encode())


def refusal(given: Answer) -> AuthError:
    with pytest.raises(AuthError) as caught:
        read_grant(given, URL, NOW)
    error = caught.value
    assert_no_phi(str(error) + error.detail)
    assert error.hint
    assert URL in error.message
    return error


def test_a_token_with_its_time_and_scopes():
    grant = read_grant(answer(**GOOD), URL, NOW)
    assert (grant.token, grant.seconds, grant.scopes) == (TOKEN, 300, "system/*.rs")
    assert_no_phi(repr(grant))


@pytest.mark.parametrize("kind", ["bearer", "Bearer", "BEARER"])
def test_bearer_is_written_in_many_ways(kind):
    assert read_grant(answer(**{**GOOD, "token_type": kind}), URL, NOW).token == TOKEN


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (300, 300),
        (0, 0),
        (1, 1),
        (59.5, 59.5),
        ("300", 300),
        (" 45.5 ", 45.5),
        # Beyond an hour nothing is believed; a token that was taken back must not be held for good.
        (86_400, LONGEST_S),
        (10**15, LONGEST_S),
        ("999999999999", LONGEST_S),
        (-5, 0),
        # What is no time at all counts as the longest that the specification recommends.
        ("soon", USUAL_S),
        ("-5", USUAL_S),
        ("9" * 400, USUAL_S),
        ("1e9", USUAL_S),
        (None, USUAL_S),
        (True, USUAL_S),
        ([300], USUAL_S),
    ],
)
def test_its_time_is_believed_within_reason(told, seconds):
    assert read_grant(answer(**{**GOOD, "expires_in": told}), URL, NOW).seconds == seconds


def test_without_a_time_it_is_the_usual_one():
    told = {name: value for name, value in GOOD.items() if name != "expires_in"}
    assert read_grant(answer(**told), URL, NOW).seconds == USUAL_S


@pytest.mark.parametrize("scope", [None, 7, "", " ", "a\nb", "système/*.rs"])
def test_scopes_that_are_none_are_not_told(scope):
    assert read_grant(answer(**{**GOOD, "scope": scope}), URL, NOW).scopes == ""


@pytest.mark.parametrize(
    "token", [None, "", 7, "two words", "line\nbreak", "ümlaut", "x" * 16_385, {"a": 1}]
)
def test_what_is_no_token_is_not_used(token):
    """A line break in a header would begin another header."""
    assert "with no token" in refusal(answer(**{**GOOD, "access_token": token})).message


@pytest.mark.parametrize("kind", [None, "mac", "DPoP", 7])
def test_a_token_of_another_kind_is_not_used(kind):
    assert "no bearer token" in refusal(answer(**{**GOOD, "token_type": kind})).message


@pytest.mark.parametrize(
    "body", [b"<html>Log in</html>", b"", b"[]", b'{"access_token": ', b"[" * 100_000, b"\xff"]
)
def test_a_page_is_no_token(body):
    error = refusal(Answer(200, {"content-type": "text/html"}, body))
    assert "smart_token_url" in error.hint


def test_a_redirect_is_not_followed():
    error = refusal(Answer(307, {"location": "https://attacker.net"}, b""))
    assert "redirect" in error.message
    assert "attacker" not in str(error)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("invalid_client", "smart_client_id"),
        ("invalid_grant", "keys public"),
        ("invalid_request", "private_key_jwt"),
        ("invalid_scope", "smart_scopes"),
        ("unauthorized_client", "client_credentials"),
        ("unsupported_grant_type", "no endpoint for services"),
    ],
)
@pytest.mark.parametrize("status", [400, 401])
def test_each_refusal_says_what_to_do(code, words, status):
    error = refusal(answer(status, error=code, error_description=f"{TOKEN} is wrong"))
    assert f"answered {status} ({code}) and gave no token." in error.message
    assert words in error.hint
    assert error.status == status


@pytest.mark.parametrize("code", [TOKEN, None, 7, ["invalid_client"]])
def test_a_code_that_nobody_knows_is_not_repeated(code):
    assert "answered 403 and gave no token." in refusal(answer(403, error=code)).message


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("Sat, 21 Nov 2026 09:53:00 GMT", "7 min ahead of the server's"),
        ("Sat, 21 Nov 2026 12:00:00 GMT", "120 min behind the server's"),
    ],
)
def test_a_clock_that_is_wrong_is_named_first(date, words):
    """Ours says 10:00."""
    error = refusal(answer(400, date, error="invalid_client"))
    assert f"The clock of this machine is {words}." in error.message
    assert error.hint.startswith("Set the clock first.")


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Sat, 21 Nov 2026 09:59:00 GMT",
        "Sat, 21 Nov 2026 10:01:00 GMT",
        "Sat, 21 Nov 2026 09:00:00",
    ],
)
def test_a_clock_that_is_right_or_cannot_be_compared_is_not(date):
    assert "clock" not in str(refusal(answer(400, date, error="invalid_client")))

"""The FHIR client against servers, gateways and portals as they are."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
from responses.matchers import header_matcher
from urllib3.exceptions import DecodeError, ProtocolError

from b12fhir.adapters.server import Limits, Patience, RestServer, SearchesByGet
from b12fhir.errors import (
    AuthError,
    ConfigError,
    ConflictError,
    DuplicateError,
    RefusedError,
    ServerError,
    TemporaryServerError,
)
from tests.support.phi import FAMILY, MRN, TOKEN, assert_no_phi

BASE = "https://ehr.example/fhir"
FORM = f"{BASE}/Observation/_search"
JSON = "application/fhir+json"
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
STATEMENT = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    """A web in which every prepared answer must be asked for."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def server(waits) -> Iterator[RestServer]:
    with make(waits) as rest:
        yield rest


def make(waits: list[float], **options: Any) -> RestServer:
    defaults: dict[str, Any] = {
        "token": lambda: TOKEN,
        "patience": Patience(retries=2, first=1, jitter=lambda: 0),
        "pause": waits.append,
        "clock": lambda: NOW,
    }
    return RestServer(BASE, **(defaults | options))


def page(*ids: str, link: str | None = None, kind: str = "Observation", **more: Any) -> dict:
    entries = [{"resource": {"resourceType": kind, "id": id_}} for id_ in ids]
    links = [{"relation": "self", "url": BASE}]
    links += [{"relation": "next", "url": link}] if link is not None else []
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": links, **more}


def outcome(text: str, severity: str = "error") -> dict:
    issue = {"severity": severity, "code": "processing", "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def ids(server: RestServer, **params: str) -> list[str]:
    return [r["id"] for r in server.search("Observation", {"patient": "p1", **params})]


# What is sent


def test_a_search_is_posted_uncached_with_the_token_and_without_ids_in_the_url(web, server):
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": JSON,
        "Cache-Control": "no-cache",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    web.post(FORM, json=page("a"), match=[header_matcher(headers)])
    codes = "http://loinc.org|1,http://loinc.org|2"
    assert ids(server, code=codes) == ["a"]
    assert parse_qs(web.calls[0].request.body.decode()) == {"patient": ["p1"], "code": [codes]}


def test_without_a_token_no_password_is_looked_up(web, waits, tmp_path, monkeypatch):
    """The library would else take one out of the user's .netrc (CVE-2024-47081 is about that)."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine ehr.example login me password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    web.get(f"{BASE}/metadata", json=STATEMENT)
    with make(waits, token=str) as server:
        server.capabilities()
    assert "Authorization" not in web.calls[0].request.headers


def test_a_token_is_not_sent_unencrypted():
    with pytest.raises(ConfigError, match="unencrypted"):
        RestServer("http://ehr.example/fhir", token=lambda: TOKEN)


def test_a_renewed_token_is_tried_once_at_once(web, waits):
    """One before the first try, which is refused, and one after: no wait lies between them."""
    tokens = iter(["old", "new"])
    refused: list[str] = []
    web.get(f"{BASE}/metadata", status=401)
    web.get(f"{BASE}/metadata", json=STATEMENT)
    given = {"token": lambda: next(tokens), "refused": refused.append}
    with make(waits, **given) as server:
        assert server.capabilities() == STATEMENT
    assert [call.request.headers["Authorization"] for call in web.calls] == [
        "Bearer old",
        "Bearer new",
    ]
    assert (refused, waits) == (["old"], [])


def test_a_second_token_that_is_refused_ends_it(web, waits):
    """The third is never asked for: a server that refuses all would be asked for ever."""
    tokens = iter(["first", "second", "third"])
    refused: list[str] = []
    web.get(f"{BASE}/metadata", status=401)
    with (
        make(waits, token=lambda: next(tokens), refused=refused.append) as server,
        pytest.raises(AuthError, match="answered 401"),
    ):
        server.capabilities()
    assert len(web.calls) == 2
    assert (refused, next(tokens)) == (["first"], "third")


def test_a_token_that_nobody_renews_is_not_tried_again(web, server, waits):
    web.get(f"{BASE}/metadata", status=401)
    with pytest.raises(AuthError):
        server.capabilities()
    assert (len(web.calls), waits) == (1, [])


def test_a_write_that_was_refused_for_its_token_is_sent_with_another(web, waits):
    """Who answers 401 has written nothing, so that even what is not conditional may go again."""
    tokens = iter(["old", "new"])
    web.post(BASE, status=401)
    web.post(BASE, json=done("201 Created"))
    with make(waits, token=lambda: next(tokens)) as server:
        server.transaction(bundle(ifNoneExist=""))
    assert len(web.calls) == 2


def test_each_try_has_the_token_of_its_time(web, waits):
    """A wait may outlast a token."""
    tokens = iter(["before", "after"])
    web.get(f"{BASE}/metadata", status=503)
    web.get(f"{BASE}/metadata", json=STATEMENT)
    with make(waits, token=lambda: next(tokens)) as server:
        server.capabilities()
    assert web.calls[1].request.headers["Authorization"] == "Bearer after"


# Paging


def test_all_pages_are_read_and_nothing_is_given_twice(web, server):
    web.post(FORM, json=page("a", "b", link=f"{BASE}?_getpages=x&_getpagesoffset=2"))
    web.get(f"{BASE}?_getpages=x&_getpagesoffset=2", json=page("b", "c", total=3))
    assert ids(server) == ["a", "b", "c"]
    assert web.calls[1].request.headers["Cache-Control"] == "no-cache"


def test_a_link_to_another_server_is_not_followed_and_the_token_stays(web, server):
    web.post(FORM, json=page("a", link="https://ehr.example.attacker.net/fhir?p=2"))
    with pytest.raises(ServerError, match="another server"):
        ids(server)
    assert len(web.calls) == 1


def test_links_with_an_inner_address_are_rewritten_if_that_is_set(web, waits):
    web.post(FORM, json=page("a", link="http://inner:8080/fhir?p=2"))
    web.get(f"{BASE}?p=2", json=page("b"))
    with make(waits, rewrite_links=True) as server:
        assert ids(server) == ["a", "b"]


def test_a_circle_of_pages_ends(web, server):
    web.post(FORM, json=page("a", link=f"{BASE}?p=2"))
    web.get(f"{BASE}?p=2", json=page("b", link=f"{BASE}?p=2"))
    with pytest.raises(ServerError, match="read before"):
        ids(server)


def test_an_endless_walk_ends(web, waits):
    web.post(FORM, json=page("a", link=f"{BASE}?p=2"))
    web.get(f"{BASE}?p=2", json=page("b", link=f"{BASE}?p=3"))
    with make(waits, max_pages=2) as server, pytest.raises(ServerError, match="more than 2 pages"):
        ids(server)


def test_expired_pages_start_the_search_again(web, server):
    web.post(FORM, json=page("a", "b", link=f"{BASE}?p=2"))
    web.get(f"{BASE}?p=2", status=410, json=outcome("HAPI-0417: gone"))
    web.post(FORM, json=page("a", "c", link=f"{BASE}?p=9"))
    web.get(f"{BASE}?p=9", json=page("d", total=3))
    assert ids(server) == ["a", "b", "c", "d"]


def test_pages_that_keep_expiring_end_in_an_error(web, server):
    web.post(FORM, json=page("a", link=f"{BASE}?p=2"))
    web.get(f"{BASE}?p=2", status=410)
    with pytest.raises(TemporaryServerError, match="kept expiring"):
        ids(server)
    assert len(web.calls) == 6


def test_another_refusal_of_a_page_is_an_error(web, server):
    web.post(FORM, json=page("a", link=f"{BASE}?p=2"))
    web.get(f"{BASE}?p=2", status=400)
    with pytest.raises(RefusedError):
        ids(server)


def test_fewer_matches_than_announced_are_not_taken_for_all(web, server):
    """Ruling 30: an answer that is not whole is never assessed as if it were."""
    web.post(FORM, json=page("a", total=2))
    with pytest.raises(TemporaryServerError, match="announced 2 matches and sent 1"):
        ids(server)


def test_included_resources_do_not_count_as_matches(web, server):
    found = page("a", total=2)
    found["entry"].append(
        {"resource": {"resourceType": "Medication", "id": "m"}, "search": {"mode": "include"}}
    )
    web.post(FORM, json=found)
    with pytest.raises(TemporaryServerError):
        ids(server)


def test_resources_without_id_are_all_given(web, server):
    found = page()
    found["entry"] = [{"resource": {"resourceType": "Observation"}}] * 2
    web.post(FORM, json=found)
    assert len(list(server.search("Observation", {"patient": "p1"}))) == 2


def test_a_warning_among_the_results_is_passed_on(web, server):
    found = page("a")
    found["entry"].append({"resource": outcome("partial"), "search": {"mode": "outcome"}})
    web.post(FORM, json=found)
    kinds = [r["resourceType"] for r in server.search("Observation", {"patient": "p1"})]
    assert kinds == ["Observation", "OperationOutcome"]


@pytest.mark.parametrize("entry", [{}, {"fullUrl": "x"}, {"resource": None}, "x"])
def test_an_entry_without_resource_is_not_passed_over(web, server, entry):
    found = page("a") | {"entry": [entry]}
    web.post(FORM, json=found)
    with pytest.raises(ServerError, match="entry without a resource"):
        ids(server)


def test_a_bundle_without_entries_or_links_is_empty(web, server):
    web.post(FORM, json={"resourceType": "Bundle", "type": "searchset", "link": "odd"})
    assert ids(server) == []


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_post_searches_is_asked_by_get(web, server, status):
    web.post(FORM, status=status)
    web.get(f"{BASE}/Observation?patient=p1", json=page("a"))
    assert ids(server) == ["a"]
    assert server.searches_by_get
    assert ids(server) == ["a"]
    assert [call.request.method for call in web.calls] == ["POST", "GET", "GET"]


def test_what_one_call_learned_of_a_server_the_next_one_knows(web, waits):
    """A CDS Hooks call opens a server of its own: each would ask in vain first."""
    web.post(FORM, status=405)
    web.get(f"{BASE}/Observation?patient=p1", json=page("a"))
    by_get = SearchesByGet()
    for _ in range(2):
        with make(waits, by_get=by_get) as one:
            assert ids(one) == ["a"]
    assert [call.request.method for call in web.calls] == ["POST", "GET", "GET"]


def test_post_is_tried_again_after_an_hour():
    """A gateway may refuse it for a while only, and a GET puts ids into URLs."""
    now = 50.0
    by_get = SearchesByGet(ticks=lambda: now)
    assert BASE not in by_get
    by_get.add(BASE)
    now += 3599
    assert BASE in by_get
    assert "https://other.example/fhir" not in by_get
    now += 1
    assert BASE not in by_get


def test_of_very_many_servers_the_first_is_forgotten():
    by_get = SearchesByGet()
    for number in (*range(256), 0, 256):
        by_get.add(f"https://ehr{number}.example")
    assert "https://ehr1.example" not in by_get
    assert "https://ehr0.example" in by_get
    assert "https://ehr256.example" in by_get


def test_another_refusal_of_a_search_is_not_asked_again_by_get(web, server):
    """It would put the patient's id into a URL for nothing."""
    web.post(FORM, status=400)
    with pytest.raises(RefusedError):
        ids(server)
    assert len(web.calls) == 1


def test_a_type_that_is_missing_either_way_does_not_change_how_others_are_asked(web, server):
    web.post(FORM, status=404)
    web.get(f"{BASE}/Observation?patient=p1", status=404)
    with pytest.raises(RefusedError):
        ids(server)
    assert not server.searches_by_get


# What comes back


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RefusedError),
        (401, AuthError),
        (403, AuthError),
        (404, RefusedError),
        (409, ConflictError),
        (412, DuplicateError),
        (422, RefusedError),
        (500, TemporaryServerError),
    ],
)
def test_each_failure_has_its_error_and_is_not_asked_again(web, server, waits, status, kind):
    web.get(f"{BASE}/metadata", status=status, json=outcome(f"HAPI-0450: {FAMILY} is wrong"))
    with pytest.raises(kind) as caught:
        server.capabilities()
    error = caught.value
    assert type(error) is kind
    assert error.status == status
    assert f"answered {status} (error processing, HAPI-0450) while reading" in str(error)
    assert error.hint
    assert error.detail == f"HAPI-0450: {FAMILY} is wrong"
    assert_no_phi(str(error))
    assert waits == []


@pytest.mark.parametrize(
    "body", ["<html>login</html>", "", "[]", '{"a": 1}', json.dumps(STATEMENT)]
)
def test_a_failure_without_outcome_shows_nothing_of_its_body(web, server, body):
    web.get(f"{BASE}/metadata", status=403, body=body)
    with pytest.raises(AuthError) as caught:
        server.capabilities()
    assert caught.value.detail == ""
    assert "login" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_until_patience_ends(web, server, waits, status):
    web.get(f"{BASE}/metadata", status=status)
    with pytest.raises(TemporaryServerError):
        server.capabilities()
    assert (len(web.calls), waits) == (3, [1, 2])


@pytest.mark.parametrize("code", ["transient", "timeout", "throttled", "lock-error", "no-store"])
def test_a_fault_that_will_pass_by_the_servers_own_word_is_tried_again(web, server, waits, code):
    said = outcome("busy")
    said["issue"][0]["code"] = code
    web.get(f"{BASE}/metadata", status=500, json=said)
    web.get(f"{BASE}/metadata", json=STATEMENT)
    assert server.capabilities() == STATEMENT
    assert waits == [1]


def test_a_refusal_is_final_whatever_it_calls_itself(web, server, waits):
    said = outcome("busy")
    said["issue"][0]["code"] = "transient"
    web.get(f"{BASE}/metadata", status=422, json=said)
    with pytest.raises(RefusedError):
        server.capabilities()
    assert waits == []


def test_patience_ends_with_its_budget(web, waits):
    """10 seconds asked for, 25 to spend: two waits, and the third is not begun."""
    web.get(f"{BASE}/metadata", status=429, headers={"Retry-After": "10"})
    patience = Patience(retries=9, first=1, budget=25, jitter=lambda: 0)
    with make(waits, patience=patience) as server, pytest.raises(TemporaryServerError):
        server.capabilities()
    assert (len(web.calls), waits) == (3, [10, 10])


def test_a_server_that_comes_back_is_used(web, server, waits):
    web.get(f"{BASE}/metadata", status=503)
    web.get(f"{BASE}/metadata", json=STATEMENT)
    assert server.capabilities() == STATEMENT
    assert waits == [1]


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7),
        ("Sat, 21 Nov 2026 10:00:09 GMT", 9),
        ("600", 60),
        ("0", 1),
        ("99999999", 1),
        ("nonsense", 1),
        ("-1", 1),
    ],
)
def test_retry_after_is_honoured_within_reason(web, server, waits, header, wait):
    web.get(f"{BASE}/metadata", status=429, headers={"Retry-After": header})
    web.get(f"{BASE}/metadata", json=STATEMENT)
    server.capabilities()
    assert waits == [wait]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (requests.exceptions.ConnectionError("refused"), "could not be reached"),
        (requests.exceptions.ConnectTimeout("late"), "did not answer in time"),
        (requests.exceptions.ReadTimeout("late"), "did not answer in time"),
        (ProtocolError("cut"), "broke off its answer"),
        (DecodeError("bad gzip"), "broke off its answer"),
    ],
)
def test_a_server_out_of_reach_is_tried_again(web, server, waits, failure, words):
    web.get(f"{BASE}/metadata", body=failure)
    with pytest.raises(TemporaryServerError, match=words):
        server.capabilities()
    assert waits == [1, 2]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (requests.exceptions.SSLError("bad certificate"), "TLS"),
        (requests.exceptions.InvalidHeader(f"{MRN}"), "InvalidHeader"),
    ],
)
def test_what_will_not_mend_itself_is_not_tried_again(web, server, waits, failure, words):
    web.get(f"{BASE}/metadata", body=failure)
    with pytest.raises(ServerError, match=words) as caught:
        server.capabilities()
    assert not isinstance(caught.value, TemporaryServerError)
    assert_no_phi(str(caught.value))
    assert waits == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<html>Please log in</html>", "text/html; charset=utf-8"),
        (json.dumps(STATEMENT), "text/html"),
        ("<CapabilityStatement/>", "application/fhir+xml"),
        ("  <html>", JSON),
    ],
)
def test_a_web_page_is_not_an_answer(web, server, body, content_type):
    web.get(f"{BASE}/metadata", body=body, content_type=content_type)
    with pytest.raises(ServerError, match="web page or XML") as caught:
        server.capabilities()
    assert "portal" in caught.value.hint


@pytest.mark.parametrize("body", ["", '{"resourceType": "Capab', "[1]", "null", '{"x": NaN}', "{}"])
def test_half_an_answer_is_no_answer(web, server, waits, body):
    web.get(f"{BASE}/metadata", body=body, content_type=JSON)
    with pytest.raises(TemporaryServerError, match="broken or incomplete JSON"):
        server.capabilities()
    assert waits == [1, 2]


def test_plain_json_as_content_type_will_do(web, server):
    web.get(f"{BASE}/metadata", body=json.dumps(STATEMENT), content_type="text/plain")
    assert server.capabilities() == STATEMENT


def test_decimals_keep_their_digits(web, server):
    web.get(f"{BASE}/metadata", body='{"resourceType": "CapabilityStatement", "x": 1.00}')
    assert str(server.capabilities()["x"]) == "1.00"


def test_another_resource_is_not_taken_for_the_one_asked_for(web, server):
    web.get(f"{BASE}/metadata", json=outcome("HAPI-0001: no", "information"))
    with pytest.raises(ServerError, match="did not answer with a CapabilityStatement") as caught:
        server.capabilities()
    assert caught.value.detail == "HAPI-0001: no"
    web.post(FORM, json=STATEMENT)
    with pytest.raises(ServerError, match="did not answer with a Bundle"):
        ids(server)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304])
def test_a_redirect_is_not_followed(web, server, status):
    web.get(f"{BASE}/metadata", status=status, headers={"Location": "https://attacker.net/"})
    with pytest.raises(ServerError, match="redirect") as caught:
        server.capabilities()
    assert "attacker" not in str(caught.value)
    assert len(web.calls) == 1


def test_an_answer_without_end_is_cut_off(web, waits):
    web.get(f"{BASE}/metadata", body=b"x" * 200_000)
    with (
        make(waits, limits=Limits(answer_bytes=1000)) as server,
        pytest.raises(ServerError, match="more than 1000 bytes"),
    ):
        server.capabilities()


def test_a_small_answer_that_unpacks_to_a_big_one_is_cut_off(web, waits):
    body = gzip.compress(b"0" * 5_000_000)
    web.get(f"{BASE}/metadata", body=body, headers={"Content-Encoding": "gzip"})
    with (
        make(waits, limits=Limits(answer_bytes=100_000)) as server,
        pytest.raises(ServerError, match="more than 100000 bytes"),
    ):
        server.capabilities()


def test_an_answer_that_drips_is_given_up(web, waits):
    web.get(f"{BASE}/metadata", json=STATEMENT)
    with (
        make(waits, limits=Limits(total_s=-1), patience=Patience(retries=0)) as server,
        pytest.raises(TemporaryServerError, match="did not finish"),
    ):
        server.capabilities()


# Transactions


def bundle(**request: str) -> dict:
    defaults = {"method": "POST", "url": "Device", "ifNoneExist": "identifier=a|b"}
    resource = {"resourceType": "Device"}
    entry = {"fullUrl": "urn:uuid:1", "resource": resource, "request": defaults | request}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


def done(*statuses: str, kind: str = "transaction-response") -> dict:
    entries = [{"response": {"status": status}} for status in statuses]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


@pytest.mark.parametrize("request_", [{}, {"method": "PUT", "url": "Device/1", "ifMatch": 'W/"1"'}])
def test_a_conditional_transaction_is_sent_again_after_an_unclear_answer(
    web, server, waits, request_
):
    web.post(BASE, body=requests.exceptions.ReadTimeout("late"))
    web.post(BASE, json=done("200 OK"))
    assert server.transaction(bundle(**request_))["entry"]
    assert waits == [1]


@pytest.mark.parametrize("request_", [{"ifNoneExist": ""}, {"method": "PUT", "url": "Device/1"}])
def test_an_unconditional_transaction_is_never_sent_twice(web, server, waits, request_):
    web.post(BASE, body=requests.exceptions.ReadTimeout("late"))
    with pytest.raises(TemporaryServerError):
        server.transaction(bundle(**request_))
    assert waits == []


@pytest.mark.parametrize(("status", "kind"), [(409, ConflictError), (412, DuplicateError)])
def test_a_lost_race_and_duplicates_are_told_apart_and_not_repeated(web, server, status, kind):
    web.post(BASE, status=status, json=outcome("HAPI-2207: more than one"))
    with pytest.raises(kind, match="HAPI-2207") as caught:
        server.transaction(bundle())
    assert "writing a plan" in str(caught.value)


def test_a_transaction_run_as_a_batch_is_noticed(web, server):
    answer = done("201 Created", "422 Unprocessable")
    answer["entry"][1]["response"]["outcome"] = outcome(f"{FAMILY} refused")
    web.post(BASE, json=answer)
    with pytest.raises(RefusedError, match="1 entries were refused") as caught:
        server.transaction(bundle())
    assert caught.value.detail == f"{FAMILY} refused"
    assert_no_phi(str(caught.value))


def test_a_batch_response_is_no_answer_to_a_transaction(web, server):
    web.post(BASE, json=done("201 Created", kind="batch-response"))
    with pytest.raises(RefusedError, match="did not treat a transaction as one"):
        server.transaction(bundle())


def test_what_is_sent_keeps_its_decimals(web, server):
    web.post(BASE, json=done("201 Created"))
    sent = bundle()
    sent["entry"][0]["resource"]["x"] = Decimal("0.50")
    server.transaction(sent)
    assert b'"x":0.50' in web.calls[0].request.body
    assert web.calls[0].request.headers["Content-Type"] == JSON

"""The service over HTTP, with the real engine behind it: every duty that a client can see."""

import io
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from b12fhir.adapters.cds_hooks import HookLimits, Parts
from b12fhir.adapters.cds_hooks.messages import NAMES, schema
from b12fhir.errors import AuthError, ConfigError, TemporaryServerError
from b12fhir.protocol.load import load_protocol
from b12fhir.service.hooks.model import Hook, Link
from tests.support.hook_messages import CARD, REASONS, body, feedback
from tests.support.hook_parts import (
    EHR,
    GOOD,
    NOW,
    PUBLIC,
    Ehr,
    Gate,
    House,
    bundle,
    observation,
    patient,
    prefetch,
)
from tests.support.phi import FAMILY, MRN, TOKEN, assert_no_phi, sentinel_patient

VIEW = "/cds-services/b12-patient-view"
VALIDATORS = {name: Draft202012Validator(schema(name)) for name in NAMES}
LOW = observation("o1", "120")


def view(**members: Any) -> dict[str, Any]:
    return body(Hook.PATIENT_VIEW, **members)


def whole(*labs: Any, **keys: Any) -> dict[str, Any]:
    return view(prefetch=prefetch(*(labs or (LOW,)), **keys))


def cards(answer: Any) -> list[dict[str, Any]]:
    """The cards of an answer, which must be by the schema."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.mimetype == "application/json"
    assert list(VALIDATORS["response"].iter_errors(answer.json)) == []
    return answer.json["cards"]


def told(answer: Any) -> dict[str, Any]:
    cards(answer)
    return answer.json["extension"]["org.b12fhir"]


def issue(answer: Any, status: int) -> dict[str, Any]:
    """The one issue of a refusal, which must be an OperationOutcome and no more."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/fhir+json"
    assert list(VALIDATORS["operation-outcome"].iter_errors(answer.json)) == []
    assert not {"Traceback", ".py", "/src/"} & set(answer.get_data(as_text=True).split())
    (only,) = answer.json["issue"]
    return only


@pytest.fixture
def house() -> House:
    return House(patient(), LOW)


# Answers


def test_a_low_result_is_shown_with_its_number(house):
    """120 ng/L is below 180: deficient, so the card says the number and what could be done."""
    (card,) = cards(house.call(whole()))
    assert "120 ng/L" in card["summary"]
    assert card["indicator"] == "warning"
    assert [one.uuid for one in house.book.issued] == [card["uuid"]]


def test_a_normal_result_has_no_card_and_says_what_was_decided(house):
    """600 ng/L is above 350: unlikely. An empty answer is told apart from "not assessed"."""
    answer = house.call(whole(observation("o1", "600")))
    assert cards(answer) == []
    assert told(answer)["classification"] == "unlikely"
    assert house.book.issued == []


def test_an_order_that_waits_is_offered_again_neither_prefetched_nor_fetched():
    """An earlier card's draft, saved by the client: a second one would double the dose."""
    access = {"fhirServer": EHR}
    (card,) = cards(House(patient(), LOW).call(view(prefetch=prefetch(LOW), **access)))
    made = [one["resource"] for one in card["suggestions"][0]["actions"]]
    waiting = [{**one, "id": f"d{n}"} for n, one in enumerate(made)]
    orders = [one for one in waiting if one["resourceType"] == "MedicationRequest"]
    assert len(orders) == 1
    fetched = House(patient(), LOW, *waiting).call(view(**access))
    sent = prefetch(LOW, requests=bundle(*orders))
    prefetched = House(patient(), LOW, *waiting).call(view(prefetch=sent, **access))
    assert _drugs(prefetched) == _drugs(fetched) == []
    # Somebody else's is not this patient's: the order is offered, as if nothing waited.
    others = bundle({**orders[0], "subject": {"reference": "Patient/p2"}})
    answer = House(patient(), LOW).call(view(prefetch=prefetch(LOW, requests=others), **access))
    assert len(_drugs(answer)) == 1


def _drugs(answer: Any) -> list[dict[str, Any]]:
    """Orders of medicines that the first suggestion of a card would make."""
    return [
        action["resource"]
        for card in cards(answer)
        for action in card.get("suggestions", [{"actions": []}])[0]["actions"]
        if action["resource"]["resourceType"] == "MedicationRequest"
    ]


def test_prefetched_fetched_and_half_of_each_give_the_same(house):
    some = prefetch(LOW)
    some = {key: some[key] for key in ("patient", "labs", "requests", "family")}
    ways = [prefetch(LOW), some, {}, None]
    answers = [house.call(view(fhirServer=EHR, prefetch=way)) for way in ways]
    found = [json.loads(json.dumps(cards(one)).replace("uuid", "id")) for one in answers]
    for (card,) in found:
        for part in (card, *card["suggestions"]):
            part.pop("id")
    assert all(one == found[0] for one in found)
    assert len({json.dumps(told(one)) for one in answers}) == 1


def test_the_same_call_twice_gives_the_same_but_new_uuids(house):
    first, second = (cards(house.call(whole())) for _ in range(2))
    assert first[0]["uuid"] != second[0]["uuid"]
    assert first[0]["detail"] == second[0]["detail"]


def test_uuids_are_made_afresh_unless_told_otherwise():
    """A client keeps a dismissed uuid hidden: two answers must share none."""
    fresh = Parts.__dataclass_fields__["uuids"].default
    given = [cards(House(uuids=fresh).call(whole()))[0]["uuid"] for _ in range(2)]
    assert given[0] != given[1]


def test_what_could_not_be_read_is_told(house):
    some = prefetch(LOW)
    del some["allergies"]
    answer = house.call(view(prefetch=some))
    (card,) = cards(answer)
    said = "allergies (it was not sent, and there is no fhirServer to fetch it from)"
    assert told(answer)["unchecked"] == [said]
    assert "allergies" in card["detail"]


def test_links_of_the_site_stand_on_every_card():
    house = House(links=(Link("Why", "https://b12.example/why"),))
    (card,) = cards(house.call(whole()))
    assert card["links"] == [{"label": "Why", "url": "https://b12.example/why", "type": "absolute"}]


@pytest.mark.parametrize("hook", list(Hook), ids=lambda hook: hook.value)
def test_every_hook_is_answered(house, hook):
    given = body(hook, prefetch=prefetch(LOW))
    cards(house.call(given, f"b12-{hook.value}"))


def test_a_card_that_was_answered_is_silent_and_the_answer_says_so(house):
    """HL7's "patient-refuses" is a long silence; the class is told all the same."""
    (card,) = cards(house.call(whole()))
    entry = {
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": {"reason": {"code": "patient-refuses", "system": REASONS}},
        "outcomeTimestamp": "2026-11-21T08:59:00Z",
    }
    house.call({"feedback": [entry]}, "b12-patient-view/feedback")
    answer = house.call(whole())
    assert cards(answer) == []
    assert told(answer)["silent"] == 1
    (row,) = house.book.held
    (shown,) = house.book.issued
    assert (row.at, row.service, row.patient) == (NOW, "b12-patient-view", shown.patient)
    assert row.silence.card == shown.uuid
    assert told(answer)["classification"] == "confirmed"


def test_an_ehr_that_names_no_server_is_told_apart_by_its_issuer(house):
    """Patient/p1 of two EHRs are two people: an answer about one must not silence the other."""
    house.call(whole())
    house.call(view(prefetch=prefetch(LOW), fhirServer=EHR))
    assert len({one.patient for one in house.book.issued}) == 2


def test_tenants_of_one_issuer_are_told_apart():
    """Patient/p1 of two hospitals that share an issuer are two people."""
    seen = []
    for tenant in ("north", "south"):
        house = House(gate=Gate(tenant=tenant))
        cards(house.call(whole()))
        seen += house.book.issued
    assert len({one.patient for one in seen}) == 2


def test_a_call_without_any_issuer_is_limited_by_its_address():
    """No token is asked for: the address is all that is known of who calls."""
    house = House(gate=Gate(issuer=""), limits=HookLimits(calls_per_minute=1))
    known = [{"REMOTE_ADDR": f"192.0.2.{last}"} for last in (1, 1, 2)]
    answers = [house.call(whole(), environ_overrides=one).status_code for one in known]
    assert answers == [200, 429, 200]


def test_results_are_the_patients_also_where_addresses_are_full(house):
    """A Patient has no address in a prefetch; results come with the address of their server."""
    held = bundle(LOW)
    held["entry"][0]["fullUrl"] = "https://inner.example/r4/Observation/o1"
    assert told(house.call(whole(labs=held)))["classification"] == "confirmed"
    held["entry"][0]["fullUrl"] = f"{EHR}/Observation/o1"
    called = house.call(whole(labs=held) | {"fhirServer": EHR})
    assert told(called)["classification"] == "confirmed"


def test_results_of_another_server_than_the_patients_are_set_aside_and_counted(house):
    """The same id on another server is another person."""
    held = bundle(LOW)
    held["entry"][0]["fullUrl"] = "https://inner.example/r4/Observation/o1"
    found = told(house.call(whole(labs=held) | {"fhirServer": EHR}))
    assert found["classification"] == "no-data"
    assert found["setAside"] == {"other-patient": 1}


# Patients


def test_another_patients_record_is_refused(house):
    found = issue(house.call(whole(patient=patient("p2"))), 400)
    assert found["expression"] == ["prefetch.patient"]


def test_another_patients_result_is_not_used(house):
    answer = house.call(whole(observation("o1", "60", patient="p2")))
    (card,) = cards(answer)
    # That it was sent is told, since no card would read "no deficiency"; what it says is not.
    assert card["summary"].endswith("one record sent could not be used; see the detail")
    assert (card["indicator"], "suggestions" in card, " 60 " in card["detail"]) == (
        "info",
        False,
        False,
    )
    assert told(answer)["classification"] == "no-data"
    assert told(answer)["setAside"] == {"other-patient": 1}
    line = 'b12fhir_set_aside_total{fault="other-patient",service="b12-patient-view"} 1.0'
    assert line in house.client.get("/metrics").get_data(as_text=True)


def test_a_withdrawn_result_is_not_used(house):
    answer = house.call(whole(observation("o1", "60", status="entered-in-error")))
    assert told(answer)["classification"] != "confirmed"


def test_parallel_calls_of_two_patients_do_not_mix():
    """24 at once, half of them with the record to be fetched."""
    results = {"p1": "120", "p2": "600"}
    people = [patient(one) for one in results]
    labs = [observation(f"o-{one}", value, patient=one) for one, value in results.items()]
    house = House(ehr=Ehr(*people, *labs), limits=HookLimits(lanes=2))

    def ask(number: int) -> tuple[str, str, str]:
        one = ("p1", "p2")[number % 2]
        sent = prefetch(observation("o", results[one], patient=one), of=one)
        given = body(Hook.PATIENT_VIEW, one, fhirServer=EHR)
        given |= {"prefetch": sent} if number % 4 < 2 else {}
        client = house.app.test_client()
        answer = client.post(VIEW, json=given, headers={"Authorization": GOOD})
        return one, told(answer)["classification"], answer.get_data(as_text=True)

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(24)))
    for one, classification, text in answers:
        assert classification == {"p1": "confirmed", "p2": "unlikely"}[one]
        assert f"Patient/{'p2' if one == 'p1' else 'p1'}" not in text


# Data that cannot be had


@pytest.mark.parametrize("given", [{}, {"prefetch": {}}, {"prefetch": None}])
def test_nothing_to_go_by_is_never_an_empty_answer(house, given):
    found = issue(house.call(view(**given)), 412)
    assert found["code"] == "incomplete"
    assert found["expression"] == ["prefetch.patient"]


@pytest.mark.parametrize(
    "error",
    [
        AuthError("The EHR answered 401.", status=401),
        AuthError("The EHR answered 403.", status=403),
        TemporaryServerError("The EHR did not answer in time."),
    ],
)
def test_a_server_that_gives_nothing_is_named_with_the_key(error):
    house = House(ehr=Ehr(patient(), fails={"Observation": error}))
    found = issue(house.call(view(fhirServer=EHR)), 412)
    assert found["expression"] == ["prefetch.labs"]
    assert error.message[:-1] in found["diagnostics"]


def test_the_servers_own_words_stay_with_us():
    error = AuthError("The EHR answered 403.", status=403, detail="words")
    house = House(ehr=Ehr(patient(), fails={"Observation": error}))
    assert "words" not in house.call(view(fhirServer=EHR)).get_data(as_text=True)


def test_a_server_off_the_list_is_never_opened(house):
    found = issue(house.call(view(fhirServer="https://elsewhere.example/fhir")), 400)
    assert found["expression"] == ["fhirServer"]
    assert house.ehr.opened == []


def test_a_token_that_may_not_travel_is_refused(house):
    def refuse(_base: str, _token: str) -> Any:
        raise ConfigError("The token would travel unencrypted.", hint="Use https.")

    house = House(open_server=refuse)
    assert "unencrypted" in issue(house.call(view(fhirServer=EHR)), 400)["diagnostics"]


def test_the_token_goes_to_the_server_and_nowhere_else(house, caplog):
    caplog.set_level(logging.DEBUG)
    grant = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": -1, "scope": "x"}
    answer = house.call(view(fhirServer=f"{EHR}/", fhirAuthorization=grant))
    cards(answer)
    assert house.ehr.opened == [(EHR, TOKEN)]
    assert house.ehr.closed == 1
    assert_no_phi(answer.get_data(as_text=True) + caplog.text)


# What is no call


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b'"x"', None),
        (b"\xff{}", None),
        (b'{"hook":"a","hook":"b"}', None),
        (b"[" * 100_000, None),
        (b'{"hook":"patient-view"}', "hookInstance"),
    ],
)
def test_a_body_that_is_no_call_is_refused(house, raw, where):
    answer = house.call(None, data=raw, content_type="application/json")
    found = issue(answer, 400)
    assert found.get("expression") == ([where] if where else None)


def test_deep_nesting_is_never_our_failure(house):
    """500 deep is read; 5,000 deep is refused; both are answered."""
    for depth in (500, 900, 5000):
        deep = b'{"a":' * depth + b"1" + b"}" * depth
        given = json.dumps(whole()).encode()[:-1] + b',"extension":{"x":' + deep + b"}}"
        answer = house.call(None, data=given, content_type="application/json")
        assert answer.status_code in {200, 400}


def test_nesting_that_is_found_late_is_refused(monkeypatch, house):
    def deep(*_: Any) -> Any:
        raise RecursionError

    monkeypatch.setattr("b12fhir.adapters.cds_hooks.calls.read_call", deep)
    assert "too deeply" in issue(house.call(whole()), 400)["diagnostics"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
def test_what_is_not_json_is_refused(house, kind):
    answer = house.call(None, data=json.dumps(whole()), content_type=kind)
    assert issue(answer, 415)["code"] == "not-supported"


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/fhir+json"]
)
def test_json_in_its_spellings_is_read(house, kind):
    assert cards(house.call(None, data=json.dumps(whole()), content_type=kind))


@pytest.mark.parametrize("packed", ["gzip", "deflate", "br", "x"])
def test_a_compressed_body_is_refused(house, packed):
    issue(house.call(whole(), headers={"Content-Encoding": packed}), 415)


def test_any_accept_is_tolerated(house):
    assert cards(house.call(whole(), headers={"Accept": "text/html"}))


def test_a_body_that_is_too_large_is_not_read():
    house = House(limits=HookLimits(body_bytes=1000))
    assert issue(house.call(whole()), 413)["code"] == "too-long"


@pytest.mark.parametrize("limit", [1000, 65_536])
def test_a_body_of_unstated_length_is_limited_as_well(limit):
    """Chunked: the server ends the stream, nobody says beforehand how long it is.

    Werkzeug reads 65,536 bytes at a time: at a limit of so many it stops, as if that were all.
    """
    long = House(limits=HookLimits(body_bytes=limit))
    issue(long.call(None, **chunked(json.dumps(whole()).ljust(2 * limit))), 413)
    assert cards(House().call(None, **chunked(json.dumps(whole()))))


def chunked(text: str) -> dict[str, Any]:
    return {
        "input_stream": io.BytesIO(text.encode()),
        "content_type": "application/json",
        "environ_overrides": {"wsgi.input_terminated": True},
    }


def test_another_hook_is_refused(house):
    answer = house.call(body(Hook.ORDER_SIGN, prefetch=prefetch()))
    assert issue(answer, 400)["expression"] == ["hook"]


@pytest.mark.parametrize("id_", ["../Practitioner/x", "1&_count=1", "a b", "x" * 65, "Patient/1"])
def test_a_patient_id_is_no_way_into_an_address(house, id_):
    answer = house.call(body(Hook.PATIENT_VIEW, id_, fhirServer=EHR))
    assert issue(answer, 400)["expression"] == ["context.patientId"]
    assert house.ehr.asked == []


# Addresses and methods


def test_discovery(house):
    answer = house.get("/cds-services")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert list(VALIDATORS["discovery"].iter_errors(answer.json)) == []
    assert len(answer.json["services"]) == len(Hook)


def test_a_service_that_is_off_is_not_there():
    house = House(services=frozenset({"b12-order-sign"}))
    assert [one["id"] for one in house.get("/cds-services").json["services"]] == ["b12-order-sign"]
    issue(house.call(whole()), 404)
    issue(house.call(feedback(), "b12-patient-view/feedback"), 404)


@pytest.mark.parametrize("path", ["/cds-services/other", "/cds-services/other/feedback"])
def test_an_unknown_service_is_not_there(house, path):
    headers = {"Authorization": GOOD}
    assert issue(house.client.post(path, json=whole(), headers=headers), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", VIEW, "OPTIONS, POST"),
        ("POST", "/cds-services", "GET, HEAD, OPTIONS"),
        ("GET", f"{VIEW}/feedback", "OPTIONS, POST"),
        ("DELETE", VIEW, "OPTIONS, POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(house, method, path, allowed):
    answer = house.client.open(path, method=method, headers={"Authorization": GOOD})
    issue(answer, 405)
    assert answer.headers["Allow"] == allowed


def test_an_address_that_is_none(house):
    assert issue(house.get("/nothing"), 404)["code"] == "not-found"


def test_the_first_page_names_the_service(house):
    answer = house.client.get("/")
    assert answer.status_code == 200
    assert "CDS Hooks" in answer.get_data(as_text=True)
    assert house.client.get("/openapi.json").status_code == 200


# Who may call


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/cds-services"),
        ("POST", VIEW),
        ("POST", f"{VIEW}/feedback"),
        ("POST", "/cds-services/x"),
    ],
)
@pytest.mark.parametrize("given", [None, "", "Bearer bad", "Basic good"])
def test_all_refusals_of_a_caller_are_alike(house, method, path, given):
    headers = {"Authorization": given} if given is not None else {}
    answer = house.client.open(path, method=method, headers=headers, data=b"{")
    assert answer.status_code == 401
    assert answer.data == b""
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("path", ["/cds-services", VIEW, f"{VIEW}/feedback"])
def test_a_token_must_name_the_address_of_the_settings(house, path):
    """Never one that the caller says: a token for another host would else be good here."""
    headers = {"Authorization": GOOD, "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    method = "GET" if path == "/cds-services" else "POST"
    house.client.open(f"{path}?x=1", method=method, headers=headers, json={})
    assert house.gate.asked == [PUBLIC + path]


def test_too_many_calls_are_told_when_to_come_again():
    house = House(limits=HookLimits(calls_per_minute=2))
    answers = [house.get("/cds-services") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert issue(answers[2], 429)["code"] == "throttled"
    assert answers[2].headers["Retry-After"] == "30"


# Browsers

ORIGIN = "https://sandbox.example"


def preflight(house: House, origin: str, path: str = VIEW) -> Any:
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return house.client.options(path, headers=asks)


@pytest.mark.parametrize("path", ["/cds-services", VIEW, f"{VIEW}/feedback"])
def test_a_known_browser_may_ask_without_a_token(path):
    house = House(origins=frozenset({ORIGIN}))
    answer = preflight(house, ORIGIN, path)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert {"authorization", "content-type"} <= set(allowed.split(", "))
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origins", [frozenset(), frozenset({ORIGIN})])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://sandbox.example.evil"])
def test_an_unknown_browser_gets_nothing(origins, origin):
    house = House(origins=origins)
    for answer in (preflight(house, origin), house.get("/cds-services", Origin=origin)):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("given", [GOOD, "Bearer bad"])
def test_refusals_can_be_read_by_a_known_browser(given):
    house = House(origins=frozenset({ORIGIN}))
    headers = {"Authorization": given, "Origin": ORIGIN}
    answer = house.client.post(VIEW, json={}, headers=headers)
    assert answer.status_code in {400, 401}
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Vary"] == "Origin"


# Feedback


def test_feedback_is_kept(house):
    answer = house.call(feedback(), "b12-patient-view/feedback")
    assert answer.status_code == 200
    assert answer.data == b""
    assert house.book.heard[0].card == CARD
    assert house.book.heard[0].service == "b12-patient-view"


@pytest.mark.parametrize(
    ("caller", "client"),
    [
        ({"issuer": "https://ehr.example", "tenant": "north"}, "https://ehr.example|north"),
        # No token is asked for: all clients are one.
        ({"issuer": ""}, ""),
    ],
)
def test_a_card_and_the_answer_to_it_bear_who_called(caller, client):
    house = House(gate=Gate(**caller))
    [card] = cards(house.call(whole()))
    house.call(feedback(), "b12-patient-view/feedback")
    assert card["uuid"] == house.book.issued[0].uuid
    assert {one.client for one in house.book.issued} == {client}
    assert {one.client for one in house.book.heard} == {client}


def test_feedback_that_is_not_understood_is_not_kept(house):
    entry = feedback()["feedback"][0] | {"outcome": "ignored"}
    answer = house.call({"feedback": [entry]}, "b12-patient-view/feedback")
    assert issue(answer, 400)["expression"] == ["feedback[0].outcome"]
    assert house.book.heard == []


def test_feedback_that_cannot_be_kept_may_be_sent_again(house):
    house.book.ready = False
    answer = house.call(feedback(), "b12-patient-view/feedback")
    assert issue(answer, 503)["code"] == "transient"
    assert answer.headers["Retry-After"]


# Health and figures


def test_health(house):
    assert house.client.get("/healthz").status_code == 200
    assert house.client.get("/readyz").status_code == 200
    house.book.ready = False
    assert house.client.get("/healthz").status_code == 200
    issue(house.client.get("/readyz"), 503)


def test_figures_count_what_happened(house):
    cards(house.call(whole()))
    house.call(view())
    house.call(feedback(), "b12-patient-view/feedback")
    house.client.get("/Patient/p1")
    text = house.client.get("/metrics").get_data(as_text=True)
    for line in (
        'b12fhir_hook_seconds_count{service="b12-patient-view",status="2xx"} 2.0',
        'b12fhir_hook_seconds_count{service="b12-patient-view",status="4xx"} 1.0',
        'b12fhir_hook_seconds_count{service="other",status="4xx"} 1.0',
        'b12fhir_cards_total{indicator="warning",rule="R-28",service="b12-patient-view"} 1.0',
        'b12fhir_feedback_total{outcome="accepted",service="b12-patient-view"} 1.0',
        'b12fhir_feedback_total{outcome="overridden",service="b12-patient-view"} 1.0',
    ):
        assert line in text
    assert "p1" not in text


# What is logged


def test_nothing_of_a_patient_is_logged(house, caplog):
    """The guard looks at every record as well; here also ids, paths and queries."""
    caplog.set_level(logging.DEBUG)
    who = sentinel_patient("p1")
    house.call(whole(patient=who), headers={"X-Request-ID": MRN})
    house.client.get(f"/cds-services/{FAMILY}?patient={MRN}")
    house.client.post(f"/cds-services/{FAMILY}", headers={"Authorization": GOOD}, json={})
    lines = [r.getMessage() for r in caplog.records if r.name == "b12fhir.hooks"]
    assert len(lines) == 3
    assert lines[0].startswith("POST b12-patient-view 200 ")
    assert lines[0].endswith(" ms cards=1 silent=0 unchecked=0 set-aside=0")
    assert_no_phi("\n".join(lines))


def test_our_own_mistake_is_told_without_anything_of_it(caplog):
    failing = False

    def protocol(as_of: Any) -> Any:
        if failing:
            raise ValueError(FAMILY)
        return load_protocol(on=as_of.date())

    house = House(protocol=protocol)
    failing = True
    answer = house.call(whole())
    assert issue(answer, 500)["code"] == "exception"
    assert_no_phi(answer.get_data(as_text=True) + caplog.text)
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert line.startswith("defect ValueError at b12fhir.adapters.cds_hooks.app:")
    assert "b12fhir.adapters.cds_hooks.calls:" in line


def test_an_answer_is_kept_by_nobody_on_the_way(house):
    answer = house.call(whole())
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# The two ways through the application


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"json": whole()}, 200),
        (
            {"json": whole(), "headers": {"Authorization": GOOD, "Origin": "https://ehr.example"}},
            200,
        ),
        ({"json": {}}, 400),
        ({"data": b"[" * 40_000, "content_type": "application/json"}, 400),
        ({"json": view()}, 412),
        ({"data": b"{}", "content_type": "text/plain"}, 415),
        ({"json": whole(), "headers": {"Authorization": "Bearer bad"}}, 401),
        ({"json": whole(more="x" * 60_000)}, 413),
    ],
)
def test_the_short_way_answers_as_flasks_own(given, status):
    """Word for word, headers too: whoever calls cannot tell by which way it went."""
    answers = []
    for short in (True, False):
        house = House(origins={"https://ehr.example"}, limits=HookLimits(body_bytes=50_000))
        if not short:
            house.app._short = {}
        answer = house.client.post(VIEW, **{"headers": {"Authorization": GOOD}, **given})
        figures = house.client.get("/metrics").get_data(as_text=True)
        counted = [line for line in figures.splitlines() if "seconds_count" in line]
        answers.append((answer.status, sorted(answer.headers), answer.data, counted))
    assert answers[0] == answers[1]
    assert answers[0][0].startswith(str(status))


def test_an_upgrade_to_a_socket_is_no_call(house):
    """A socket would be left open; the routes know none."""
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    answer = house.call(whole(), headers=headers)
    assert issue(answer, 405)
    assert house.book.issued == []

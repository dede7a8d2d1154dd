"""The whole service and the data behind a call: the same cards however they come, or none at all.

An answer without cards reads "no deficiency". So whatever is missing must be fetched, be told in
the card, or be refused with 412.
"""

import socket
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.fhir.json import decode, encode
from b12fhir.service.hooks.model import Hook
from tests.spec.case import CASES
from tests.support import hook_messages
from tests.support.ehr import HTML, TRUNCATED, Ehr, Failing, hanging, outcome, searchset, serving
from tests.support.hook_service import Door, asked, door, prefetched, rest
from tests.support.phi import TOKEN, assert_no_phi, sentinel_patient

VIEW = Hook.PATIENT_VIEW
# What a test of a hanging server may take; a client waits no longer than ten seconds.
PATIENCE_S = 10
KEYS = tuple(query.key for query in asked())
REQUIRED = tuple(query.key for query in asked() if query.required)
OPTIONAL = tuple(query.key for query in asked() if not query.required)


def record(case: str = "V02") -> list[dict[str, Any]]:
    """A case's resources, with a patient whose name must never be seen."""
    bundle = decode((CASES / case / "input.json").read_bytes())
    resources = [entry["resource"] for entry in bundle["entry"]]
    patient = next(one for one in resources if one["resourceType"] == "Patient")
    patient.update({"name": sentinel_patient()["name"]})
    return resources


RECORD = record()
PATIENT = next(one["id"] for one in RECORD if one["resourceType"] == "Patient")
OTHER = {"resourceType": "Patient", "id": "somebody-else", "gender": "male"}


@pytest.fixture
def ehr() -> Iterator[Ehr]:
    with serving(Ehr(MemoryServer(RECORD), token=TOKEN)) as one:
        yield one


@pytest.fixture
def at(tmp_path: Path, ehr: Ehr) -> Iterator[Door]:
    """The service as a client reaches it that may name this EHR."""
    with door(tmp_path, open_server=rest, servers=[ehr.base]) as one:
        yield one


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Door]:
    """The service where nobody's FHIR server may be opened."""
    with door(tmp_path) as one:
        yield one


def grant(**changes: Any) -> dict[str, Any]:
    told = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300}
    return told | {"scope": "patient/*.read", "subject": "b12"} | changes


def body(ehr: Ehr | None = None, **members: Any) -> dict[str, Any]:
    """A call of patient-view that names the EHR, if there is one."""
    own = {"fhirServer": ehr.base, "fhirAuthorization": grant()} if ehr else {}
    return hook_messages.body(VIEW, PATIENT, **own, **members)


def given(*leave_out: str) -> dict[str, Any]:
    """The whole prefetch but for some keys."""
    whole = prefetched(RECORD, PATIENT)
    return {key: value for key, value in whole.items() if key not in leave_out}


def cards(one: Door, sent: dict[str, Any]) -> Any:
    """The cards without their uuids, which are fresh each time."""
    answer = one.post(VIEW, sent)
    assert answer.status_code == 200, answer.text
    return nameless(decode(answer.data)["cards"])


def nameless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: nameless(part) for key, part in value.items() if key != "uuid"}
    return [nameless(part) for part in value] if isinstance(value, list) else value


def refused(one: Door, sent: dict[str, Any], status: int = 412) -> str:
    """The words of a refusal; a refusal shows nobody's data and no token."""
    answer = one.post(VIEW, sent)
    assert answer.status_code == status, answer.text
    assert_no_phi(answer.text)
    return str(answer.text)


def test_everything_given_calls_nobody(alone: Door) -> None:
    assert len(cards(alone, body(prefetch=given()))) == 1


@pytest.mark.loopback
def test_nothing_given_gives_the_same_cards(at: Door, ehr: Ehr) -> None:
    whole = cards(at, body(prefetch=given()))
    assert cards(at, body(ehr)) == whole
    assert cards(at, body(ehr, prefetch={})) == whole


@pytest.mark.loopback
@pytest.mark.parametrize("key", KEYS)
def test_one_key_missing_is_fetched_alone(at: Door, ehr: Ehr, key: str) -> None:
    """A client leaves out what it could not fetch: the rest must not be read again."""
    whole = cards(at, body(prefetch=given()))
    assert cards(at, body(ehr, prefetch=given(key))) == whole
    kind = next(query.kind for query in asked() if query.key == key)
    assert {path.partition("/")[0] for path in ehr.asked} == {kind}
    assert len(ehr.asked) == 1


@pytest.mark.loopback
def test_the_same_call_twice_gives_the_same_cards(at: Door, ehr: Ehr) -> None:
    assert cards(at, body(ehr)) == cards(at, body(ehr))


@pytest.mark.parametrize("key", [key for key in KEYS if key != "patient"])
def test_null_is_no_data_and_no_call(alone: Door, key: str) -> None:
    sent = body(prefetch=given() | {key: None})
    assert alone.post(VIEW, sent).status_code == 200


@pytest.mark.parametrize("members", [{}, {"prefetch": {}}, {"prefetch": None}])
def test_nothing_given_and_no_server_is_412(alone: Door, members: dict[str, Any]) -> None:
    assert "patient" in refused(alone, body(**members))


@pytest.mark.parametrize("key", REQUIRED)
def test_a_required_key_missing_is_412_and_named(alone: Door, key: str) -> None:
    assert key in refused(alone, body(prefetch=given(key)))


@pytest.mark.parametrize("key", OPTIONAL)
def test_another_key_missing_is_told_in_the_card(alone: Door, key: str) -> None:
    told = next(query.told for query in asked() if query.key == key)
    answer = alone.post(VIEW, body(prefetch=given(key)))
    if answer.status_code == 200:
        (card,) = decode(answer.data)["cards"]
        assert told in card["detail"]
    else:
        assert answer.status_code == 412
        assert key in answer.text


FAILURES: dict[str, Failing] = {
    "401": lambda _: outcome(401, "login"),
    "403": lambda _: outcome(403, "forbidden"),
    "404": lambda _: outcome(404, "not-found"),
    "500": lambda _: outcome(500),
    "html": lambda _: HTML,
    "truncated": lambda _: TRUNCATED,
}


@pytest.mark.loopback
@pytest.mark.parametrize("failure", FAILURES)
def test_a_server_that_fails_is_412_and_never_silence(at: Door, ehr: Ehr, failure: str) -> None:
    ehr.fails = FAILURES[failure]
    assert "patient" in refused(at, body(ehr))


@pytest.mark.loopback
def test_a_server_that_hangs_is_412_within_ten_seconds(at: Door, ehr: Ehr) -> None:
    ehr.fails = hanging(ehr, 20)
    start = time.monotonic()
    refused(at, body(ehr))
    assert time.monotonic() - start < PATIENCE_S


@pytest.mark.loopback
def test_a_server_that_is_not_there_is_412(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{probe.getsockname()[1]}/fhir"
    with door(tmp_path, open_server=rest, servers=[base]) as one:
        refused(one, hook_messages.body(VIEW, PATIENT, fhirServer=base))


@pytest.mark.loopback
@pytest.mark.parametrize("kind", sorted({query.kind for query in asked()} - {"Patient"}))
def test_a_scope_that_leaves_out_one_type_is_told(at: Door, ehr: Ehr, kind: str) -> None:
    """With a scope for results only, nobody may read "no allergies" where none were looked at."""
    ehr.fails = lambda path: outcome(403, "forbidden") if path.startswith(f"{kind}/") else None
    answer = at.post(VIEW, body(ehr))
    if answer.status_code == 412:
        assert any(query.key in answer.text for query in asked() if query.kind == kind)
        return
    (card,) = decode(answer.data)["cards"]
    told = {query.told for query in asked() if query.kind == kind}
    assert all(words in card["detail"] for words in told)


@pytest.mark.parametrize("key", KEYS)
def test_an_operation_outcome_as_a_value_is_noticed(alone: Door, key: str) -> None:
    failed = decode(outcome(403, "forbidden")[2])
    answer = alone.post(VIEW, body(prefetch=given() | {key: failed}))
    told = next(query.told for query in asked() if query.key == key)
    if answer.status_code == 200:
        (card,) = decode(answer.data)["cards"]
        assert told in card["detail"]
    else:
        assert answer.status_code == 412
        assert key in answer.text


def test_outcomes_includes_and_unknown_keys_are_tolerated(alone: Door) -> None:
    whole = given()
    plain = cards(alone, body(prefetch=whole))
    warning = decode(outcome(200, "informational")[2])
    warning["issue"][0]["severity"] = "information"
    drug = {"resourceType": "Medication", "id": "m1", "code": {"text": "metformin"}}
    more = deepcopy(whole)
    labs = more["labs"]
    labs["entry"] += [{"resource": warning, "search": {"mode": "outcome"}}]
    labs["entry"] += [{"resource": drug, "search": {"mode": "include"}}]
    more["unknown"] = {"resourceType": "Bundle"}
    assert cards(alone, body(prefetch=more)) == plain


@pytest.mark.loopback
@pytest.mark.parametrize("size", [1, 2])
def test_pages_of_the_server_are_read_to_the_end(at: Door, ehr: Ehr, size: int) -> None:
    whole = cards(at, body(ehr))
    ehr.page = size
    assert cards(at, body(ehr)) == whole


def _newest_elsewhere() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A low B12 of September, and one that is normal and newer."""
    patient = {"resourceType": "Patient", "id": PATIENT, "gender": "female"}
    patient |= {"birthDate": "1971-02-03"}
    return [patient, _b12("old", "120", "2026-09-01")], [_b12("new", "600", "2026-11-18")]


def _b12(name: str, value: str, day: str) -> dict[str, Any]:
    quantity = {"value": float(value), "unit": "ng/L", "code": "ng/L"}
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": f"{day}T08:00:00Z",
        "valueQuantity": {**quantity, "system": "http://unitsofmeasure.org"},
    }


def _first_page(link: str) -> dict[str, Any]:
    """A prefetch whose results are a first page; the next one is at ``link``."""
    first, _ = _newest_elsewhere()
    sent = prefetched(first, PATIENT)
    sent["labs"]["link"] = [{"relation": "next", "url": link}]
    sent["labs"]["total"] = 2
    return sent


@pytest.mark.loopback
def test_the_newest_result_on_page_two_decides(at: Door, ehr: Ehr) -> None:
    """The low value of page one is outdated: a card on it would treat a healthy woman."""
    _, rest_of_it = _newest_elsewhere()
    ehr._searches.append(rest_of_it)
    assert cards(at, body(ehr, prefetch=_first_page(f"{ehr.base}/page/0-0"))) == []
    assert ehr.tokens == [f"Bearer {TOKEN}"]


@pytest.mark.loopback
@pytest.mark.parametrize("failure", FAILURES)
def test_a_next_page_that_fails_is_no_silence(at: Door, ehr: Ehr, failure: str) -> None:
    ehr.fails = FAILURES[failure]
    assert "labs" in refused(at, body(ehr, prefetch=_first_page(f"{ehr.base}/page/0-0")))


@pytest.mark.loopback
def test_pages_without_end_are_412_within_ten_seconds(at: Door, ehr: Ehr) -> None:
    """Each page names the next for ever, and a circle of two never ends either."""
    start = time.monotonic()
    for turn in (lambda n: n + 1, lambda n: n % 2 + 1):

        def endless(path: str, turn: Any = turn) -> Any:
            link = f"{ehr.base}/page/{turn(int(path.rpartition('/')[2]))}"
            page = searchset([], 99, [{"relation": "next", "url": link}])
            return 200, "application/fhir+json", encode(page)

        ehr.fails = endless
        assert "labs" in refused(at, body(ehr, prefetch=_first_page(f"{ehr.base}/page/1")))
    assert time.monotonic() - start < PATIENCE_S


def test_a_first_page_without_server_is_412(alone: Door) -> None:
    assert "labs" in refused(alone, body(prefetch=_first_page("https://ehr.example/fhir/page/2")))


def test_a_bundle_shorter_than_its_total_is_412(alone: Door) -> None:
    sent = _first_page("")
    del sent["labs"]["link"]
    assert "labs" in refused(alone, body(prefetch=sent))


@pytest.mark.loopback
def test_the_token_stays_at_its_origin(at: Door, ehr: Ehr) -> None:
    """Another port is another origin: whoever listens there must not even be called."""
    with serving(Ehr(MemoryServer([]))) as thief:
        refused(at, body(ehr, prefetch=_first_page(f"{thief.base}/page/0-0")))
        assert thief.asked == []


@pytest.mark.loopback
def test_the_token_goes_with_every_query_and_nowhere_else(
    at: Door, ehr: Ehr, caplog: pytest.LogCaptureFixture
) -> None:
    answer = at.post(VIEW, body(ehr))
    assert set(ehr.tokens) == {f"Bearer {TOKEN}"}
    assert_no_phi(answer.text)
    assert_no_phi(str(answer.headers))
    assert_no_phi(caplog.text)
    assert_no_phi(at.metrics.text().decode())
    assert PATIENT not in caplog.text + at.metrics.text().decode()


@pytest.mark.loopback
def test_addresses_with_a_slash_at_the_end_are_fine(at: Door, ehr: Ehr) -> None:
    whole = cards(at, body(ehr))
    assert cards(at, body(ehr) | {"fhirServer": f"{ehr.base}/"}) == whole
    assert not [path for path in ehr.asked if path.startswith("/") or "//" in path]


@pytest.mark.parametrize("expires", [0, -5, "300", 1e9])
@pytest.mark.loopback
def test_odd_lifetimes_of_tokens_are_tolerated(at: Door, ehr: Ehr, expires: Any) -> None:
    sent = body(ehr) | {"fhirAuthorization": grant(expires_in=expires)}
    assert at.post(VIEW, sent).status_code == 200


@pytest.mark.parametrize(
    "server",
    [
        "file:///etc/passwd",
        "ftp://ehr.example/fhir",
        "not a url",
        "",
        "http://169.254.169.254/latest",
        "https://ehr.example.attacker.example/fhir",
        "https://user:secret@ehr.example/fhir",
    ],
)
def test_servers_off_the_list_are_never_contacted(alone: Door, server: str) -> None:
    """`alone` fails the test when any server is opened."""
    sent = hook_messages.body(VIEW, PATIENT, fhirServer=server, prefetch=given("labs"))
    assert alone.post(VIEW, sent).status_code in {400, 412}


def test_a_token_without_a_server_is_refused(alone: Door) -> None:
    sent = hook_messages.body(VIEW, PATIENT, fhirAuthorization=grant(), prefetch=given())
    refused(alone, sent, 400)


@pytest.mark.loopback
def test_a_token_of_another_patient_is_refused(at: Door, ehr: Ehr) -> None:
    sent = body(ehr) | {"fhirAuthorization": grant(patient="somebody-else")}
    refused(at, sent, 400)
    assert ehr.asked == []


def test_the_patient_of_the_prefetch_must_be_that_of_the_context(alone: Door) -> None:
    refused(alone, body(prefetch=given() | {"patient": OTHER}), 400)


def test_results_of_another_patient_make_no_card(alone: Door) -> None:
    """A healthy man whose prefetch was mixed up with a deficient woman's results."""
    mine = {**OTHER, "birthDate": "1980-01-01"}
    sent = given() | {"patient": mine}
    answer = alone.post(VIEW, hook_messages.body(VIEW, mine["id"], prefetch=sent))
    if answer.status_code == 200:
        for card in decode(answer.data)["cards"]:
            assert card["indicator"] == "info"
            assert "suggestions" not in card
    else:
        assert answer.status_code == 400


def test_results_entered_in_error_are_not_used(alone: Door) -> None:
    first, _ = _newest_elsewhere()
    assert len(cards(alone, body(prefetch=prefetched(first, PATIENT)))) == 1
    first[1]["status"] = "entered-in-error"
    for card in cards(alone, body(prefetch=prefetched(first, PATIENT))):
        assert card["indicator"] == "info"
        assert "120" not in card["summary"]

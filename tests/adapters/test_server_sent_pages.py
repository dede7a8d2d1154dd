"""The pages after one that a client sent, and the one time limit of a whole call."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from b12fhir.adapters.server import Limits, Patience, RestServer
from b12fhir.errors import RefusedError, ServerError, TemporaryServerError
from tests.support.phi import TOKEN

BASE = "https://ehr.example/fhir"
HERE, THERE = f"{BASE}?p=2", f"{BASE}?p=3"


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def server() -> Iterator[RestServer]:
    with make() as rest:
        yield rest


def make(**options: Any) -> RestServer:
    plain: dict[str, Any] = {"token": lambda: TOKEN, "patience": Patience(retries=0)}
    return RestServer(BASE, **(plain | options))


def page(*ids: str, link: str | None = None, **more: Any) -> dict:
    entries = [{"resource": {"resourceType": "Observation", "id": id_}} for id_ in ids]
    links = [{"relation": "next", "url": link}] if link is not None else []
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": links, **more}


def ids(server: RestServer, sent: dict) -> list[str]:
    return [resource["id"] for resource in server.rest("Observation", sent)]


def test_only_what_the_client_did_not_send_comes(web, server):
    """The newest result may stand on the last page; what was sent must not count twice."""
    web.get(HERE, json=page("b", "c", link=THERE))
    web.get(THERE, json=page("d", total=4))
    assert ids(server, page("a", "b", link=HERE)) == ["c", "d"]
    assert {call.request.headers["Authorization"] for call in web.calls} == {f"Bearer {TOKEN}"}


def test_a_last_page_needs_no_server(web, server):
    assert ids(server, page("a")) == []
    assert len(web.calls) == 0


@pytest.mark.parametrize(
    "link",
    [
        "https://ehr.example.attacker.net/fhir?p=2",
        "http://ehr.example/fhir?p=2",
        "https://ehr.example:8443/fhir?p=2",
        "https://me@ehr.example/fhir?p=2",
        "file:///etc/passwd",
    ],
)
def test_the_token_goes_to_no_other_origin(web, server, link):
    with pytest.raises(ServerError):
        ids(server, page("a", link=link))
    assert len(web.calls) == 0


def test_an_announced_total_must_be_reached(web, server):
    web.get(HERE, json=page("b"))
    with pytest.raises(TemporaryServerError, match="announced 5 matches and sent 2"):
        ids(server, page("a", link=HERE, total=5))


def test_a_forgotten_page_is_an_error(web, server):
    web.get(HERE, status=410)
    with pytest.raises(TemporaryServerError, match="has forgotten the next page"):
        ids(server, page("a", link=HERE))


def test_a_refused_page_is_an_error(web, server):
    web.get(HERE, status=404)
    with pytest.raises(RefusedError):
        ids(server, page("a", link=HERE))


def test_a_circle_ends(web, server):
    web.get(HERE, json=page("b", link=HERE))
    with pytest.raises(ServerError, match="was read before"):
        ids(server, page("a", link=HERE))


def test_an_endless_walk_ends_at_the_cap(web):
    web.get(HERE, json=page("b", link=THERE))
    with make(max_pages=2) as server, pytest.raises(ServerError, match="more than 2 pages"):
        ids(server, page("a", link=HERE))


def test_after_the_deadline_nothing_is_sent(web):
    late = Limits(until=time.monotonic() - 1)
    with make(limits=late) as server, pytest.raises(TemporaryServerError, match="left no time"):
        list(server.search("Observation", {"patient": "p1"}))
    assert len(web.calls) == 0


def test_no_wait_is_longer_than_what_is_left(web):
    web.get(HERE, json=page("b"))
    soon = Limits(connect_s=30, read_s=30, until=time.monotonic() + 20)
    with make(limits=soon) as server:
        assert ids(server, page("a", link=HERE)) == ["b"]
    connect, read = web.calls[0].request.req_kwargs["timeout"]
    assert 0 < connect <= 20
    assert 0 < read <= 10


def test_an_answer_that_drips_ends_with_the_deadline(web, monkeypatch):
    """The clock is read when sending and after each piece: here the piece comes too late."""
    web.get(HERE, json=page("b"))
    moments = iter([0.0, 1.0, 9.0])
    monkeypatch.setattr("b12fhir.adapters.server.transport.time.monotonic", lambda: next(moments))
    with (
        make(limits=Limits(until=8.0)) as server,
        pytest.raises(TemporaryServerError, match="did not finish"),
    ):
        ids(server, page("a", link=HERE))

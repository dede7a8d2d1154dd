"""Histories and whole records over HTTP: what odd servers answer, and what is made of it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses

from b12fhir.adapters.server import Patience, RestServer
from b12fhir.errors import RefusedError, ServerError, TemporaryServerError
from b12fhir.ports import Version

BASE = "https://ehr.example/fhir"
TYPE = f"{BASE}/Observation/_history"
ONE = f"{BASE}/Observation/o1/_history"
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
ANSWERED = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    """A web in which every prepared answer must be asked for."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def server() -> Iterator[RestServer]:
    with RestServer(BASE, patience=Patience(retries=0), clock=lambda: NOW) as rest:
        yield rest


def version(number: int | str, minute: int = 0, id_: str = "o1") -> dict:
    meta = {"versionId": str(number), "lastUpdated": f"2026-11-21T09:{minute:02}:00Z"}
    resource = {"resourceType": "Observation", "id": id_, "meta": meta}
    return {"resource": resource, "request": {"method": "PUT"}}


def deletion(url: str = "Observation/o1/_history/2", **response: str) -> dict:
    return {"request": {"method": "DELETE", "url": url}, "response": response}


def history(*entries: object, link: str = "", **more: Any) -> dict:
    links = [{"relation": "next", "url": link}] if link else []
    meta = {"lastUpdated": "2026-11-21T09:30:00Z"}
    return {
        "resourceType": "Bundle",
        "type": "history",
        "meta": meta,
        "entry": list(entries),
        "link": links,
        **more,
    }


def test_deletions_are_asked_for_uncached_from_a_moment_on(web, server):
    web.get(TYPE, json=history())
    since = datetime(2026, 11, 21, 8, 0, 0, 1500, tzinfo=UTC)
    assert list(server.deleted("Observation", since)) == []
    sent = web.calls[0].request
    assert sent.headers["Cache-Control"] == "no-cache"
    assert sent.params == {"_count": "200", "_since": "2026-11-21T08:00:00.001Z"}


def test_without_a_moment_the_whole_history_is_asked_for(web, server):
    web.get(TYPE, json=history())
    assert list(server.deleted("Observation", None)) == []
    assert web.calls[0].request.params == {"_count": "200"}


def test_pages_that_shift_give_each_deletion_once(web, server):
    """Pages by offset are no snapshot: what is written meanwhile pushes entries onto the next."""
    gone = deletion()
    other = deletion("Observation/o2/_history/7")
    web.get(TYPE, json=history(gone, version(1, id_="o3"), link=f"{TYPE}?_offset=2"))
    web.get(TYPE, json=history(gone, version(1, id_="o3"), other))
    found = list(server.deleted("Observation", None))
    assert [(one.id, one.version) for one in found] == [("o1", "2"), ("o2", "7")]


@pytest.mark.parametrize(
    ("entries", "at"),
    [
        # HAPI does not date deletions: the newest of all is no later than the answer.
        ([deletion()], ANSWERED),
        # And any other no later than what stands before it, for the newest come first.
        ([version(1, 20, "o3"), deletion()], ANSWERED - timedelta(minutes=10)),
        ([deletion(lastModified="2026-11-21T08:00:00Z")], datetime(2026, 11, 21, 8, tzinfo=UTC)),
    ],
)
def test_a_deletion_is_dated_as_well_as_can_be(web, server, entries, at):
    web.get(TYPE, json=history(*entries))
    assert list(server.deleted("Observation", None)) == [Version("Observation", "o1", "2", at)]


def test_a_server_that_does_not_date_its_answers_is_dated_by_our_clock(web, server):
    web.get(TYPE, json=history(deletion(), meta={}))
    (found,) = server.deleted("Observation", None)
    assert found.at == NOW


@pytest.mark.parametrize(
    ("entry", "number"),
    [
        (deletion("Observation/o1", etag='W/"5"'), "5"),
        (deletion("Observation/o1", etag="6"), "6"),
        (deletion("Observation/o1", lastModified="2026-11-21T08:00:00Z"), "2026-11-21T08:00:00Z"),
        ({**deletion("?x"), "fullUrl": f"{BASE}/Observation/o1/_history/8"}, "8"),
    ],
)
def test_which_version_a_deletion_is(web, server, entry, number):
    web.get(TYPE, json=history(entry))
    (found,) = server.deleted("Observation", None)
    assert (found.kind, found.id, found.version) == ("Observation", "o1", number)


@pytest.mark.parametrize("entry", [deletion("?identifier=x"), {"request": {"method": "PUT"}}, 3])
def test_an_entry_that_does_not_say_what_it_is_about_is_not_passed_over(web, server, entry):
    web.get(TYPE, json=history(entry))
    with pytest.raises(ServerError, match="reading the history of Observation"):
        list(server.deleted("Observation", None))


def test_less_than_announced_is_not_taken_for_all(web, server):
    web.get(TYPE, json=history(deletion(), total=2))
    with pytest.raises(TemporaryServerError, match="announced 2"):
        list(server.deleted("Observation", None))


def test_a_circle_of_pages_ends(web, server):
    web.get(TYPE, json=history(deletion(), link=f"{TYPE}?_offset=1"))
    with pytest.raises(ServerError, match="read before"):
        list(server.deleted("Observation", None))


def test_a_link_to_another_server_is_not_followed(web, server):
    web.get(TYPE, json=history(deletion(), link="https://ehr.example.evil/fhir/x"))
    with pytest.raises(ServerError, match="another server"):
        list(server.deleted("Observation", None))


def test_versions_come_page_by_page_without_deletions(web, server):
    web.get(ONE, json=history(version(3), deletion(), link=f"{ONE}?_offset=2"))
    web.get(ONE, json=history(version(1)))
    found = server.history("Observation", "o1")
    assert next(found)["meta"]["versionId"] == "3"
    assert len(web.calls) == 1
    assert [one["meta"]["versionId"] for one in found] == ["1"]


def test_versions_that_a_history_leaves_out_are_read_by_number(web, server):
    """HAPI 8.8.0 lists nothing from before a deletion, once the resource is there again."""
    web.get(ONE, json=history(version(5), deletion("Observation/o1/_history/4")))
    web.get(f"{ONE}/3", json=version(3)["resource"])
    web.get(f"{ONE}/2", status=410, json={})
    web.get(f"{ONE}/1", json=version(1)["resource"])
    found = [one["meta"]["versionId"] for one in server.history("Observation", "o1")]
    assert found == ["5", "3", "1"]


def test_what_is_not_kept_any_more_ends_the_history(web, server):
    web.get(ONE, json=history(version(5)))
    web.get(f"{ONE}/4", status=404, json={})
    assert [one["meta"]["versionId"] for one in server.history("Observation", "o1")] == ["5"]


def test_versions_without_numbers_are_as_the_history_gives_them(web, server):
    web.get(ONE, json=history(version("b"), version("a")))
    found = [one["meta"]["versionId"] for one in server.history("Observation", "o1")]
    assert found == ["b", "a"]


def test_a_record_is_asked_for_without_the_patient_in_the_url(web, server):
    url = f"{BASE}/Patient/$everything"
    entry = {"resource": {"resourceType": "Patient", "id": "p1"}}
    web.post(url, json={"resourceType": "Bundle", "type": "searchset", "entry": [entry]})
    found = list(server.everything("p1", ("Patient", "Observation"), 50))
    assert [one["id"] for one in found] == ["p1"]
    sent = web.calls[0].request
    assert sent.headers["Cache-Control"] == "no-cache"
    assert json.loads(sent.body)["parameter"] == [
        {"name": "_id", "valueString": "p1"},
        {"name": "_type", "valueString": "Patient,Observation"},
        {"name": "_count", "valueInteger": 50},
    ]


def test_a_refusal_is_told_as_such(web, server):
    web.post(f"{BASE}/Patient/$everything", status=410, json={})
    with pytest.raises(RefusedError) as caught:
        list(server.everything("p1", ("Patient",), 50))
    assert caught.value.status == 410


def test_requests_are_counted(web, server):
    web.get(ONE, json=history(version(2), link=f"{ONE}?_offset=1"))
    web.get(ONE, json=history(version(1)))
    list(server.history("Observation", "o1"))
    assert server.requests == 2

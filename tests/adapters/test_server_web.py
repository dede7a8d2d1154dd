"""Requests to what is no FHIR server: made anew for each try, patient, and without a token."""

from contextlib import closing
from datetime import UTC, datetime
from itertools import count

import pytest

from b12fhir.adapters.server import Limits, Patience, Web
from b12fhir.adapters.server.transport import Transport
from b12fhir.errors import TemporaryServerError
from b12fhir.kernel.http import Request
from tests.support.web import Reply, reply, serving

pytestmark = pytest.mark.loopback
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


class Asking:
    """Asks a scripted server, and keeps the waits between the tries."""

    def __init__(self, *replies: Reply, retries: int = 2) -> None:
        self.waits: list[float] = []
        self._replies = iter(replies)
        self._numbers = count()
        self._patience = Patience(retries=retries, first=1, jitter=lambda: 0)

    def __call__(self):
        with serving(lambda _: next(self._replies)) as self.server:
            web = Web(patience=self._patience, pause=self.waits.append, clock=lambda: NOW)
            return web.ask("the office", self._request)

    def _request(self) -> Request:
        body = b"try %d" % next(self._numbers)
        return Request("POST", f"{self.server.origin}/office", "asking for a stamp", {}, body)

    @property
    def bodies(self) -> list[bytes]:
        return [asked.body for asked in self.server.asked]


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 404])
def test_what_is_no_fault_of_the_server_is_an_answer(status):
    asking = Asking(reply(status, "stamp" if status == 200 else "", Date="today"))
    answer = asking()
    assert (answer.status, answer.headers["date"]) == (status, "today")
    assert asking.waits == []
    assert "Authorization" not in asking.server.asked[0].headers


@pytest.fixture
def proxied(monkeypatch):
    """Sets the proxy of the environment, and who is asked without one."""

    def told(proxy: str, without: str = "") -> None:
        for name, value in (("http_proxy", proxy), ("no_proxy", without)):
            # The library looks at the small letters first.
            monkeypatch.setenv(name, value)
            monkeypatch.setenv(name.upper(), value)

    return told


def test_a_proxy_of_the_environment_is_asked_each_time(proxied):
    """It is looked up once for a connection: later requests must go the same way."""
    with serving(lambda _: reply(200)) as proxy, closing(Transport("it", Limits())) as transport:
        proxied(proxy.origin)
        for _ in range(2):
            transport.send(Request("GET", "http://office.example/stamps", "asking"))
    assert [asked.path for asked in proxy.asked] == ["http://office.example/stamps"] * 2


def test_who_is_to_be_asked_without_a_proxy_is(proxied):
    proxied("http://127.0.0.1:9", without="127.0.0.1")
    with serving(lambda _: reply(200)) as server, closing(Transport("it", Limits())) as transport:
        transport.send(Request("GET", f"{server.origin}/stamps", "asking"))
    assert [asked.path for asked in server.asked] == ["/stamps"]


def test_nothing_of_a_request_or_an_answer_is_shown():
    """They hold what proves who we are."""
    asking = Asking(reply(200, "secret stamp"))
    assert "stamp" not in repr(asking())
    request = Request("POST", "https://a", "asking", {"X": "secret"}, b"secret")
    assert "secret" not in repr(request)


@pytest.mark.parametrize(
    "trouble", [reply(500), reply(503), reply(429), Reply(hang_up=True), Reply(body=b"123", cut=1)]
)
def test_each_try_is_made_anew(trouble):
    """What was sent once may have been used up."""
    asking = Asking(trouble, trouble, reply(200, "stamp"))
    assert asking().body == b"stamp"
    assert asking.bodies == [b"try 0", b"try 1", b"try 2"]
    assert asking.waits == [1, 2]


def test_what_it_asks_for_is_waited():
    asking = Asking(
        reply(429, Retry_After="9"),
        reply(503, Retry_After="Sat, 21 Nov 2026 10:00:07 GMT"),
        reply(200),
    )
    asking()
    assert asking.waits == [9, 7]


def test_patience_ends_with_the_last_trouble():
    asking = Asking(reply(500), reply(502), reply(503))
    with pytest.raises(TemporaryServerError) as caught:
        asking()
    assert str(caught.value).startswith("the office answered 503 while asking for a stamp.")
    assert caught.value.status == 503


def test_a_broken_connection_that_lasts_is_told():
    with pytest.raises(TemporaryServerError, match="the office could not be reached"):
        Asking(Reply(hang_up=True), retries=0)()

"""FHIR servers that hang, drip, lie and redirect: the answer comes in time, and names the cause."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from b12fhir.adapters.server import Limits, Patience, RestServer
from b12fhir.service.hooks.model import Hook
from tests.support.hook_messages import body
from tests.support.hook_parts import Gate, House, bundle, prefetch
from tests.support.phi import TOKEN

pytestmark = pytest.mark.loopback

DEADLINE_S = 1.0
Behaviour = Callable[[socket.socket], None]


def send(connection: socket.socket, head: str, text: str = "") -> None:
    connection.sendall(f"HTTP/1.1 {head}\r\n\r\n{text}".encode())


def hang(connection: socket.socket) -> None:
    """Take the request and never answer."""
    while connection.recv(65536):
        pass


def drip(connection: socket.socket) -> None:
    """One byte now and then, for ever."""
    send(connection, "200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 1000000")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def stall(connection: socket.socket) -> None:
    """Begin an answer, then hang."""
    send(connection, "200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 99", "{")
    hang(connection)


def portal(connection: socket.socket) -> None:
    page = "<html>Please log in</html>"
    send(connection, f"200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}", page)


def half(connection: socket.socket) -> None:
    send(
        connection,
        "200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 10",
        '{"resourc',
    )
    connection.close()


def failing(connection: socket.socket) -> None:
    send(connection, "500 Oops\r\nContent-Length: 0")


def unauthorized(connection: socket.socket) -> None:
    send(connection, "401 No\r\nContent-Length: 0")


@contextmanager
def serving(behave: Behaviour) -> Iterator[tuple[str, list[bytes]]]:
    """A server that treats each request like this; its base, and what it was sent."""
    heard: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        with closing(connection):
            try:
                heard.append(connection.recv(65536))
                behave(connection)
            except OSError:
                pass

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/fhir", heard
        listener.shutdown(socket.SHUT_RDWR)


def house_of(base: str) -> House:
    """The service with the real client, allowed to ask at ``base`` for a second in all."""

    def opened(at: str, token: str) -> RestServer:
        limits = Limits(until=time.monotonic() + DEADLINE_S)
        patience = Patience(retries=1, first=0.01, most=0.05)
        return RestServer(at, token=lambda: token, limits=limits, patience=patience)

    return House(gate=Gate(fhir_servers=frozenset({base})), open_server=opened)


def refusal(house: House, base: str, **members: Any) -> dict[str, Any]:
    grant = {"access_token": TOKEN, "token_type": "Bearer"}
    sent = body(Hook.PATIENT_VIEW, fhirServer=base, fhirAuthorization=grant, **members)
    begun = time.monotonic()
    answer = house.call(sent)
    assert time.monotonic() - begun < 4 * DEADLINE_S
    assert answer.status_code == 412, answer.get_data(as_text=True)
    assert TOKEN not in answer.get_data(as_text=True)
    return answer.json["issue"][0]


@pytest.mark.parametrize(
    ("behave", "cause"),
    [
        (hang, "in time|no time"),
        (drip, "in time|no time"),
        (stall, "in time|broke off|reached|no time"),
        (portal, "web page"),
        (half, "broke off|broken or incomplete"),
        (failing, "answered 500"),
        (unauthorized, "answered 401"),
    ],
)
def test_it_is_told_in_time(behave, cause):
    with serving(behave) as (base, _):
        found = refusal(house_of(base), base)
    assert found["expression"] == ["prefetch.patient"]
    assert any(words in found["diagnostics"] for words in cause.split("|"))


def test_nobody_there():
    with serving(hang) as (base, _):
        pass
    assert "could not be reached" in refusal(house_of(base), base)["diagnostics"]


def test_a_next_page_that_hangs_is_told_in_time():
    with serving(hang) as (base, _):
        held = bundle(link=[{"relation": "next", "url": f"{base}?page=2"}])
        found = refusal(house_of(base), base, prefetch=prefetch(labs=held))
    assert found["expression"] == ["prefetch.labs"]


def test_the_token_does_not_go_where_a_redirect_or_a_link_leads():
    with serving(hang) as (elsewhere, heard):
        other = f"{elsewhere}/Patient"

        def redirect(connection: socket.socket) -> None:
            send(connection, f"307 There\r\nLocation: {other}\r\nContent-Length: 0")

        with serving(redirect) as (base, asked):
            assert "redirect" in refusal(house_of(base), base)["diagnostics"]
            held = bundle(link=[{"relation": "next", "url": other}])
            found = refusal(house_of(base), base, prefetch=prefetch(labs=held))
            assert "another server" in found["diagnostics"]
        assert any(TOKEN.encode() in one for one in asked)
    assert heard == []

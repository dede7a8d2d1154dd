"""The surroundings are as hostile as they say."""

import socket
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests
from pytest_socket import SocketBlockedError, SocketConnectBlockedError

from tests.support.surroundings import NOW

SOMEWHERE = ("192.0.2.1", 80)  # an address reserved for documentation


def test_the_clock_stands_still() -> None:
    before = time.time()
    time.sleep(0.01)
    assert time.time() == before == NOW.timestamp()
    assert datetime.now(UTC) == NOW


def test_local_time_is_not_utc(now: datetime) -> None:
    local = datetime.now().astimezone()
    assert local.utcoffset() == timedelta(hours=5, minutes=45)
    assert local == now
    assert date.today() == now.date()  # noqa: DTZ011 - what the system's zone says is the point


def test_timers_run_on() -> None:
    before = time.monotonic()
    time.sleep(0.01)
    assert time.monotonic() > before


def test_a_socket_is_refused() -> None:
    with pytest.raises(SocketBlockedError):
        socket.socket()


def test_a_name_is_not_looked_up() -> None:
    with pytest.raises(SocketBlockedError):
        socket.getaddrinfo("localhost", 80)


def test_a_request_is_refused() -> None:
    with pytest.raises(SocketBlockedError):
        requests.get("http://127.0.0.1:1/fhir/metadata", timeout=1)


@pytest.mark.loopback
def test_a_marked_test_reaches_loopback() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()


@pytest.mark.loopback
def test_a_marked_test_reaches_nothing_else() -> None:
    with socket.socket() as client, pytest.raises(SocketConnectBlockedError):
        client.connect(SOMEWHERE)


def test_the_environment_is_clean_and_the_real_server_is_marked(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own: this one's environment is clean already."""
    monkeypatch.setenv("B12FHIR_SERVER", "http://elsewhere.example/fhir")
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makepyfile(
        """
        import os
        import pytest

        @pytest.fixture
        def hapi():
            raise AssertionError("not to be started")

        def test_real_server(hapi): ...

        def test_clean():
            assert not [n for n in os.environ if n.startswith("B12FHIR_") or n.endswith("_proxy")]
        """
    )
    result = pytester.runpytest_subprocess("-p", "tests.support.surroundings", "-m", "not hapi")
    result.assert_outcomes(passed=1, deselected=1)

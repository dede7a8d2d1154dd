"""Servers that are down or answer badly: what the command line says, and its exit code."""

import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from b12fhir import wiring
from b12fhir.adapters.server import RestServer
from b12fhir.wiring import house

pytestmark = pytest.mark.loopback
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def impatient(monkeypatch) -> None:
    """Do not really wait between tries."""
    monkeypatch.setattr(house, "RestServer", partial(RestServer, pause=lambda _: None))


@pytest.fixture
def answering() -> Iterator:
    """Start a server that gives one and the same answer; returns its address."""
    servers = []

    def start(status: int, body: bytes, kind: str, **headers: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the name the library calls

            def log_message(self, *_args) -> None:
                """Be quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/fhir"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def b12fhir(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return wiring.main(argv, {}, out, err, lambda: NOW), out.getvalue(), err.getvalue()


@pytest.mark.parametrize("command", ["sync", "doctor"])
@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (200, b"<html>Sign in</html>", "text/html", 20),
        (200, b"<html>Sign in</html>", "application/fhir+json", 20),
        (200, b'{"resourceType": "Patient"}', "application/fhir+json", 20),
        (200, b'{"resourceType": "Capab', "application/fhir+json", 21),
        (302, b"", "text/html", 20),
        (401, b"", "text/plain", 22),
        (403, b"", "text/plain", 22),
        (404, b"not here", "text/plain", 23),
        (429, b"", "text/plain", 21),
        (500, b"oops", "text/plain", 21),
        (503, b"", "text/html", 21),
    ],
)
def test_a_bad_answer_is_one_line_with_the_address(answering, command, status, body, kind, code):
    base = answering(status, body, kind, Retry_After="0")
    got, out, err = b12fhir(command, "--server", base)
    assert out == ""
    assert base in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert got == code, err


@pytest.mark.parametrize("command", ["sync", "doctor"])
def test_a_server_that_is_down_is_named(answering, command):
    # Port 9 (discard) has no listener; the address is this machine's own.
    got, _, err = b12fhir(command, "--server", "http://127.0.0.1:9/fhir")
    assert got == 21
    assert "http://127.0.0.1:9/fhir" in err
    assert err.count("\n") == 1

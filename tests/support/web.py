"""A web server on 127.0.0.1 whose every answer a test decides; with TLS if it likes.

Tests that use it are marked `loopback`.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One answer. ``hang_up`` sends nothing at all; ``cut`` sends so many bytes less than told."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_up: bool = False
    cut: int = 0


def reply(status: int, body: str = "", kind: str = "application/json", **headers: str) -> Reply:
    """An answer; ``Retry_After="3"`` is a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, body.encode(), {"Content-Type": kind, **named})


@dataclass
class Scripted:
    """Its address, and what it was asked."""

    origin: str = ""
    asked: list[Asked] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    tls: ssl.SSLContext | None = None

    def finish_request(self, request, client_address) -> None:
        """The handshake is a matter of the thread of one client: others need not wait for it."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(
            request, server_side=True, do_handshake_on_connect=False
        ) as secure:
            try:
                secure.do_handshake()
            except ssl.SSLError:
                _leave(secure)
                return
            super().finish_request(secure, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error here: it is what some tests are about."""


def _leave(refused: ssl.SSLSocket) -> None:
    """End a connection so that the client hears why: with bytes unread it would be a reset."""
    refused.settimeout(2)
    with suppress(OSError):
        socket.socket.shutdown(refused, socket.SHUT_WR)
        while socket.socket.recv(refused, 4096):
            pass


@contextmanager
def serving(
    answer: Callable[[Asked], Reply], *, tls: ssl.SSLContext | None = None
) -> Iterator[Scripted]:
    """The server on a free port until the block ends."""
    told = Scripted()

    class Handler(BaseHTTPRequestHandler):
        # No date of its own: a test that is about clocks says one.
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
            told.asked.append(asked)
            given = answer(asked)
            self.close_connection = True
            if given.hang_up:
                return
            self.send_response_only(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(given.body[: len(given.body) - given.cut])

        do_POST = do_GET  # noqa: N815 - the name the library calls

        def log_message(self, *_args) -> None:
            """Be quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    server.tls = tls
    told.origin = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

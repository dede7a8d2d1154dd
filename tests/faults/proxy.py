"""A scripted HTTP proxy on 127.0.0.1 between a client and a FHIR server: real answers, until a rule
says otherwise.

Each request has a kind (`Asked.kind`) and a number among its kind; a rule picks some of them and
says what goes wrong. Whatever passes is in ``log``, so that a test can say that the fault it is
about took place. The acts are in `tests.faults.acts`.
"""

import json
import re
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FHIR = "application/fhir+json"
PATIENCE_S = 60
_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
)
_NOT_READING = frozenset({"transaction", "write", "metadata"})
_COUNT = re.compile(r"\b_count=(?!1\b)\d+")
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Asked:
    """One request. ``number`` counts those of its kind, ``read`` those that read, both from 1.

    Kinds: ``metadata``, ``patients`` (a search of Patient that names none), ``search``, ``page``,
    ``everything`` (all about a patient), ``history``, ``transaction``, ``batch``, ``read``,
    ``write``, ``other``. ``of`` is the type.
    """

    kind: str
    of: str
    number: int
    read: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The parameters of a search, wherever they stand."""
        query = self.body.decode() if self.path.endswith("/_search") else urlsplit(self.path).query
        return dict(parse_qsl(query))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def saying(self, body: Any) -> "Answer":
        return Answer(self.status, self.headers, json.dumps(body).encode())


@dataclass
class Line:
    """What became of one request: ``did`` is the name of the rule that was applied, or ``passed``.

    ``status`` is what the server answered, 0 if it was not asked: a ``transaction`` with 200 is
    committed, whatever the client heard of it.
    """

    asked: Asked
    did: str = "passed"
    status: int = 0


class Exchange:
    """A request that waits for its answer, in the hands of a rule."""

    def __init__(self, asked: Asked, line: Line, proxy: "Proxy", handler: "_Handler") -> None:
        self.asked, self.line, self.proxy = asked, line, proxy
        self._handler = handler

    def send_on(self) -> Answer:
        """Ask the server; what it answers."""
        answer = self._handler.upstream(self.asked)
        self.line.status = answer.status
        return answer

    def reply(self, answer: Answer, **headers: str) -> None:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self._handler.reply(answer, {**answer.headers, **given})

    def drip(self, piece: bytes) -> None:
        """Some bytes of an answer."""
        self._handler.wfile.write(piece)

    def cut(self, sent: bytes = b"") -> None:
        """Break the connection with a reset, perhaps after the beginning of an answer."""
        self._handler.cut(sent)


Act = Callable[[Exchange], None]


@dataclass
class Rule:
    """What to do with some requests of a kind.

    ``kind`` may also be ``any``, or ``reading``: whatever neither writes nor asks for metadata.
    ``turns``: which of those that it fits, counted from 1; none named: all. ``fits`` says more.
    """

    name: str
    kind: str
    act: Act
    turns: frozenset[int] = frozenset()
    fits: Callable[[Asked], bool] = lambda _: True
    met: int = 0

    def takes(self, asked: Asked) -> bool:
        reading = "" if asked.kind in _NOT_READING else "reading"
        if self.kind not in {asked.kind, reading, "any"} or not self.fits(asked):
            return False
        self.met += 1
        return not self.turns or self.met in self.turns


@dataclass
class Proxy:
    """``base`` is where a client asks. ``page``: entries a page, whatever the client wishes.

    ``before`` and ``after`` see each request as it comes, and when the server has answered it and
    the client has not heard of it.
    """

    target: str
    page: int = 0
    rules: list[Rule] = field(default_factory=list)
    log: list[Line] = field(default_factory=list)
    base: str = ""
    stopped: Event = field(default_factory=Event)
    before: Callable[[Asked], None] = lambda _: None
    after: Callable[[Asked], None] = lambda _: None
    _lock: Lock = field(default_factory=Lock)
    _counted: Counter[str] = field(default_factory=Counter)

    def on(self, name: str, kind: str, act: Act, *turns: int, **more: Any) -> "Proxy":
        """Add a rule; the first one that takes a request decides."""
        self.rules.append(Rule(name, kind, act, frozenset(turns), **more))
        return self

    def did(self, name: str) -> int:
        """How often a rule was applied."""
        with self._lock:
            return sum(line.did == name for line in self.log)

    def count(self, kind: str) -> int:
        """How many requests of a kind came."""
        with self._lock:
            return self._counted[kind]

    @property
    def committed(self) -> int:
        """How many transactions the server took."""
        with self._lock:
            return sum(x.asked.kind == "transaction" and x.status == 200 for x in self.log)

    def begin(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Line:
        kind, of = _kind(method, path.removeprefix(urlsplit(self.target).path), body)
        if self.page:
            fewer = f"_count={self.page}"
            path, body = _COUNT.sub(fewer, path), _COUNT.sub(fewer, body.decode()).encode()
        with self._lock:
            self._counted[kind] += 1
            self._counted["reading"] += kind not in _NOT_READING
            asked = Asked(
                kind, of, self._counted[kind], self._counted["reading"], method, path, headers, body
            )
            line = Line(asked)
            self.log.append(line)
            return line

    def act_on(self, asked: Asked) -> Rule | None:
        with self._lock:
            return next((rule for rule in self.rules if rule.takes(asked)), None)


def _kind(method: str, path: str, body: bytes) -> tuple[str, str]:
    """What a request is, by its address below the base."""
    words, query = urlsplit(path).path.strip("/").split("/"), urlsplit(path).query
    of, rest = words[0], words[1:]
    if of in {"", "metadata"}:
        return _of_system(of, method, query, body), ""
    if rest[-1:] == ["_history"] or rest[1:2] == ["_history"]:
        return "history" if len(rest) == 1 else "read", of
    if rest == ["_search"] or (method == "GET" and not rest):
        form = body.decode() if rest else query
        everyone = of == "Patient" and not {"_id", "identifier"} & dict(parse_qsl(form)).keys()
        return "patients" if everyone else "search", of
    if rest[-1:] == ["$everything"]:
        return "everything", of
    known = {"GET": "read", "PUT": "write", "POST": "write", "DELETE": "write"}
    return ("other" if any(w.startswith("$") for w in rest) else known.get(method, "other")), of


def _of_system(of: str, method: str, query: str, body: bytes) -> str:
    if of == "metadata":
        return "metadata"
    if method == "GET":
        return "page" if "_getpages" in query else "other"
    try:
        return str(json.loads(body).get("type", "other"))
    except ValueError:
        return "other"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def shutdown_request(self, request: Any) -> None:
        """No farewell: where `SO_LINGER` says so, closing is a reset."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed hangs up: that is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server: HTTPConnection | None = None

    def finish(self) -> None:
        super().finish()
        if self._server is not None:
            self._server.close()

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        line = self.proxy.begin(self.command, self.path, dict(self.headers.items()), body)
        self.proxy.before(line.asked)
        exchange = Exchange(line.asked, line, self.proxy, self)
        rule = self.proxy.act_on(line.asked)
        if rule is not None:
            line.did = rule.name
            rule.act(exchange)
            return
        exchange.reply(exchange.send_on())

    do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - the names the library calls

    def upstream(self, asked: Asked) -> Answer:
        headers = {k: v for k, v in asked.headers.items() if k.lower() != "accept-encoding"}
        try:
            got = self._exchanged(asked, headers)
        except (HTTPException, OSError):
            # A connection that stood idle may have been closed; nothing was sent on it twice.
            self._server = None
            got = self._exchanged(asked, headers)
        self.proxy.after(asked)
        return got

    def _exchanged(self, asked: Asked, headers: Mapping[str, str]) -> Answer:
        if self._server is None:
            there = urlsplit(self.proxy.target)
            self._server = HTTPConnection(there.hostname or "", there.port, timeout=PATIENCE_S)
        kept = {k: v for k, v in headers.items() if k.lower() != "content-length"}
        self._server.request(asked.method, asked.path, asked.body or None, kept)
        got = self._server.getresponse()
        kept = {k: v for k, v in got.getheaders() if k.lower() not in _HOP}
        return Answer(got.status, kept, got.read())

    def reply(self, answer: Answer, headers: Mapping[str, str]) -> None:
        self.wfile.write(head(answer.status, headers, len(answer.body)) + answer.body)

    def cut(self, sent: bytes) -> None:
        if sent:
            self.wfile.write(sent)
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Nothing: what is asked holds a patient's id."""


def head(status: int, headers: Mapping[str, str], length: int) -> bytes:
    """The beginning of an answer, as it goes over the wire."""
    rows = [f"{name}: {value}" for name, value in headers.items()]
    rows = [f"HTTP/1.1 {status} -", *rows, f"Content-Length: {length}"]
    return ("\r\n".join(rows) + "\r\n\r\n").encode()


@contextmanager
def between(target: str) -> Iterator[Proxy]:
    """A proxy before ``target`` (the base of a FHIR server) until the block ends."""
    proxy = Proxy(target)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = _Server(("127.0.0.1", 0), handler)
    proxy.base = f"http://127.0.0.1:{server.server_port}{urlsplit(target).path}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()

"""An EHR's FHIR server on 127.0.0.1: real HTTP in front of a memory server, and how it can fail.

Tests that use it are marked `loopback`.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from b12fhir.adapters.memory import MemoryServer
from b12fhir.errors import RefusedError
from b12fhir.fhir.json import encode

Answer = tuple[int, str, bytes]
Failing = Callable[[str], Answer | None]
_FHIR = "application/fhir+json"


@dataclass
class Ehr:
    """What the server holds, how it answers, and what it was asked.

    ``token``: the one it wants, if any. ``page``: entries a page, 0 for all at once. ``fails``
    gives the answer to a path (``Observation/_search``) that is to go wrong, else ``None``.
    ``asked`` are the paths, ``tokens`` the Authorization headers, in the order of the requests.
    """

    records: MemoryServer
    base: str = ""
    token: str = ""
    page: int = 0
    fails: Failing = lambda _: None
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)
    _searches: list[Sequence[Mapping[str, Any]]] = field(default_factory=list)

    def answer(self, path: str, form: Mapping[str, str], token: str) -> Answer:
        """Status, content type and body for one request."""
        self.asked.append(path)
        self.tokens.append(token)
        if self.token and token != f"Bearer {self.token}":
            return outcome(401, "login")
        return self.fails(path) or self._found(path, form)

    def _found(self, path: str, form: Mapping[str, str]) -> Answer:
        kind, _, name = path.partition("/")
        if kind == "page":
            number, start = name.split("-")
            return self._page(int(number), int(start))
        try:
            if name not in {"", "_search"}:
                (one,) = self.records.search(kind, {"_id": name})
                return 200, _FHIR, encode(one)
            self._searches.append(list(self.records.search(kind, form)))
        except (ValueError, RefusedError):
            return outcome(404 if name else 400, "not-found")
        return self._page(len(self._searches) - 1, 0)

    def _page(self, number: int, start: int) -> Answer:
        found = self._searches[number]
        end = start + (self.page or len(found) or 1)
        link = [{"relation": "next", "url": f"{self.base}/page/{number}-{end}"}]
        bundle = searchset(found[start:end], len(found), link if end < len(found) else [])
        return 200, _FHIR, encode(bundle)


def searchset(
    found: Sequence[Mapping[str, Any]], total: int | None = None, link: Sequence[Any] = ()
) -> dict[str, Any]:
    """A page of a search as servers send it."""
    entries = [{"resource": one, "search": {"mode": "match"}} for one in found]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": total or len(found)}
    return bundle | ({"link": list(link)} if link else {}) | ({"entry": entries} if entries else {})


def outcome(status: int, code: str = "exception") -> Answer:
    """A failure as FHIR servers word it."""
    issue = {"severity": "error", "code": code, "diagnostics": "as the test wants it"}
    return status, _FHIR, encode({"resourceType": "OperationOutcome", "issue": [issue]})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error here: it is what some tests are about."""


@contextmanager
def serving(ehr: Ehr) -> Iterator[Ehr]:
    """The server on a free port until the block ends; ``ehr.base`` is then its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply(dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._reply(dict(parse_qsl(self.rfile.read(length).decode())))

        def _reply(self, form: Mapping[str, str]) -> None:
            path = urlsplit(self.path).path.removeprefix("/fhir/")
            token = self.headers.get("Authorization", "")
            status, kind, body = ehr.answer(path, form, token)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Nothing: what is asked holds a patient's id."""

    server = _Server(("127.0.0.1", 0), Handler)
    ehr.base = f"http://127.0.0.1:{server.server_port}/fhir"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield ehr
    finally:
        ehr.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def hanging(ehr: Ehr, seconds: float) -> Failing:
    """Says nothing for a while, or until the test is over."""

    def fails(_: str) -> Answer | None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not ehr.stopped.wait(0.05):
            pass
        return None

    return fails


HTML: Answer = (200, "text/html", b"<html>Log in</html>")
TRUNCATED: Answer = (200, _FHIR, json.dumps(searchset([])).encode()[:20])

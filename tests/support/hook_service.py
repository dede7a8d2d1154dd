"""The whole CDS Hooks service, put together of real parts, and calls of it as an EHR makes them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from b12fhir.adapters.cds_hooks import create_app
from b12fhir.adapters.cds_hooks.messages import schema
from b12fhir.adapters.cds_hooks.metrics import Metrics
from b12fhir.adapters.cds_hooks.parts import HookLimits, Parts
from b12fhir.adapters.database.book import SqlBook, book_store
from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.server import RestServer
from b12fhir.adapters.server.retry import Patience
from b12fhir.adapters.server.transport import Limits
from b12fhir.adapters.trust import OpenGate
from b12fhir.fhir.json import decode, encode
from b12fhir.fhir.site import Site
from b12fhir.ports import Gatekeeper, HookServer
from b12fhir.protocol.load import load_protocol
from b12fhir.service.hooks.model import Hook
from b12fhir.service.hooks.services import Query, queries
from tests.support import hook_messages
from tests.support.ehr import searchset

PUBLIC = "https://b12.example"
SITE = Site()
OWN = "org.b12fhir"
_RESPONSE = Draft202012Validator(schema("response"))
_OUTCOME = Draft202012Validator(schema("operation-outcome"))
# Short, so that a test of a server that hangs does not take long itself.
_DEADLINE_S, _PAGES = 2.0, 5


def path(hook: Hook) -> str:
    """The address of the service of a hook."""
    return f"/cds-services/b12-{hook.value}"


def asked() -> tuple[Query, ...]:
    """The queries of the discovery."""
    return queries(load_protocol(), SITE)


def prefetched(resources: Iterable[Mapping[str, Any]], patient: str) -> dict[str, Any]:
    """What a client sends for these resources when it resolves every template."""
    server = MemoryServer(resources)
    found = {q.key: list(server.search(q.kind, q.search(patient))) for q in asked()}
    return {
        query.key: (found[query.key] or [None])[0]
        if query.kind == "Patient"
        else searchset(found[query.key])
        for query in asked()
    }


def unreachable(base: str, token: str) -> HookServer:
    """No test that sends everything may lead to a call of the client's server."""
    raise AssertionError(f"{base} was opened, with {'a' if token else 'no'} token")


def rest(base: str, token: str) -> HookServer:
    """The client's server as it is read in earnest, with short deadlines."""
    return RestServer(
        base,
        token=lambda: token,
        limits=Limits(connect_s=1, read_s=_DEADLINE_S, total_s=_DEADLINE_S),
        patience=Patience(retries=0),
        max_pages=_PAGES,
    )


@dataclass
class Door:
    """One service and a client of it."""

    client: FlaskClient
    book: SqlBook
    metrics: Metrics

    def post(self, hook: Hook, body: object, **headers: str) -> TestResponse:
        """Send a body, raw bytes as they are, and check the form of whatever comes back."""
        data = body if isinstance(body, bytes) else encode(body)
        answer = self.client.post(
            path(hook), data=data, content_type="application/json", headers=headers
        )
        assert wrong(answer) == []
        return answer

    def told(self, hook: Hook, resources: Sequence[Mapping[str, Any]], **members: Any) -> Any:
        """The decoded answer to a call that sends all of these resources of one patient."""
        patient = next(one["id"] for one in resources if one["resourceType"] == "Patient")
        context = members.pop("context", {})
        body = hook_messages.body(hook, patient, prefetch=prefetched(resources, patient), **members)
        body["context"] |= context
        answer = self.post(hook, body)
        assert answer.status_code == 200, answer.text
        return decode(answer.data)


def wrong(answer: TestResponse) -> list[str]:
    """What is wrong with an answer's form: cards, or an OperationOutcome, or nothing at all."""
    if answer.status_code == 401:
        return ["a 401 with a body"] if answer.data else []
    if answer.status_code == 200:
        found = _RESPONSE.iter_errors(decode(answer.data))
    elif answer.status_code < 500:
        found = _OUTCOME.iter_errors(decode(answer.data))
    else:
        return [f"status {answer.status_code}"]
    return [f"{one.json_path}: {one.message[:300]}" for one in found]


@contextmanager
def door(
    folder: Path,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    open_server: Callable[[str, str], HookServer] = unreachable,
    servers: Iterable[str] = (),
    gate: Gatekeeper | None = None,
    origins: Iterable[str] = (),
    limits: HookLimits | None = None,
):
    """The service with its state in ``folder``. ``servers``: base addresses that calls may name."""
    book = SqlBook(book_store(f"sqlite:///{folder / 'book.sqlite'}"), now)
    book.prepare()
    metrics = Metrics()
    parts = Parts(
        gate=gate or OpenGate(frozenset(servers)),
        book=book,
        open_server=open_server,
        protocol=lambda _: load_protocol(),
        site=lambda _: SITE,
        clock=now,
        public=PUBLIC,
        metrics=metrics,
        origins=frozenset(origins),
        limits=limits or HookLimits(),
    )
    try:
        yield Door(create_app(parts).test_client(), book, metrics)
    finally:
        book.close()

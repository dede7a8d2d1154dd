"""The service as a process: workers that share what they must, an end that loses no answer."""

import json
import re
import socket
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest

from b12fhir.adapters.memory import MemoryServer
from tests.support.ehr import Ehr, outcome, serving
from tests.support.hook_parts import observation, prefetch
from tests.support.phi import FAMILY, MRN, TOKEN, assert_no_phi
from tests.support.serving import Service, real_time, service
from tests.support.tokens import ISSUER, ec_signer, jwks

pytestmark = pytest.mark.loopback

VIEW = "/cds-services/b12-patient-view"


def client(folder: Path, more: str = "") -> str:
    (folder / "keys.json").write_bytes(jwks(ec_signer()))
    return f'{more}\n[[client]]\nissuer = "{ISSUER}"\njwks_file = "{folder}/keys.json"\n'


def call(patient: str = "p1", **others) -> dict:
    """A patient-view call about somebody with a low B12 of last week."""
    day = datetime.fromtimestamp(real_time(), UTC) - timedelta(days=7)
    lab = observation("b12", "95", patient=patient, effectiveDateTime=day.isoformat())
    return {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/dr1", "patientId": patient},
        "prefetch": prefetch(lab, of=patient),
        **others,
    }


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One service with two workers for the tests that do not end it."""
    folder = tmp_path_factory.mktemp("serve")
    with service(folder, client(folder, "hooks_workers = 2\nhooks_threads = 2\n")) as one:
        yield one


def test_it_answers_with_a_card(running: Service):
    answer = running.ask(VIEW, call())
    assert answer.status == 200
    (card,) = answer.json["cards"]
    assert "95" in card["summary"]


def test_a_token_is_asked_for_and_made_out_to_the_address(running: Service):
    discovery = "/cds-services"
    assert running.ask(discovery).status == 200
    for token in ("", "Bearer x.y.z", running.bearer(VIEW), running.bearer(discovery, exp=0)):
        refused = running.ask(discovery, token=token)
        assert refused.status == 401
        assert refused.body == b""
        assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_counts_once_among_all_workers(running: Service):
    """Twelve connections at once fall to both workers; one of them is let in."""
    token = running.bearer("/cds-services")
    got: list[int] = []

    def ask() -> None:
        got.append(running.ask("/cds-services", token=token).status)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got) == [200] + [401] * 11


def test_what_one_worker_heard_the_other_knows(running: Service):
    """A reader's answer silences the card at whichever worker the next call arrives."""
    (card,) = running.ask(VIEW, call("heard")).json["cards"]
    entry = {
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": {
            "reason": {
                "code": "patient-refuses",
                "system": card["overrideReasons"][0]["system"],
            }
        },
        "outcomeTimestamp": datetime.fromtimestamp(real_time(), UTC).isoformat(),
    }
    assert running.ask(f"{VIEW}/feedback", {"feedback": [entry]}).status == 200
    silent = 0
    for _ in range(60):  # each worker knows it within a second or so
        silent = 0 if running.ask(VIEW, call("heard")).json["cards"] else silent + 1
        if silent == 8:
            return
        real_sleep(0.2)
    pytest.fail("a worker goes on showing what was answered")


def test_figures_are_those_of_all_workers(running: Service):
    before = figure(running, 'b12fhir_hook_refused_total{reason="no-token"}')
    for _ in range(8):
        running.ask("/cds-services", token="none")  # noqa: S106 - no token
    assert figure(running, 'b12fhir_hook_refused_total{reason="no-token"}') == before + 8


def figure(running: Service, name: str) -> float:
    lines = running.ask("/metrics", token="").body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_it_says_that_it_is_alive_and_ready(running: Service):
    assert [running.ask(path, token="").status for path in ("/healthz", "/readyz")] == [200, 200]


def test_the_log_tells_calls_and_names_nobody(running: Service):
    """Names in a path, a query, a header or a request that is no HTTP get nowhere near it."""
    running.ask(f"/cds-services/{FAMILY}?patient={MRN}", token=f"Bearer {TOKEN}")
    running.ask(f"/{MRN}", {"a": FAMILY}, token=TOKEN)
    for raw in (f"GET /{FAMILY} NONSENSE\r\n\r\n", f"{FAMILY} {MRN}\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", running.port), 30) as connection:
            connection.sendall(raw.encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert_no_phi(running.log)
    assert " INFO b12fhir.hooks: POST other 404 " in running.log
    assert "WARNING gunicorn.error: Invalid request from ip=127.0.0.1\n" in running.log
    for line in running.log.splitlines():
        assert line.startswith(("b12fhir: ", "20")), line


def real_sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


class SlowFhir(BaseHTTPRequestHandler):
    """A FHIR server that takes its time, and has nothing."""

    asked, freed = threading.Event(), threading.Event()
    takes_s = 1.5

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.set()
        self.freed.wait(self.takes_s)
        body = json.dumps({"resourceType": "Bundle", "type": "searchset", "total": 0}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name the library calls

    def log_message(self, *_args) -> None:
        """Be quiet."""


@pytest.fixture
def slow():
    SlowFhir.asked.clear()
    SlowFhir.freed.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowFhir)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/fhir"
    server.shutdown()
    server.server_close()


def test_who_waits_for_a_slow_server_holds_nobody_up(tmp_path, slow, monkeypatch):
    """One process: calls that need nothing from elsewhere are answered while it waits."""
    monkeypatch.setattr(SlowFhir, "takes_s", 60)
    config = client(
        tmp_path,
        f"hooks_workers = 1\nhooks_threads = 2\nhooks_deadline = 9\n"
        f'hooks_fhir_servers = ["{slow}"]\n',
    )
    asked = call(prefetch={**call()["prefetch"]}, fhirServer=slow)
    del asked["prefetch"]["conditions"]
    order = []
    with service(tmp_path, config) as one:

        def ask() -> None:
            assert len(one.ask(VIEW, asked).json["cards"]) == 1
            order.append("slow")

        calling = threading.Thread(target=ask)
        calling.start()
        assert SlowFhir.asked.wait(30)
        for _ in range(3):
            assert len(one.ask(VIEW, call("p2")).json["cards"]) == 1
            order.append("quick")
        SlowFhir.freed.set()
        calling.join(60)
    assert order == ["quick", "quick", "quick", "slow"]


def test_a_call_under_way_is_answered_before_the_end(tmp_path, slow):
    """SIGTERM while it waits for the client's FHIR server: the answer comes, then the end."""
    config = client(tmp_path, f'hooks_workers = 1\nhooks_fhir_servers = ["{slow}"]\n')
    with service(tmp_path, config) as one:
        asked = call(prefetch={**call()["prefetch"]}, fhirServer=slow)
        del asked["prefetch"]["conditions"]
        got = []
        calling = threading.Thread(target=lambda: got.append(one.ask(VIEW, asked)))
        calling.start()
        assert SlowFhir.asked.wait(30)
        assert one.stop() == 0
        calling.join(30)
        assert [answer.status for answer in got] == [200]
        assert len(got[0].json["cards"]) == 1
        left = Path(tempfile.gettempdir()).glob(f"b12fhir-figures-{one.process.pid}-*")
        assert list(left) == []
    book = (tmp_path / "state" / "hooks.sqlite3").read_bytes()
    assert got[0].json["cards"][0]["uuid"].encode() in book


def test_a_server_that_refuses_post_is_asked_so_by_the_first_call_only(tmp_path):
    """Each call would lose a round trip, and the EHR's log would fill with refusals."""
    ehr = Ehr(MemoryServer([]))
    ehr.fails = lambda path: outcome(405) if path.endswith("_search") else None
    with serving(ehr):
        config = f'hooks_workers = 1\nhooks_fhir_servers = ["{ehr.base}"]\n'
        with service(tmp_path, client(tmp_path, config)) as one:
            asked = call(fhirServer=ehr.base)
            del asked["prefetch"]["conditions"]
            assert [one.ask(VIEW, asked).status for _ in range(3)] == [200] * 3
    assert ehr.asked == ["Condition/_search", *["Condition"] * 3]


def test_a_trial_without_tokens_says_so_loudly(tmp_path):
    with service(tmp_path, 'hooks_auth = "off"\nhooks_workers = 1\n') as one:
        assert one.ask("/cds-services", token="").status == 200
        assert "b12fhir: WARNING: NO TOKEN IS ASKED FOR" in one.log
        assert re.search(r"b12fhir: pack seed-default [0-9.]+: unreviewed\.\n", one.log)
        assert one.stop() == 0

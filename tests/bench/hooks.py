"""CPU and latency of the CDS Hooks service, beside a floor and a peer measured in the same run.

Run it with ``make bench-hooks``. All servers get the same calls of patient-view: 30 Observations in
35 KB, another patient each time. Each is a process of its own with one worker, four connections are
open, and the servers take turns, so that a slow moment of a shared machine falls on all of them.
CPU is user and system time of the whole process tree. The ratios to the floor are what counts: a
Flask route that reads the body and finds nothing to say. Numbers are for reading; no test depends
on them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

from tests.bench.hooks_load import CONNECTIONS, BenchError, Server, ask, fetch, free_port, running
from tests.bench.hooks_payload import bodies

ROOT = Path(__file__).parents[2]
SERVICE = "b12-patient-view"
OBSERVATIONS, MANY = 30, 2000
ROUNDS, REQUESTS, MANY_REQUESTS, SEED = 10, 300, 20, 12
# Bars: CPU against the floor, p99 against the floor, and milliseconds of CPU for the large record.
CPU_BAR, CPU_AIM, P99_BAR, MANY_BAR_MS = 2.5, 2.0, 3.0, 100.0

NOOP, PARSING, OURS, PEER = "Flask no-op", "Flask, parses JSON", "b12fhir", "HealthChain 0.16.1"
PEER_PACKAGE = "healthchain==0.16.1"
_PEER_PLACE = ROOT / ".cache" / "bench" / PEER_PACKAGE.replace("==", "-")


def _flask(factory: str, port: int) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn", "--workers", "1", "--threads", str(CONNECTIONS),
        "--bind", f"127.0.0.1:{port}", "--keep-alive", "75", f"tests.bench.hooks_noop:{factory}()",
    ]  # fmt: skip


def _ours(port: int, folder: Path) -> list[str]:
    """As it is run: full rules, cards and a book on disk; one worker, as the others have."""
    config = folder / "b12fhir.toml"
    told = {
        "listen": f"127.0.0.1:{port}",
        "public_url": f"http://127.0.0.1:{port}",
        "hooks_auth": "off",
        "hooks_workers": "1",
        "hooks_threads": str(CONNECTIONS),
        "hooks_store": f"sqlite:///{folder / 'book.sqlite'}",
        "hooks_rate": "1000000",
    }
    config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items()))
    return [sys.executable, "-m", "b12fhir", "serve", "--config", str(config)]


def _peer(port: int) -> list[str]:
    """HealthChain in an environment of its own, made once."""
    python = _PEER_PLACE / "bin" / "python"
    if not (_PEER_PLACE / "made").exists():
        print(f"setting up {PEER_PACKAGE} in {_PEER_PLACE.relative_to(ROOT)} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", _PEER_PLACE], check=True)
        install = ["install", "-q", "--disable-pip-version-check", PEER_PACKAGE]
        subprocess.run([python, "-m", "pip", *install], check=True)
        (_PEER_PLACE / "made").touch()
    return [
        str(python), "-m", "uvicorn", "--app-dir", str(Path(__file__).parent), "--port", str(port),
        "--log-level", "warning", "--no-access-log", "hooks_peer:app",
    ]  # fmt: skip


def _servers(stack: ExitStack, folder: Path, *, peer: bool) -> Iterator[Server]:
    path = f"/cds-services/{SERVICE}"
    here = {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    log = {"BENCH_LOG": str(folder / "servers.log")}
    starts = [(NOOP, "reading"), (PARSING, "parsing")]
    for name, factory in starts:
        port = free_port()
        yield stack.enter_context(running(name, path, port, _flask(factory, port), **here, **log))
    port = free_port()
    yield stack.enter_context(running(OURS, path, port, _ours(port, folder), **here, **log))
    if peer:
        port = free_port()
        command = _peer(port)
        yield stack.enter_context(running(PEER, f"/cds{path}", port, command, **log))


def _templates(ours: Server) -> Mapping[str, str]:
    services = json.loads(fetch(ours, "/cds-services"))["services"]
    told: Mapping[str, str] = next(one["prefetch"] for one in services if one["id"] == SERVICE)
    return told


def _look(servers: Sequence[Server], body: bytes) -> None:
    """Nobody is measured who does not do the work."""
    for server in servers:
        cards = json.loads(ask(server, body))["cards"]
        if server.name in {OURS, PEER} and len(cards) != 1:
            raise BenchError(f"{server.name} gave {len(cards)} cards instead of one.")
        if server.name == OURS:
            print(f"  {cards[0]['indicator']}: {cards[0]['summary']}")


def _run(servers: Sequence[Server], calls: Iterator[bytes], rounds: int, requests: int) -> None:
    """One round to warm up, then the others; the servers take turns with the same calls."""
    for number in range(rounds + 1):
        batch = list(islice(calls, requests))
        for server in servers:
            server.measure(batch)
            if number == 0:
                server.forget()


def _table(servers: Sequence[Server]) -> None:
    floor = servers[0]
    print(f"\n{'':20} CPU ms/request   x no-op     p50 ms   p95 ms   p99 ms   p99 x no-op")
    for server in servers:
        p50, p95, p99 = _percentiles(server.waits)
        ratio, tail = _ratio(server, floor), p99 / _percentiles(floor.waits)[2]
        print(
            f"{server.name:20} {median(server.rounds):14.3f} {ratio:9.2f}"
            f" {p50:10.2f} {p95:8.2f} {p99:8.2f} {tail:13.2f}"
        )


def _ratio(server: Server, floor: Server) -> float:
    """Of CPU, each round against the same round of the floor; the middle one."""
    return median(one / other for one, other in zip(server.rounds, floor.rounds, strict=True))


def _percentiles(waits: Sequence[float]) -> tuple[float, float, float]:
    cuts = quantiles(waits, n=100)
    return cuts[49], cuts[94], cuts[98]


def _verdicts(servers: Sequence[Server]) -> Iterator[tuple[str, bool]]:
    floor, ours = servers[0], servers[2]
    ratio = _ratio(ours, floor)
    yield f"CPU {ratio:.2f} x no-op, bar {CPU_BAR}", ratio <= CPU_BAR
    yield f"CPU {ratio:.2f} x no-op, aim {CPU_AIM}", ratio <= CPU_AIM
    tail = _percentiles(ours.waits)[2] / _percentiles(floor.waits)[2]
    yield f"p99 {tail:.2f} x no-op, bar {P99_BAR}", tail <= P99_BAR
    for peer in servers[3:]:
        share = median(ours.rounds) / median(peer.rounds)
        yield f"CPU {share:.2f} x {peer.name}, bar 1", share < 1


def _large(ours: Server, templates: Mapping[str, str], now: datetime) -> tuple[str, bool]:
    """A record of 2,000 Observations in the prefetch, one call at a time."""
    calls = list(islice(bodies(templates, now, MANY, SEED), MANY_REQUESTS))
    ours.forget()
    ours.measure(calls[:3], connections=1)
    ours.forget()
    ours.measure(calls[3:], connections=1)
    cpu, size = ours.rounds[0], len(calls[0]) / 1e6
    slowest = max(ours.waits)
    told = f"{cpu:.1f} ms CPU a request, slowest {slowest:.0f} ms"
    print(f"\n{MANY} Observations ({size:.1f} MB): {told}")
    return f"{MANY} Observations {cpu:.1f} ms CPU, bar {MANY_BAR_MS:.0f}", cpu <= MANY_BAR_MS


def main() -> int:
    """Start the servers, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="requests a round")
    parser.add_argument("--no-peer", action="store_true", help="leave out HealthChain")
    options = parser.parse_args()
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        try:
            servers = list(_servers(stack, folder, peer=not options.no_peer))
            templates = _templates(servers[2])
            calls = bodies(templates, now, OBSERVATIONS, SEED)
            first = next(calls)
            size = f"{len(first) / 1000:.1f} KB, {OBSERVATIONS} Observations"
            print(f"{size}, {CONNECTIONS} connections")
            _look(servers, first)
            _run(servers, calls, options.rounds, options.requests)
            _table(servers)
            verdicts = [*_verdicts(servers), _large(servers[2], templates, now)]
        except BenchError as problem:
            print(problem, file=sys.stderr)
            log = folder / "servers.log"
            print(log.read_text()[-2000:] if log.exists() else "", file=sys.stderr)
            return 1
    print()
    for told, kept in verdicts:
        print(f"{'kept  ' if kept else 'MISSED'}  {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Servers as processes, the CPU they use, and clients that keep four connections busy."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 4
ANSWER_WITHIN_S = 60
STOP_WITHIN_S = 10
HOST = "127.0.0.1"
_END_OF_HEAD = b"\r\n\r\n"


class BenchError(Exception):
    """What was to be measured did not run as it should, so its figures would mean nothing."""


@dataclass
class Server:
    """A server under measurement, and what was measured of it so far.

    ``rounds`` holds CPU milliseconds a request, one figure a round; ``waits`` the milliseconds that
    each request took.
    """

    name: str
    path: str
    pid: int
    port: int
    rounds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def measure(self, bodies: Sequence[bytes], connections: int = CONNECTIONS) -> None:
        """Send every body once over a few connections that stay open."""
        before = cpu_seconds(self.pid)
        waits = _send(self, bodies, connections)
        self.rounds.append((cpu_seconds(self.pid) - before) * 1000 / len(bodies))
        self.waits.extend(waits)

    def forget(self) -> None:
        """Leave out what was measured while it warmed up."""
        self.rounds.clear()
        self.waits.clear()


@contextmanager
def running(
    name: str, path: str, port: int, command: Sequence[str], **extra: str
) -> Iterator[Server]:
    """A server until the block ends; it and its workers are stopped by their process group."""
    environment = {**os.environ, **extra}
    log = Path(environment.get("BENCH_LOG", os.devnull))
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, env=environment, stdout=out, stderr=out, start_new_session=True
        )
        try:
            _wait_until_up(name, process, port)
            yield Server(name, path, process.pid, port)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_until_up(name: str, process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + ANSWER_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchError(f"{name} ended with {process.returncode} before it answered.")
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise BenchError(f"{name} did not answer within {ANSWER_WITHIN_S} s.")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def cpu_seconds(root: int) -> float:
    """User and system time of a process and of all below it."""
    return sum(_cpu(pid) for pid in _tree(root))


def _cpu(pid: int) -> float:
    """By the process's own CPU clock: /proc counts the same in steps of 10 ms.

    The id of that clock is what clock_getcpuclockid(3) gives.
    """
    return time.clock_gettime((~pid << 3) | 2)


def _tree(root: int) -> set[int]:
    parents = dict(_parents())
    tree = {root}
    while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return tree


def _parents() -> Iterator[tuple[int, int]]:
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                told = place.joinpath("stat").read_text()
            except OSError:  # it ended meanwhile
                continue
            yield int(place.name), int(told.rpartition(")")[2].split()[1])


def _send(server: Server, bodies: Sequence[bytes], connections: int) -> list[float]:
    """Milliseconds of each request; one thread a connection."""
    waits: list[float] = []
    problems: list[str] = []

    def client(mine: Sequence[bytes]) -> None:
        try:
            waits.extend(list(_client(server, mine)))
        except (OSError, BenchError) as problem:
            problems.append(str(problem))

    threads = [
        threading.Thread(target=client, args=(bodies[n::connections],)) for n in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise BenchError(f"{server.name}: {problems[0]}")
    return waits


def _client(server: Server, bodies: Sequence[bytes]) -> Iterator[float]:
    """Plain sockets: a client that is dear would show in the times of a cheap server."""
    with socket.create_connection((HOST, server.port), ANSWER_WITHIN_S) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for body in bodies:
            request = _request(server, body)
            start = time.perf_counter()
            line.sendall(request)
            status, _ = _answer(line)
            yield (time.perf_counter() - start) * 1000
            if status != 200:
                raise BenchError(f"answered {status} instead of 200.")


def _request(server: Server, body: bytes) -> bytes:
    head = (
        f"POST {server.path} HTTP/1.1\r\nHost: {HOST}:{server.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _answer(line: socket.socket) -> tuple[int, bytes]:
    """Status and body of one answer; all servers here say how long theirs is."""
    got = b""
    while _END_OF_HEAD not in got:
        got += _more(line)
    head, _, body = got.partition(_END_OF_HEAD)
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next(int(one.partition(":")[2]) for one in lines if one.startswith("content-length:"))
    while len(body) < length:
        body += _more(line)
    return int(lines[0].split()[1]), body


def _more(line: socket.socket) -> bytes:
    part = line.recv(1 << 16)
    if not part:
        raise BenchError("closed the connection in the middle of an answer.")
    return part


def ask(server: Server, body: bytes) -> bytes:
    """One answer, to look at what is measured. Raises `BenchError` if it is no 200."""
    with socket.create_connection((HOST, server.port), ANSWER_WITHIN_S) as line:
        line.sendall(_request(server, body))
        status, answer = _answer(line)
    if status != 200:
        raise BenchError(f"{server.name} answered {status}: {answer[:400].decode()}")
    return answer


def fetch(server: Server, path: str) -> bytes:
    """What stands at a path of the server."""
    with socket.create_connection((HOST, server.port), ANSWER_WITHIN_S) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{server.port}\r\n\r\n".encode())
        status, answer = _answer(line)
    if status != 200:
        raise BenchError(f"{server.name} answered {status} at {path}.")
    return answer

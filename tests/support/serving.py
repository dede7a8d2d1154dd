"""`b12fhir serve` as the process that a site starts, for tests that call it."""

import contextlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import time_machine

from tests.support.tokens import Signer, claims, ec_signer

_PROGRAM = [sys.executable, "-c", "from b12fhir.wiring import run; run()"]
_PATIENCE_S = 60
_ADDRESS = re.compile(r"serving CDS Hooks at http://127\.0\.0\.1:([0-9]+)/cds-services")


def real_time() -> float:
    """Seconds since 1970: a process outside lives in no frozen moment."""
    return time_machine.escape_hatch.time.time()


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Service:
    """A running service, with a client that holds a key."""

    process: subprocess.Popen[str]
    port: int
    errors: Path
    signer: Signer = field(default_factory=ec_signer)
    ids: Iterator[int] = field(default_factory=count)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def bearer(self, path: str, **others: Any) -> str:
        made = claims(self.url(path), real_time(), f"id-{next(self.ids)}", **others)
        return f"Bearer {self.signer.token(made)}"

    def ask(self, path: str, body: Any = None, token: str | None = None) -> Answer:
        """One call over a connection of its own, so that any worker may get it."""
        headers = {"Authorization": self.bearer(path) if token is None else token}
        sent = None if body is None else json.dumps(body).encode()
        if sent:
            headers["Content-Type"] = "application/json"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("POST" if sent else "GET", path, sent, headers)
            got = connection.getresponse()
            return Answer(got.status, dict(got.getheaders()), got.read())

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(how)
        return self.process.wait(_PATIENCE_S)

    @property
    def log(self) -> str:
        return self.errors.read_text("utf-8")


def run_serve(folder: Path, *argv: str, program: list[str] | None = None) -> tuple[int, str, str]:
    """Run it to its end: exit code, output, errors."""
    return run(folder, "serve", *argv, program=program)


def run(folder: Path, *argv: str, program: list[str] | None = None) -> tuple[int, str, str]:
    """Run any command as a process of its own: exit code, output, errors."""
    command = [*(program or _PROGRAM), *argv]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
    )
    return done.returncode, done.stdout, done.stderr


@contextmanager
def service(folder: Path, config: str, *argv: str) -> Iterator[Service]:
    """A service with these settings in ``folder``, as long as the block runs."""
    file, errors = folder / "b12fhir.toml", folder / "errors.txt"
    file.write_text(f'listen = "127.0.0.1:0"\n{config}', "utf-8")
    command = [*_PROGRAM, "serve", "--config", str(file), *argv]
    with errors.open("w") as stream:
        process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream, text=True)
    try:
        yield Service(process, _port(process, errors), errors)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(_PATIENCE_S)


def _port(process: subprocess.Popen[str], errors: Path) -> int:
    """The port it listens at, once it says so."""
    for _ in range(_PATIENCE_S * 10):
        if found := _ADDRESS.search(errors.read_text("utf-8")):
            return int(found[1])
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    raise AssertionError(f"It did not start:\n{errors.read_text('utf-8')}")

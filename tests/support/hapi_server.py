"""A plugin: one real HAPI FHIR server for the session.

HAPI's search cache is left on, as it is in the field: an identical search within a minute gets the
old answer, and the cache mixes up some `_lastUpdated` prefixes. A client that survives here sends
`Cache-Control: no-cache` where the answer matters. Tests do not wipe the server: each uses
identifiers or ids of its own.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

HAPI = Path(__file__).parents[1] / "hapi"
ANSWER_WITHIN_S = 240
STOP_WITHIN_S = 20


@pytest.fixture(scope="session")
def hapi() -> Iterator[str]:
    """Base URL of the server. Skips only if told so (HAPI=skip); anything missing is a failure."""
    if os.environ.get("HAPI") == "skip":
        pytest.skip("HAPI=skip: not tested against a real server")
    pid, base = start()
    try:
        warm_up(base)
        yield base
    finally:
        stop(pid)


def start(options: str = "") -> tuple[int, str]:
    """Start on a free port, with flags for its JVM; the scripts say what is missing."""
    run(HAPI / "tools.sh", "check")
    pid, base = run(HAPI / "start.sh", str(free_port()), options=options).split()
    return int(pid), base


def run(script: Path, *arguments: str, options: str = "") -> str:
    """Standard output of a script, whose failure is the test's failure."""
    environment = {**os.environ, "HAPI_OPTS": options, "HAPI_WAIT_S": str(ANSWER_WITHIN_S)}
    done = subprocess.run(
        [script, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"{script.name} failed:\n{done.stderr}", pytrace=False)
    return done.stdout


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def warm_up(base: str) -> None:
    """The first $validate loads all R4 definitions: seconds that belong to no test."""
    patient = {"resourceType": "Patient", "active": True}
    answer = requests.post(f"{base}/Patient/$validate", json=patient, timeout=ANSWER_WITHIN_S)
    answer.raise_for_status()


def stop(pid: int) -> None:
    """Stop by pid and wait until it is gone, so that no server outlives the tests."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN_S
    while is_running(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.1)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that ended unreaped (no init in a container) does not."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    return "\nState:\tZ" not in status

"""A plugin: a private PostgreSQL for the session, on a socket of its own, gone afterwards.

PostgreSQL does not run as root; where tests do, its own user runs it. Nothing of a PostgreSQL that
the machine runs by itself is touched.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.support.hapi_server import run

TOOLS = Path(__file__).parents[1] / "hapi" / "tools.sh"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of the server, with ``{}`` for the database. Skips only if told so (HAPI=skip)."""
    if os.environ.get("HAPI") == "skip":
        pytest.skip("HAPI=skip: not tested against PostgreSQL")
    programs = Path(run(TOOLS, "postgres").strip())
    folder = Path(mkdtemp(prefix="b12fhir-pg-"))
    user = _server_user()
    shutil.chown(folder, user)
    try:
        _as(user, programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "b12fhir", "-N")
        # No fsync: what a crash of the machine would lose is not tested here.
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        log = ("-l", folder / "log")
        _as(user, programs / "pg_ctl", "-D", folder / "data", "-w", *log, "-o", options, "start")
        try:
            yield f"postgresql://b12fhir@/{{}}?host={folder}"
        finally:
            _as(user, programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_user() -> str:
    """Whoever runs the tests, unless that is root."""
    own = pwd.getpwuid(os.geteuid())
    return "postgres" if own.pw_uid == 0 else own.pw_name


def _as(user: str, *command: object) -> None:
    own = pwd.getpwuid(os.geteuid()).pw_name
    other = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": ()}
    done = subprocess.run(
        [str(word) for word in command],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **(other if user != own else {}),
    )
    if done.returncode:
        pytest.fail(f"{command[0]} failed:\n{done.stdout}", pytrace=False)

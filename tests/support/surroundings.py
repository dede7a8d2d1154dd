"""A plugin: frozen non-UTC clock, clean environment, no network but marked loopback.

A program that reads the clock, the site's variables or the network where it should not gives
another answer on another machine or day. Here it gives the wrong answer at once.
"""

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine

from b12fhir.config import settings

# Off from UTC by no whole hour: a naive or a UTC reading shows.
ZONE = ZoneInfo("Asia/Kathmandu")
NOW = datetime(2026, 11, 21, 10, 17, 23, tzinfo=ZONE)

LOOPBACK_MARKERS = ("hapi", "loopback")


@pytest.hookimpl(tryfirst=True)  # before -m deselects and before pytest-socket looks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever uses the `hapi` fixture is marked `hapi`; marked tests may connect to 127.0.0.1."""
    for item in items:
        if "hapi" in getattr(item, "fixturenames", ()):
            item.add_marker("hapi")
        if any(item.get_closest_marker(name) for name in LOOPBACK_MARKERS):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting, proxy or colour wish of whoever runs the tests; one terminal width for all."""
    for name in list(os.environ):
        if name.startswith("B12FHIR_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture(autouse=True)
def own_state(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """An audit record and a state of sync of its own for each test, none in the working folder."""
    name = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]
    folder = tmp_path_factory.getbasetemp() / "state" / name
    monkeypatch.setattr(settings, "AUDIT_FILE", folder / "audit.jsonl")
    monkeypatch.setattr(settings, "SYNC_STORE", f"sqlite:///{folder / 'sync.sqlite3'}")


@pytest.fixture(autouse=True)
def now(request: pytest.FixtureRequest, clean_environment: None) -> Iterator[datetime]:
    """The moment every test lives in, TZ included. Beside a real server the clock ticks on."""
    ticks = request.node.get_closest_marker("hapi") is not None
    with time_machine.travel(NOW, tick=ticks):
        yield NOW

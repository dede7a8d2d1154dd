"""One real server for all tests of faults, with room for many wards apart from each other.

``FAULTS_HAPI`` names one that runs already (started with ``-Dfhir.tenants=true``).
"""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from b12fhir.fhir.capabilities import READ_TYPES
from tests.faults import acts
from tests.faults.kills import Quiet
from tests.faults.proxy import between
from tests.faults.ward import End, Ward, new_ward
from tests.support.hapi_server import start, stop


@pytest.fixture(scope="session")
def tenants() -> Iterator[str]:
    """Address of the server, to which the name of a ward is added. Skips only with HAPI=skip."""
    if os.environ.get("HAPI") == "skip":
        pytest.skip("HAPI=skip: not tested against a real server")
    running = os.environ.get("FAULTS_HAPI")
    pid, base = (0, running) if running else start("-Dfhir.tenants=true")
    try:
        with between(base) as front:
            told = acts.remembered({*READ_TYPES, "Device", "Practitioner", "Provenance"})
            front.on("known", "any", told, fits=lambda asked: asked.path.endswith("/metadata"))
            yield front.base
    finally:
        if pid:
            stop(pid)


@pytest.fixture
def make_ward(tenants: str, tmp_path: Path) -> Callable[..., Ward]:
    """Makes a ward with patients; settings by their variables."""
    numbers = count(1)

    def make(*patients: str, **settings: str) -> Ward:
        ward = new_ward(tenants, tmp_path / f"ward-{next(numbers)}", **settings)
        if patients:
            ward.admit(*patients)
        return ward

    return make


@pytest.fixture(scope="session")
def _ends() -> dict[str, End]:
    """Filled by the first who needs it, within the surroundings of a test."""
    return {}


@pytest.fixture
def quiet(_ends: dict[str, End], make_ward: Callable[..., Ward]) -> Quiet:
    """Knows the end of the story of `tests.faults.kills.begin` that nobody disturbed."""
    known = Quiet(make_ward, _ends)
    if not _ends:
        known.today()
    return known

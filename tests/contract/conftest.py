"""The same tests against the memory server and the real HAPI: the fake must not flatter us."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.server import RestServer
from b12fhir.ports import FhirServer


@pytest.fixture(params=["memory", pytest.param("hapi", marks=pytest.mark.hapi)])
def server(request) -> Iterator[FhirServer]:
    """A FHIR server, empty or shared: use ids and identifiers of your own."""
    if request.param == "memory":
        yield MemoryServer(check_references=True)
        return
    with RestServer(request.getfixturevalue("hapi")) as rest:
        yield rest


@pytest.fixture
def fresh() -> str:
    """A word no other test uses: HAPI is shared by all of them and never wiped."""
    return f"contract-{uuid4().hex[:12]}"


@pytest.fixture
def store(server) -> Callable[..., None]:
    """Store resources under their own ids, as a site's own systems would."""

    def _store(*resources: dict[str, Any]) -> None:
        entries = [
            {
                "fullUrl": f"http://example.org/fhir/{r['resourceType']}/{r['id']}",
                "resource": r,
                "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"},
            }
            for r in resources
        ]
        server.transaction({"resourceType": "Bundle", "type": "transaction", "entry": entries})

    return _store


@pytest.fixture
def delete(server) -> Callable[[str, str], None]:
    """Delete a resource, as another system would."""

    def _delete(kind: str, id_: str) -> None:
        if isinstance(server, MemoryServer):
            server.delete(kind, id_)
        else:
            requests.delete(f"{server.base}/{kind}/{id_}", timeout=60).raise_for_status()

    return _delete

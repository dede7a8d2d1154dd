"""The same profiles in a real server: loaded by the command, and its own `$validate` agrees."""

from typing import Any

import pytest
import requests

from b12fhir.adapters.install import install
from b12fhir.adapters.server import RestServer
from b12fhir.fhir.json import encode
from b12fhir.fhir.profiles import artefacts
from b12fhir.protocol.load import load_protocol
from tests.profiles.corpus import counts
from tests.profiles.examples import BAD, good, profile_url

pytestmark = pytest.mark.hapi
ALL = artefacts(load_protocol())
# One of each way to be wrong: an invariant, a fixed value, a missing element, a binding.
CHOSEN = ("milligram", "proposal-as-order", "no-text", "intravenous", "order-of-nothing")


@pytest.fixture(scope="module")
def loaded(hapi: str) -> str:
    """The server with our profiles; loading them twice proves that the second time rests."""
    with RestServer(hapi) as server:
        first = install(server, ALL)
        assert {kind.kind: kind.refused for kind in first if kind.refused} == {}
        second = install(server, ALL)
        assert sum(kind.created + kind.updated for kind in second) == 0
        assert sum(kind.unchanged for kind in second) == len(ALL)
    return hapi


def _errors(base: str, resource: dict[str, Any], name: str) -> list[str]:
    answer = requests.post(
        f"{base}/{resource['resourceType']}/$validate",
        params={"profile": profile_url(name)},
        data=encode(resource),
        headers={"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"},
        timeout=110,
    )
    issues = answer.json()["issue"]
    told = [i["diagnostics"] for i in issues if i["severity"] in ("error", "fatal")]
    return [text for text in told if counts(text)]


@pytest.mark.parametrize("name", sorted(good()))
def test_the_server_agrees_with_a_good_example(loaded, name):
    assert _errors(loaded, good()[name], name) == []


@pytest.mark.parametrize(
    "bad", [bad for bad in BAD if bad.name in CHOSEN], ids=lambda bad: bad.name
)
def test_the_server_names_what_is_wrong(loaded, bad):
    assert len(_errors(loaded, bad.resource(), bad.profile)) == 1

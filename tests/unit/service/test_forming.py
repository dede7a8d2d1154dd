"""A writer in the form of its server: callers read the answers as if a condition had been sent."""

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.fhir.compose import compose, device_bundle
from b12fhir.fhir.server_profile import server_profile
from b12fhir.fhir.site import Site
from b12fhir.fhir.told import CLIENT_IDS, CONDITIONAL_CREATE, write_of
from b12fhir.service.forming import FormedWriter
from tests.support.builders import build_decision, build_facts, build_plan, build_protocol

SITE = Site(server_id="forming", site_key="k")
BUNDLE = compose(build_facts(), build_decision(), build_plan(), build_protocol(), SITE)
assert BUNDLE is not None
FORMS = [(), (CONDITIONAL_CREATE,), (CONDITIONAL_CREATE, CLIENT_IDS)]


def writer(server: MemoryServer) -> FormedWriter:
    return FormedWriter(server, server_profile(read_capabilities(server.capabilities())))


def codes(answer) -> list[str]:
    return [entry["response"]["status"][:3] for entry in answer["entry"]]


@pytest.mark.parametrize("lacks", FORMS)
def test_the_device_is_made_once_and_answered_in_its_place(lacks):
    server = MemoryServer(lacks=lacks)
    own = writer(server)
    assert codes(own.transaction(device_bundle(SITE))) == ["201"]
    assert codes(own.transaction(device_bundle(SITE))) == ["200"]
    assert codes(own.transaction(BUNDLE)) == ["200"] + ["201"] * (len(BUNDLE["entry"]) - 1)
    # Another run knows nothing of the first one, and finds it.
    assert codes(writer(server).transaction(device_bundle(SITE))) == ["200"]
    (device,) = server.all("Device")
    (plan,) = server.all("CarePlan")
    assert plan["author"] == {"reference": f"Device/{device['id']}"}


@pytest.mark.parametrize("lacks", FORMS[1:])
def test_a_device_sent_along_with_its_first_plan_is_known_afterwards(lacks):
    server = MemoryServer(lacks=lacks)
    own = writer(server)
    assert codes(own.transaction(BUNDLE)) == ["201"] * len(BUNDLE["entry"])
    searched = server.searches
    assert codes(own.transaction(device_bundle(SITE))) == ["200"]
    assert (server.searches, len(server.all("Device"))) == (searched, 1)


def test_what_stands_there_already_under_an_id_of_ours_is_answered_as_found():
    server = MemoryServer(lacks={CONDITIONAL_CREATE})
    writer(server).transaction(BUNDLE)
    assert set(codes(writer(server).transaction(BUNDLE))) == {"200"}
    assert {plan["meta"]["versionId"] for plan in server.all("CarePlan")} == {"1"}


def test_a_device_that_cannot_be_searched_is_written_under_its_own_id():
    server = MemoryServer(lacks={CONDITIONAL_CREATE})
    statement = server.capabilities()
    for row in statement["rest"][0]["resource"]:
        row["interaction"] = [one for one in row["interaction"] if one["code"] != "search-type"]
    own = FormedWriter(server, server_profile(read_capabilities(statement)))
    own.transaction(device_bundle(SITE))
    own.transaction(BUNDLE)
    assert server.searches == 0
    assert len(server.all("Device")) == 1


def test_an_answer_without_places_is_no_reason_to_fail():
    class Silent(MemoryServer):
        def transaction(self, bundle):
            super().transaction(bundle)
            return {"resourceType": "Bundle", "type": "transaction-response"}

    server = Silent(lacks={CONDITIONAL_CREATE, CLIENT_IDS})
    own = writer(server)
    own.transaction(device_bundle(SITE))
    assert len(own.transaction(BUNDLE)["entry"]) == len(BUNDLE["entry"])
    assert len(server.all("Device")) == 1


@pytest.mark.parametrize("kind", ["CarePlan", "Device"])
def test_the_memory_server_shows_who_writes_what_it_does_not_keep(kind):
    server = MemoryServer(lacks={write_of(kind)})
    with pytest.raises(Exception, match=f"does not support that for {kind}"):
        server.transaction(BUNDLE)
    assert server.all("MedicationRequest") == []

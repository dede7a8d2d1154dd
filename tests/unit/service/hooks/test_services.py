"""Discovery: what a client must be able to rely on, and queries that cannot go stale."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from b12fhir.fhir.extract import EXTRACTORS
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import LOINC, SNOMED, Code
from b12fhir.protocol.load import load_protocol
from b12fhir.service.hooks.model import Hook
from b12fhir.service.hooks.services import (
    QUERY_CHARACTERS,
    SERVICES,
    discovery,
    queries,
)

PROTOCOL, SITE = load_protocol(), Site()
QUERIES = queries(PROTOCOL, SITE)
BY_KEY = {query.key: query for query in QUERIES}
# Parameters that CDS Hooks 2.0 allows beside a read: a reference, token equality, _count and _sort.
ALLOWED = {"patient", "code", "value-concept", "identifier", "_count", "_sort"}
# From the terminologies, not from our tables: one for each kind of code a list is made of.
B12, MMA, INTRINSIC_FACTOR, CBC, PREGNANCY = "2132-9", "13964-2", "31444-3", "58410-2", "82810-3"
NUMBNESS, PERNICIOUS_ANAEMIA_ICD, METFORMIN_ATC = "44077006", "D51.0", "A10BA02"


def codes(key: str) -> list[str]:
    name = "value-concept" if key == "answers" else "code"
    return dict(BY_KEY[key].params)[name].split(",")


def test_each_hook_has_one_service_with_its_own_id():
    """A client that knows services by id alone would call only the last of two."""
    assert {service.hook for service in SERVICES} == set(Hook)
    assert {service.id for service in SERVICES} == {f"b12-{hook.value}" for hook in Hook}
    assert len(SERVICES) == len(Hook)


def test_discovery_has_what_the_specification_asks_for():
    found = discovery(QUERIES, SITE)["services"]
    assert len(found) == 8
    for entry in found:
        assert entry["id"] == f"b12-{entry['hook']}"
        assert entry["title"]
        assert entry["description"]
        assert entry["usageRequirements"]
        assert entry["prefetch"]["patient"] == "Patient/{{context.patientId}}"
        assert set(entry["prefetch"]) == set(BY_KEY)


def test_a_service_that_is_off_is_not_offered():
    found = discovery(QUERIES, SITE, wanted={"b12-patient-view"})["services"]
    assert [entry["id"] for entry in found] == ["b12-patient-view"]
    assert discovery(QUERIES, SITE, wanted=())["services"] == []


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.key)
def test_a_template_keeps_to_the_allowed_subset(query):
    assert set(re.findall(r"{{(.*?)}}", query.template)) == {"context.patientId"}
    assert len(query.template) <= QUERY_CHARACTERS
    asked = parse_qs(urlsplit(query.template).query)
    assert set(asked) <= ALLOWED
    assert query.kind == "Patient" or asked["_count"] == ["200"]
    assert re.fullmatch(r"[A-Za-z]+[/?][A-Za-z0-9{}.=&:/,|_-]+", query.template)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.key)
def test_template_and_search_ask_the_same(query):
    asked = parse_qs(urlsplit(query.template.replace("{{context.patientId}}", "p1")).query)
    expected = {"_id": ["p1"]} if query.kind == "Patient" else asked
    assert {name: [value] for name, value in query.search("p1").items()} == expected


def test_observations_are_never_asked_for_without_codes():
    observations = [query for query in QUERIES if query.kind == "Observation"]
    assert len(observations) == 3
    for query in observations:
        assert {"code", "value-concept"} & dict(query.params).keys()


def test_what_a_decision_cannot_do_without():
    """The patient, results, causes and orders (a doubled dose); the rest is named in the card."""
    required = {query.key for query in QUERIES if query.required}
    assert required == {"patient", "labs", "conditions", "requests"}
    assert all(query.told for query in QUERIES)


def test_the_lists_hold_what_is_read():
    assert {B12, MMA, INTRINSIC_FACTOR, CBC} <= set(codes("labs"))
    assert {NUMBNESS, PREGNANCY} <= set(codes("signs"))
    assert {NUMBNESS, PERNICIOUS_ANAEMIA_ICD} <= set(codes("answers"))
    assert METFORMIN_ATC not in {*codes("signs"), *codes("answers")}


def test_every_code_that_means_something_is_asked_for():
    assert set(PROTOCOL.analytes.codes) | set(PROTOCOL.analytes.presence) <= set(codes("labs"))
    diseases = {c.code for c in PROTOCOL.concepts.codes if c.system == SNOMED}
    assert diseases <= set(codes("signs"))
    assert diseases <= set(codes("answers"))


def test_every_type_that_is_read_is_asked_for():
    read = {kind for kind, _ in EXTRACTORS} - {"OperationOutcome"}
    assert {query.kind for query in QUERIES} == read | {"Patient"}


def test_a_site_finds_its_own_codes():
    local = {
        Code("urn:lab", "VB12"): Code(LOINC, B12),
        Code("urn:lab", "a,b|c$ d"): Code(LOINC, MMA),
        Code("urn:lab", "GRAV"): Code(LOINC, PREGNANCY),
        Code("urn:lab", "NA"): Code(LOINC, "2951-2"),
    }
    found = {query.key: query for query in queries(PROTOCOL, replace(SITE, code_map=local))}
    labs, signs = dict(found["labs"].params)["code"], dict(found["signs"].params)["code"]
    assert labs.endswith(r",VB12,a\,b\|c\$ d")
    assert found["labs"].template.count(r",VB12,a%5C,b%5C|c%5C%24%20d&") == 1
    assert signs.endswith(",GRAV")
    assert "NA" not in f"{labs},{signs}".split(",")


def test_a_long_map_becomes_several_queries_and_loses_nothing():
    local = {Code("urn:lab", f"LOCAL-CODE-{n:04}"): Code(LOINC, B12) for n in range(1000)}
    found = queries(PROTOCOL, replace(SITE, code_map=local))
    labs = [query for query in found if query.key.startswith("labs")]
    assert [query.key for query in labs[:3]] == ["labs", "labs2", "labs3"]
    assert all(len(query.template) <= QUERY_CHARACTERS and query.required for query in labs)
    asked = [code for query in labs for code in dict(query.params)["code"].split(",")]
    assert {code.code for code in local} <= set(asked)
    assert len(asked) == len(set(asked))


def test_our_plans_are_found_by_the_systems_of_the_site():
    found = queries(PROTOCOL, Site(canonical="https://hospital.example/fhir"))
    own = dict(found[-1].params)["identifier"]
    base = "https://hospital.example/fhir/sid"
    assert own == f"{base}/plan|,{base}/approved-plan|"

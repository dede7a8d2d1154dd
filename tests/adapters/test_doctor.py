"""The doctor: what a server lacks is said, with what happens instead."""

import copy

import pytest

from b12fhir.adapters.doctor import LACKING, OK, STOPS, Check, diagnose, examine
from b12fhir.adapters.memory import MemoryServer

FULL = MemoryServer().capabilities()


def state(statement, topic: str) -> str:
    (found,) = (check for check in examine(statement) if check.topic == topic)
    assert found.state == OK or found.instead
    return found.state


def changed(change) -> dict:
    statement = copy.deepcopy(dict(FULL))
    change(statement)
    return statement


def row(statement: dict, kind: str) -> dict:
    return next(r for r in statement["rest"][0]["resource"] if r["type"] == kind)


def without(kind: str):
    return lambda s: s["rest"][0]["resource"].remove(row(s, kind))


def test_a_full_server_is_fine():
    checks = diagnose(MemoryServer())
    assert {check.state for check in checks} == {OK}
    assert checks[0] == Check("server", OK, "b12fhir memory server")


@pytest.mark.parametrize(
    ("change", "topic", "expected"),
    [
        (lambda s: s.update(fhirVersion="5.0.0"), "FHIR version", STOPS),
        (lambda s: s.pop("fhirVersion"), "FHIR version", STOPS),
        (lambda s: s.update(format=["application/fhir+xml"]), "format", LACKING),
        (lambda s: s.pop("format"), "format", LACKING),
        (without("Observation"), "search Observation", STOPS),
        (without("CarePlan"), "search CarePlan", STOPS),
        (without("MedicationStatement"), "search MedicationStatement", LACKING),
        (lambda s: row(s, "Condition").pop("searchParam"), "search Condition", LACKING),
        (
            lambda s: row(s, "MedicationRequest").pop("searchInclude"),
            "_include of Medication",
            LACKING,
        ),
        (lambda s: s["rest"][0].pop("interaction"), "transaction", LACKING),
        (without("Device"), "create Device", LACKING),
        (lambda s: row(s, "CarePlan").pop("interaction"), "careplan_write", LACKING),
        (
            lambda s: row(s, "CarePlan").pop("conditionalCreate"),
            "conditional_create",
            LACKING,
        ),
        (lambda s: row(s, "CarePlan").update(versioning="no-version"), "if_match", LACKING),
        # Needed only where there is no conditional create.
        (lambda s: row(s, "CarePlan").pop("updateCreate"), "client_ids", OK),
        (lambda s: row(s, "CarePlan").pop("conditionalCreate"), "create CarePlan", LACKING),
        (lambda s: row(s, "CarePlan").pop("versioning"), "update CarePlan", LACKING),
        (lambda s: row(s, "CarePlan").update(versioning="no-version"), "update CarePlan", LACKING),
        (without("ServiceRequest"), "update ServiceRequest", LACKING),
        (without("Provenance"), "Provenance", LACKING),
        (lambda s: row(s, "Provenance").pop("updateCreate"), "Provenance", LACKING),
        (without("Task"), "search Task", LACKING),
        (without("Task"), "create Task", LACKING),
        (without("Goal"), "update Goal", LACKING),
    ],
)
def test_what_is_missing_is_named_with_what_we_do_instead(change, topic, expected):
    assert state(FULL, topic) == OK
    assert state(changed(change), topic) == expected


def test_a_server_that_lists_nothing_is_asked_for_everything():
    checks = examine({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
    assert next(c for c in checks if c.topic == "types").state == LACKING
    assert not any(c.state == STOPS for c in checks)


def test_what_the_site_knows_better_is_shown_with_its_fallback():
    told = {"if_match": False, "client_ids": True}
    found = {check.topic: check for check in examine(FULL, told)}
    assert found["if_match"].line() == (
        "lacking if_match: no (overridden) -> no stored draft is changed: the changed plan waits "
        "as a file in handover/, and nothing can be signed, rejected or withdrawn here"
    )
    assert found["client_ids"].state == OK
    assert "under ids of our own" in found["client_ids"].instead
    assert found["transaction"].line() == "ok      transaction: yes (declared)"


def test_a_check_is_one_line():
    check = Check("transaction", STOPS, "missing", "use --dry-run")
    assert check.line() == "stops   transaction: missing -> use --dry-run"
    assert Check("server", OK, "HAPI").line() == "ok      server: HAPI"

"""A whole record in one request, and when it is asked for part by part instead."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.errors import RefusedError, ServerError
from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.fhir.site import Site
from b12fhir.ports import Resource

SITE = Site(zone=UTC)
ME = {"subject": {"reference": "Patient/a"}}
CARE_PLAN = {"resourceType": "CarePlan", "id": "p", "status": "draft", "intent": "proposal", **ME}
OURS = {**CARE_PLAN, "identifier": [{"system": SITE.system("plan"), "value": "k:e1:r1"}]}
GOAL = {"resourceType": "Goal", "id": "g", **ME}
TASK = {"resourceType": "Task", "id": "t", "for": {"reference": "Patient/a"}}
MOTHER = {"resourceType": "Observation", "id": "o", **ME}
CHILD = {
    "resourceType": "Observation",
    "id": "c",
    "subject": {"reference": "Patient/b"},
    "performer": [{"reference": "Patient/a"}],
}


def server(*more: dict, software: str = "HAPI FHIR Server", **options: Any) -> MemoryServer:
    people = [{"resourceType": "Patient", "id": id_} for id_ in "ab"]
    return MemoryServer([*people, MOTHER, *more], software=software, **options)


def reader(memory: MemoryServer) -> PatientReader:
    return PatientReader(memory, read_capabilities(memory.capabilities()), 200, SITE)


def names(found: Sequence[Resource]) -> list[str]:
    return sorted(f"{one['resourceType']}/{one['id']}" for one in found)


def test_a_record_is_one_request_and_the_same_as_part_by_part():
    medicine = {"resourceType": "Medication", "id": "m"}
    link = {"medicationReference": {"reference": "Medication/m"}}
    order = {"resourceType": "MedicationRequest", "id": "r", **ME, **link}
    more = (OURS, GOAL, TASK, medicine, order, CHILD)
    whole, parts = server(*more), server(*more, software="another")
    found = reader(whole).everything("Patient/a")
    assert whole.searches == 1
    assert names(found) == names(reader(parts).everything("Patient/a"))
    assert names(found) == [
        "CarePlan/p",
        "Goal/g",
        "Medication/m",
        "MedicationRequest/r",
        "Observation/o",
        "Patient/a",
        "Task/t",
    ]


@pytest.mark.parametrize("software", ["HAPI FHIR Server", "another"])
def test_goals_and_tasks_of_others_are_left_out(software):
    memory = server(CARE_PLAN, GOAL, TASK, software=software)
    found = reader(memory).everything("Patient/a")
    assert names(found) == ["CarePlan/p", "Observation/o", "Patient/a"]


@pytest.mark.parametrize("software", ["HAPI FHIR Server", "another"])
def test_the_parts_of_a_plan_alone(software):
    memory = server(GOAL, TASK, software=software)
    found = list(reader(memory).parts("Patient/a"))
    assert names(found) == ["Goal/g", "Task/t"]
    assert memory.searches == (1 if software.startswith("HAPI") else 4)


def test_what_is_another_patients_stays_there():
    """A result of the child that its mother reported names both: it is the child's."""
    assert names(reader(server(CHILD)).everything("Patient/a")) == ["Observation/o", "Patient/a"]


def test_a_medicine_that_only_another_patients_order_names_stays_there():
    medicine = {"resourceType": "Medication", "id": "m"}
    order = {
        "resourceType": "MedicationRequest",
        "id": "r",
        "medicationReference": {"reference": "Medication/m"},
        "subject": {"reference": "Patient/b"},
        "requester": {"reference": "Patient/a"},
    }
    found = reader(server(medicine, order)).everything("Patient/a")
    assert names(found) == ["Observation/o", "Patient/a"]


def test_of_a_patient_who_is_gone_what_is_left_is_read():
    memory = server({**MOTHER, "id": "left", "subject": {"reference": "Patient/gone"}})
    assert names(reader(memory).everything("Patient/gone")) == ["Observation/left"]


def test_an_operation_that_is_declared_and_refused_is_asked_for_once():
    memory = server()
    asked = []

    def refused(*_: object) -> Iterator[Resource]:
        asked.append(1)
        raise RefusedError("No.", status=501)

    memory.everything = refused  # type: ignore[method-assign]
    one = reader(memory)
    for _ in range(2):
        assert names(one.everything("Patient/a")) == ["Observation/o", "Patient/a"]
    assert len(asked) == 1


@pytest.mark.parametrize(
    "given",
    [
        [MOTHER],
        # A server that passes over whose record is asked for would send everybody's.
        [{**CHILD, "id": f"c{n}"} for n in range(1001)],
        # Behind a proxy, a result that is stored under the server's inner address: a search knows
        # whose it is; to leave it out would be a gap that nobody sees.
        [
            {"resourceType": "Patient", "id": "a"},
            {**MOTHER, "subject": {"reference": "http://inner:8080/fhir/Patient/a"}},
        ],
    ],
)
def test_an_answer_without_the_patient_or_full_of_others_is_not_used(given):
    memory = server()
    memory.everything = lambda *_: iter(given)  # type: ignore[method-assign]
    assert names(reader(memory).everything("Patient/a")) == ["Observation/o", "Patient/a"]


def test_an_answer_that_the_server_doubts_is_none():
    memory = server()
    issue = {"severity": "warning", "code": "incomplete"}
    given = [{"resourceType": "OperationOutcome", "issue": [issue]}]
    memory.everything = lambda *_: iter(given)  # type: ignore[method-assign]
    with pytest.raises(ServerError, match="may not be whole"):
        reader(memory).everything("Patient/a")

"""The record of a call, opened: whichever way it came, and of nobody else."""

from typing import Any

import pytest

from b12fhir.service.hooks.held import held


def order(name: str, **who: Any) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "id": name, **who}


def bundle(*resources: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}


def names(*record: Any) -> list[str]:
    return [one["id"] for one in held(record, "Patient/p1") if "id" in one]


def test_results_are_no_part_of_a_plan() -> None:
    assert names(bundle({"resourceType": "Observation", "id": "r1"}, order("o1"))) == ["o1"]


@pytest.mark.parametrize("kind", [["MedicationRequest"], {}, 7, None])
def test_a_type_that_is_no_word_is_no_defect(kind) -> None:
    assert names({"resourceType": kind, "id": "odd"}, order("o1")) == ["odd", "o1"]


def test_what_stands_in_a_bundle_is_held_as_what_stands_alone() -> None:
    one, other = order("o1"), order("o2")
    assert names(one, bundle(other, bundle(order("o3")))) == ["o1", "o2", "o3"]


@pytest.mark.parametrize("who", ["subject", "patient"])
@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        ("Patient/p1", True),
        ("https://ehr.example/fhir/Patient/p1", True),
        ("Patient/p1/_history/3", True),
        ("Patient/p2", False),
        ("https://ehr.example/fhir/Patient/p2", False),
        ("Patient/p2/_history/p1", False),
        ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", True),  # temporary: told by extract
        ("Group/p2", True),
        (7, True),
    ],
)
def test_what_names_another_patient_is_left_out(who, reference, kept) -> None:
    one = order("o1", **{who: {"reference": reference}})
    assert names(bundle(one)) == (["o1"] if kept else [])


@pytest.mark.parametrize("who", ["Patient/p2", None, [], {"display": "somebody"}])
def test_what_names_nobody_is_held(who) -> None:
    assert names(order("o1", subject=who)) == ["o1"]

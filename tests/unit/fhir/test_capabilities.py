"""CapabilityStatements: read as they come, and never the reason for a crash."""

import pytest

from b12fhir.fhir.capabilities import read_capabilities


def test_declared_things_are_there_and_others_are_not():
    can = read_capabilities(
        {
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "software": {"name": "S", "version": "1"},
            "rest": [
                {"mode": "client"},
                {
                    "mode": "server",
                    "interaction": [{"code": "transaction"}],
                    "resource": [
                        {
                            "type": "MedicationRequest",
                            "interaction": [{"code": "search-type"}],
                            "searchParam": [{"name": "patient"}],
                            "searchInclude": ["MedicationRequest:medication", 7],
                            "versioning": "versioned",
                        }
                    ],
                },
            ],
        }
    )
    assert (can.version, can.formats, can.software) == ("4.0.1", ("json",), "S 1")
    assert can.system == {"transaction"}
    assert can.listed
    assert can.searches("MedicationRequest")
    assert not can.searches("Observation")
    assert not can.has("MedicationRequest", "create")
    assert can.finds_by("MedicationRequest", "patient")
    assert not can.finds_by("MedicationRequest", "_id")
    assert can.includes("MedicationRequest", "MedicationRequest:medication")
    assert can.flag("MedicationRequest", "versioning") == "versioned"


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"rest": "x", "format": "json", "software": "x"},
        {"rest": [{"mode": "server", "resource": "x"}], "software": {"name": 1}},
    ],
)
def test_a_statement_that_lists_nothing_forbids_nothing(statement):
    can = read_capabilities(statement)
    assert not can.listed
    assert can.searches("Observation")
    assert can.finds_by("Observation", "patient")
    assert not can.includes("MedicationRequest", "MedicationRequest:medication")
    assert can.software == ""


def test_a_list_of_another_shape_declares_nothing():
    rest = {"mode": "server", "resource": [{"type": "Patient", "searchInclude": "x"}]}
    assert not read_capabilities({"rest": [rest]}).includes("Patient", "x")

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


def listed(*codes: str, kind: str = "Task", **more: object):
    rows = [{"type": name, "interaction": ALL} for name in PARTS if name != kind]
    rows.append({"type": kind, "interaction": [{"code": code} for code in codes], **more})
    return read_capabilities({"rest": [{"mode": "server", "resource": rows}]})


PARTS = ("Goal", "RiskAssessment", "DetectedIssue", "Task")
ALL = [{"code": "search-type"}, {"code": "create"}]


@pytest.mark.parametrize(
    ("codes", "without"),
    [
        (("search-type", "create"), frozenset()),
        # Not found again, each run would write it once more; not created, there is nothing to find.
        (("create",), {"Task"}),
        (("search-type",), {"Task"}),
        ((), {"Task"}),
    ],
)
def test_a_part_is_kept_only_where_it_can_be_made_and_found_again(codes, without):
    assert listed(*codes).without == without


def test_a_server_that_lists_nothing_is_taken_to_keep_every_part():
    assert read_capabilities({}).without == frozenset()


@pytest.mark.parametrize(
    ("codes", "flags", "how"),
    [
        (("create", "update"), {"updateCreate": True}, "named"),
        (("create", "update"), {"updateCreate": False}, "posted"),
        (("create", "update"), {}, "posted"),
        (("create",), {"updateCreate": True}, "posted"),
        (("update",), {}, ""),
        ((), {}, ""),
    ],
)
def test_an_id_of_our_own_is_used_only_where_it_is_declared(codes, flags, how):
    can = listed(*codes, kind="Provenance", **flags)
    assert (can.provenance, can.names_provenance) == (how, how == "named")


def test_an_id_of_our_own_is_not_risked_on_a_silent_server():
    assert read_capabilities({}).provenance == "posted"

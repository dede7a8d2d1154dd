"""Whom a resource is about on its own server: a slip here would leave a patient undecided."""

import pytest

from b12fhir.fhir.subjects import merged_with, subject_on

BASE = "https://ehr.example/fhir"


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ({"subject": {"reference": "Patient/1"}}, "Patient/1"),
        ({"patient": {"reference": "Patient/a-b.c"}}, "Patient/a-b.c"),
        ({"for": {"reference": "Patient/1"}}, "Patient/1"),
        ({"subject": {"reference": "Patient/1/_history/4"}}, "Patient/1"),
        ({"subject": {"reference": f"{BASE}/Patient/1"}}, "Patient/1"),
        ({"subject": {"reference": "https://other.example/fhir/Patient/1"}}, ""),
        ({"subject": {"reference": "https://ehr.example/fhir2/Patient/1"}}, ""),
        ({"subject": {"reference": "Group/1"}}, ""),
        ({"subject": {"reference": "#p"}}, ""),
        ({"subject": {"reference": "urn:uuid:1"}}, ""),
        ({"subject": {"reference": "Patient?identifier=x"}}, ""),
        ({"subject": {"reference": "Patient/a,b"}}, ""),
        ({"subject": {"identifier": {"value": "x"}}}, ""),
        ({"subject": "Patient/1"}, ""),
        ({"subject": {"reference": 1}}, ""),
        ({}, ""),
    ],
)
def test_whom_it_is_about(who, expected):
    assert subject_on(who, BASE) == expected


def test_both_directions_of_a_merge_and_nothing_else():
    links = [
        {"other": {"reference": "Patient/new"}, "type": "replaced-by"},
        {"other": {"reference": f"{BASE}/Patient/old"}, "type": "replaces"},
        {"other": {"reference": "Patient/same"}, "type": "seealso"},
        {"other": {"display": "nobody"}, "type": "replaces"},
        "odd",
    ]
    assert list(merged_with({"link": links}, BASE)) == ["Patient/new", "Patient/old"]

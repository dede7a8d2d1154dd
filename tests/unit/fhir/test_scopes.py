"""The scopes that are asked for: what is read, what is written, and nothing else."""

from b12fhir.fhir.capabilities import READ_TYPES
from b12fhir.fhir.scopes import needed_scopes
from b12fhir.fhir.told import WRITTEN

SCOPES = dict(one.removeprefix("system/").split(".") for one in needed_scopes().split(" "))


def test_everything_that_is_read_may_be_read_and_searched():
    for kind in (*READ_TYPES, "Practitioner", "PractitionerRole"):
        assert SCOPES[kind] in {"rs", "crus"}, kind


def test_only_what_is_written_may_be_created_and_updated():
    """Results, diagnoses and people are the record system's."""
    assert {kind for kind, letters in SCOPES.items() if letters == "crus"} == set(WRITTEN)
    for kind in ("Patient", "Observation", "Condition", "Practitioner"):
        assert SCOPES[kind] == "rs"


def test_nothing_may_be_deleted_and_nothing_is_asked_for_wholesale():
    assert set(SCOPES.values()) == {"rs", "crus"}
    assert "*" not in SCOPES

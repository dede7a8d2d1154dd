"""References: found and rewritten at any depth, and nothing else touched."""

from b12fhir.fhir.links import links_in, relinked

TREE = {
    "subject": {"reference": "Patient/1"},
    "activity": [{"reference": {"reference": "urn:uuid:a"}}, {"detail": {"code": "x"}}],
    "note": "urn:uuid:a",
}


def test_every_reference_is_found():
    assert list(links_in(TREE)) == ["Patient/1", "urn:uuid:a"]


def test_only_references_are_rewritten():
    assert relinked(TREE, {"urn:uuid:a": "MedicationRequest/9"}) == {
        "subject": {"reference": "Patient/1"},
        "activity": [
            {"reference": {"reference": "MedicationRequest/9"}},
            {"detail": {"code": "x"}},
        ],
        "note": "urn:uuid:a",
    }


def test_the_original_stays_as_it_is():
    relinked(TREE, {"Patient/1": "Patient/2"})
    assert TREE["subject"] == {"reference": "Patient/1"}

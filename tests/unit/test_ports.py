"""An audit entry is kept for years and read by many: it must not say who the patient is."""

from dataclasses import replace

import pytest

from b12fhir.errors import Defect
from b12fhir.ports import AuditEntry, AuditKind, Versioned
from tests.support.phi import FAMILY, GIVEN

ENTRY = AuditEntry(
    AuditKind.SIGNATURE,
    actor="Practitioner/dr-1",
    patient="a1b2c3d4e5f60718",
    plan="a1b2c3d4e5f60718:e1:r1",
    as_of="2026-11-21T10:17:23+05:45",
    pack="seed-default/1.0.0",
    inputs=(Versioned("Observation/b12-1", "3", "0" * 64),),
    written=(Versioned("CarePlan/7", "2"),),
    outcome="phase=induction",
)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": f"{GIVEN} {FAMILY} was told"},  # blanks make a sentence
        {"outcome": "Zoë"},  # no code has letters beyond ASCII
        {"actor": "Patient/1"},
        {"inputs": (Versioned("Patient/1"),)},
        {"inputs": (Versioned("https://ehr.example/fhir/Patient/1"),)},
        {"written": (Versioned("CarePlan/1", "2", "a b"),)},
        {"plan": "x" * 301},
        {"answers": "line\nbreak"},
    ],
)
def test_what_could_name_a_patient_is_no_entry(change):
    with pytest.raises(Defect, match="not recorded") as caught:
        replace(ENTRY, **change)
    assert FAMILY not in str(caught.value)


def test_codes_references_and_digests_are_an_entry():
    """`Patient` alone is a type and names nobody; a longer type name is not the Patient."""
    entry = replace(ENTRY, inputs=(Versioned("Patient", "4"), Versioned("InPatient/1")))
    assert entry.inputs[0].version == "4"

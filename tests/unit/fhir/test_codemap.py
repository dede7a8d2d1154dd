"""A site's own laboratory codes: one meaning each, and every fault named at once."""

import pytest

from b12fhir.errors import ConfigError
from b12fhir.facts.labs import Analyte
from b12fhir.fhir.codemap import read_code_map
from b12fhir.fhir.extract import extract
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import LOINC, Code
from b12fhir.protocol.load import load_protocol

ROW = '[[code]]\nsystem = "urn:lab"\ncode = "VITB12"\nloinc = "{}"\n'


def test_a_row_maps_a_local_code() -> None:
    assert read_code_map(ROW.format("2132-9"), where="map") == {
        Code("urn:lab", "VITB12"): Code(LOINC, "2132-9")
    }


def test_the_same_row_twice_is_one() -> None:
    assert len(read_code_map(ROW.format("2132-9") * 2, where="map")) == 1


FAULTS = [
    ("not toml", "is not TOML"),
    ("", r"no list of \[\[code\]\]"),
    ("other = 1\n" + ROW.format("2132-9"), "no list"),
    ("code = 1", "no list"),
    ("code = [1]", "row 1: wants"),
    ('[[code]]\nsystem = "s"\n', "row 1: wants"),
    ('[[code]]\nsystem = "s"\ncode = 5\nloinc = "2132-9"\n', "row 1: every value"),
    ('[[code]]\nsystem = "s"\ncode = " "\nloinc = "2132-9"\n', "row 1: every value"),
    (ROW.format("2132-8"), "check digit"),
    (ROW.format("2132-9") + ROW.format("2132-8"), "row 2"),
    (ROW.format("2132-9") + ROW.format("718-7"), "twice"),
]


@pytest.mark.parametrize(("text", "said"), FAULTS)
def test_a_fault_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_code_map(text, where="map")


def test_a_mapped_result_is_read_and_an_unmapped_one_reported() -> None:
    """Without the map the result must not vanish, with it it must not change."""
    resources = [
        {"resourceType": "Patient", "id": "p1"},
        {
            "resourceType": "Observation",
            "id": "o1",
            "status": "final",
            "code": {"coding": [{"system": "urn:lab", "code": "VITB12"}]},
            "subject": {"reference": "Patient/p1"},
            "effectiveDateTime": "2026-11-18",
            "valueQuantity": {"value": 150, "unit": "pg/mL"},
        },
    ]
    codes = read_code_map(ROW.format("2132-9"), where="map")
    mapped = extract(resources, load_protocol(), Site(code_map=codes))
    bare = extract(resources, load_protocol(), Site())
    assert [result.analyte for result in mapped.labs] == [Analyte.B12_TOTAL]
    assert not bare.labs
    assert any(issue.code.startswith("unmapped") for issue in bare.issues)

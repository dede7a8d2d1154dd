"""Dosage: the line that many viewers show as the only thing, and the structure behind it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from b12fhir.fhir.dosage import dosage, dosage_text, micrograms, number, product_text
from b12fhir.kernel.codes import is_snomed
from b12fhir.protocol.model import Span
from tests.support.builders import AMPOULE, TABLET, build_maintenance, build_oral, build_phase


@pytest.mark.parametrize(
    ("phase", "text"),
    [
        (
            build_phase(),
            (
                "1000 microgram (1 mL of 1000 microgram/mL) - every 2 days - intramuscular - "
                "for 7 doses - from 2026-11-21"
            ),
        ),
        (
            build_phase(count=1),
            "1000 microgram (1 mL of 1000 microgram/mL) - once - intramuscular - from 2026-11-21",
        ),
        (
            build_maintenance(interval=Span(2, "mo", 3), route="sc"),
            (
                "1000 microgram (1 mL of 1000 microgram/mL) - every 2 to 3 months - subcutaneous - "
                "from 2027-01-03"
            ),
        ),
        (
            build_oral(),
            (
                "1000 microgram (1 x 1000 microgram tablet; range 1000 to 2000 microgram) - "
                "once a day - oral - from 2026-11-21 to 2027-02-12"
            ),
        ),
        (
            build_oral(dose=Decimal(250), dose_max=None),
            (
                "250 microgram (tablet of 1000 microgram) - once a day - oral - "
                "from 2026-11-21 to 2027-02-12"
            ),
        ),
        (
            build_oral(dose_max=Decimal(1000), stop_rule="until the diet is corrected"),
            (
                "1000 microgram (1 x 1000 microgram tablet) - once a day - oral - "
                "from 2026-11-21 to 2027-02-12 - until the diet is corrected"
            ),
        ),
        (
            build_phase(dose=Decimal("1500.50"), volume_ml=Decimal("1.5005"), count=0),
            (
                "1500.5 microgram (1.5005 mL of 1000 microgram/mL) - every 2 days - "
                "intramuscular - from 2026-11-21"
            ),
        ),
    ],
)
def test_the_line_says_it_all(phase, text):
    assert dosage_text(phase) == text


def test_the_structure_says_what_the_line_says():
    assert dosage(build_phase(stop_rule="no further gain")) == {
        "sequence": 1,
        "text": dosage_text(build_phase(stop_rule="no further gain")),
        "additionalInstruction": [{"text": "no further gain"}],
        "timing": {
            "repeat": {
                "boundsPeriod": {"start": "2026-11-21"},
                "count": 7,
                "frequency": 1,
                "period": 2,
                "periodUnit": "d",
            }
        },
        "asNeededBoolean": False,
        "route": {
            "coding": [
                {
                    "system": "http://snomed.info/sct",
                    "code": "78421000",
                    "display": "Intramuscular route",
                }
            ],
            "text": "Intramuscular route",
        },
        "doseAndRate": [
            {
                "type": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/dose-rate-type",
                            "code": "ordered",
                        }
                    ]
                },
                "doseQuantity": micrograms(Decimal(1000)),
            }
        ],
        "maxDosePerPeriod": {
            "numerator": micrograms(Decimal(1000)),
            "denominator": {
                "value": 1,
                "unit": "day",
                "system": "http://unitsofmeasure.org",
                "code": "d",
            },
        },
    }


def test_a_range_is_text_only_and_caps_the_day():
    """A prescribable range would leave the choice to whoever dispenses."""
    found = dosage(build_oral())
    assert found["doseAndRate"][0]["doseQuantity"]["value"] == 1000
    assert "doseRange" not in found["doseAndRate"][0]
    assert found["maxDosePerPeriod"]["numerator"]["value"] == 2000


def test_routes_are_snomed_and_none_of_them_is_a_vein():
    for route in ("im", "sc", "oral", "sublingual", "nasal"):
        code = dosage(build_phase(route=route))["route"]["coding"][0]["code"]
        assert is_snomed(code)
        assert code != "47625008"
    with pytest.raises(KeyError):
        dosage(build_phase(route="iv"))


def test_a_product_is_drug_strength_and_form():
    assert product_text(AMPOULE) == "hydroxocobalamin 1000 microgram/mL solution for injection"
    assert product_text(TABLET) == "cyanocobalamin 1000 microgram tablet"
    half = replace(TABLET, strength=Decimal("0.50"))
    assert product_text(half) == "cyanocobalamin 0.5 microgram tablet"


@pytest.mark.parametrize(
    ("amount", "shown"), [("1000", "1000"), ("1E+3", "1000"), ("1000.0", "1000"), ("2.50", "2.5")]
)
def test_amounts_are_written_plainly(amount, shown):
    assert str(number(Decimal(amount))) == shown

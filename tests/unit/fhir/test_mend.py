"""Half-written orders are put right where that changes nothing of what they mean."""

from typing import Any

import pytest

from b12fhir.facts.medicines import B12Dose, Route
from b12fhir.fhir.mend import mended_order
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service import extract
from tests.support.calls import dosage, order

PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-01-01"}


def read(given: dict[str, Any]) -> B12Dose:
    """The dose that `extract` finds in the mended order."""
    made = mended_order(given, "draft", "Patient/p1", {})
    (dose,) = extract([PATIENT, made], load_protocol(), Site(), "p1").doses
    return dose


RATE = {"doseQuantity": {"value": 1000, "code": "ug"}}


@pytest.mark.parametrize(
    "given",
    [
        dosage(),
        dosage(doseAndRate=RATE),
        dosage(doseAndRate=None, doseQuantity=RATE["doseQuantity"]),
        dosage(route=None) | {"route": "intramuscular"},
        dosage(route=None) | {"route": {"text": "IM"}},
    ],
)
def test_dose_and_route_are_found_where_other_versions_of_fhir_have_them(given: object) -> None:
    dose = read(order(dosageInstruction=given))
    assert (dose.dose_ug, dose.route) == (1000, Route.IM)


@pytest.mark.parametrize("given", [None, {"text": "as discussed"}])
def test_nothing_of_the_order_itself_is_made_up(given: object) -> None:
    """No dose, no route, no interval: they must be missed, not filled in."""
    dose = read(order(dosageInstruction=given))
    assert (dose.dose_ug, dose.route) == (None, Route.INJECTION)


def test_what_the_client_sent_stays_as_it_is() -> None:
    given = order(meta={"versionId": "7"}, dosageInstruction=dosage())
    before = repr(given)
    mended_order(given, "draft", "Patient/p1", {})
    assert repr(given) == before


@pytest.mark.parametrize(
    ("changes", "replaced", "based"),
    [
        ({}, "MedicationRequest/o1", []),
        ({"id": None}, None, None),
        ({"id": "not an id"}, None, None),
        (
            {"priorPrescription": {"reference": "MedicationRequest/old"}},
            "MedicationRequest/o1",
            ["MedicationRequest/old"],
        ),
        (
            {"id": None, "priorPrescription": {"reference": "MedicationRequest/old"}},
            "MedicationRequest/old",
            None,
        ),
    ],
)
def test_what_a_draft_replaces_is_kept(
    changes: dict[str, Any], replaced: str | None, based: list[str] | None
) -> None:
    """The version on record, and what the client itself says that it replaces."""
    made = mended_order(order(**changes), "draft", "Patient/p1", {})
    assert made.get("priorPrescription", {}).get("reference") == replaced
    links = made.get("basedOn")
    assert (links if links is None else [one["reference"] for one in links]) == based

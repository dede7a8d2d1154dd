"""Medicines known by a site's own codes: read as what the site says, and never silently lost."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from b12fhir.facts.medicines import Route
from b12fhir.fhir.codemap import read_code_map
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import ATC, RXNORM, SNOMED, Code
from b12fhir.protocol.load import load_protocol
from b12fhir.service import propose
from tests.unit.fhir.extract.given import (
    codes,
    concept,
    dosage,
    drug,
    lab,
    medicine,
    patient,
    quantity,
    read,
)

LOCAL = "urn:drugs"
MAP = """
[[product]]
product = "cyanocobalamin-injection-1000"
system = "urn:drugs"
code = "AMP"
strength = 1
unit = "mg/mL"

[[product]]
product = "cyanocobalamin-tablet-1000"
system = "urn:drugs"
code = "TAB1000"
display = "B12 1 mg"
strength = 1
unit = "mg"

[[drug]]
system = "urn:drugs"
code = "HYD"
ingredients = ["hydroxocobalamin"]
form = "injection"
strength = 0.5
unit = "mg/mL"
route = "im"

[[drug]]
system = "urn:drugs"
code = "TAB"
ingredients = ["cyanocobalamin"]
form = "tablet"
strength = 50
unit = "ug"

[[drug]]
system = "urn:drugs"
code = "VIT"
ingredients = ["vitamin_b12"]

[[drug]]
system = "urn:drugs"
code = "MULTI"
ingredients = ["cyanocobalamin", "folic_acid"]
form = "tablet"
strength = 2.5
unit = "ug"

[[drug]]
system = "urn:drugs"
code = "MET"
ingredients = ["metformin"]
form = "tablet"
strength = 850
unit = "mg"

[[drug]]
system = "urn:drugs"
code = "ETH"
ingredients = ["rxnorm|4124"]

[[drug]]
system = "urn:drugs"
code = "PARA"
ingredients = []

[[drug]]
name = "Metformin ward"
ingredients = ["metformin"]

[[drug]]
name = "Betolvex"
product = "cyanocobalamin-injection-1000"
"""
FOUND = read_code_map(MAP, where="map", protocol=load_protocol())
SITE = Site(drugs=FOUND.drugs)
DAILY = {"frequency": 1, "period": 1, "periodUnit": "d"}


def local(code: str, said: str = "") -> dict:
    return concept(LOCAL, code, said=said)


def both(*concepts: dict) -> dict:
    return {"coding": [coding for one in concepts for coding in one["coding"]]}


def given(code: dict, **changes) -> dict:
    return medicine(medicationCodeableConcept=code, **changes)


def one(*resources):
    (dose,) = read(*resources, site=SITE).doses
    return dose


@pytest.mark.parametrize(
    ("code", "amount", "expected"),
    [
        ("AMP", quantity("1", "mL"), ("cyanocobalamin", Route.INJECTION, 1000)),
        ("HYD", quantity("2", "mL"), ("hydroxocobalamin", Route.IM, 1000)),
        ("TAB", quantity("3", "{tbl}"), ("cyanocobalamin", Route.ORAL, 150)),
        ("TAB", quantity("1", "mL"), ("cyanocobalamin", Route.ORAL, None)),
        ("VIT", quantity("1", "mg"), ("cyanocobalamin", Route.UNKNOWN, 1000)),
        ("VIT", quantity("1", "mL"), ("cyanocobalamin", Route.UNKNOWN, None)),
    ],
)
def test_a_dose_by_a_local_code(code, amount, expected) -> None:
    """The strength is the site's: 2 mL of 0.5 mg/mL are 1000 ug, a mL of tablets is nothing."""
    dose = one(given(local(code), dosageInstruction=[dosage(amount)]))
    assert (dose.drug, dose.route, dose.dose_ug) == expected


def test_without_the_map_the_same_code_is_no_b12_but_is_reported() -> None:
    facts = read(given(local("AMP")))
    assert (facts.doses, codes(facts)) == ((), ["unmapped-medicine"])


def test_a_mapped_code_is_as_good_as_a_standard_one() -> None:
    facts = read(given(local("AMP")), site=SITE)
    assert codes(facts) == ["dose-unclear"]
    assert facts.doses[0].text == "cyanocobalamin injection"
    assert facts.doses[0].concentration is None or facts.doses[0].concentration == 1000


@pytest.mark.parametrize(
    "kind",
    ["MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration"],
)
@pytest.mark.parametrize("by_reference", [False, True])
def test_every_kind_of_record_goes_by_the_map(kind, by_reference) -> None:
    product = {"resourceType": "Medication", "id": "med1", "code": local("TAB")}
    link = {"medicationReference": {"reference": "Medication/med1"}}
    resource = medicine(kind, medicationCodeableConcept=local("TAB"))
    if by_reference:
        resource = medicine(kind, medicationCodeableConcept=None, **link)
    assert one(resource, product).route is Route.ORAL


@pytest.mark.parametrize(("code", "expected"), [("TAB", "yes"), ("AMP", "unknown")])
def test_supply_counts_by_the_form_of_the_map(code, expected) -> None:
    """Tablets handed out count as taken, an ampoule was perhaps given (ruling 26)."""
    dose = one(medicine("MedicationDispense", medicationCodeableConcept=local(code)))
    assert dose.given.value == expected


def test_the_route_stated_goes_before_that_of_the_map() -> None:
    held = [dosage(quantity("1", "mL"), "34206005")]
    assert one(given(local("HYD"), dosageInstruction=held)).route is Route.SC


def test_a_multivitamin_is_combined_and_its_strength_is_that_of_b12() -> None:
    held = given(local("MULTI"), dosageInstruction=[dosage(quantity("1", "{tbl}"), **DAILY)])
    facts = read(held, site=SITE)
    (dose,) = facts.doses
    assert (dose.combined, dose.daily_ug) == (True, Decimal("2.5"))
    assert [drug.ingredient for drug in facts.exposures] == ["folic_acid"]
    assert facts.exposures[0].daily_mg is None
    assert one(given(local("TAB"))).combined is False


def test_another_medicine_by_a_local_code() -> None:
    held = given(local("MET"), dosageInstruction=[dosage(quantity("2", "{tbl}"), **DAILY)])
    facts = read(held, site=SITE)
    assert [(drug.ingredient, drug.daily_mg) for drug in facts.exposures] == [("metformin", 1700)]
    assert codes(facts) == []


def test_the_question_of_a_standard_code_is_asked_of_the_local_one_too() -> None:
    """RxNorm 4124 is ethinylestradiol: is it an oral contraceptive?"""
    assert codes(read(given(local("ETH")), site=SITE)) == ["code-asks"]


def test_a_name_without_code_is_read_if_the_map_has_just_that_name() -> None:
    facts = read(given({"text": " BETOLVEX "}), site=SITE)
    assert [dose.drug for dose in facts.doses] == ["cyanocobalamin"]
    assert "text-only" not in codes(facts)
    assert read(given({"text": "Betolvex forte"}), site=SITE).doses == ()


def test_two_names_of_two_medicines_are_none() -> None:
    """The text says one thing, the display another: never choose."""
    code = {"coding": [{"display": "Metformin ward"}], "text": "Betolvex"}
    assert read(given(code), site=SITE).doses == ()
    assert len(read(given(code | {"coding": [{"display": "betolvex"}]}), site=SITE).doses) == 1


def test_a_name_does_not_go_before_a_code() -> None:
    facts = read(given(concept(ATC, "A10BA02", said="Betolvex")), site=SITE)
    assert (facts.doses, [one.ingredient for one in facts.exposures]) == ((), ["metformin"])


def test_an_empty_row_ends_the_report_and_nothing_else() -> None:
    """A name that speaks of B12 is stronger than a row that says it is nothing."""
    assert codes(read(given(local("PARA", "Paracetamol")), site=SITE)) == []
    facts = read(given(local("PARA", "Cyanocobalamin")), site=SITE)
    assert len(facts.doses) == 1
    assert "text-only" in codes(facts)


@pytest.mark.parametrize(
    ("standard", "code", "agrees"),
    [
        (concept(RXNORM, "11248"), "AMP", True),
        (concept(ATC, "B03BA"), "HYD", True),
        (concept(ATC, "B03BA51"), "MULTI", True),
        (concept(ATC, "B03BA03"), "VIT", True),
        (concept(ATC, "B03BA03"), "AMP", False),
        (concept(RXNORM, "6809"), "AMP", False),
        (concept(RXNORM, "11248"), "MET", False),
        (concept(RXNORM, "11248"), "PARA", True),
        (concept(SNOMED, "84027009"), "AMP", True),
    ],
)
def test_a_map_against_a_standard_code(standard, code, agrees) -> None:
    """A slip in the map must not turn metformin into B12, nor hydroxocobalamin into cyano."""
    facts = read(given(both(standard, local(code))), site=SITE)
    assert ("map-contradiction" not in codes(facts)) is agrees
    if not agrees:
        told = read(given(standard))
        assert [dose.drug for dose in facts.doses] == [dose.drug for dose in told.doses]
        assert [d.ingredient for d in facts.exposures] == [d.ingredient for d in told.exposures]


def test_the_map_adds_the_strength_that_an_ingredients_code_lacks() -> None:
    held = [dosage(quantity("1", "mL"))]
    code = both(drug("11248"), local("AMP"))
    assert one(given(code, dosageInstruction=held)).dose_ug == 1000


def test_two_strengths_are_none() -> None:
    """RxNorm 2001499 holds 5000 ug/mL, the map's ampoule 1000: never choose."""
    code = both(drug("2001499"), local("AMP"))
    assert one(given(code, dosageInstruction=[dosage(quantity("1", "mL"))])).dose_ug is None


def test_two_local_codes_of_one_product_add_up() -> None:
    code = both(local("VIT"), local("TAB"))
    dose = one(given(code, dosageInstruction=[dosage(quantity("2", "{tbl}"))]))
    assert (dose.dose_ug, dose.combined) == (100, False)


@pytest.mark.parametrize(
    ("code", "listed"),
    [
        (local("X1", "Something"), True),
        (local("X1"), True),
        ({"text": "Zyx forte"}, True),
        (concept(RXNORM, "161"), True),
        (concept(RXNORM, "161", said="Acetaminophen"), False),
        (both(concept(RXNORM, "161", said="x"), local("X1")), True),
        (local("X1", "Metformin 500"), False),
        (local("X1", "Vitamin B12"), False),
    ],
)
def test_what_was_not_recognised_is_listed(code, listed) -> None:
    """It might be B12; what a name tells, or a standard code with a name, needs no report."""
    assert ("unmapped-medicine" in codes(read(given(code)))) is listed


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "entered-in-error"},
        {"intent": "proposal"},
        {"doNotPerform": True},
        {"subject": {"reference": "Patient/p2"}},
    ],
)
def test_what_is_not_the_patients_medicine_is_not_listed(changes) -> None:
    assert "unmapped-medicine" not in codes(read(given(local("X1"), **changes)))


def test_the_report_counts_and_names_code_and_system() -> None:
    many = [given(local("X1", "Something"), id=f"m{n}") for n in range(3)]
    texts = [given({"text": f"Zyx {n}"}, id=f"t{n}") for n in range(2)]
    issues = read(*many, *texts).issues
    assert [issue.relevant for issue in issues] == [False] * 3
    said = " ".join(issue.text for issue in issues)
    assert "'Something' (code 'X1' of system 'urn:drugs') is in no table (in 3 resources)" in said
    assert "(no code, named 'Zyx 0') is in no table (in one resource)" in said


def test_an_order_of_ours_comes_back_as_the_product_it_was() -> None:
    """Approved and kept under the site's code alone, it still stops a second course (R-95)."""
    low = lab("90")
    as_of = datetime(2026, 11, 21, 9, tzinfo=UTC)
    bundle = propose([patient(), low], load_protocol(), as_of, SITE).bundle()
    assert bundle is not None
    ordered = [
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "MedicationRequest"
    ]
    coding = ordered[0]["medicationCodeableConcept"]["coding"]
    assert {"system": LOCAL, "code": "TAB1000", "display": "B12 1 mg"} in coding
    held = [dosage(quantity("1", "{tbl}"), **DAILY)]
    kept = given(local("TAB1000"), id="kept", authoredOn="2026-11-20", dosageInstruction=held)
    again = propose([patient(), low, kept], load_protocol(), as_of, SITE)
    assert again.plan.phases == ()
    assert propose([patient(), low, kept], load_protocol(), as_of, Site()).plan.phases != ()


def test_the_code_of_a_mapped_drug_is_not_taken_for_another_systems() -> None:
    facts = read(given(concept("urn:other", "AMP")), site=SITE)
    assert (facts.doses, codes(facts)) == ((), ["unmapped-medicine"])
    assert Code("urn:other", "AMP") not in FOUND.drugs.by_code

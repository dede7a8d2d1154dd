"""Vitamin B12 given or on order, other medicines, and allergies."""

from datetime import date
from decimal import Decimal

import pytest

from b12fhir.facts.medicines import Route
from b12fhir.fhir.extract.amount import dose_ug, ratio_strength, single_amount, strength_in
from b12fhir.fhir.extract.schedule import lasting, per_day
from b12fhir.kernel.codes import ATC, DMD, RXNORM, SNOMED
from b12fhir.kernel.dates import on, parse_when
from tests.unit.fhir.extract.given import (
    SITE,
    allergy,
    codes,
    concept,
    dosage,
    drug,
    medicine,
    quantity,
    read,
)

IM, SC, ORAL, SL, NASAL, IV = (
    "78421000", "34206005", "26643006", "37839007", "46713006", "47625008",
)  # fmt: skip
SPRING = {"start": "2026-02-01", "end": "2026-03-01"}
DAILY = {"frequency": 1, "period": 1, "periodUnit": "d"}


def one(resource, *others):
    (dose,) = read(resource, *others).doses
    return dose


@pytest.mark.parametrize(
    ("kind", "status", "given", "ordered", "active"),
    [
        ("MedicationAdministration", "completed", "yes", False, False),
        ("MedicationAdministration", "in-progress", "unknown", False, False),
        ("MedicationAdministration", "not-done", "no", False, False),
        ("MedicationAdministration", "stopped", "unknown", False, False),
        ("MedicationAdministration", "unknown", "unknown", False, False),
        ("MedicationRequest", "active", "no", True, True),
        ("MedicationRequest", "on-hold", "no", True, True),
        ("MedicationRequest", "unknown", "no", True, True),
        ("MedicationRequest", "completed", "no", True, False),
        ("MedicationRequest", "stopped", "no", True, False),
        ("MedicationRequest", "cancelled", "no", False, False),
        ("MedicationRequest", "draft", "no", False, False),
        ("MedicationStatement", "active", "yes", False, True),
        ("MedicationStatement", "completed", "yes", False, False),
        ("MedicationStatement", "stopped", "yes", False, False),
        ("MedicationStatement", "intended", "no", False, False),
        ("MedicationStatement", "not-taken", "no", False, False),
        ("MedicationStatement", "on-hold", "unknown", False, True),
        ("MedicationDispense", "cancelled", "no", True, False),
    ],
)
def test_what_counts_as_given(kind, status, given, ordered, active) -> None:
    """R-128: an order is no dose, and what the record does not say is asked."""
    facts = read(medicine(kind, status=status, effectiveDateTime="2026-11-01"))
    (dose,) = facts.doses
    assert (dose.given.value, dose.ordered, dose.active) == (given, ordered, active)
    assert ("dose-given-unknown" in codes(facts)) is (given == "unknown")


@pytest.mark.parametrize(
    ("route", "given"), [(ORAL, "yes"), (SL, "yes"), (IM, "unknown"), ("", "unknown")]
)
def test_supply_of_tablets_counts_and_of_ampoules_asks(route, given) -> None:
    """Ruling 26 and R-128: a dispense is supply, not a dose."""
    held = [dosage(quantity("1000", "ug"), route)] if route else []
    dose = one(
        medicine(
            "MedicationDispense",
            dosageInstruction=held,
            whenHandedOver="2026-10-01",
            daysSupply=quantity("30", "d"),
        )
    )
    assert (dose.given.value, dose.ordered, dose.active) == (given, True, False)
    assert (dose.when, dose.until) != (None, None)
    assert dose.until is not None
    assert dose.until.iso() == "2026-10-31"


def test_supply_without_days_tells_only_its_own_day() -> None:
    dose = one(medicine("MedicationDispense", whenPrepared="2026-10-01"))
    assert dose.when is not None
    assert dose.until == dose.when


@pytest.mark.parametrize(
    ("changes", "issue"),
    [
        ({"status": "entered-in-error"}, "excluded"),
        ({"intent": "proposal"}, "not-taken"),
        ({"intent": "option"}, "not-taken"),
        ({"intent": None}, "not-taken"),
        ({"doNotPerform": True}, "not-taken"),
        ({"modifierExtension": [{"url": "x"}]}, "not-understood"),
        ({"implicitRules": "x"}, "not-understood"),
    ],
)
def test_what_is_no_medicine_of_the_patient(changes, issue) -> None:
    facts = read(medicine(**changes))
    assert (facts.doses, codes(facts)) == ((), [issue])


TAG = {"tag": [{"system": SITE.code_system("origin"), "code": "b12fhir"}]}
OURS = [{"system": SITE.system("medication-request"), "value": "k:induction"}]


@pytest.mark.parametrize(
    ("changes", "doses"),
    [
        ({"intent": "proposal", "status": "draft", "identifier": OURS}, 0),
        ({"intent": "proposal", "status": "draft", "meta": TAG}, 0),
        ({"identifier": [{"system": SITE.system("order"), "value": "k"}], "meta": TAG}, 1),
        ({"identifier": [{"system": "http://other", "value": "k"}]}, 1),
    ],
)
def test_our_own_drafts_are_no_medicines_but_what_was_approved_is(changes, doses) -> None:
    """Read back as current medicines, our drafts would put every patient on treatment."""
    facts = read(medicine(**changes))
    assert (len(facts.doses), [c for c in codes(facts) if c != "dose-unclear"]) == (doses, [])


@pytest.mark.parametrize(("system", "own"), [(SITE.system("order"), True), ("http://other", False)])
def test_an_order_signed_from_our_plan_is_known_as_ours(system: str, own: bool) -> None:
    assert one(medicine(identifier=[{"system": system, "value": "k"}])).own is own


@pytest.mark.parametrize(
    ("route", "expected"),
    [(IM, Route.IM), (SC, Route.SC), (ORAL, Route.ORAL), (SL, Route.SUBLINGUAL),
     (NASAL, Route.NASAL), (IV, Route.IV)],
)  # fmt: skip
def test_routes_by_code(route, expected) -> None:
    assert one(medicine(dosageInstruction=[dosage(route=route)])).route is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("IM", Route.IM),
        ("intramuscular injection", Route.IM),
        ("subcut", Route.SC),
        ("by mouth", Route.ORAL),
        ("PO", Route.ORAL),
        ("under the tongue", Route.SUBLINGUAL),
        ("intranasal", Route.NASAL),
        ("IV push", Route.IV),
        ("somehow", Route.UNKNOWN),
    ],
)
def test_routes_in_words(said, expected) -> None:
    held = [{"route": {"text": said}}]
    assert one(medicine(dosageInstruction=held)).route is expected


def test_two_different_routes_are_no_route() -> None:
    held = [dosage(route=IM), dosage(route=ORAL), {}]
    assert one(medicine(dosageInstruction=held)).route is Route.UNKNOWN


@pytest.mark.parametrize(
    ("code", "expected", "name"),
    [
        (drug("2001499"), Route.INJECTION, "cyanocobalamin"),
        (drug("11248", "Cyanocobalamin 1000 MCG Oral Tablet"), Route.ORAL, "cyanocobalamin"),
        (
            drug("11248", "Vitamin B12 1000 mcg sublingual tablet"),
            Route.SUBLINGUAL,
            "cyanocobalamin",
        ),
        (drug("5514"), Route.UNKNOWN, "hydroxocobalamin"),
        (drug("24856311000001103", system=DMD), Route.INJECTION, "hydroxocobalamin"),
        (drug("B03BA05", system=ATC), Route.UNKNOWN, "mecobalamin"),
        ({"text": "Vitamin B12"}, Route.UNKNOWN, ""),
        ({"text": "Methylcobalamin capsules"}, Route.ORAL, "mecobalamin"),
    ],
)
def test_the_form_tells_what_the_dosage_does_not(code, expected, name) -> None:
    """An injectable without route stays an injection of unknown route: IM is never assumed."""
    dose = one(medicine(medicationCodeableConcept=code))
    assert (dose.route, dose.drug) == (expected, name)


def test_a_name_alone_is_weak_evidence() -> None:
    assert "text-only" in codes(read(medicine(medicationCodeableConcept={"text": "Vit B12"})))


@pytest.mark.parametrize(
    ("code", "dose", "expected"),
    [
        (drug(), quantity("1000", "ug"), "1000"),
        (drug(), quantity("1", "mg"), "1000"),
        (drug(), quantity("0.001", "g"), "1000"),
        (drug(), quantity(1000, None, unit="mcg"), "1000"),
        (drug(), quantity("1000", None, unit="micrograms"), "1000"),
        (drug("2001499"), quantity("1", "mL"), "5000"),
        (drug("2001499"), quantity("0.2", "mL"), "1000"),
        (drug("24856311000001103", system=DMD), quantity("1", "mL"), "5000"),
        (drug("11248", "Vitamin B12 1 MG/ML Injection"), quantity("1", "mL"), "1000"),
        (drug("11248", "Cyanocobalamin 50 microgram tablets"), quantity("3", "{tbl}"), "150"),
        (drug("11248", "B12 1,000 mcg tablet"), quantity(2, "1", unit="tablets"), "2000"),
        (drug("11248", "B12 0,5 mg Tabletten"), quantity("1", "{tbl}"), "500"),
        (drug("11248"), quantity("1", "mL"), None),
        (drug("11248"), quantity("1", None, unit="ampoule"), None),
        (drug("11248", "B12 1000 mcg tablet"), quantity("1", "mL"), None),
        (drug("11248", "B12 1 mg/mL"), quantity("1", "{tbl}"), None),
        (drug(), quantity("1000", "ug", unit="mg"), None),
        (drug(), quantity("1000", "ug", comparator="<"), None),
        (drug(), quantity("-1", "ug"), None),
        (drug(), quantity(True, "ug"), None),
        (drug(), quantity("1E+999", "ug"), None),
        (drug(), quantity("1000", "[iU]"), None),
        ({"coding": [*drug("2001499")["coding"], *drug("103016")["coding"]]},
         quantity("1", "mL"), None),
    ],
)  # fmt: skip
def test_single_doses(code, dose, expected) -> None:
    """Two strengths, or a unit that contradicts itself, make no dose: never choose."""
    held = medicine(medicationCodeableConcept=code, dosageInstruction=[dosage(dose, IM)])
    facts = read(held)
    assert facts.doses[0].dose_ug == (None if expected is None else Decimal(expected))
    assert ("dose-unclear" in codes(facts)) is (expected is None)


def test_the_dose_of_an_administration() -> None:
    held = {"dose": quantity("1", "mg"), "route": concept(SNOMED, IM)}
    dose = one(medicine("MedicationAdministration", dosage=held, effectiveDateTime="2026-11-01"))
    assert (dose.dose_ug, dose.daily_ug, dose.route) == (Decimal(1000), None, Route.IM)
    assert dose.when == dose.until
    assert dose.as_input().date == "2026-11-01"


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        (DAILY, "1000"),
        ({"frequency": 2, "period": 1, "periodUnit": "d"}, "2000"),
        ({"period": 1, "periodUnit": "d"}, "1000"),
        ({"frequency": 1, "period": 2, "periodUnit": "d"}, "500"),
        ({"frequency": 7, "period": 1, "periodUnit": "wk"}, "1000"),
        ({"frequency": 3, "period": 1, "periodMax": 2, "periodUnit": "d"}, "1500"),
        ({"frequency": 1, "period": 12, "periodUnit": "h"}, "2000"),
        ({"frequency": 1, "period": 1, "periodUnit": "mo"}, None),
        ({"dayOfWeek": ["mon", "wed", "fri", "sat", "sun", "tue", "thu"]}, "1000"),
        ({"dayOfWeek": "mon"}, "none"),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, "2000"),
        ({"when": ["MORN"]}, "1000"),
        ({"when": "MORN"}, "none"),
        ({"frequency": True, "period": 1, "periodUnit": "d"}, "1000"),
        ({"frequency": 1, "period": 1, "periodUnit": "eon"}, "none"),
        ({"frequency": 1, "period": 0, "periodUnit": "d"}, "none"),
    ],
)
def test_daily_amounts(repeat, expected) -> None:
    held = medicine(dosageInstruction=[dosage(quantity("1000", "ug"), ORAL, **repeat)])
    daily = one(held).daily_ug
    if expected == "none":
        assert daily is None
    elif expected is None:
        assert daily is not None
        assert daily.quantize(Decimal(1)) == 33
    else:
        assert daily is not None
        assert daily.quantize(Decimal(1)) == Decimal(expected)


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({"timing": {"code": concept("x", "BID")}}, 2),
        ({"timing": {"code": concept("x", "QOD")}}, Decimal("0.5")),
        ({"timing": {"code": concept("x", "SOMETIMES")}}, None),
        ({"timing": {"code": concept("x", "QD"), "repeat": {"bounds": 1}}}, 1),
        ({"timing": {"repeat": DAILY}, "asNeededBoolean": True}, None),
        ({"timing": {"repeat": DAILY}, "asNeededCodeableConcept": {"text": "tired"}}, None),
        ({"text": "one daily"}, None),
    ],
)
def test_how_often(held, expected) -> None:
    """Prose is not parsed: what it says stays unknown."""
    assert per_day(held) == expected


def test_of_several_dosages_the_smallest_counts_and_an_unclear_one_makes_all_unclear() -> None:
    """ "At least 50 ug a day" must be sure."""
    two = [
        dosage(quantity("1000", "ug"), ORAL, **DAILY),
        dosage(quantity("250", "ug"), ORAL, **DAILY),
    ]
    assert one(medicine(dosageInstruction=two)).daily_ug == 250
    unclear = [*two, dosage(quantity("1", "mL"), ORAL, **DAILY)]
    assert one(medicine(dosageInstruction=unclear)).daily_ug is None
    ranged = [{"doseAndRate": [{"doseRange": {}}]}]
    assert one(medicine(dosageInstruction=ranged)).dose_ug is None


@pytest.mark.parametrize(
    ("changes", "start", "end"),
    [
        ({}, "2026-01-05", None),
        ({"status": "stopped"}, "2026-01-05", "2026-01-05"),
        (
            {"dosageInstruction": [dosage(boundsPeriod=SPRING)]},
            "2026-01-05",
            "2026-03-01",
        ),
        (
            {"dosageInstruction": [dosage(boundsDuration=quantity("12", "wk"))]},
            "2026-01-05",
            "2026-03-30",
        ),
        (
            {"status": "completed",
             "dispenseRequest": {"validityPeriod": {"start": "2025-12-01", "end": "2026-06-01"}}},
            "2025-12-01",
            "2026-06-01",
        ),
        (
            {"status": "completed",
             "dispenseRequest": {"expectedSupplyDuration": quantity("1", "mo")}},
            "2026-01-05",
            "2026-02-05",
        ),
        ({"authoredOn": None}, None, None),
        (
            {"dosageInstruction": [{"timing": {"event": ["2026-01-02", "2026-01-09"]}}]},
            "2026-01-02",
            "2026-01-09",
        ),
    ],
)  # fmt: skip
def test_the_time_of_an_order(changes, start, end) -> None:
    dose = one(medicine(**changes))
    assert (dose.when and dose.when.iso(), dose.until and dose.until.iso()) == (start, end)


@pytest.mark.parametrize(
    ("changes", "start", "end"),
    [
        ({"effectiveDateTime": "2026-03-01"}, "2026-03-01", None),
        (
            {"effectivePeriod": {"start": "2026-03-01", "end": "2026-04-01"}},
            "2026-03-01",
            "2026-04-01",
        ),
        (
            {"effectivePeriod": {"start": "2026-03-01"}, "status": "stopped"},
            "2026-03-01",
            "2026-03-01",
        ),
        ({}, None, None),
    ],
)
def test_the_time_of_a_statement(changes, start, end) -> None:
    dose = one(medicine("MedicationStatement", dosage=[dosage(quantity("1", "mg"))], **changes))
    assert (dose.when and dose.when.iso(), dose.until and dose.until.iso()) == (start, end)


MEDICATION = {"resourceType": "Medication", "id": "med1", "code": drug("2001499")}


@pytest.mark.parametrize(
    ("reference", "contained"),
    [
        ("Medication/med1", False),
        ("Medication/med1/_history/1", False),
        ("urn:uuid:med1", False),
        ("#med1", True),
    ],
)
def test_a_medication_by_reference(reference, contained) -> None:
    """8,512 requests of a Synthea set have nothing but the reference."""
    held = medicine(
        medicationCodeableConcept=None,
        medicationReference={"reference": reference},
        **({"contained": [{"id": "x"}, MEDICATION]} if contained else {}),
    )
    others = [] if contained else [MEDICATION]
    assert one(held, *others).drug == "cyanocobalamin"


@pytest.mark.parametrize("reference", ["Medication/none", "#none", "", None])
def test_a_medication_that_cannot_be_found_is_reported(reference) -> None:
    """It might be B12, or metformin."""
    held = medicine(medicationCodeableConcept=None, medicationReference={"reference": reference})
    assert codes(read(held)) == ["medicine-unresolved"]


def test_a_reference_on_the_patients_server_is_found() -> None:
    base = "https://ehr.example/fhir"
    held = medicine(
        medicationCodeableConcept=None,
        medicationReference={"reference": f"{base}/Medication/med1"},
    )
    site = type(SITE)(server_id=base)
    assert len(read(held, MEDICATION, site=site).doses) == 1


def test_a_reference_may_name_the_drug_in_its_display() -> None:
    held = medicine(
        medicationCodeableConcept=None,
        medicationReference={"reference": "Medication/9", "display": "Cyanocobalamin injection"},
    )
    assert one(held).route is Route.INJECTION


def strong(numerator, denominator):
    return {"numerator": numerator, "denominator": denominator}


@pytest.mark.parametrize(
    ("ratio", "dose", "expected"),
    [
        (strong(quantity("1", "mg"), quantity("1", "mL")), quantity("2", "mL"), 2000),
        (strong(quantity("50", "ug"), quantity("1", "{tbl}")), quantity("2", "{tbl}"), 100),
        (strong(quantity("10", "mg"), quantity("2", "mL")), quantity("1", "mL"), 5000),
        (strong(quantity("10", "mg"), {}), quantity("1", "mL"), None),
        (None, quantity("1", "mL"), None),
    ],
)
def test_the_strength_of_an_ingredient(ratio, dose, expected) -> None:
    ingredient = {"itemCodeableConcept": drug(), "strength": ratio}
    medication = {"resourceType": "Medication", "id": "med1", "ingredient": [ingredient]}
    held = medicine(
        medicationCodeableConcept=None,
        medicationReference={"reference": "Medication/med1"},
        dosageInstruction=[dosage(dose, IM)],
    )
    assert one(held, medication).dose_ug == expected


def test_a_combination_is_b12_and_something_else() -> None:
    said = "folic acid 1 MG / pyridoxine 25 MG / vitamin B12 0.5 MG Oral Tablet"
    held = medicine(
        medicationCodeableConcept={"text": said},
        dosageInstruction=[dosage(quantity("1", "{tbl}"), ORAL, **DAILY)],
    )
    facts = read(held)
    assert facts.doses[0].daily_ug == 500
    assert [(drug.ingredient, drug.daily_mg) for drug in facts.exposures] == [("folic_acid", 1)]


def test_a_combination_in_ingredients_keeps_the_strengths_apart() -> None:
    parts = [
        {
            "itemCodeableConcept": drug("4511"),
            "strength": strong(quantity("5", "mg"), quantity("1", "{tbl}")),
        },
        {
            "itemCodeableConcept": drug("11248"),
            "strength": strong(quantity("10", "ug"), quantity("1", "{tbl}")),
        },
    ]
    medication = {"resourceType": "Medication", "id": "med1", "ingredient": parts}
    held = medicine(
        "MedicationStatement",
        medicationCodeableConcept=None,
        medicationReference={"reference": "Medication/med1", "display": "Combi"},
        dosage=[dosage(quantity("1", "{tbl}"), ORAL, **DAILY)],
    )
    facts = read(held, medication)
    assert facts.doses[0].daily_ug == 10
    assert [(drug.ingredient, drug.daily_mg) for drug in facts.exposures] == [("folic_acid", 5)]


def test_a_combination_class_leaves_the_amount_open() -> None:
    facts = read(medicine(medicationCodeableConcept=drug("B03BA51", system=ATC)))
    assert (facts.doses[0].dose_ug, facts.exposures) == (None, ())
    facts = read(medicine(medicationCodeableConcept=drug("B03BB51", system=ATC)))
    assert (facts.doses, codes(facts)) == ((), ["code-asks"])
    assert [held.ingredient for held in facts.exposures] == ["folic_acid_combination"]


@pytest.mark.parametrize(
    ("code", "ingredient", "issues"),
    [
        (drug("6809"), "metformin", []),
        (drug("860975"), "metformin", []),
        (drug("A02BC01", system=ATC), "omeprazole", []),
        (drug("B01AA04", system=ATC), "anticoagulant", []),
        (drug("198051", "Omeprazole 20 MG Delayed Release Oral Capsule"), "omeprazole",
         ["drug-by-name"]),
        ({"text": "METFORMIN 500 mg tablets"}, "metformin", ["drug-by-name"]),
        (drug("6373"), "levonorgestrel", ["code-asks"]),
    ],
)  # fmt: skip
def test_other_medicines(code, ingredient, issues) -> None:
    """Product codes are without number: a known ingredient in the name must not be lost."""
    facts = read(medicine(medicationCodeableConcept=code))
    (held,) = facts.exposures
    assert (held.ingredient, held.active, codes(facts)) == (ingredient, True, issues)
    assert held.as_input().date == "2026-01-05"


def test_medicines_no_rule_asks_for_are_ignored() -> None:
    facts = read(medicine(medicationCodeableConcept=drug("999", "Ibuprofen 400 MG Oral Tablet")))
    assert (facts.exposures, facts.issues, facts.ignored) == ((), (), 1)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("MedicationRequest", "cancelled"),
     ("MedicationStatement", "not-taken"), ("MedicationAdministration", "not-done"),
     ("MedicationDispense", "declined")],
)  # fmt: skip
def test_medicines_never_taken(kind, status) -> None:
    facts = read(medicine(kind, status=status, medicationCodeableConcept=drug("6809")))
    assert (facts.exposures, codes(facts)) == ((), ["not-taken"])


def test_folic_acid_by_the_day() -> None:
    """More than 0.1 mg a day can hide the anaemia (R-169)."""
    code = drug("310410")
    held = medicine(
        medicationCodeableConcept=code,
        dosageInstruction=[dosage(quantity("5", "{tbl}"), ORAL, **DAILY)],
    )
    assert read(held).exposures[0].daily_mg == 5


@pytest.mark.parametrize(
    ("said", "ug", "per"),
    [
        ("1000 mcg", "1000", "piece"),
        ("1 mg/mL", "1000", "mL"),
        ("10mg/2ml", "5000", "mL"),
        ("0.5 MG/ML", "500", "mL"),
        ("1 mg / ml", "1000", "mL"),
        ("250 µg", "250", "piece"),
        ("1000 mcg (1 mg)", "1000", "piece"),
        ("500 mg and 250 mg", None, None),
        ("1 mg/0 mL", None, None),
        ("B12", None, None),
    ],
)
def test_strengths_in_a_name(said, ug, per) -> None:
    found = strength_in(said)
    assert (found.ug, found.per) == (Decimal(ug), per) if ug else found is None


def test_small_readers_of_amounts() -> None:
    assert single_amount("5 mg/mL") is None
    assert ratio_strength(None) is None
    assert dose_ug(None, None) is None
    assert dose_ug({"value": 1, "unit": "mL"}, None) is None


@pytest.mark.parametrize(
    ("span", "end"),
    [
        (quantity("30", "d"), "2026-01-31"),
        (quantity("2", "wk"), "2026-01-15"),
        (quantity(1, None, unit="months"), "2026-02-01"),
        (quantity("1", "a"), "2027-01-01"),
        (quantity("1", "h"), None),
        (quantity("1.5", "mo"), None),
        (quantity("0", "d"), None),
        (quantity("9999", "a"), None),
        ({}, None),
    ],
)
def test_how_long_a_supply_lasts(span, end) -> None:
    found = lasting(on(date(2026, 1, 1)), span)
    assert (found.iso() if found else None) == end
    assert lasting(None, span) is None


def test_a_supply_from_an_incomplete_date_ends_on_one() -> None:
    start = parse_when("2026-01", SITE.zone)
    found = lasting(start, quantity("1", "mo"))
    assert found is not None
    assert found.iso() == "2026-02-01/2026-02-28"


@pytest.mark.parametrize(
    ("held", "substance"),
    [
        (allergy("Cobalt"), "cobalt"),
        (allergy("allergic to Hydroxocobalamin"), "cobalamin"),
        (allergy("B-12 injections"), "cobalamin"),
        (allergy(code=concept(RXNORM, "11248")), "cobalamin"),
        (allergy(code=concept(RXNORM, "5514", "x")), "cobalamin"),
        (allergy(code={"text": "Drug"}, reaction=[{"substance": {"text": "cyanocobalamin"}}]),
         "cobalamin"),
        (allergy(code=concept("x", "y", "Cobalt chloride")), "cobalt"),
    ],
)  # fmt: skip
def test_allergies_that_stop_b12(held, substance) -> None:
    """R-163: missed, the next injection is an anaphylaxis."""
    facts = read(held)
    (found,) = facts.allergies
    assert (found.substance, found.stops.value) == (substance, "yes")
    assert found.as_input().value


@pytest.mark.parametrize("said", ["Penicillin", "Cobb salad", "B1", "Vitamin B6"])
def test_other_allergies_are_ignored(said) -> None:
    assert read(allergy(said)).ignored == 1


def status(code):
    return {"coding": [{"code": code}]}


@pytest.mark.parametrize(
    ("clinical", "verification", "stops"),
    [
        ("active", "confirmed", "yes"),
        (None, None, "yes"),
        ("active", None, "yes"),
        ("inactive", "confirmed", "unknown"),
        ("resolved", "confirmed", "unknown"),
        ("active", "unconfirmed", "unknown"),
        ("active", "presumed", "unknown"),
        ("inactive", "refuted", None),
        ("active", "entered-in-error", None),
    ],
)
def test_how_sure_an_allergy_is(clinical, verification, stops) -> None:
    """Refuted wins over everything; doubt asks, it does not lift the stop."""
    facts = read(
        allergy(
            "cobalt",
            clinicalStatus=status(clinical) if clinical else None,
            verificationStatus=status(verification) if verification else None,
        )
    )
    assert [found.stops.value for found in facts.allergies] == ([stops] if stops else [])
    expected = {"yes": [], "unknown": ["unconfirmed"], None: ["excluded"]}[stops]
    assert codes(facts) == expected


@pytest.mark.parametrize("changes", [{"modifierExtension": [{}]}, {"implicitRules": "x"}])
def test_allergies_that_are_not_understood(changes) -> None:
    assert codes(read(allergy("cobalt", **changes))) == ["not-understood"]


def plan(**changes):
    base = {
        "resourceType": "CarePlan",
        "id": "cp1",
        "status": "draft",
        "intent": "proposal",
        "subject": {"reference": "Patient/p1"},
        "identifier": [
            {"system": SITE.system("plan"), "value": "k:e1:r1"},
            {"system": SITE.system("decision-digest"), "value": "abc"},
        ],
        "period": {"start": "2026-11-01"},
    }
    return base | changes


def test_our_own_plan_is_found_again() -> None:
    """Its start keeps the dates of the draft standing still."""
    (found,) = read(plan()).own_plans
    assert (found.reference, found.key, found.status, found.intent) == (
        "CarePlan/cp1",
        "k:e1:r1",
        "draft",
        "proposal",
    )
    assert found.start is not None
    assert (found.start.isoformat(), found.decision_digest) == ("2026-11-01", "abc")


def test_an_approved_plan_is_ours_and_others_are_not() -> None:
    approved = [{"system": SITE.system("approved-plan"), "value": "k"}]
    assert read(plan(identifier=approved, intent="plan")).own_plans[0].decision_digest == ""
    assert read(plan(identifier=[{"system": "http://x", "value": "k"}])).ignored == 1
    assert codes(read(plan(subject={"reference": "Patient/p2"}))) == ["other-patient"]


@pytest.mark.parametrize("start", [None, "2026-11", "soon"])
def test_a_plan_without_a_certain_start(start) -> None:
    assert read(plan(period={"start": start})).own_plans[0].start is None


def drafted(*dosages, product="cyanocobalamin 1000 microgram/mL solution for injection", **more):
    """The dose that is read of a draft order."""
    concept = {"coding": [{"system": RXNORM, "code": "11248"}], "text": product}
    order = medicine(
        "MedicationRequest",
        status="draft",
        medicationCodeableConcept=concept,
        dosageInstruction=list(dosages),
        **more,
    )
    return one(order)


def test_a_draft_of_another_medicine_is_known_and_not_taken() -> None:
    facts = read(
        medicine("MedicationRequest", status="draft", medicationCodeableConcept=drug("6809"))
    )
    assert (facts.exposures, codes(facts)) == ((), [])
    assert [fact.ingredient for fact in facts.drafted] == ["metformin"]
    assert facts.drafted[0].as_input().reference == facts.drafted[0].reference
    assert facts.used == 2


def test_folic_acid_that_is_being_ordered_by_the_day() -> None:
    dose = {"doseAndRate": [{"doseQuantity": quantity(5, "mg")}], "timing": {"repeat": DAILY}}
    facts = read(
        medicine(
            "MedicationRequest",
            status="draft",
            medicationCodeableConcept=drug("4511"),
            dosageInstruction=[dose],
        )
    )
    assert [(fact.ingredient, fact.daily_mg) for fact in facts.drafted] == [("folic_acid", 5)]


def of(value: int, unit: str = "ug"):
    """A dose in a Dosage."""
    return {"doseAndRate": [{"doseQuantity": quantity(value, unit)}]}


IM_LINE = {"route": {"coding": [{"system": SNOMED, "code": "78421000"}]}}
IV_LINE = {"route": {"coding": [{"system": SNOMED, "code": "47625008"}]}}
PILL = {"doseAndRate": [{"doseQuantity": {"value": 1, "code": "{pill}"}}]}
WRITTEN = [
    # dosages, product, what is told: route, dose, doses a day, count, pieces, timed, worded
    ((), None, ("injection", None, None, None, False, False, False)),
    (
        ({**PILL, "timing": {"repeat": DAILY}},),
        None,
        ("injection", None, 1, None, True, True, False),
    ),
    (
        ({**PILL, "timing": {"repeat": DAILY}},),
        "cyanocobalamin 1000 microgram tablet",
        ("oral", 1000, 1, None, True, True, False),
    ),
    (
        ({"timing": {"repeat": {**DAILY, "period": 2, "count": 7}}},),
        None,
        ("injection", None, Decimal("0.5"), 7, False, True, False),
    ),
    # words are read where nothing is structured, and only there
    (
        ({"text": "1000 mcg IM every other day"},),
        None,
        ("im", 1000, None, None, False, False, True),
    ),
    (
        ({"patientInstruction": "as told"},),
        None,
        ("injection", None, None, None, False, False, True),
    ),
    (
        ({**PILL, "text": "1000 mcg IM every other day"},),
        None,
        ("im", None, None, None, True, False, True),
    ),
    (({"asNeededBoolean": True},), None, ("injection", None, None, None, False, True, False)),
    (
        ({"timing": {"event": ["2026-11-22"]}},),
        None,
        ("injection", None, None, None, False, True, False),
    ),
    (
        ({"timing": {"repeat": {"count": True}}},),
        None,
        ("injection", None, None, None, False, True, False),
    ),
    (
        ({"timing": {"repeat": {"count": 0}}},),
        None,
        ("injection", None, None, None, False, True, False),
    ),
    # of two lines the one given more often counts: what is too often must not hide behind another
    (
        ({"timing": {"repeat": {**DAILY, "period": 30}}}, {"timing": {"repeat": DAILY}}),
        None,
        ("injection", None, 1, None, False, True, False),
    ),
    # so does the larger dose, and a vein in either; unless one of the doses cannot be read
    (
        ({**IM_LINE, **of(1000)}, {**IM_LINE, **of(10, "mg")}),
        None,
        ("im", 10_000, None, None, False, False, False),
    ),
    (
        ({**IM_LINE, **of(1000)}, {**IM_LINE, **of(1000, "[iU]")}),
        None,
        ("im", None, None, None, False, False, False),
    ),
    (
        ({**IM_LINE, **of(1000)}, {**IV_LINE, **of(1000)}),
        None,
        ("iv", 1000, None, None, False, False, False),
    ),
    (({**IM_LINE, "text": "1 mg iv"},), None, ("iv", 1000, None, None, False, False, True)),
    (
        ({**IM_LINE, "text": "1 mg deep IM. Never i.v."},),
        None,
        ("im", 1000, None, None, False, False, True),
    ),
    # how often may stand in words; "every other day" is no day's dose
    (({"text": "IM once daily"},), None, ("im", None, 1, None, False, False, True)),
    (({"text": "IM twice a day"},), None, ("im", None, 2, None, False, False, True)),
    (({"text": "IM TDS"},), None, ("im", None, 3, None, False, False, True)),
    (({"text": "IM every other day"},), None, ("im", None, None, None, False, False, True)),
]


@pytest.mark.parametrize(
    ("line", "differ"),
    [
        ({**of(1000), "text": "10 mg IM every day"}, True),
        ({**of(1000), "text": "1 mg IM"}, False),
        # the strength of the tablet is no dose, and neither is what is said of several
        ({**of(2, "{tbl}"), "text": "two tablets of 500 mcg"}, False),
        ({**of(1000), "text": "500 mcg, then 1000 mcg"}, False),
        ({**of(1000), "text": "as told"}, False),
        ({"text": "10 mg IM"}, False),
    ],
)
def test_words_and_structure_of_a_draft_are_compared(line, differ) -> None:
    held = drafted(line, product="cyanocobalamin 500 microgram tablet").drafted
    assert held.contradicts is differ


@pytest.mark.parametrize(
    "name",
    ["Folate 5 mg", "L-methylfolate 15 mg", "levomefolic acid", "Acide folique 5 mg",
     "\xe1cido f\xf3lico", "Fols\xe4ure", "Folvite"],
)  # fmt: skip
def test_folic_acid_is_known_by_its_other_names(name) -> None:
    found = read(
        medicine("MedicationRequest", status="draft", medicationCodeableConcept={"text": name})
    )
    assert [one.ingredient for one in found.drafted] == ["folic_acid"]


def test_folinic_acid_is_no_folic_acid() -> None:
    """It rescues from methotrexate, and nobody must be told to take it away."""
    folinic = {"text": "Folinic acid 15 mg"}
    found = read(medicine("MedicationRequest", status="draft", medicationCodeableConcept=folinic))
    assert found.drafted == ()


@pytest.mark.parametrize(("dosages", "product", "expected"), WRITTEN)
def test_how_a_draft_says_it_is_to_be_given(dosages, product, expected) -> None:
    dose = drafted(*dosages, **({"product": product} if product else {}))
    held = dose.drafted
    told = (held.often, held.count, held.in_pieces, held.timed, held.worded)
    assert (dose.route.value, dose.dose_ug, *told) == expected
    assert held.form is (Route.ORAL if product else Route.INJECTION)


@pytest.mark.parametrize(
    ("more", "day"),
    [
        ({"authoredOn": "2026-11-01"}, "2026-11-01"),
        (
            {
                "authoredOn": "2026-11-01",
                "dispenseRequest": {"validityPeriod": {"start": "2026-12-05"}},
            },
            "2026-12-05",
        ),
        ({"authoredOn": None}, None),
    ],
)
def test_a_draft_begins_when_it_says(more, day) -> None:
    """Not on the day of writing: the gap to the last dose is counted from its first dose."""
    assert drafted(**more).when == (parse_when(day, SITE.zone) if day else None)
    bounded = {"timing": {"repeat": {"boundsPeriod": {"start": "2026-12-24"}}}}
    assert drafted(bounded, **more).when == parse_when("2026-12-24", SITE.zone)


def test_what_a_draft_replaces() -> None:
    dose = drafted(
        priorPrescription={"reference": "https://ehr.example/fhir/MedicationRequest/a/_history/2"},
        basedOn=[{"reference": "MedicationRequest/b"}, {"reference": "CarePlan/c"}, {}, "x"],
    )
    assert dose.drafted.replaces == ("MedicationRequest/a", "MedicationRequest/b")


def test_other_orders_are_not_asked_so_closely() -> None:
    assert one(medicine("MedicationRequest", status="active")).drafted is None


def test_a_very_long_name_is_read_like_any_other() -> None:
    """It is only not remembered."""
    assert strength_in("cyanocobalamin 1000 microgram tablet" + " x" * 200).ug == 1000


@pytest.mark.parametrize(
    ("kind", "supplied"),
    [("MedicationDispense", True), ("MedicationRequest", False), ("MedicationStatement", False)],
)
def test_what_a_pharmacy_handed_out_is_known_as_such(kind, supplied) -> None:
    assert one(medicine(kind)).supplied is supplied

"""Laboratory results: right value, right unit, or set aside with a reason (section 2)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from b12fhir.facts.labs import Analyte, Range
from b12fhir.fhir.extract import extract
from b12fhir.kernel.codes import DATA_ABSENT, LOINC, SNOMED
from b12fhir.kernel.quantities import Comparator, Measure
from b12fhir.protocol.load import load_protocol
from tests.unit.fhir.extract.given import (
    ACTIVE,
    B12,
    B12_EITHER,
    B12_MOLES,
    EGFR,
    HB,
    HB_MOLES,
    MMA,
    SITE,
    codes,
    concept,
    lab,
    observation,
    patient,
    quantity,
    read,
)

ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "x"}


def one(resource):
    """The only result of an Observation."""
    (result,) = read(resource).labs
    return result


def refused(resource):
    """Issue codes, and what the decision is told, of an Observation that gives no result."""
    facts = read(resource)
    assert facts.labs == ()
    return codes(facts), [(lab.analyte.value, lab.code, lab.faulty) for lab in facts.refused]


@pytest.mark.parametrize(
    ("code", "value", "unit", "analyte", "amount"),
    [
        (B12, "180", "pg/mL", "b12_total", "180 ng/L"),
        (B12, "179.9", "ng/L", "b12_total", "179.9 ng/L"),
        (B12, "18", "ng/dL", "b12_total", "180 ng/L"),
        (B12, "0.18", "ug/L", "b12_total", "180 ng/L"),
        (B12_MOLES, "132.81", "pmol/L", "b12_total", "132.81 pmol/L"),
        (B12_MOLES, "0.133", "nmol/L", "b12_total", "133 pmol/L"),
        (B12_EITHER, "150", "pmol/L", "b12_total", "150 pmol/L"),
        (B12_EITHER, "150", "pg/mL", "b12_total", "150 ng/L"),
        (ACTIVE, "24", "pmol/L", "b12_active", "24 pmol/L"),
        (MMA, "0.62", "umol/L", "mma", "620 nmol/L"),
        (MMA, "620", "nmol/L", "mma", "620 nmol/L"),
        ("2629-4", "11.809", "ug/L", "mma", "100 nmol/L"),
        ("25116-5", "6.1", "mmol/mol{creat}", "mma_urine_creatinine", "6.1 mmol/mol{creat}"),
        ("13965-9", "14", "umol/L", "homocysteine", "14 umol/L"),
        (HB, "12.5", "g/dL", "hemoglobin", "125 g/L"),
        (HB, "82", "g/L", "hemoglobin", "82 g/L"),
        (HB_MOLES, "6.206", "mmol/L", "hemoglobin", "100 g/L"),
        ("4544-3", "0.38", "L/L", "hematocrit", "38 %"),
        ("26515-7", "210000", "{cells}/uL", "platelets", "210 10*9/L"),
        ("6690-2", "105600", "{cells}/uL", "wbc", "105.6 10*9/L"),
        ("6690-2", "4.1", "10*3/uL", "wbc", "4.1 10*9/L"),
        ("2160-0", "1", "mg/dL", "creatinine", "88.4 umol/L"),
        ("2823-3", "4.0", "meq/L", "potassium", "4 mmol/L"),
    ],
)
def test_units_are_turned_into_the_limits_unit(code, value, unit, analyte, amount) -> None:
    """A slip of unit or factor would be another class."""
    result = one(lab(value, unit, code))
    assert (result.analyte.value, result.amount.text()) == (analyte, amount)
    assert (result.recorded_value, result.recorded_unit) == (
        Measure(Decimal(value), "").number(),
        unit,
    )


@pytest.mark.parametrize("unit", ["ng/L", "NG/L", "ng/l", "pg/ml", "PG/ML", " pg/mL "])
def test_spellings_of_a_unit(unit) -> None:
    assert one(lab("150", unit)).amount == Measure(Decimal(150), "ng/L")


@pytest.mark.parametrize("unit", ["µmol/l", "μmol/L", "umol/L", "mcmol/L"])
def test_every_micro_sign_is_the_same(unit) -> None:
    assert one(lab("0.5", unit, MMA)).amount.text() == "500 nmol/L"


@pytest.mark.parametrize(
    ("held", "amount"),
    [
        (quantity("150", None, unit="pg/mL"), "150 ng/L"),
        (quantity("150", None, code="pg/mL"), "150 ng/L"),
        (quantity("150", None, unit="pg/mL", code="pg/mL"), "150 ng/L"),
        (quantity("150", "pg/mL", unit="ng/L"), "150 ng/L"),
        (quantity("150", "pg/mL", unit="picograms per millilitre"), "150 ng/L"),
        (quantity("150", "pg/mL", system="https://ucum.org"), "150 ng/L"),
        (quantity(150, "pg/mL"), "150 ng/L"),
    ],
)
def test_where_the_unit_stands(held, amount) -> None:
    """US Core allows the code, the text only, or both."""
    assert one(observation(valueQuantity=held)).amount.text() == amount


@pytest.mark.parametrize(
    ("code", "held"),
    [
        (HB, quantity("14", "g/dL", unit="mmol/L")),
        (HB, quantity("14", "mmol/L", unit="g/dL")),
        (B12, quantity("150", "pg/mL", unit="pmol/L")),
        (MMA, quantity("0.5", "umol/L", unit="nmol/L")),
        (HB, quantity("12", "g/dL", unit="g/L")),
        (HB, quantity("12", "g/dL", unit="K/uL")),
        (HB, quantity("12", "mmol/L", unit="umol/L")),
    ],
)
def test_unit_and_code_that_contradict_each_other_are_never_chosen_from(code, held) -> None:
    issues, faults = refused(observation(code, valueQuantity=held))
    assert issues == ["unit-contradiction"]
    assert faults[0][1:] == ("unit-contradiction", True)


@pytest.mark.parametrize(
    ("code", "held"),
    [
        ("20570-8", quantity("41", "%", unit="percent")),
        ("26515-7", quantity("210000", "{cells}/uL", unit="cells per microliter")),
        (EGFR, quantity("60", "mL/min/{1.73_m2}", unit="mL/min")),
        ("789-8", quantity("4.5", "10*12/L", unit="10^12/L")),
        ("2160-0", quantity("1", "mg/dL", unit="MG/DL")),
        ("2276-4", quantity("20", "ug/L", unit="ng/mL")),
    ],
)
def test_names_and_equal_units_do_not_contradict(code, held) -> None:
    """Refusing "percent" beside "%" would set half of all converted results aside."""
    assert one(observation(code, valueQuantity=held))


@pytest.mark.parametrize(
    ("code", "held", "issue"),
    [
        (HB, quantity("12.5", "g/mL", unit="grams per milliliter"), "unit-unknown"),
        (B12, quantity("150", "pg/dL"), "unit-unknown"),
        (B12, quantity("150", None, unit="0"), "unit-unknown"),
        (B12, quantity("150", None), "unit-missing"),
        (B12, quantity("133", "pmol/L"), "unit-kind"),
        ("16695-9", quantity("133", "pmol/L"), "unit-kind"),
        (B12_MOLES, quantity("133", "pg/mL"), "unit-kind"),
        (HB, quantity("7.2", "mmol/L"), "unit-kind"),
        ("20509-6", quantity("7.2", "mmol/L"), "unit-kind"),
        (ACTIVE, quantity("40", "pg/mL"), "unit-unknown"),
        (B12, quantity("150", None, system=SNOMED, code="258814008"), "unit-missing"),
        (B12, quantity("4.9", "pg/mL"), "implausible"),
        (B12, quantity("20000.1", "pg/mL"), "implausible"),
        (B12, quantity("0", "pg/mL"), "implausible"),
        (B12, quantity("-150", "pg/mL"), "implausible"),
        (B12, quantity("1E-22", "pg/mL"), "implausible"),
        (B12, quantity("-1.000E+245", "pg/mL"), "implausible"),
        (B12, quantity("1E+999999", "pg/mL"), "implausible"),
        (B12, quantity("1E-999999", "pg/mL"), "implausible"),
        (B12, quantity("NaN", "pg/mL"), "implausible"),
        (B12, quantity("Infinity", "pg/mL"), "implausible"),
        (HB, quantity("82", "g/dL"), "implausible"),
        ("14682-9", quantity("90", "mmol/L"), "implausible"),
        (MMA, quantity("101", "umol/L"), "implausible"),
    ],
)
def test_refused_values_and_units(code, held, issue) -> None:
    """R-23 to R-25: never guessed, and told to the decision as a fault."""
    issues, faults = refused(observation(code, valueQuantity=held))
    assert issues == [issue]
    assert [fault[1:] for fault in faults] == [(issue, True)]


@pytest.mark.parametrize("value", ["5", "20000"])
def test_the_ends_of_the_plausible_range_count(value) -> None:
    assert one(lab(value))


def test_the_text_says_what_where_why_and_what_to_do() -> None:
    (issue,) = read(lab("150", "pg/dL")).issues
    assert (issue.resource, issue.relevant) == ("Observation/o1", True)
    assert issue.text.startswith("Observation/o1 has unit 'pg/dL' for Total vitamin B12; known: ")
    assert "ng/L" in issue.text
    assert issue.text.endswith("The result was not used. Ask the laboratory for the unit.")


def test_a_unit_of_the_wrong_kind_says_what_each_reading_would_mean() -> None:
    (issue,) = read(lab("133", "pmol/L")).issues
    assert "133 pmol/L or 133 ng/L" in issue.text


@pytest.mark.parametrize(
    ("sign", "comparator"),
    [("<", Comparator.LT), ("<=", Comparator.LE), (">", Comparator.GT), (">=", Comparator.GE)],
)
def test_comparators_are_kept(sign, comparator) -> None:
    """ "< 150" is an interval: dropping the sign would make a number of a bound (R-27)."""
    result = one(observation(valueQuantity=quantity("150", "pg/mL", comparator=sign)))
    assert result.amount == Measure(Decimal(150), "ng/L", comparator)
    assert result.recorded_value == f"{sign} 150"


@pytest.mark.parametrize(
    ("changes", "amount"),
    [
        ({"valueQuantity": quantity(None, "pg/mL", value="122")}, "122 ng/L"),
        ({"valueQuantity": quantity(None, "pg/mL", value="122,5")}, "122.5 ng/L"),
        ({"valueQuantity": quantity(None, "pg/mL", value="<150")}, "< 150 ng/L"),
        ({"valueQuantity": quantity(None, "pg/mL", value="150", comparator="<")}, "< 150 ng/L"),
        ({"valueString": "162 pg/mL"}, "162 ng/L"),
        ({"valueString": ">1500 pg/mL"}, "> 1500 ng/L"),
        ({"valueString": "< 150 ng/L"}, "< 150 ng/L"),
        ({"valueString": "150,5 ng/L"}, "150.5 ng/L"),
    ],
)
def test_numbers_sent_as_text(changes, amount) -> None:
    """R-26: read by a stated rule, with a note; never compared as text."""
    facts = read(observation(**changes))
    assert [result.amount.text() for result in facts.labs] == [amount]
    assert codes(facts) == ["string-value"]


@pytest.mark.parametrize(
    ("changes", "issue"),
    [
        ({"valueString": "see comment"}, "value-unreadable"),
        ({"valueString": "1,500 pg/mL"}, "value-unreadable"),
        ({"valueString": "150"}, "unit-missing"),
        ({"valueString": 150}, "value-unreadable"),
        ({"valueInteger": 150}, "unit-missing"),
        ({"valueInteger": True}, "value-unreadable"),
        ({"valueBoolean": True}, "value-unreadable"),
        ({"valueDateTime": "2026-01-01"}, "value-unreadable"),
        ({"valueRange": {"low": quantity("1", "pg/mL")}}, "value-unreadable"),
        ({"valueRatio": {}}, "value-unreadable"),
        ({"valueSampledData": {}}, "value-unreadable"),
        ({"valueCodeableConcept": {"text": "low"}}, "value-unreadable"),
        ({"valueQuantity": quantity(True, "pg/mL")}, "value-unreadable"),
        ({"valueQuantity": quantity(1.5, "pg/mL")}, "value-unreadable"),
        ({"valueQuantity": quantity([150], "pg/mL")}, "value-unreadable"),
        ({"valueQuantity": {"value": "150 pg/mL", "unit": "pg/mL"}}, "value-unreadable"),
        ({"valueQuantity": {"value": ">1", "comparator": "<"}}, "value-unreadable"),
        ({"valueQuantity": quantity("150", "pg/mL", comparator="~")}, "value-unreadable"),
        ({"valueQuantity": quantity("150", "pg/mL"), "valueString": "x"}, "value-unreadable"),
        (
            {"valueQuantity": quantity("150", "pg/mL"), "dataAbsentReason": {"text": "?"}},
            "value-and-absent",
        ),
        ({"valueQuantity": quantity("150", "pg/mL", extension=[ABSENT])}, "value-and-absent"),
    ],
)
def test_values_that_are_no_number(changes, issue) -> None:
    """``True < 180`` is True in Python: a boolean read as a number would be severe deficiency."""
    issues, faults = refused(observation(**changes))
    assert issues == [issue]
    assert faults == [("b12_total", issue, True)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dataAbsentReason": concept(DATA_ABSENT, "masked")},
        {"dataAbsentReason": concept("local", "1")},
        {"valueQuantity": {"extension": [ABSENT]}},
        {"valueQuantity": {"extension": [ABSENT]}, "dataAbsentReason": {"text": "error"}},
        {"valueQuantity": {"unit": "pg/mL"}},
        {"valueCodeableConcept": concept(DATA_ABSENT, "unknown")},
        {"valueQuantity": None},
    ],
)
def test_no_result_is_not_zero_and_no_fault(changes) -> None:
    """A test not done is unknown, and the decision may ask for it."""
    issues, faults = refused(observation(**changes))
    assert issues == ["no-result"]
    assert faults == [("b12_total", "no-result", False)]


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_statuses_that_count(status) -> None:
    assert one(lab("150", status=status)).corrected is (status != "final")


@pytest.mark.parametrize(
    ("status", "issue"),
    [
        ("registered", "status-not-final"),
        ("cancelled", "status-not-final"),
        ("entered-in-error", "withdrawn"),
        ("unknown", "status-unknown"),
        ("this_is_invalid", "status-unknown"),
        ("", "status-unknown"),
        (7, "status-unknown"),
    ],
)
def test_statuses_that_do_not_count(status, issue) -> None:
    """R-15: treated as final, a withdrawn result would still treat the patient."""
    issues, faults = refused(lab("90", status=status))
    assert issues == [issue]
    assert faults == [("b12_total", issue, False)]


def test_a_preliminary_result_is_shown_and_marked() -> None:
    facts = read(lab("90", status="preliminary"))
    assert [result.pending for result in facts.labs] == [True]
    assert codes(facts) == ["pending"]


def test_a_faulty_preliminary_result_is_no_data_fault() -> None:
    facts = read(lab("90", "pg/dL", status="preliminary"))
    assert (codes(facts), facts.refused) == (["unit-unknown"], ())


def test_a_result_stripped_to_id_and_status_stops_nothing() -> None:
    """US Core servers may leave only that of what they withdraw."""
    stripped = {"resourceType": "Observation", "id": "o1", "status": "entered-in-error"}
    facts = read(stripped)
    assert (facts.labs, facts.issues, facts.ignored) == ((), (), 1)


def test_a_withdrawn_result_may_lack_its_subject() -> None:
    assert codes(read(lab("90", status="entered-in-error", subject=None))) == ["withdrawn"]


@pytest.mark.parametrize(
    "changes",
    [
        {"modifierExtension": [{"url": "x", "valueBoolean": True}]},
        {"implicitRules": "http://example.org/rules"},
    ],
)
def test_what_may_change_the_meaning_is_not_processed_as_usual(changes) -> None:
    issues, faults = refused(lab("90", **changes))
    assert issues == ["not-understood"]
    assert faults == [("b12_total", "not-understood", True)]


def limits(low=None, high=None, unit="pg/mL", **more):
    sides = {"low": low, "high": high}
    return {k: quantity(v, unit) for k, v in sides.items() if v is not None} | more


NORMAL = {"type": concept("x", "normal")}


@pytest.mark.parametrize(
    ("ranges", "low", "high"),
    [
        ([limits("200", "900")], 200, 900),
        ([limits("200", None)], 200, None),
        ([limits(None, "900")], None, 900),
        ([limits("0.2", "0.9", "ng/mL")], 200, 900),
        ([limits("200", "900", None)], 200, 900),
        (
            [limits("200", "900", **NORMAL), limits("1", "2", type=concept("x", "treatment"))],
            200,
            900,
        ),
        ([limits("200", "900"), limits("190", "800")], None, None),
        ([limits("200", "900"), limits("190", "800", appliesTo=[{"text": "man"}])], 200, 900),
        ([limits("200", "900"), {"text": "see report"}], 200, 900),
        ([{"text": "200 to 900"}], None, None),
        ([{"low": {"value": "200"}}, {"low": {"value": True}}], None, None),
        ([{"low": {"value": Decimal("NaN")}}], None, None),
    ],
)
def test_reference_ranges(ranges, low, high) -> None:
    """One that fits is taken; of several that fit none is chosen."""
    found = one(lab("300", referenceRange=ranges)).lab_range
    expected = Range(
        *(end if end is None else Measure(Decimal(end), "ng/L") for end in (low, high))
    )
    assert found == expected


def aged(low=None, high=None, unit="a"):
    sides = {"low": low, "high": high}
    return {"age": {k: quantity(v, unit) for k, v in sides.items() if v is not None}}


@pytest.mark.parametrize(
    ("age", "fits"),
    [
        (aged("65", None), True),
        (aged("18", "64"), False),
        (aged("66", "66"), True),
        (aged("67", None), False),
        (aged(None, "70"), True),
        (aged("1", None, "mo"), False),
        ({"age": {}}, True),
    ],
)
def test_a_range_for_an_age_counts_at_that_age_only(age, fits) -> None:
    """The patient is 66."""
    result = one(lab("300", referenceRange=[limits("200", "900", **age)]))
    assert (result.lab_range != Range()) is fits


def test_a_range_for_an_age_does_not_fit_an_unknown_age() -> None:
    person = patient(birthDate=None)
    found = read(lab("300", referenceRange=[limits("200", None, **aged("1"))]), person=person)
    assert found.labs[0].lab_range == Range()


@pytest.mark.parametrize(
    ("ranges", "issue"),
    [
        ([limits("148", "600", "pmol/L")], "range-ignored"),
        ([limits("148", "600", "furlong")], "range-ignored"),
        ([limits("900", "200")], "range-ignored"),
    ],
)
def test_a_range_that_cannot_be_compared_is_left_out_aloud(ranges, issue) -> None:
    facts = read(lab("300", referenceRange=ranges))
    assert facts.labs[0].lab_range == Range()
    assert set(codes(facts)) == {issue}


@pytest.mark.parametrize(
    ("code", "value", "unit", "ranges"),
    [
        (HB, "7.2", "g/dL", [limits("7.5", "10", "g/dL")]),
        (HB, "14", "g/dL", [limits("130", None, "g/dL")]),
        (B12, "300", "pg/mL", [limits(None, "100")]),
    ],
)
def test_a_range_that_cannot_be_in_the_unit_contradicts_it(code, value, unit, ranges) -> None:
    """Ruling 25: Hb 7.2 "g/dL" with 7.5-10 is mmol/L, not severe anaemia."""
    issues, faults = refused(lab(value, unit, code, referenceRange=ranges))
    assert issues == ["range-contradiction"]
    assert faults[0][2]


@pytest.mark.parametrize(
    ("ranges", "amount"),
    [
        ([limits("200", "900")], "300 ng/L"),
        ([limits("148", "600", "pmol/L")], "refused"),
        ([limits("200", "900"), limits("148", "600", "pmol/L")], "refused"),
        ([limits("200", "900", "furlong")], "refused"),
        ([limits("200", "900", None)], "refused"),
        ([], "refused"),
    ],
)
def test_a_missing_unit_is_that_of_the_range_or_nothing(ranges, amount) -> None:
    """R-23: a guess between pg/mL and pmol/L can flip the class."""
    facts = read(lab("300", None, referenceRange=ranges))
    if amount == "refused":
        assert facts.labs == ()
        assert facts.refused[0].faulty
    else:
        assert [result.amount.text() for result in facts.labs] == [amount]
        assert codes(facts) == ["unit-from-range"]


def test_a_foreign_unit_system_leaves_the_text_to_decide() -> None:
    """Seen: a SNOMED code as unit. Its text is read, and the oddity shown."""
    held = quantity("122", None, unit="umol/L", system=SNOMED, code="258814008")
    facts = read(observation("14682-9", valueQuantity=held))
    assert facts.labs[0].amount.text() == "122 umol/L"
    assert codes(facts) == ["unit-system"]


@pytest.mark.parametrize(
    ("code", "unit", "issue"),
    [
        ("16695-9", "pg/mL", "code-note"),
        ("2170-9", "pg/mL", "code-deprecated"),
        (EGFR, "mL/min", "unit-note"),
    ],
)
def test_notes_on_what_was_read_all_the_same(code, unit, issue) -> None:
    facts = read(lab("100", unit, code))
    assert len(facts.labs) == 1
    assert codes(facts) == [issue]


def test_interpretation_and_specimen_are_evidence() -> None:
    held = one(
        lab(
            "300",
            interpretation=[concept("x", "L")],
            specimen={"reference": "Specimen/s1"},
        )
    )
    assert (held.lab_flag, held.specimen) == ("L", "Specimen/s1")


def coded(*codings):
    return {"coding": [{"system": s, "code": c} for s, c in codings]}


@pytest.mark.parametrize(
    ("code", "analyte"),
    [
        (coded(("local", "X"), (LOINC, B12)), Analyte.B12_TOTAL),
        (coded(("https://loinc.org", B12)), Analyte.B12_TOTAL),
        (coded(("urn:oid:2.16.840.1.113883.6.1", f" {B12} ")), Analyte.B12_TOTAL),
        (coded((LOINC, HB), (LOINC, "20509-6")), Analyte.HEMOGLOBIN),
    ],
)
def test_every_coding_is_looked_at(code, analyte) -> None:
    unit = "g/dL" if analyte is Analyte.HEMOGLOBIN else "pg/mL"
    assert one(lab("15", unit, code=code)).analyte is analyte


@pytest.mark.parametrize(
    "code", [coded((LOINC, B12), (LOINC, ACTIVE)), coded((LOINC, ACTIVE), (LOINC, "32341-0"))]
)
def test_codes_that_mean_different_tests_are_refused(code) -> None:
    issues, faults = refused(lab("50", "pmol/L", code=code))
    assert issues == ["code-contradiction"]
    assert faults[0][2]


@pytest.mark.parametrize("code", ["32341-0", "3030-4", "14685-8", "13964-8", "1460-5"])
def test_codes_that_look_alike_are_shown_and_not_read(code) -> None:
    """Total transcobalamin II read as active B12 would be a wrong class."""
    facts = read(lab("50", "pmol/L", code))
    assert facts.labs == ()
    assert codes(facts) == ["look-alike-code"]
    assert facts.refused == ()


def test_kinds_of_two_codes_are_both_allowed() -> None:
    code = coded((LOINC, HB), (LOINC, HB_MOLES))
    assert one(lab("6.206", "mmol/L", code=code)).amount.text() == "100 g/L"


@pytest.mark.parametrize("side", ["low", "high"])
def test_a_limit_without_a_number_is_no_limit(side) -> None:
    both = limits("200", "900") | {side: {"value": "none", "unit": "pg/mL"}}
    found = one(lab("300", referenceRange=[both])).lab_range
    assert (found.low is None, found.high is None) == (side == "low", side == "high")


def test_an_analyte_without_a_usual_range_has_no_contradiction() -> None:
    protocol = load_protocol()
    info = protocol.analytes.info[Analyte.HEMOGLOBIN]
    bare = {**protocol.analytes.info, Analyte.HEMOGLOBIN: replace(info, usual={})}
    table = replace(protocol.analytes, info=bare)
    held = lab("7.2", "g/dL", HB, referenceRange=[limits("7.5", "10", "g/dL")])
    facts = extract([patient(), held], replace(protocol, analytes=table), SITE)
    assert len(facts.labs) == 1

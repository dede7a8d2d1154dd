"""The numbers, units and codes that ship, held against the rule book at their edges."""

import re
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from b12fhir.facts.labs import Analyte
from b12fhir.kernel.codes import ATC, ICD10CM, LOINC, RXNORM, SNOMED, Code, is_loinc, is_snomed
from b12fhir.kernel.dates import shift
from b12fhir.kernel.quantities import normal_unit
from b12fhir.protocol.limits import Band
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import KnownStrength, PhaseTemplate, Span

PROTOCOL = load_protocol()
LIMITS, TABLE, CONCEPTS, PACK = (
    PROTOCOL.limits,
    PROTOCOL.analytes,
    PROTOCOL.concepts,
    PROTOCOL.pack,
)


# --- codes ----------------------------------------------------------------------------------------


def test_every_loinc_code_has_the_right_check_digit() -> None:
    unreal = {"14685-8", "13964-8"}
    tests = {code.code for test in PROTOCOL.tests.values() for code in test.codes}
    held = {*TABLE.codes, *TABLE.presence, *TABLE.panels, *TABLE.not_these, *tests}
    assert {code for code in held if not is_loinc(code)} == unreal
    assert len(held) > 90


def test_every_snomed_code_has_the_right_check_digit() -> None:
    held = [code.code for code in CONCEPTS.codes if code.system == SNOMED]
    assert [code for code in held if not is_snomed(code)] == []
    assert len(held) > 190


@pytest.mark.parametrize(
    ("code", "analyte", "kind"),
    [
        ("2132-9", Analyte.B12_TOTAL, "mass"),
        ("14685-2", Analyte.B12_TOTAL, "moles"),
        ("35201-3", Analyte.B12_TOTAL, "any"),
        ("16695-9", Analyte.B12_TOTAL, "mass"),
        ("2170-9", Analyte.B12_TOTAL, "mass"),
        ("72160-5", Analyte.B12_ACTIVE, "moles"),
        ("13964-2", Analyte.MMA, "moles"),
        ("2629-4", Analyte.MMA, "mass"),
        ("13776-0", Analyte.MMA_URINE, "mass"),
        ("20509-6", Analyte.HEMOGLOBIN, "mass"),
        ("59260-0", Analyte.HEMOGLOBIN, "moles"),
        ("75940-7", Analyte.POTASSIUM, "mass"),
        ("14682-9", Analyte.CREATININE, "moles"),
        ("50210-4", Analyte.EGFR, "rate"),
    ],
)
def test_what_a_laboratory_code_means(code: str, analyte: Analyte, kind: str) -> None:
    assert (TABLE.codes[code].analyte, TABLE.codes[code].kind) == (analyte, kind)


def test_only_odd_codes_carry_a_note() -> None:
    """A note is shown for each result: on a common code it would be noise."""
    assert {code for code, held in TABLE.codes.items() if held.note} == {"16695-9", "2170-9"}


@pytest.mark.parametrize(
    "code", ["32341-0", "3030-4", "72157-1", "2171-7", "15052-4", "1460-5", "32287-5", "15160-5"]
)
def test_look_alikes_are_none_of_our_tests(code: str) -> None:
    assert code not in TABLE.codes
    assert code not in TABLE.presence
    assert TABLE.not_these[code]


def test_every_analyte_can_be_read_and_judged() -> None:
    assert set(TABLE.info) == set(Analyte)
    assert {code.analyte for code in TABLE.codes.values()} == set(Analyte)
    for info in TABLE.info.values():
        natives = {rule.native for rule in info.units.values()}
        assert natives == set(info.plausible) == set(info.usual)
        for unit, (low, high) in info.usual.items():
            assert info.plausible[unit][0] <= low < high <= info.plausible[unit][1]


def test_which_analytes_carry_the_class() -> None:
    assert {one for one, info in TABLE.info.items() if info.decides} == {
        Analyte.B12_TOTAL,
        Analyte.B12_ACTIVE,
        Analyte.MMA,
        Analyte.MMA_URINE,
        Analyte.HOMOCYSTEINE,
    }


# --- units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("analyte", "unit", "value", "native", "expected"),
    [
        (Analyte.B12_TOTAL, "pg/ml", "180", "ng/L", "180"),
        (Analyte.B12_TOTAL, "PG/ML", "180", "ng/L", "180"),
        (Analyte.B12_TOTAL, "ng/l", "180", "ng/L", "180"),
        (Analyte.B12_TOTAL, "ng/dL", "18", "ng/L", "180"),
        (Analyte.B12_TOTAL, "mcg/L", "0.18", "ng/L", "180"),
        (Analyte.B12_TOTAL, "pmol/L", "133", "pmol/L", "133"),
        (Analyte.B12_TOTAL, "pM", "133", "pmol/L", "133"),
        (Analyte.B12_TOTAL, "nmol/L", "0.133", "pmol/L", "133"),
        (Analyte.B12_ACTIVE, "pmol/l", "25", "pmol/L", "25"),
        (Analyte.MMA, "µmol/l", "0.62", "nmol/L", "620"),
        (Analyte.MMA, "nmol/mL", "0.62", "nmol/L", "620"),
        (Analyte.MMA, "ug/L", "118.09", "nmol/L", "1000"),
        (Analyte.MMA, "ng/mL", "118.09", "nmol/L", "1000"),
        (Analyte.MMA_URINE, "mg/g{creat}", "1.044", "mmol/mol{creat}", "1"),
        (Analyte.MMA_URINE, "mmol/mol creat", "5.75", "mmol/mol{creat}", "5.75"),
        (Analyte.HOMOCYSTEINE, "mg/L", "135.18", "umol/L", "1000"),
        (Analyte.FOLATE, "ng/mL", "441.40", "nmol/L", "1000"),
        (Analyte.HEMOGLOBIN, "g/dl", "8.2", "g/L", "82"),
        (Analyte.HEMOGLOBIN, "g/L", "82", "g/L", "82"),
        (Analyte.HEMOGLOBIN, "mmol/l", "0.6206", "g/L", "10"),
        (Analyte.HEMATOCRIT, "L/L", "0.38", "%", "38"),
        (Analyte.HEMATOCRIT, "l/l", "0.38", "%", "38"),
        (Analyte.MCV, "fl", "96", "fL", "96"),
        (Analyte.MCV, "µm³", "96", "fL", "96"),
        (Analyte.WBC, "10*3/uL", "4", "10*9/L", "4"),
        (Analyte.WBC, "10^9/L", "4", "10*9/L", "4"),
        (Analyte.WBC, "K/uL", "4", "10*9/L", "4"),
        (Analyte.WBC, "x10E3/uL", "4", "10*9/L", "4"),
        (Analyte.WBC, "Giga/l", "4", "10*9/L", "4"),
        (Analyte.WBC, "G/L", "4", "10*9/L", "4"),
        (Analyte.WBC, "10³/µL", "4", "10*9/L", "4"),
        (Analyte.WBC, "{cells}/uL", "105600", "10*9/L", "105.6"),
        (Analyte.PLATELETS, "/uL", "210000", "10*9/L", "210"),
        (Analyte.RBC, "10*6/uL", "4.5", "10*12/L", "4.5"),
        (Analyte.RBC, "million per microliter", "4.5", "10*12/L", "4.5"),
        (Analyte.RBC, "10^12/L", "4.5", "10*12/L", "4.5"),
        (Analyte.RBC, "M/uL", "4.5", "10*12/L", "4.5"),
        (Analyte.RETIC_COUNT, "10*6/uL", "0.05", "10*9/L", "50"),
        (Analyte.POTASSIUM, "mEq/L", "3.5", "mmol/L", "3.5"),
        (Analyte.CREATININE, "mg/dL", "1", "umol/L", "88.4"),
        (Analyte.CREATININE, "mmol/L", "0.09", "umol/L", "90"),
        (Analyte.EGFR, "mL/min/{1.73_m2}", "59", "mL/min/{1.73_m2}", "59"),
        (Analyte.EGFR, "ml/min/1.73 m²", "59", "mL/min/{1.73_m2}", "59"),
        (Analyte.EGFR, "mL/min", "59", "mL/min/{1.73_m2}", "59"),
        (Analyte.FERRITIN, "ng/mL", "15", "ug/L", "15"),
        (Analyte.TSH, "mcU/mL", "2", "m[IU]/L", "2"),
        (Analyte.TSH, "mIU/L", "2", "m[IU]/L", "2"),
        (Analyte.COPPER, "ug/dL", "100", "umol/L", "15.74"),
    ],
)
def test_every_spelling_comes_to_the_native_unit(
    analyte: Analyte, unit: str, value: str, native: str, expected: str
) -> None:
    rule = TABLE.info[analyte].units[normal_unit(unit)]
    assert (rule.convert(Decimal(value)), rule.native) == (Decimal(expected), native)


@pytest.mark.parametrize(
    ("analyte", "unit"),
    [
        (Analyte.B12_TOTAL, "pg/dL"),
        (Analyte.B12_TOTAL, "mg/L"),
        (Analyte.B12_ACTIVE, "pg/mL"),
        (Analyte.B12_ACTIVE, "ng/L"),
        (Analyte.HEMOGLOBIN, "g/mL"),
        (Analyte.WBC, "10*6/uL"),
        (Analyte.MMA, ""),
    ],
)
def test_a_unit_that_is_no_unit_of_the_test_stays_unknown(analyte: Analyte, unit: str) -> None:
    assert normal_unit(unit) not in TABLE.info[analyte].units


def test_only_an_egfr_without_area_carries_a_note() -> None:
    noted = {
        (a, rule.unit)
        for a, info in TABLE.info.items()
        for rule in info.units.values()
        if rule.note
    }
    assert noted == {(Analyte.EGFR, "mL/min")}


@pytest.mark.parametrize(
    ("analyte", "native", "low", "high"),
    [
        (Analyte.B12_TOTAL, "ng/L", "5", "20000"),
        (Analyte.B12_ACTIVE, "pmol/L", "1", "2000"),
        (Analyte.MMA, "nmol/L", "20", "100000"),
        (Analyte.HOMOCYSTEINE, "umol/L", "1", "500"),
        (Analyte.HEMOGLOBIN, "g/L", "20", "250"),
        (Analyte.MCV, "fL", "50", "160"),
        (Analyte.POTASSIUM, "mmol/L", "1.5", "9"),
        (Analyte.CREATININE, "umol/L", "10", "3000"),
        (Analyte.HEMATOCRIT, "%", "5", "75"),
        (Analyte.FOLATE, "nmol/L", "0.5", "100"),
        (Analyte.EGFR, "mL/min/{1.73_m2}", "1", "200"),
        (Analyte.RETIC_COUNT, "10*9/L", "0", "1000"),
        (Analyte.TSH, "m[IU]/L", "0.001", "1000"),
    ],
)
def test_plausible_ranges(analyte: Analyte, native: str, low: str, high: str) -> None:
    assert TABLE.info[analyte].plausible[native] == (Decimal(low), Decimal(high))


def test_the_two_scales_of_b12_hold_the_same_amounts_plausible() -> None:
    plausible = TABLE.info[Analyte.B12_TOTAL].plausible
    for mass, moles in zip(plausible["ng/L"], plausible["pmol/L"], strict=True):
        assert moles == mass * 1000 / Decimal("1355.37")


# --- limits ---------------------------------------------------------------------------------------


def test_native_bands_of_b12() -> None:
    assert LIMITS.bands == {
        (Analyte.B12_TOTAL, "ng/L"): Band(Decimal(180), Decimal(350)),
        (Analyte.B12_TOTAL, "pmol/L"): Band(Decimal(133), Decimal(258)),
        (Analyte.B12_ACTIVE, "pmol/L"): Band(Decimal(25), Decimal(70)),
    }


@pytest.mark.parametrize(
    ("age", "cutoff"),
    [
        (0, 1250),
        (1, 300),
        (10, 300),
        (11, 300),
        (12, 350),
        (17, 350),
        (18, 400),
        (64, 400),
        (65, 460),
        (99, 460),
    ],
)
def test_mma_cutoff_by_age(age: int, cutoff: int) -> None:
    held = [row.value for row in LIMITS.mma_cutoff if row.from_years <= age < row.to_years]
    assert held == [Decimal(cutoff)]


@pytest.mark.parametrize(
    ("group", "limit", "mild", "severe"),
    [
        ("infant-6-23m", 105, 105, 70),
        ("child-24-59m", 110, 100, 70),
        ("child-5-11y", 115, 110, 80),
        ("child-12-14y", 120, 110, 80),
        ("women", 120, 110, 80),
        ("men", 130, 110, 80),
        ("pregnant-t1", 110, 100, 70),
        ("pregnant-t2", 105, 100, 70),
        ("pregnant-t3", 110, 100, 70),
    ],
)
def test_haemoglobin_by_group(group: str, limit: int, mild: int, severe: int) -> None:
    held = LIMITS.anaemia[group]
    assert (held.limit, held.mild, held.severe) == (limit, mild, severe)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stale_after_days", 365),
        ("join_days", 90),
        ("on_treatment_injection_days", 365),
        ("on_treatment_oral_days", 90),
        ("baseline_potassium_days", 7),
        ("baseline_blood_count_days", 30),
        ("baseline_folate_iron_days", 90),
        ("urine_mma_high", Decimal("5.75")),
        ("homocysteine_high", 14),
        ("folate_low", 7),
        ("egfr_confounds_below", 60),
        ("potassium_low", Decimal("3.5")),
        ("ileum_permanent_above_cm", 20),
        ("metformin_months", 4),
        ("acid_blocker_months", 12),
        ("injection_dose_counts_ug", 100),
        ("oral_daily_counts_ug", 50),
        ("max_single_dose_ug", 5000),
        ("adult_from_years", 16),
        ("trimester_2_from_week", 14),
        ("trimester_3_from_week", 28),
    ],
)
def test_limits_of_the_rule_book(name: str, value: Decimal | int) -> None:
    held = getattr(LIMITS, name)
    assert held == value
    assert type(held) in (int, Decimal)


# --- concepts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "code", "role"),
    [
        (SNOMED, "84027009", "pernicious-anaemia"),
        (ICD10CM, "D51.0", "pernicious-anaemia"),
        (SNOMED, "309087008", "neuro-sign"),
        (ICD10CM, "G32.0", "neuro-sign"),
        (ICD10CM, "E11.42", "neuro-sign"),
        (ICD10CM, "E11.42", "neuro-mimic-diabetes"),
        (SNOMED, "26452005", "gastrectomy-total"),
        (SNOMED, "53442002", "gastrectomy-partial"),
        (SNOMED, "359587007", "ileal-resection"),
        (SNOMED, "38106008", "ileal-crohn"),
        (SNOMED, "427074001", "bariatric"),
        (SNOMED, "442338001", "bariatric-bypass"),
        (SNOMED, "32094009", "fish-tapeworm"),
        (ICD10CM, "D51.2", "congenital"),
        (SNOMED, "281014009", "vegan"),
        (SNOMED, "300928006", "vegetarian"),
        (SNOMED, "73891003", "n2o"),
        (SNOMED, "58610003", "leber"),
        (ICD10CM, "H47.22", "possible-leber"),
        (ICD10CM, "N18.9", "ckd-unknown-stage"),
        (ICD10CM, "Z99.2", "ckd-confounds"),
        (SNOMED, "236435004", "dialysis"),
        (SNOMED, "161941007", "dyspnea-at-rest"),
        (SNOMED, "35489007", "mood"),
        (SNOMED, "60001007", "not-pregnant"),
        (RXNORM, "861007", "metformin"),
        (ATC, "A02BC02", "ppi"),
        (RXNORM, "11248", "b12"),
        (RXNORM, "11248", "b12-allergen"),
        (ATC, "B03BA51", "b12-combination"),
    ],
)
def test_a_code_plays_its_role(system: str, code: str, role: str) -> None:
    assert CONCEPTS.codes[Code(system, code)] in CONCEPTS.roles[role]


@pytest.mark.parametrize(
    ("system", "code", "role"),
    [
        (SNOMED, "35489007", "neuro-sign"),
        (SNOMED, "58610003", "neuro-sign"),
        (ICD10CM, "H47.22", "leber"),
        (ICD10CM, "Z90.49", "ileal-resection"),
        (ICD10CM, "Z72.4", "restrictive-diet"),
        (ICD10CM, "F18.10", "n2o"),
        (SNOMED, "53442002", "gastrectomy-total"),
        (SNOMED, "64766004", "ileal-crohn"),
        (SNOMED, "34000006", "ileal-crohn"),
        (SNOMED, "709044004", "ckd-confounds"),
        (SNOMED, "102874004", "pregnancy"),
        (ATC, "B03BA51", "b12"),
    ],
)
def test_a_code_does_not_mean_more_than_it_says(system: str, code: str, role: str) -> None:
    assert CONCEPTS.codes[Code(system, code)] not in CONCEPTS.roles[role]


@pytest.mark.parametrize(
    ("system", "code"),
    [(ICD10CM, "E53.8"), (ICD10CM, "Z90.49"), (SNOMED, "70340006"), (SNOMED, "299934008")],
)
def test_codes_that_are_never_proof(system: str, code: str) -> None:
    assert Code(system, code) in CONCEPTS.weak


def test_a_code_that_leaves_a_question_open_asks_it() -> None:
    assert "centimetres" in CONCEPTS.asks[Code(SNOMED, "307193005")]
    assert "Leber" in CONCEPTS.asks[Code(ICD10CM, "H47.22")]
    assert Code(SNOMED, "84027009") not in CONCEPTS.asks


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (Code(ATC, "B01AB05"), Code(ATC, "B01AB")),
        (Code(ATC, "A02BC53"), Code(ATC, "A02BC")),
        (Code(ATC, "B03BA51"), Code(ATC, "B03BA51")),
        (Code(ATC, "G03AC01"), Code(ATC, "G03A")),
        (Code(ATC, "B01AC06"), None),
        (Code(ATC, "N02BE01"), None),
        (Code(SNOMED, "840270090"), None),
        (Code(SNOMED, "84027009"), Code(SNOMED, "84027009")),
    ],
)
def test_an_atc_code_belongs_to_its_class(sent: Code, known: Code | None) -> None:
    """B01AC are platelet inhibitors: no anticoagulants (R-94)."""
    assert CONCEPTS.known(sent) == known


@pytest.mark.parametrize(
    ("code", "drug", "strength"),
    [
        ("2001499", "cyanocobalamin", 5000),
        ("103016", "cyanocobalamin", 500),
        ("103011", "cyanocobalamin", 1000),
        ("103010", "hydroxocobalamin", 250),
    ],
)
def test_strengths_that_a_code_states(code: str, drug: str, strength: int) -> None:
    """2001499 taken for the usual 1000 would be a fivefold dose."""
    held = CONCEPTS.strengths[Code(RXNORM, code)]
    assert held == KnownStrength(drug, Decimal(strength), "ug/mL")


def _in_text(text: str) -> set[str]:
    return {concept for pattern, concept in CONCEPTS.texts if re.search(pattern, text.lower())}


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Subacute combined degeneration of the cord", "subacute_combined_degeneration"),
        ("Autoimmune gastritis", "autoimmune_gastritis"),
        ("Copper deficiency", "copper_deficiency"),
        ("Recreational nitrous oxide use", "nitrous_oxide_use"),
        ("Anaemia from nitrous oxide use", "nitrous_oxide_use"),
        ("Inhales N2O from balloons", "nitrous_oxide_use"),
        ("Laparoscopic gastric banding", "gastric_band"),
        ("Family history of pernicious anemia", "family_history_pernicious_anemia"),
        ("Mother has pernicious anaemia", "family_history_pernicious_anemia"),
        ("Abdominal radiotherapy 2015", "radiotherapy_abdomen"),
        ("Radiation of the pelvis", "radiotherapy_abdomen"),
        ("Loss of vibration sense in both feet", "vibration_sense_lost"),
        ("Vibration sense absent at the ankles", "vibration_sense_lost"),
        ("Impaired proprioception", "position_sense_lost"),
        ("Loss of vibration sense, no ataxia", "vibration_sense_lost"),
        ("Hypersegmented neutrophils", "hypersegmented_neutrophils"),
        ("Hydroxocobalamin 1 mg/ml", "hydroxocobalamin"),
        ("Methylcobalamin lozenge", "mecobalamin"),
        ("Cyanocobalamin injection", "cyanocobalamin"),
        ("Vitamin B12 1000 mcg", "vitamin_b12"),
        ("B-12 shot", "vitamin_b12"),
        ("Cobalt", "cobalt_or_cobalamin"),
    ],
)
def test_words_for_what_has_no_code(text: str, concept: str) -> None:
    assert concept in _in_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "No family history of pernicious anaemia",
        "Denies recreational nitrous oxide use",
        "Copper deficiency excluded",
        "Nitrous oxide used in anaesthesia",
        "Removal of gastric band",
        "No loss of vibration sense",
        "Never used nitrous oxide",
        "Thoracic radiotherapy",
        "Vibration sense normal",
        "Vitamin B1 and B2",
        "Vitamin B120",
    ],
)
def test_words_that_deny_it_or_mean_another_thing(text: str) -> None:
    assert _in_text(text) == set()


# --- pack -----------------------------------------------------------------------------------------


def _days(course: str) -> list[int]:
    """Days from d0 of the counted doses of a course."""
    start = due = date(2026, 11, 21)
    days = []
    for phase in PACK.courses[course].phases:
        due = shift(due, phase.after.value, phase.after.unit) if phase.after and days else due
        for number in range(phase.count):
            due = shift(due, phase.interval.value, phase.interval.unit) if number else due
            days.append((due - start).days)
    return days


@pytest.mark.parametrize(
    ("course", "days"),
    [
        ("im-load", [0, 2, 4, 6, 8, 10, 12, 19, 26, 33, 40]),
        ("im-load-neuro", [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 27, 34, 41, 48]),
        ("ileum-short-load", [0, 2, 4, 6]),
        ("im-monthly-life", []),
    ],
)
def test_days_of_the_loads(course: str, days: list[int]) -> None:
    assert _days(course) == days


def test_nobody_is_given_another_dose_than_1000_to_2000() -> None:
    for course in PACK.courses.values():
        for phase in course.phases:
            assert phase.dose == 1000
            assert phase.dose_max in (None, 2000)
            assert not phase.verified


def test_injections_are_never_daily() -> None:
    """R-117: the founding sentence can be misread as 1000 to 2000 ug IM every day."""
    for phase in _phases():
        if phase.route == "im":
            rare = (Span(2, "d"), Span(1, "wk"), Span(1, "mo"), Span(2, "mo"), Span(2, "mo", 3))
            assert phase.interval in rare
            assert all(after - day > 1 for day, after in pairwise(phase.days))


def test_ranges_are_oral_only() -> None:
    assert {phase.route for phase in _phases() if phase.dose_max} == {"oral"}


def _phases() -> list[PhaseTemplate]:
    return [phase for course in PACK.courses.values() for phase in course.phases]


_UNTIL_GATES = "im-monthly-until-gates"


@pytest.mark.parametrize(
    ("cause", "oral", "load", "oral_maintenance", "im_maintenance", "prophylaxis"),
    [
        ("pernicious-anaemia", "", "im-load", "", "im-monthly-life", ""),
        ("gastrectomy-partial", "", "im-load", "", "im-monthly-life", ""),
        ("gastrectomy-total", "", "im-load", "", "im-monthly-life", "im-monthly-life"),
        ("ileum-over-20cm", "", "ileum-short-load", "", "im-monthly-life", "im-monthly-life"),
        ("coeliac", "", "im-load", "", "im-monthly-until-corrected", ""),
        ("ileal-disease", "", "im-load", "", "im-monthly-until-corrected", ""),
        ("ileal-resection-length-unknown", "", "im-load", "", "im-monthly-until-corrected", ""),
        ("bariatric", "", "im-load", "oral-1000-bariatric", _UNTIL_GATES, "oral-bariatric"),
        ("nitrous-oxide", "", "im-load", "", "im-monthly-until-n2o-stopped", ""),
        ("metformin", "oral-open-drug", "im-load", "oral-drug", _UNTIL_GATES, ""),
        ("vegan", "oral-12-weeks", "im-load", "oral-weekly-diet", _UNTIL_GATES, "oral-weekly-diet"),
        ("vegetarian", "oral-12-weeks", "im-load", "oral-weekly-diet", _UNTIL_GATES, ""),
        (
            "unknown",
            "oral-12-weeks",
            "im-load",
            "oral-1000-until-cause-known",
            "im-monthly-cause-unknown",
            "",
        ),
    ],
)
def test_the_regimen_table(
    cause: str,
    oral: str,
    load: str,
    oral_maintenance: str,
    im_maintenance: str,
    prophylaxis: str,
) -> None:
    row = next(row for row in PACK.regimens if cause in row.causes)
    assert (row.oral, row.load) == (oral, load)
    assert (row.oral_maintenance, row.im_maintenance) == (oral_maintenance, im_maintenance)
    assert row.prophylaxis == prophylaxis
    assert row.severe_neuro == "im-load-neuro"


def test_the_pack_says_that_nobody_has_signed_it() -> None:
    assert (PACK.review.status, PACK.review.by, PACK.review.on) == ("unreviewed", "", None)


def test_products_are_named_in_full() -> None:
    injection = PACK.products["cyanocobalamin-injection-1000"]
    assert (injection.strength, injection.strength_unit) == (1000, "ug/mL")
    assert set(injection.routes) == {"im", "sc"}


def test_tests_can_be_ordered_by_the_codes_that_are_read() -> None:
    """A test ordered under a code we do not read would come back unseen."""
    for name in ("b12", "b12-active", "mma", "homocysteine", "potassium", "folate", "egfr"):
        (code,) = PROTOCOL.tests[name].codes
        assert code.system == LOINC
        assert code.code in TABLE.codes


def test_a_cobalamin_weighs_the_same_wherever_it_is_asked_for() -> None:
    """1355.37 g/mol: so many ng/L times 1000, divided by it, are pmol/L. Mass needs no scale."""
    scales = TABLE.info[Analyte.B12_TOTAL].scales
    assert scales == {"pmol/L": (Decimal(1000), Decimal("1355.37"))}

"""What forbids a regimen, and what must be said beside one."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.patient import Pregnancy
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, ids, rules
from tests.support.facts import MAN, WOMAN, allergy, concept, days_ago, drug, lab

LOW = lab(A.B12_TOTAL, "150")
TINGLING = concept("paresthesia")
BLEED_OUT = lab(A.HEMOGLOBIN, "60")

STOPS = [
    # facts beside a low B12, kind of plan, contraindication
    ((allergy(Truth.YES),), "stop", "allergy"),
    ((allergy(Truth.YES), TINGLING), "stop", "allergy"),
    ((BLEED_OUT, lab(A.POTASSIUM, "3.4")), "stop", "hospital"),
    ((BLEED_OUT, concept("dyspnea_at_rest")), "stop", "hospital"),
    ((concept("tc2_deficiency"),), "none", "specialist"),
]


@pytest.mark.parametrize(("facts", "kind", "reason"), STOPS)
def test_a_stop_leaves_no_regimen(facts: tuple[object, ...], kind: str, reason: str) -> None:
    answer = decided(LOW, *facts)
    assert answer.intent.kind == kind
    assert reason in ids(answer.contraindications)
    assert answer.route in (None, "im" if reason == "hospital" else None)


def test_a_possible_leber_disease_is_asked_about() -> None:
    assert "leber" in ids(decided(LOW, concept("hereditary_optic_atrophy")).gaps)


def test_a_doubtful_allergy_is_asked_about_and_does_not_stop() -> None:
    answer = decided(LOW, allergy(Truth.UNKNOWN))
    assert answer.intent.kind == "treat"
    assert "allergy" in ids(answer.gaps)


def test_a_stop_without_anything_to_treat_stays_none() -> None:
    assert decided(lab(A.B12_TOTAL, "400"), allergy(Truth.YES)).intent.kind == "none"


def test_a_stop_also_stops_prophylaxis() -> None:
    answer = decided(lab(A.B12_TOTAL, "400"), concept("gastrectomy_total"), allergy(Truth.YES))
    assert answer.intent.kind == "stop"


POTASSIUM = [
    # value, days ago, low limit, caution
    ("3.4", 3, "", "potassium-low"),
    ("3.5", 3, "", None),
    ("3.5", 3, "3.6", "potassium-low"),
    ("3.4", 7, "", "potassium-low"),
    ("3.4", 8, "", "potassium-before-dose-1"),
]


@pytest.mark.parametrize(("value", "ago", "low", "told"), POTASSIUM)
def test_potassium_before_the_first_dose(value: str, ago: int, low: str, told: str | None) -> None:
    answer = decided(LOW, concept("pernicious_anemia"), lab(A.POTASSIUM, value, ago=ago, low=low))
    about = {i for i in ids(answer.cautions) if i.startswith("potassium")}
    assert about == ({told} if told else set())


def test_potassium_is_ordered_for_pernicious_and_severe_anaemia_only() -> None:
    wanted = "potassium-before-dose-1"
    assert wanted in ids(decided(LOW, concept("pernicious_anemia")).cautions)
    assert wanted in ids(decided(LOW, BLEED_OUT).cautions)
    assert wanted not in ids(decided(LOW).cautions)
    assert wanted not in ids(decided(lab(A.B12_TOTAL, "400"), BLEED_OUT).cautions)


FOLIC = [("0.1", False), ("0.11", True), ("5", True), (None, True)]


@pytest.mark.parametrize(("daily", "warned"), FOLIC)
def test_folic_acid_masks_a_low_b12(daily: str | None, warned: bool) -> None:
    amount = Decimal(daily) if daily else None
    taken = replace(drug("folic_acid"), daily_mg=amount)
    assert ("folic-acid" in ids(decided(LOW, taken).cautions)) is warned
    assert ("folic-acid" in ids(decided(taken).cautions)) is warned
    assert "folic-acid" not in ids(decided(lab(A.B12_TOTAL, "400"), taken).cautions)


FOLATE = [
    ((lab(A.FOLATE, "6.9"),), True),
    ((lab(A.FOLATE, "7"),), False),
    ((lab(A.FOLATE, "9", low="10"),), True),
    ((lab(A.FOLATE, "6", ago=91),), False),
    ((concept("folate_deficiency"),), True),
]


@pytest.mark.parametrize(("facts", "low"), FOLATE)
def test_low_folate_comes_after_b12(facts: tuple[object, ...], low: bool) -> None:
    assert ("folate-low" in ids(decided(LOW, *facts).cautions)) is low


IRON = [
    ((lab(A.FERRITIN, "14"),), "caution"),
    ((lab(A.FERRITIN, "14", low="10"),), None),
    ((lab(A.TRANSFERRIN_SATURATION, "15"),), "caution"),
    ((lab(A.HEMOGLOBIN, "100"), lab(A.MCV, "80")), "gap"),
    ((lab(A.HEMOGLOBIN, "100"), lab(A.MCV, "110")), None),
    ((lab(A.HEMOGLOBIN, "130"), lab(A.MCV, "80")), None),
]


@pytest.mark.parametrize(("facts", "told"), IRON)
def test_iron_deficiency_beside_it(facts: tuple[object, ...], told: str | None) -> None:
    answer = decided(LOW, *facts)
    assert ("iron-low" in ids(answer.cautions)) is (told == "caution")
    assert ("iron-studies" in ids(answer.gaps)) is (told == "gap")


KIDNEY = [("49", True), ("50", False)]


@pytest.mark.parametrize(("egfr", "told"), KIDNEY)
def test_the_product_in_kidney_disease(egfr: str, told: bool) -> None:
    answer = decided(LOW, lab(A.EGFR, egfr))
    assert ("kidney-product" in ids(answer.cautions)) is told
    high = decided(lab(A.B12_TOTAL, "400"), lab(A.EGFR, egfr))
    assert "kidney-product" not in ids(high.cautions)


def test_polycythaemia_vera_is_unmasked() -> None:
    assert "polycythaemia-vera" in ids(decided(LOW, concept("polycythemia_vera")).cautions)


BLEEDING = [
    ((lab(A.PLATELETS, "49"),), True),
    ((lab(A.PLATELETS, "50"),), False),
    ((concept("bleeding_disorder"),), True),
    ((drug("warfarin"),), True),
    ((concept("anticoagulant_therapy"),), True),
]


@pytest.mark.parametrize(("facts", "told"), BLEEDING)
def test_an_intramuscular_injection_and_bleeding(facts: tuple[object, ...], told: bool) -> None:
    injected = decided(LOW, concept("pernicious_anemia"), *facts)
    assert ("bleeding" in ids(injected.cautions)) is told
    assert "bleeding" not in ids(decided(LOW, *facts).cautions)


def test_what_is_not_excluded_is_named() -> None:
    assert {"folate", "copper", "tsh", "infection-drugs"} <= ids(decided(LOW, TINGLING).mimics)
    done = (lab(A.FOLATE, "20"), lab(A.COPPER, "15"), lab(A.TSH, "2"))
    assert not {"folate", "copper", "tsh"} & ids(decided(LOW, TINGLING, *done).mimics)
    assert not decided(lab(A.B12_TOTAL, "400")).mimics


def test_low_potassium_is_told_where_the_patient_goes_to_hospital() -> None:
    """R-166 holds before the first dose too, and R-167 drafts no dose."""
    answer = decided(LOW, lab(A.HEMOGLOBIN, "60"), lab(A.POTASSIUM, "3.4"))
    assert answer.intent.kind == "stop"
    assert "potassium-low" in ids(answer.cautions)
    assert "R-166" in rules(answer)


RANGES = [
    # result, the laboratory's low and high end, is the mimic excluded?
    (A.COPPER, "15", "12", "20", True),
    (A.COPPER, "12", "12", "20", True),
    (A.COPPER, "11.9", "12", "20", False),
    (A.COPPER, "20.1", "12", "20", False),
    (A.COPPER, "15", "16", "", False),
    (A.COPPER, "15", "12", "", True),
    (A.TSH, "5", "", "4.2", False),
    (A.TSH, "4.2", "", "4.2", True),
    (A.TSH, "5", "0.4", "6", True),
]


@pytest.mark.parametrize(("analyte", "value", "low", "high", "excluded"), RANGES)
def test_only_a_result_inside_the_laboratorys_range_excludes_a_mimic(
    analyte: A, value: str, low: str, high: str, *, excluded: bool
) -> None:
    name = "copper" if analyte is A.COPPER else "tsh"
    answer = decided(LOW, TINGLING, lab(analyte, value, low=low, high=high))
    said = [one.text for one in answer.mimics if one.id == name]
    assert (said == []) is excluded
    assert excluded or f" {value} " in said[0]


def test_diabetes_is_a_mimic_and_metformin_goes_on() -> None:
    answer = decided(LOW, TINGLING, concept("diabetes_type2"), drug("metformin"))
    text = next(m.text for m in answer.mimics if m.id == "diabetes")
    assert "Metformin goes on" in text
    without = decided(LOW, TINGLING, concept("diabetes_type2"))
    assert "Metformin" not in next(m.text for m in without.mimics if m.id == "diabetes")
    assert "diabetes" not in ids(decided(LOW, concept("diabetes_type2")).mimics)


@pytest.mark.parametrize(
    ("facts", "truth"),
    [((concept("diabetes_type2"), drug("metformin")), "yes"), ((drug("metformin"),), "unknown")],
)
def test_metformin_alone_does_not_tell_of_diabetes(facts: tuple[object, ...], truth: str) -> None:
    """R-185 asks for diabetes; the tablet is taken for other reasons too."""
    answer = decided(LOW, TINGLING, *facts)
    (finding,) = [one for one in answer.findings if one.rule == "R-185"]
    assert finding.truth.value == truth


def test_thiamine_after_bariatric_surgery() -> None:
    assert "thiamine" in ids(decided(LOW, TINGLING, concept("gastric_bypass")).mimics)
    assert "thiamine" not in ids(decided(LOW, concept("gastric_bypass")).mimics)


def test_the_baseline_that_is_missing_is_named() -> None:
    text = next(g.text for g in decided(LOW).gaps if g.id == "baseline")
    for test in ("blood count", "reticulocytes", "potassium", "folate", "ferritin"):
        assert test in text
    full = (
        lab(A.HEMOGLOBIN, "140"),
        lab(A.RETIC_PCT, "1"),
        lab(A.POTASSIUM, "4"),
        lab(A.FOLATE, "20"),
        lab(A.FERRITIN, "90"),
    )
    assert "baseline" not in ids(decided(LOW, *full).gaps)


GONE = [
    (replace(MAN, deceased=True), "deceased"),
    (replace(MAN, active=False), "record-not-active"),
    (replace(MAN, replaced=True), "record-not-active"),
    (replace(MAN, birth=None), "age-unknown"),
    (replace(MAN, birth=on(date(2012, 1, 1))), "under-16"),
]


@pytest.mark.parametrize(("patient", "flag"), GONE)
def test_nobody_is_proposed_for_who_may_not_be(patient: object, flag: str) -> None:
    answer = decided(LOW, patient=patient)
    assert flag in answer.flags
    assert answer.intent.kind == "none"
    assert answer.classification.value == "confirmed"


AGES = [(date(2010, 11, 21), "treat"), (date(2010, 11, 22), "none")]


@pytest.mark.parametrize(("birth", "kind"), AGES)
def test_the_sixteenth_birthday(birth: date, kind: str) -> None:
    assert decided(LOW, patient=replace(MAN, birth=on(birth))).intent.kind == kind


OLD = [(date(1950, 11, 21), True), (date(1950, 11, 22), False)]


@pytest.mark.parametrize(("birth", "told"), OLD)
def test_older_than_75(birth: date, told: bool) -> None:
    """Above 75 means 76 completed years or more."""
    assert ("R-184" in rules(decided(LOW, patient=replace(MAN, birth=on(birth))))) is told


def test_mothers_are_marked() -> None:
    pregnant = decided(LOW, pregnancy=Pregnancy(Truth.YES))
    assert {"pregnant"} <= set(pregnant.flags)
    assert "pregnancy-folic-acid" in ids(pregnant.cautions)
    nursing = decided(LOW, pregnancy=Pregnancy(breastfeeding=Truth.YES))
    assert "breastfeeding" in nursing.flags


def test_the_woman_of_the_builders_is_an_ordinary_adult() -> None:
    assert decided(LOW, patient=WOMAN).flags == ()
    assert days_ago(0) == date(2026, 11, 21)


def test_low_ferritin_and_low_saturation_both_stand_as_reasons() -> None:
    answer = decided(lab(A.FERRITIN, "5"), lab(A.TRANSFERRIN_SATURATION, "8"))
    (found,) = (one for one in answer.findings if one.rule == "R-180")
    assert {fact.analyte for fact in found.facts} == {A.FERRITIN, A.TRANSFERRIN_SATURATION}

"""What could harm: a stop passed over, a dose doubled, nerves left waiting, a fact not seen."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from b12fhir.decision.model import Decision
from b12fhir.facts.history import Standing
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.labs import RefusedLab
from b12fhir.facts.medicines import Route
from b12fhir.facts.patient import Pregnancy
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, ids, rules
from tests.support.facts import (
    MAN,
    WOMAN,
    allergy,
    concept,
    days_ago,
    drug,
    injection,
    lab,
    tablets,
)

LOW = lab(A.B12_TOTAL, "150", ago=10)
TINGLING = concept("paresthesia")
PA = concept("pernicious_anemia")
UNSURE = Standing.UNCONFIRMED


def outcome(answer: Decision) -> tuple[str, str | None, str]:
    return answer.intent.kind, answer.route, answer.urgency.value


@pytest.mark.parametrize("name", ["leber_optic_atrophy", "hereditary_optic_atrophy"])
def test_an_unconfirmed_leber_disease_stops_cyanocobalamin(name: str) -> None:
    """Swift optic atrophy: until it is cleared, unknown must not act as no."""
    answer = decided(LOW, concept(name, standing=UNSURE))
    assert "leber" in ids(answer.contraindications)
    assert "leber" in ids(answer.gaps)


@pytest.mark.parametrize(
    "name", ["gastrectomy_total", "tc2_deficiency", "gastric_bypass", "celiac_disease"]
)
def test_an_unconfirmed_cause_is_asked_about(name: str) -> None:
    answer = decided(LOW, concept(name, standing=UNSURE))
    assert name in next(g.text for g in answer.gaps if g.id == "cause-unconfirmed")


RUNNING_IN_SPITE = [
    (LOW, injection(1)),
    (injection(20),),
    (LOW, tablets("1000", start=5)),
]


@pytest.mark.parametrize("given", RUNNING_IN_SPITE)
def test_an_allergy_stops_what_runs_already(given: tuple[object, ...]) -> None:
    """A stop that gives way to a running course would let it run on."""
    answer = decided(*given, allergy(Truth.YES))
    assert outcome(answer) == ("stop", None, "urgent")


def test_an_allergy_without_any_b12_asks_for_nothing_urgent() -> None:
    assert outcome(decided(LOW, allergy(Truth.YES))) == ("stop", None, "routine")


def test_low_potassium_after_the_first_dose_is_urgent_and_in_hospital() -> None:
    facts = (LOW, injection(1), lab(A.HEMOGLOBIN, "52"), lab(A.POTASSIUM, "2.9", ago=0))
    answer = decided(*facts)
    assert outcome(answer) == ("stop", "im", "urgent")
    assert "hospital" in ids(answer.contraindications)


POTASSIUM = [(0, "urgent"), (2, "urgent"), (3, "soon")]


@pytest.mark.parametrize(("ago", "urgency"), POTASSIUM)
def test_low_potassium_in_the_first_48_hours(ago: int, urgency: str) -> None:
    low = lab(A.POTASSIUM, "3.4", ago=0)
    answer = decided(LOW, PA, injection(ago), low)
    assert answer.urgency.value == urgency
    assert "potassium-low" in ids(answer.cautions)
    resting = {one.reference for f in answer.findings if f.rule == "R-61" for one in f.inputs}
    assert resting == ({low.reference} if urgency == "urgent" else set())


UNDER_TREATMENT = [
    (concept("abnormal_gait", worse=True), "urgent"),
    (concept("abnormal_gait", ago=5), "urgent"),
    (concept("abnormal_gait", ago=200), "soon"),
    (concept("abnormal_gait", ago=None), "soon"),
    (lab(A.HEMOGLOBIN, "85"), "soon"),
    (concept("diet_vegan"), "routine"),
]


@pytest.mark.parametrize(("fact", "urgency"), UNDER_TREATMENT)
def test_nerves_and_blood_under_treatment(fact: object, urgency: str) -> None:
    after = lab(A.B12_TOTAL, "900", ago=3)
    assert outcome(decided(after, injection(20), fact)) == ("none", "im", urgency)


def test_tablets_do_not_stand_in_for_the_injections_that_nerves_need() -> None:
    answer = decided(LOW, TINGLING, PA, tablets("1000", start=5))
    assert outcome(answer) == ("treat", "im", "urgent")
    assert "oral-running" in ids(answer.contraindications)


COURSES = [
    # what is on record beside a low B12, kind of plan
    (tablets("1000", start=5), "none"),
    (tablets("1000", start=4000, until=on(days_ago(3900))), "treat"),
    (tablets(None, start=700), "treat"),
    (injection(90), "none"),
    (injection(91), "treat"),
    (injection(1, dose=None), "none"),
    (injection(1, given=Truth.UNKNOWN), "none"),
    (injection(91, dose=None), "treat"),
    (injection(None, dose=None), "none"),
    (injection(5, given=Truth.NO, ordered=True, active=True), "none"),
    (injection(5, given=Truth.NO, ordered=True, active=True, until=on(days_ago(1))), "treat"),
]


@pytest.mark.parametrize(("given", "kind"), COURSES)
def test_no_course_is_drafted_beside_one_that_may_be_running(given: object, kind: str) -> None:
    fresh = lab(A.B12_TOTAL, "150", ago=250)
    assert decided(fresh, given).intent.kind == kind


def test_a_course_that_ended_long_ago_does_not_hide_a_deficiency() -> None:
    """An end without a start: stopped years before the sample."""
    over = replace(tablets("1000", active=False), when=None, until=on(date(2015, 1, 1)))
    assert decided(LOW, over).classification.value == "confirmed"


ROUTELESS = [
    (100, "on-treatment", False),
    (101, "unlikely", True),
    (375, "unlikely", True),
    (376, "unlikely", False),
]


@pytest.mark.parametrize(("ago", "expected", "asked"), ROUTELESS)
def test_a_dose_without_route_is_asked_about(ago: int, expected: str, asked: bool) -> None:
    """By mouth it counts 90 days, as an injection 365: between the two nobody knows."""
    high = lab(A.B12_TOTAL, "500", ago=10)
    answer = decided(high, injection(ago, route=Route.UNKNOWN))
    assert answer.classification.value == expected
    assert ("possibly-on-treatment" in answer.flags) is asked


PREVENT_OR_LOAD = [
    ("gastrectomy_total", "900", "treat"),
    ("gastrectomy_total", "200", "prophylaxis"),
    ("gastric_bypass", "900", "prophylaxis"),
]


@pytest.mark.parametrize(("cause", "mma", "kind"), PREVENT_OR_LOAD)
def test_a_raised_mma_does_not_take_prophylaxis_away(cause: str, mma: str, kind: str) -> None:
    facts = (lab(A.B12_TOTAL, "400"), lab(A.MMA, mma), concept(cause))
    assert decided(*facts).intent.kind == kind


def _ileum(length: str) -> object:
    return concept("ileal_resection", length_cm=Decimal(length))


TWO_CAUSES = [
    # B12, causes on record, governing, kind
    ("150", (PA, _ileum("25")), "pernicious-anaemia", "treat"),
    (
        "400",
        (concept("gastrectomy_total"), concept("gastrectomy_partial")),
        "gastrectomy-total",
        "prophylaxis",
    ),
    ("400", (concept("gastrectomy_partial"), _ileum("25")), "gastrectomy-partial", "prophylaxis"),
    ("400", (concept("diet_vegan"), concept("diet_restrictive")), "vegan", "prophylaxis"),
    ("400", (concept("diet_vegan"), drug("metformin")), "metformin", "prophylaxis"),
    ("400", (concept("gastric_bypass"), PA), "pernicious-anaemia", "none"),
]


@pytest.mark.parametrize(("b12", "causes", "governing", "kind"), TWO_CAUSES)
def test_of_two_causes_the_graver_governs_and_neither_is_forgotten(
    b12: str, causes: tuple[object, ...], governing: str, kind: str
) -> None:
    """The alphabet must not decide, and prophylaxis belongs to any cause on record."""
    answer = decided(lab(A.B12_TOTAL, b12), *causes)
    assert answer.governing is not None
    assert (answer.governing.cause, answer.intent.kind) == (governing, kind)


def test_potassium_and_thyroid_belong_to_pernicious_anaemia_whatever_governs() -> None:
    needs = decided(LOW, concept("gastrectomy_total"), PA).needs
    assert needs.potassium_course
    assert needs.pernicious


def test_ileal_disease_is_checked_yearly_beside_another_cause() -> None:
    facts = (lab(A.B12_TOTAL, "400"), concept("sibo"), concept("crohn_ileum"))
    assert decided(*facts).intent.yearly_b12


def test_a_metabolite_taken_after_a_dose_says_nothing_of_the_sample_before_it() -> None:
    before = lab(A.B12_TOTAL, "240", ago=60)
    answer = decided(before, TINGLING, injection(30), lab(A.MMA, "200", ago=3))
    assert answer.classification.value == "indeterminate"
    assert answer.urgency.value == "urgent"


UNUSABLE_MMA = [lab(A.MMA, "700", ago=120), lab(A.MMA, "> 300")]


@pytest.mark.parametrize("mma", UNUSABLE_MMA)
def test_an_unusable_mma_is_ordered_again(mma: object) -> None:
    answer = decided(lab(A.B12_TOTAL, "240"), mma)
    assert answer.intent.orders == ("mma",)


GAS = concept("nitrous_oxide_use", weak=True)
WITHOUT_B12 = [
    ((GAS, lab(A.MMA, "3000"), TINGLING), "functional", "treat"),
    ((GAS, lab(A.HOMOCYSTEINE, "80")), "functional", "treat"),
    ((GAS, TINGLING), "no-data", "none"),
    ((lab(A.MMA, "3000"),), "no-data", "none"),
]


@pytest.mark.parametrize(("facts", "expected", "kind"), WITHOUT_B12)
def test_nitrous_oxide_needs_no_b12(facts: tuple[object, ...], expected: str, kind: str) -> None:
    answer = decided(*facts)
    assert (answer.classification.value, answer.intent.kind) == (expected, kind)


def test_the_first_test_depends_on_the_patient() -> None:
    pregnant = decided(pregnancy=Pregnancy(Truth.YES))
    assert pregnant.intent.orders == ("b12-active", "cbc")
    assert decided(GAS).intent.orders == ("b12", "mma", "homocysteine", "cbc")


URINE = [
    ("240", ("3600", "90", "3"), "indeterminate-confirmed"),
    ("240", ("3600", "20", "3"), "unlikely"),
    ("240", ("200", "90", "30"), "indeterminate-confirmed"),
    ("420", ("900", "24", "30"), "functional"),
    ("420", ("900", "24", "3"), "unlikely"),
]


@pytest.mark.parametrize(("b12", "values", "expected"), URINE)
def test_urine_mma_stands_in_where_serum_is_confounded(
    b12: str, values: tuple[str, str, str], expected: str
) -> None:
    mma, egfr, urine = values
    facts = (lab(A.MMA, mma), lab(A.EGFR, egfr), lab(A.MMA_URINE, urine), TINGLING)
    assert decided(lab(A.B12_TOTAL, b12), *facts).classification.value == expected


TEXT_ONLY = [
    ("autoimmune_gastritis", "pernicious-anaemia", "probable"),
    ("gastric_band", "bariatric", "probable"),
    ("pernicious_anemia", "unknown", "confirmed"),
]


@pytest.mark.parametrize(("name", "governing", "confidence"), TEXT_ONLY)
def test_a_text_is_believed_only_where_no_code_exists(
    name: str, governing: str, confidence: str
) -> None:
    cause = decided(LOW, concept(name, weak=True)).governing
    assert cause is not None
    assert (cause.cause, cause.confidence.value) == (governing, confidence)


def test_a_possible_cause_is_reported_as_not_known() -> None:
    answer = decided(LOW, drug("colchicine"))
    assert "R-78" in rules(answer, "unknown")
    assert "R-78" not in rules(answer)


def test_anaemia_on_record_counts_where_no_haemoglobin_does() -> None:
    answer = decided(LOW, concept("anemia"))
    assert (answer.severity.value, answer.urgency.value) == ("moderate", "soon")
    measured = decided(LOW, concept("anemia"), lab(A.HEMOGLOBIN, "140"))
    assert measured.severity.value == "mild"


ANAEMIA = [
    (replace(WOMAN, birth=None), "75", "urgent"),
    (WOMAN, "< 100", "urgent"),
    (WOMAN, "< 130", "routine"),
    (replace(WOMAN, birth=on(date(2026, 2, 21))), "50", "urgent"),
]


@pytest.mark.parametrize(("patient", "value", "urgency"), ANAEMIA)
def test_anaemia_of_unknown_grade_may_be_severe(patient: object, value: str, urgency: str) -> None:
    answer = decided(lab(A.B12_TOTAL, "400"), lab(A.HEMOGLOBIN, value), patient=patient)
    assert answer.urgency.value == urgency


MIMICS = [
    (lab(A.COPPER, "3"), "copper", True),
    (lab(A.COPPER, "15"), "copper", False),
    (lab(A.COPPER, "9", low="8"), "copper", False),
    (lab(A.TSH, "80"), "tsh", True),
    (lab(A.TSH, "6", high="8"), "tsh", False),
    (lab(A.FOLATE, "20", ago=200), "folate", True),
    (concept("copper_deficiency"), "copper", True),
    (concept("hypothyroidism"), "tsh", True),
]


@pytest.mark.parametrize(("fact", "name", "named"), MIMICS)
def test_tested_is_not_excluded(fact: object, name: str, named: bool) -> None:
    answer = decided(lab(A.B12_TOTAL, "420"), TINGLING, fact)
    assert (name in ids(answer.mimics)) is named


def test_thiamine_is_ordered_after_bariatric_surgery() -> None:
    answer = decided(lab(A.B12_TOTAL, "420"), TINGLING, concept("gastric_bypass"))
    assert "thiamine" in answer.intent.orders


FOLATE = [
    ((LOW,), "B12 comes before"),
    ((lab(A.B12_TOTAL, "600"),), "B12 is not low"),
    ((), "measure B12"),
]


@pytest.mark.parametrize(("facts", "words"), FOLATE)
def test_low_folate_is_told_by_what_is_known_of_b12(facts: tuple[object, ...], words: str) -> None:
    answer = decided(*facts, lab(A.FOLATE, "3"))
    assert words in next(c.text for c in answer.cautions if c.id == "folate-low")


def test_measuring_again_does_not_end_the_wait() -> None:
    """Low 240 days ago and low now: eight months untreated."""
    answer = decided(lab(A.B12_TOTAL, "120", ago=240), lab(A.B12_TOTAL, "118", ago=3))
    assert answer.urgency.value == "soon"
    assert "lasting-damage" in ids(answer.cautions)


def test_a_functional_deficiency_is_not_told_as_a_low_result() -> None:
    facts = (lab(A.B12_TOTAL, "400", ago=200), lab(A.MMA, "900", ago=200), concept("fatigue"))
    assert "lasting-damage" not in ids(decided(*facts).cautions)


def test_a_sign_first_recorded_lately_is_new_whatever_its_onset() -> None:
    sign = concept("paresthesia", ago=1000, recorded=on(days_ago(10)))
    assert decided(sign).urgency.value == "urgent"


FAULTS = [(1, True), (299, True), (301, False)]


@pytest.mark.parametrize(("ago", "told"), FAULTS)
def test_a_newer_faulty_result_is_not_silent(ago: int, told: bool) -> None:
    fault = RefusedLab(A.B12_TOTAL, "Observation/x", "unit-kind", True, on(days_ago(ago)))
    answer = decided(lab(A.B12_TOTAL, "400", ago=300), refused=(fault,))
    assert ("b12-fault" in ids(answer.gaps)) is told


def test_the_infant_of_a_nursing_mother_is_remembered() -> None:
    nursing = Pregnancy(breastfeeding=Truth.YES)
    assert "infant" in ids(decided(LOW, pregnancy=nursing).cautions)


def test_thrombocytopenia_on_record_warns_unless_counted() -> None:
    low = concept("thrombocytopenia")
    assert "bleeding" in ids(decided(LOW, PA, low).cautions)
    assert "bleeding" not in ids(decided(LOW, PA, low, lab(A.PLATELETS, "120")).cautions)


@pytest.mark.parametrize("name", ["hiv", "multiple_myeloma"])
def test_diseases_that_lower_b12_ask_for_confirmation(name: str) -> None:
    assert "confirm" in ids(decided(LOW, concept(name)).cautions)


def test_kidney_disease_without_egfr_is_told_too() -> None:
    assert "kidney-product" in ids(decided(LOW, concept("ckd_stage_4")).cautions)


def test_an_undated_record_beside_a_short_one_leaves_the_length_open() -> None:
    short = replace(drug("metformin"), start=on(days_ago(60)))
    undated = replace(drug("metformin", months=None), reference="MedicationStatement/m")
    assert "metformin-start" in ids(decided(LOW, short, undated).gaps)


def test_confirmation_does_not_hold_up_nerves() -> None:
    pregnancy = Pregnancy(Truth.YES)
    assert "R-33" not in rules(decided(LOW, TINGLING, pregnancy=pregnancy))


def test_an_unjoined_active_b12_does_not_silence_the_question() -> None:
    old = lab(A.B12_ACTIVE, "90", ago=200)
    assert "R-33" in rules(decided(LOW, old, pregnancy=Pregnancy(Truth.YES)))


def test_iron_that_is_known_and_normal_is_not_asked_for() -> None:
    small = (LOW, lab(A.HEMOGLOBIN, "100"), lab(A.MCV, "80"))
    assert "iron-studies" not in ids(decided(*small, lab(A.FERRITIN, "90")).gaps)


def test_an_anaemic_mans_haematocrit_is_not_normal() -> None:
    facts = (LOW, PA, lab(A.HEMOGLOBIN, "120"), lab(A.HEMATOCRIT, "37"))
    assert not decided(*facts, patient=MAN).needs.hematocrit_normal


def test_the_dead_are_not_urgent() -> None:
    dead = replace(MAN, deceased=True)
    assert decided(LOW, TINGLING, patient=dead).urgency.value == "routine"


def test_maintenance_that_is_on_order_is_not_missed() -> None:
    order = injection(5, given=Truth.NO, ordered=True, active=True)
    assert "maintenance" not in ids(decided(lab(A.B12_TOTAL, "500"), PA, order).gaps)

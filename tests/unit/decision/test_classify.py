"""Each cut-off just below, at and just above, with comparator, in its own unit, and missing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.labs import RefusedLab
from b12fhir.facts.patient import Pregnancy
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, ids, rules
from tests.support.facts import MAN, TODAY, concept, days_ago, drug, lab

TOTAL_NG = [
    ("179.9", "confirmed"),
    ("180", "indeterminate"),
    ("180.0", "indeterminate"),
    ("350", "indeterminate"),
    ("350.01", "unlikely"),
    ("< 180", "confirmed"),
    ("<= 180", "indeterminate"),
    ("< 150", "confirmed"),
    ("< 220", "indeterminate"),
    ("> 300", "indeterminate"),
    ("> 350", "unlikely"),
    (">= 350", "indeterminate"),
    ("> 1500", "unlikely"),
]
TOTAL_PMOL = [
    ("132.81", "confirmed"),
    ("132.99", "confirmed"),
    ("133", "indeterminate"),
    ("258", "indeterminate"),
    ("258.1", "unlikely"),
    ("< 133", "confirmed"),
    ("> 258", "unlikely"),
]
ACTIVE = [
    ("24.9", "confirmed"),
    ("25", "indeterminate"),
    ("70", "indeterminate"),
    ("70.1", "unlikely"),
    ("< 25", "confirmed"),
    ("> 70", "unlikely"),
]


@pytest.mark.parametrize(("value", "expected"), TOTAL_NG)
def test_total_b12_in_mass_units(value: str, expected: str) -> None:
    assert decided(lab(A.B12_TOTAL, value)).classification.value == expected


@pytest.mark.parametrize(("value", "expected"), TOTAL_PMOL)
def test_total_b12_in_moles_has_its_own_limits(value: str, expected: str) -> None:
    """Converting 132.81 pmol/L to ng/L first would cross 180 and change the class."""
    assert decided(lab(A.B12_TOTAL, value, unit="pmol/L")).classification.value == expected


@pytest.mark.parametrize(("value", "expected"), ACTIVE)
def test_active_b12(value: str, expected: str) -> None:
    assert decided(lab(A.B12_ACTIVE, value)).classification.value == expected


def test_an_interval_over_several_classes_is_said_to_be_undecidable() -> None:
    answer = decided(lab(A.B12_TOTAL, "< 220"))
    assert "not-decidable" in answer.flags
    assert "exact-b12" in ids(answer.gaps)


DISCORDANT = [
    # total, active, class, discordant
    ("400", "18", "confirmed", True),
    ("150", "30", "confirmed", True),
    ("150", "20", "confirmed", False),
    ("250", "90", "indeterminate", True),
    ("150", "71", "indeterminate", True),
    ("150", "70", "confirmed", True),
    ("400", "90", "unlikely", False),
]


@pytest.mark.parametrize(("total", "active", "expected", "discordant"), DISCORDANT)
def test_total_and_active_together(
    total: str, active: str, expected: str, discordant: bool
) -> None:
    """The worse class wins, but a low total with a clearly normal active B12 is undecided."""
    answer = decided(lab(A.B12_TOTAL, total), lab(A.B12_ACTIVE, active))
    assert answer.classification.value == expected
    assert ("discordant" in answer.flags) is discordant
    assert ("mma-discordant" in ids(answer.gaps)) is discordant


@pytest.mark.parametrize(("ago", "expected"), [(93, "confirmed"), (94, "unlikely")])
def test_results_far_apart_are_not_joined(ago: int, expected: str) -> None:
    """90 days belong together, 91 do not: then the newer one decides alone (R-22)."""
    answer = decided(lab(A.B12_TOTAL, "400", ago=3), lab(A.B12_ACTIVE, "18", ago=ago))
    assert answer.classification.value == expected


def test_the_newer_of_two_unjoined_results_decides_whichever_it_is() -> None:
    answer = decided(lab(A.B12_TOTAL, "400", ago=200), lab(A.B12_ACTIVE, "18", ago=3))
    assert answer.classification.value == "confirmed"


MMA = [
    # age born, MMA, class
    (1980, "400", "unlikely"),
    (1980, "400.1", "indeterminate-confirmed"),
    (1980, "< 400", "unlikely"),
    (1980, "> 400", "indeterminate-confirmed"),
    (1980, "> 300", "indeterminate"),
    (1950, "400", "unlikely"),
    (1950, "401", "indeterminate"),
    (1950, "460", "indeterminate"),
    (1950, "461", "indeterminate-confirmed"),
]


@pytest.mark.parametrize(("born", "mma", "expected"), MMA)
def test_mma_settles_the_middle_band(born: int, mma: str, expected: str) -> None:
    patient = _born(born)
    answer = decided(lab(A.B12_TOTAL, "240"), lab(A.MMA, mma), lab(A.EGFR, "90"), patient=patient)
    assert answer.classification.value == expected


def _born(year: int) -> object:
    return replace(MAN, birth=on(TODAY.replace(year=year)))


def test_the_laboratorys_own_mma_limit_goes_before_the_table() -> None:
    answer = decided(lab(A.B12_TOTAL, "240"), lab(A.MMA, "300", high="270"), lab(A.EGFR, "90"))
    assert answer.classification.value == "indeterminate-confirmed"


def test_an_mma_without_known_age_must_be_raised_for_every_adult_age() -> None:
    patient = replace(MAN, birth=None)
    middle = decided(lab(A.B12_TOTAL, "240"), lab(A.MMA, "430"), lab(A.EGFR, "90"), patient=patient)
    clear = decided(lab(A.B12_TOTAL, "240"), lab(A.MMA, "500"), lab(A.EGFR, "90"), patient=patient)
    assert middle.classification.value == "indeterminate"
    assert clear.classification.value == "indeterminate-confirmed"
    assert clear.intent.kind == "none"
    assert "birth-date" in ids(clear.gaps)


KIDNEY = [
    # what is known of the kidneys, class with a raised MMA
    ((lab(A.EGFR, "60"),), "indeterminate-confirmed"),
    ((lab(A.EGFR, "59.9"),), "indeterminate"),
    ((lab(A.EGFR, "> 90"),), "indeterminate-confirmed"),
    ((lab(A.EGFR, "> 30"), concept("ckd_stage_3")), "indeterminate"),
    ((concept("ckd_stage_4"),), "indeterminate"),
    ((concept("ckd_stage_unstated"),), "indeterminate"),
    ((concept("ckd_stage_unstated"), lab(A.EGFR, "80")), "indeterminate-confirmed"),
    ((), "indeterminate-confirmed"),
]


@pytest.mark.parametrize(("known", "expected"), KIDNEY)
def test_the_kidney_confounds_a_raised_mma(known: tuple[object, ...], expected: str) -> None:
    answer = decided(lab(A.B12_TOTAL, "240"), lab(A.MMA, "620"), *known)
    assert answer.classification.value == expected
    assert ("mma-confounded" in answer.flags) is (expected == "indeterminate")


def test_unknown_kidney_function_is_named_as_a_gap() -> None:
    answer = decided(lab(A.B12_TOTAL, "240"), lab(A.MMA, "620"))
    assert "egfr" in ids(answer.gaps)
    assert "R-41" in rules(answer)


URINE = [("5.75", "unlikely"), ("5.76", "indeterminate-confirmed")]


@pytest.mark.parametrize(("ratio", "expected"), URINE)
def test_urine_mma_confirms_despite_the_kidneys(ratio: str, expected: str) -> None:
    answer = decided(
        lab(A.B12_TOTAL, "240"),
        lab(A.MMA, "620"),
        lab(A.MMA_URINE, ratio),
        lab(A.EGFR, "20"),
    )
    assert answer.classification.value == expected


def test_indeterminate_without_mma_orders_it_and_treats_nothing() -> None:
    answer = decided(lab(A.B12_TOTAL, "240"))
    assert answer.intent.kind == "confirm"
    assert answer.intent.orders == ("mma",)
    assert answer.route is None


def test_indeterminate_with_confounding_kidneys_orders_the_urine_ratio_as_well() -> None:
    answer = decided(lab(A.B12_TOTAL, "240"), concept("ckd_stage_4"))
    assert answer.intent.orders == ("mma", "urine-mma-creatinine")


def test_the_older_peoples_band_is_rechecked_after_three_months() -> None:
    answer = decided(
        lab(A.B12_TOTAL, "240"), lab(A.MMA, "430"), lab(A.EGFR, "90"), patient=_born(1950)
    )
    assert answer.intent.rechecks == ("b12", "mma")
    assert "R-39" in rules(answer)


NERVES = concept("paresthesia")


def test_a_neurological_sign_does_not_wait_for_mma() -> None:
    answer = decided(lab(A.B12_TOTAL, "240"), NERVES)
    assert answer.classification.value == "indeterminate"
    assert "treat-now" in answer.flags
    assert (answer.intent.kind, answer.route, answer.urgency.value) == ("treat", "im", "urgent")
    assert answer.intent.orders[:2] == ("mma", "homocysteine")


def test_a_confounded_mma_with_a_neurological_sign_confirms_clinically() -> None:
    answer = decided(lab(A.B12_TOTAL, "240"), lab(A.MMA, "620"), lab(A.EGFR, "20"), NERVES)
    assert answer.classification.value == "indeterminate-confirmed"
    assert answer.intent.kind == "treat"


def test_the_recheck_band_with_a_neurological_sign_is_treated() -> None:
    """R-64 starts an undecided patient with nerve signs at once, also inside R-39's band."""
    answer = decided(
        lab(A.B12_TOTAL, "240"), lab(A.MMA, "430"), lab(A.EGFR, "90"), NERVES, patient=_born(1950)
    )
    assert "treat-now" in answer.flags


def test_mma_not_raised_with_a_neurological_sign_looks_for_other_causes() -> None:
    answer = decided(lab(A.B12_TOTAL, "240"), lab(A.MMA, "200"), NERVES)
    assert answer.classification.value == "unlikely"
    assert "R-49" in rules(answer)
    assert answer.intent.orders == ("homocysteine", "copper", "tsh", "folate")


def test_mma_not_raised_with_other_symptoms_is_rechecked() -> None:
    answer = decided(lab(A.B12_TOTAL, "240"), lab(A.MMA, "200"), concept("fatigue"))
    assert "recheck" in ids(answer.gaps)
    assert "after-mma" in answer.flags


FUNCTIONAL = [
    # extra facts, class, action
    ((concept("fatigue"),), "functional", "treat"),
    ((lab(A.HEMOGLOBIN, "100"),), "functional", "treat"),
    ((lab(A.MCV, "101"),), "functional", "treat"),
    ((), "functional", "none"),
    ((concept("fatigue"), lab(A.EGFR, "20")), "unlikely", "none"),
    ((NERVES, lab(A.EGFR, "20")), "unlikely", "none"),
]


@pytest.mark.parametrize(("extra", "expected", "action"), FUNCTIONAL)
def test_raised_mma_with_normal_b12(extra: tuple[object, ...], expected: str, action: str) -> None:
    """Functional deficiency needs a sign or symptom for a regimen; the kidney must not explain."""
    answer = decided(lab(A.B12_TOTAL, "420"), lab(A.MMA, "620"), *extra)
    assert (answer.classification.value, answer.intent.kind) == (expected, action)


NITROUS = concept("nitrous_oxide_use", weak=True)
GAS = [
    # B12, further facts, class, action
    ("150", (), "confirmed", "treat"),
    ("420", (lab(A.HOMOCYSTEINE, "15"),), "functional", "treat"),
    ("240", (lab(A.HOMOCYSTEINE, "15"),), "functional", "treat"),
    ("420", (lab(A.MMA, "620"),), "functional", "treat"),
    ("420", (lab(A.HOMOCYSTEINE, "14"),), "unlikely", "none"),
    ("420", (NERVES,), "unlikely", "treat"),
    ("240", (NERVES,), "indeterminate", "treat"),
    ("420", (), "unlikely", "none"),
    ("240", (), "indeterminate", "confirm"),
    ("240", (lab(A.MMA, "100"),), "unlikely", "none"),
]


@pytest.mark.parametrize(("b12", "extra", "expected", "action"), GAS)
def test_nitrous_oxide_makes_the_metabolites_decide(
    b12: str, extra: tuple[object, ...], expected: str, action: str
) -> None:
    answer = decided(lab(A.B12_TOTAL, b12), NITROUS, *extra)
    assert (answer.classification.value, answer.intent.kind) == (expected, action)


def test_metabolites_of_another_time_are_shown_not_joined() -> None:
    answer = decided(lab(A.B12_TOTAL, "240", ago=3), lab(A.MMA, "900", ago=120))
    assert answer.classification.value == "indeterminate"
    assert "R-22" in rules(answer, "no")


def test_what_the_metabolites_say_together() -> None:
    low = lab(A.MMA, "100")
    folate = decided(lab(A.B12_TOTAL, "240"), low, lab(A.HOMOCYSTEINE, "20"))
    neither = decided(lab(A.B12_TOTAL, "240"), low, lab(A.HOMOCYSTEINE, "10"))
    vitamin = decided(lab(A.B12_TOTAL, "240"), lab(A.MMA, "900"), lab(A.HOMOCYSTEINE, "10"))
    notes = [
        next(f.note for f in answer.findings if f.rule == "R-44")
        for answer in (folate, neither, vitamin)
    ]
    assert ["folate" in notes[0], "against" in notes[1], "vitamin" in notes[2]] == [True] * 3


def test_the_laboratorys_homocysteine_limit_goes_first() -> None:
    answer = decided(lab(A.B12_TOTAL, "150"), lab(A.HOMOCYSTEINE, "15", high="16"))
    assert "R-43" in rules(answer, "no")


def test_low_b12_with_normal_mma_stays_confirmed_and_asks_for_confirmation() -> None:
    answer = decided(lab(A.B12_TOTAL, "150"), lab(A.MMA, "200"))
    assert answer.classification.value == "confirmed"
    assert "metabolite-normal" in answer.flags
    assert "confirm" in ids(answer.cautions)


@pytest.mark.parametrize(
    "fact", [concept("oral_contraceptive"), drug("ethinyl_estradiol")], ids=["status", "drug"]
)
def test_a_contraceptive_asks_for_confirmation(fact: object) -> None:
    answer = decided(lab(A.B12_TOTAL, "150"), fact)
    assert "R-33" in rules(answer)
    assert answer.intent.kind == "treat"


def test_pregnancy_with_symptoms_does_not_ask_first() -> None:
    pregnancy = Pregnancy(Truth.YES)
    answer = decided(lab(A.B12_TOTAL, "150"), concept("fatigue"), pregnancy=pregnancy)
    assert "R-11" in rules(answer)
    assert "R-33" not in rules(answer)


HIGH = [
    ("1000", "ng/L", "", False),
    ("1001", "ng/L", "", True),
    ("800", "ng/L", "700", True),
    ("739", "pmol/L", "", True),
    ("738", "pmol/L", "", False),
]


@pytest.mark.parametrize(("value", "unit", "high", "flagged"), HIGH)
def test_an_unexplained_high_result_is_flagged(
    value: str, unit: str, high: str, flagged: bool
) -> None:
    answer = decided(lab(A.B12_TOTAL, value, unit=unit, high=high))
    assert answer.classification.value == "unlikely"
    assert ("unexplained-high" in answer.flags) is flagged


@pytest.mark.parametrize(("value", "flag", "told"), [("200", "L", True), ("150", "L", False)])
def test_the_laboratorys_flag_is_shown_and_does_not_decide(
    value: str, flag: str, told: bool
) -> None:
    answer = decided(lab(A.B12_TOTAL, value, lab_flag=flag))
    assert ("R-51" in rules(answer)) is told


def test_no_result_at_all() -> None:
    answer = decided()
    assert (answer.classification.value, answer.urgency.value) == ("no-data", "routine")
    assert answer.intent.orders == ("b12", "cbc")


@pytest.mark.parametrize(("ago", "expected"), [(365, "confirmed"), (366, "no-data")])
def test_the_365th_day_still_counts(ago: int, expected: str) -> None:
    answer = decided(lab(A.B12_TOTAL, "120", ago=ago))
    assert answer.classification.value == expected
    assert ("stale" in answer.flags) is (ago > 365)


def _fault(when: object = None, *, faulty: bool = True, analyte: A = A.B12_TOTAL) -> RefusedLab:
    return RefusedLab(analyte, "Observation/x", "unit-missing", faulty, when)


FAULTS = [
    (_fault(), "data-quality"),
    (_fault(on(days_ago(365))), "data-quality"),
    (_fault(on(days_ago(366))), "no-data"),
    (_fault(on(TODAY + timedelta(days=1))), "no-data"),
    (_fault(faulty=False), "no-data"),
    (_fault(analyte=A.MMA), "no-data"),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS)
def test_a_faulty_b12_is_a_data_fault_and_not_a_missing_test(
    fault: RefusedLab, expected: str
) -> None:
    assert decided(refused=(fault,)).classification.value == expected


def test_a_fault_beside_a_good_result_does_not_hide_it() -> None:
    answer = decided(lab(A.B12_TOTAL, "150"), refused=(_fault(),))
    assert answer.classification.value == "confirmed"


@pytest.mark.parametrize(("apart", "joined"), [(90, True), (91, False)])
def test_total_and_active_b12_belong_together_for_90_days(apart: int, *, joined: bool) -> None:
    """R-22: further apart, the newer decides and the older is shown as not joined."""
    old = lab(A.B12_TOTAL, "150", ago=apart + 1)
    answer = decided(old, lab(A.B12_ACTIVE, "90", ago=1))
    assert answer.classification.value == ("indeterminate" if joined else "unlikely")
    apart_told = [one for one in answer.findings if one.rule == "R-22"]
    assert [one.truth.value for one in apart_told] == ([] if joined else ["no"])
    assert {i.reference for one in apart_told for i in one.inputs} <= {old.reference}

"""What a reason rests on is shown with it: results and records, and what is asked or ordered."""

from dataclasses import replace
from datetime import date

import pytest

from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.labs import RefusedLab
from b12fhir.facts.patient import Pregnancy
from b12fhir.kernel.dates import on
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, ids, rules
from tests.support.facts import TODAY, allergy, concept, days_ago, injection, lab, tablets

LOW = lab(A.B12_TOTAL, "150")
MIDDLE = lab(A.B12_TOTAL, "250")
HIGH = lab(A.B12_TOTAL, "400")
RAISED = lab(A.MMA, "900")
KIDNEYS = lab(A.EGFR, "90")
GAS = concept("nitrous_oxide_use")
TINGLING = concept("paresthesia")


def shown(decision: object, rule: str, truth: str = "yes") -> set[str]:
    """Everything that findings of the rule with this truth rest on."""
    used = [f.inputs for f in decision.findings if (f.rule, f.truth.value) == (rule, truth)]
    return {one.reference for inputs in used for one in inputs}


def text(remarks: object, key: str) -> str:
    """The text of the one remark with this id."""
    (found,) = [remark for remark in remarks if remark.id == key]
    return found.text


# --- the class ------------------------------------------------------------------------------------


def test_an_undecided_b12_shows_itself_and_orders_mma() -> None:
    answer = decided(MIDDLE)
    assert shown(answer, "R-35") == {MIDDLE.reference}
    assert answer.intent.orders == ("mma",)
    assert "mma" in ids(answer.gaps)


URINE = [("20", "indeterminate-confirmed", "yes"), ("1", "unlikely", "no")]


@pytest.mark.parametrize(("value", "name", "raised"), URINE)
def test_urine_mma_decides_and_is_shown(value: str, name: str, raised: str) -> None:
    urine = lab(A.MMA_URINE, value)
    answer = decided(MIDDLE, urine, lab(A.EGFR, "20"))
    assert answer.classification.value == name
    assert shown(answer, "R-42", raised) == {urine.reference}


def test_a_raised_mma_with_weak_kidneys_asks_for_urine() -> None:
    answer = decided(MIDDLE, RAISED, lab(A.EGFR, "20"))
    assert answer.classification.value == "indeterminate"
    assert "mma-confounded" in answer.flags
    assert RAISED.reference in shown(answer, "R-40")
    assert "urine-mma-creatinine" in answer.intent.orders
    assert "urine-mma-creatinine" in ids(answer.gaps)
    told = {f.note for f in answer.findings if f.rule == "R-40"}
    assert any("supportive" in note for note in told)


def test_nitrous_oxide_shows_the_use_and_the_metabolite() -> None:
    answer = decided(HIGH, GAS, RAISED)
    assert answer.classification.value == "functional"
    assert shown(answer, "R-47") == {GAS.reference, RAISED.reference}


def test_nitrous_oxide_without_any_b12_shows_the_same() -> None:
    """R-47: functional whatever the number, so also without one."""
    answer = decided(GAS, RAISED)
    assert answer.classification.value == "functional"
    assert shown(answer, "R-47") == {GAS.reference, RAISED.reference}
    assert shown(answer, "R-36") == {RAISED.reference}


def test_urine_mma_that_confirms_beside_a_normal_b12_is_shown() -> None:
    """R-42 and R-45: weak kidneys explain the serum, not the urine."""
    urine = lab(A.MMA_URINE, "20")
    answer = decided(HIGH, TINGLING, urine, lab(A.EGFR, "20"))
    assert answer.classification.value == "functional"
    assert shown(answer, "R-42") == {urine.reference}
    assert shown(answer, "R-45") == {urine.reference, HIGH.reference}


def test_nitrous_oxide_without_metabolites_orders_them() -> None:
    answer = decided(HIGH, GAS)
    assert "R-47" in rules(answer, "unknown")
    assert "R-47" not in rules(answer)
    assert shown(answer, "R-47", "unknown") == {GAS.reference}
    assert {"mma", "homocysteine"} <= set(answer.intent.orders)
    assert "mma-homocysteine" in ids(answer.gaps)


def test_metabolites_are_sampled_before_dose_1_only_where_missing() -> None:
    asked = decided(MIDDLE, TINGLING)
    assert "metabolites-before-dose-1" in ids(asked.gaps)
    assert {"mma", "homocysteine"} <= set(asked.intent.orders)
    half = decided(MIDDLE, TINGLING, lab(A.HOMOCYSTEINE, "12"))
    assert "metabolites-before-dose-1" in ids(half.gaps)
    assert "mma" in half.intent.orders
    assert "homocysteine" not in half.intent.orders
    known = decided(MIDDLE, TINGLING, lab(A.MMA, "< 900"), lab(A.HOMOCYSTEINE, "12"))
    assert "treat-now" in known.flags
    assert "metabolites-before-dose-1" not in ids(known.gaps)


def test_what_does_not_wait_shows_the_mma_that_could_not_tell() -> None:
    unclear = lab(A.MMA, "< 900")
    assert unclear.reference in shown(decided(MIDDLE, TINGLING, unclear), "R-48")
    weak = decided(MIDDLE, TINGLING, RAISED, lab(A.EGFR, "20"))
    assert RAISED.reference in shown(weak, "R-48")


FAULTS = [
    ("unit-missing", "R-23"),
    ("unit-kind", "R-24"),
    ("value-implausible", "R-25"),
    ("value-unreadable", "R-26"),
]


@pytest.mark.parametrize(("code", "rule"), FAULTS)
def test_an_unusable_result_is_shown_under_its_rule(code: str, rule: str) -> None:
    fault = RefusedLab(A.B12_TOTAL, "Observation/bad", code, faulty=True, when=on(TODAY))
    answer = decided(refused=(fault,))
    assert answer.classification.value == "data-quality"
    (found,) = [f for f in answer.findings if f.rule == rule]
    (used,) = found.inputs
    assert (used.reference, used.value, used.unit) == ("Observation/bad", code, "")
    assert used.date == "2026-11-21"
    assert "cannot be used" in found.note


AGES = [(0, "data-quality"), (365, "data-quality"), (366, "no-data"), (-1, "no-data")]


@pytest.mark.parametrize(("ago", "name"), AGES)
def test_a_fault_counts_as_long_as_a_result_would(ago: int, name: str) -> None:
    when = on(days_ago(ago))
    fault = RefusedLab(A.B12_TOTAL, "Observation/bad", "unit-missing", faulty=True, when=when)
    assert decided(refused=(fault,)).classification.value == name


def test_an_undated_fault_has_no_date() -> None:
    fault = RefusedLab(A.B12_TOTAL, "Observation/bad", "unit-missing", faulty=True)
    (found,) = [f for f in decided(refused=(fault,)).findings if f.rule == "R-23"]
    assert found.inputs[0].date == ""


MOTHERS = [
    # what the record says, the rules that rest on it (R-11: total B12 may be low without harm)
    (Pregnancy(Truth.YES), {"R-182", "R-11"}),
    (Pregnancy(breastfeeding=Truth.YES), {"R-183"}),
]


@pytest.mark.parametrize(("recorded", "expected"), MOTHERS)
def test_what_is_said_of_a_mother_shows_the_record(recorded: Pregnancy, expected: set[str]) -> None:
    seen = Input("Observation/pregnancy", "pregnant", "", "2026-11-01")
    answer = decided(LOW, pregnancy=replace(recorded, inputs=(seen,)))
    resting = {f.rule for f in answer.findings if seen in f.inputs}
    assert resting == expected


# --- blood ----------------------------------------------------------------------------------------


def test_the_possible_grades_are_named_and_no_others() -> None:
    unclear = decided(lab(A.HEMOGLOBIN, "< 115"))
    said = text(unclear.gaps, "anaemia-group")
    assert "severe or moderate or mild" in said or "mild or moderate or severe" in said
    assert "none" not in said
    assert "115 g/L" in said


# --- what is done ---------------------------------------------------------------------------------

PREVENTION = [
    (concept("gastrectomy_total"), "im"),
    (concept("gastric_bypass"), "oral"),
    (concept("diet_vegan"), "oral"),
]


@pytest.mark.parametrize(("cause", "route"), PREVENTION)
def test_prophylaxis_shows_why(cause: object, route: str) -> None:
    answer = decided(HIGH, cause)
    assert (answer.intent.kind, answer.route) == ("prophylaxis", route)
    by = {f.rule for f in answer.findings if cause.reference in {i.reference for i in f.inputs}}
    assert by & {"R-114", "R-115", "R-116", "R-117", "R-07", "R-109", "R-71"}
    assert "R-118" not in rules(answer)


def test_the_route_under_way_is_that_of_the_latest_dose() -> None:
    before = lab(A.B12_TOTAL, "150", ago=70)
    early, late = (
        injection(40),
        replace(tablets("1000", start=10), reference="MedicationStatement/z"),
    )
    assert decided(before, early, late).route == "oral"
    late_injection = injection(2)
    assert decided(before, replace(late, when=on(days_ago(60))), late_injection).route == "im"


def test_a_dose_without_a_day_is_not_the_latest() -> None:
    before = lab(A.B12_TOTAL, "150", ago=70)
    assert decided(before, injection(None), tablets("1000", start=10)).route == "oral"


def test_no_route_is_chosen_and_rejected() -> None:
    for facts in ((LOW,), (LOW, TINGLING), (LOW, concept("leber_optic_atrophy"))):
        answer = decided(*facts)
        refused = [route.route for route in answer.intent.rejected_routes]
        assert len(refused) == len(set(refused))
        assert answer.route not in refused
        if answer.route:
            assert {*refused, answer.route} == {"im", "sc", "oral", "sublingual", "nasal", "iv"}


def test_a_stop_shows_the_record_behind_it() -> None:
    answer = decided(LOW, allergy(Truth.YES))
    assert shown(answer, "R-163") == {"AllergyIntolerance/a1"}
    assert "desensitisation" in text(answer.contraindications, "allergy")


def test_dates_of_evidence_are_those_of_the_record() -> None:
    used = next(f.inputs[0] for f in decided(LOW).findings if f.rule == "R-28")
    assert (used.value, used.unit) == ("150", "ng/L")
    assert date.fromisoformat(used.date) == days_ago(3)


def test_a_class_that_stands_shows_why_its_tests_are_not_repeated() -> None:
    """What is known is not ordered again; homocysteine only beside a raised MMA or alone."""
    answer = decided(HIGH, TINGLING, lab(A.COPPER, "15"), lab(A.TSH, "2"))
    assert "copper" not in answer.intent.orders
    assert "tsh" not in answer.intent.orders
    assert {"mma", "folate"} <= set(answer.intent.orders)


def test_kidneys_that_confound_are_said_with_a_normal_b12() -> None:
    answer = decided(HIGH, RAISED, lab(A.EGFR, "20"))
    assert answer.classification.value == "unlikely"
    assert "mma-confounded" in answer.flags


def test_kidneys_are_not_blamed_where_no_mma_is_raised() -> None:
    for facts in ((HIGH,), (HIGH, lab(A.MMA, "200"), lab(A.EGFR, "20"))):
        assert "mma-confounded" not in decided(*facts).flags


def test_an_unknown_kidney_is_said_with_a_functional_deficiency() -> None:
    """R-41 beside R-45: an eGFR could take the raised MMA back."""
    answer = decided(HIGH, TINGLING, RAISED)
    assert answer.classification.value == "functional"
    assert RAISED.reference in shown(answer, "R-41")
    assert "R-41" not in rules(decided(HIGH, TINGLING, RAISED, KIDNEYS))


def test_an_unknown_kidney_is_said_with_a_confirmation() -> None:
    answer = decided(MIDDLE, RAISED)
    assert answer.classification.value == "indeterminate-confirmed"
    (found,) = [f for f in answer.findings if f.rule == "R-41"]
    assert "kidney" in found.note
    assert "R-41" not in rules(decided(MIDDLE, RAISED, KIDNEYS))


def test_nothing_to_do_names_the_class() -> None:
    (found,) = [f for f in decided(HIGH).findings if f.rule == "R-118"]
    assert "unlikely" in found.note

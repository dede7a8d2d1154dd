"""The last day, the last year, the last unit that counts, and the first that does not."""

from dataclasses import replace
from datetime import UTC, date
from decimal import Decimal

import pytest

from b12fhir.decision.case import Case
from b12fhir.facts.history import Standing
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.medicines import Exposure
from b12fhir.facts.patient import Patient, Pregnancy, Sex
from b12fhir.kernel.dates import When, on, parse_when
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.load import load_protocol
from tests.support.decided import decided, ids, rules
from tests.support.facts import (
    TODAY,
    WOMAN,
    antibody,
    concept,
    days_ago,
    drug,
    injection,
    lab,
    record,
    tablets,
)

LOW = lab(A.B12_TOTAL, "150")
MIDDLE = lab(A.B12_TOTAL, "250")
KIDNEYS = lab(A.EGFR, "90")


def born(text: str) -> Patient:
    when = parse_when(text, UTC)
    assert when is not None
    return replace(WOMAN, birth=when)


def note(decision: object, rule: str) -> str:
    """The note of the only finding of the rule."""
    (found,) = [finding for finding in decision.findings if finding.rule == rule]
    return found.note


def shown(decision: object, rule: str) -> set[str]:
    """Everything that findings of the rule rest on."""
    used = [f.inputs for f in decision.findings if f.rule == rule]
    return {one.reference for inputs in used for one in inputs}


# --- age and pregnancy ----------------------------------------------------------------------------

AGES = [
    # Hb 112 is anaemia from the fifth birthday on, and was none the day before
    ("2021-11-22", "112", "none"),
    ("2021-11-21", "112", "mild"),
    ("2021", "112", "unknown"),
    # Hb 118 is anaemia from the twelfth birthday on
    ("2014-11-22", "118", "none"),
    ("2014-11-21", "118", "mild"),
]


@pytest.mark.parametrize(("birth", "value", "expected"), AGES)
def test_the_group_changes_on_the_birthday(birth: str, value: str, expected: str) -> None:
    assert decided(lab(A.HEMOGLOBIN, value), patient=born(birth)).anaemia.value == expected


ADULTS = [
    ("2010-11-21", set()),
    ("2010-11-22", {"under-16"}),
    # 15 or 16, as the day of the year may be
    ("2010", {"age-unknown"}),
]


@pytest.mark.parametrize(("birth", "flags"), ADULTS)
def test_sixteen_begins_on_the_birthday(birth: str, flags: set[str]) -> None:
    found = set(decided(LOW, patient=born(birth)).flags)
    assert found & {"under-16", "age-unknown"} == flags


TRIMESTERS = [(97, "pregnant-t1"), (98, "pregnant-t2"), (195, "pregnant-t2"), (196, "pregnant-t3")]


@pytest.mark.parametrize(("days", "group"), TRIMESTERS)
def test_the_trimester_changes_on_the_first_day_of_its_week(days: int, group: str) -> None:
    pregnancy = Pregnancy(Truth.YES, last_period=on(days_ago(days)))
    answer = decided(lab(A.HEMOGLOBIN, "100"), pregnancy=pregnancy)
    assert note(answer, "R-53").endswith(f"limits for {group}")


def test_a_pregnancy_that_may_still_last_is_not_over() -> None:
    """Only when the fewest weeks are too many is it over."""
    span = When(days_ago(7 * 46), days_ago(7 * 41))
    assert "pregnant" in decided(LOW, pregnancy=Pregnancy(Truth.YES, last_period=span)).flags
    past = When(days_ago(7 * 50), days_ago(7 * 46))
    assert "pregnant" not in decided(LOW, pregnancy=Pregnancy(Truth.YES, last_period=past)).flags


# --- which result counts --------------------------------------------------------------------------


def test_an_exact_number_is_always_decidable() -> None:
    answer = decided(MIDDLE)
    assert "not-decidable" not in answer.flags
    assert "exact-b12" not in ids(answer.gaps)
    assert "R-27" not in rules(answer)


def test_a_result_that_may_be_a_day_too_old_is_asked_about() -> None:
    """365 days ago at the latest, 380 at the earliest: not surely stale."""
    when = When(days_ago(380), days_ago(365))
    answer = decided(lab(A.B12_TOTAL, "100", when=when, reference="Observation/old"))
    assert "stale" not in answer.flags
    (ask,) = [gap for gap in answer.gaps if gap.id == "collection-date"]
    assert ask.text.startswith("Observation/old: ")
    assert ask.rule == "R-20"


@pytest.mark.parametrize(("ago", "name"), [(365, "confirmed"), (366, "no-data")])
def test_a_result_counts_for_365_days(ago: int, name: str) -> None:
    assert decided(lab(A.B12_TOTAL, "100", ago=ago)).classification.value == name


def test_a_stale_result_is_named_and_is_not_no_result() -> None:
    """A first test and a test to be repeated are different requests (R-09, R-18)."""
    stale = decided(lab(A.B12_TOTAL, "100", ago=400, reference="Observation/old"))
    (ask,) = [gap for gap in stale.gaps if gap.id == "b12"]
    assert "Observation/old, is too old" in ask.text
    assert "R-09" not in rules(stale)
    never = decided()
    (ask,) = [gap for gap in never.gaps if gap.id == "b12"]
    assert "none is known" in ask.text
    assert "R-09" in rules(never)


def test_the_days_of_birth_and_death_still_belong_to_life() -> None:
    newborn = replace(WOMAN, birth=on(days_ago(3)))
    assert "R-20" not in rules(decided(lab(A.B12_TOTAL, "100", ago=3), patient=newborn))
    dead = replace(WOMAN, deceased=True, death=on(days_ago(3)))
    used = decided(lab(A.B12_TOTAL, "100", ago=3), patient=dead)
    assert used.classification.value == "confirmed"


NEVER = [
    (on(date(2026, 11, 22)), WOMAN, "future"),
    (on(date(1979, 12, 31)), WOMAN, "before birth"),
    (on(days_ago(5)), replace(WOMAN, deceased=True, death=on(days_ago(10))), "after death"),
]


@pytest.mark.parametrize(("when", "patient", "why"), NEVER)
def test_an_impossible_time_is_told(when: When, patient: Patient, why: str) -> None:
    answer = decided(lab(A.B12_TOTAL, "100", when=when, reference="Observation/x"), patient=patient)
    told = {f.note for f in answer.findings if f.rule == "R-20" and f.inputs}
    assert any(text.startswith("Observation/x ") and why in text for text in told)
    assert "Observation/x" in shown(answer, "R-20")
    # A slip in the year hides the newest result: whoever reads is asked to look.
    (ask,) = [gap for gap in answer.gaps if gap.id == "collection-date"]
    assert ask.text.startswith("Observation/x lies ")
    assert why in ask.text


def test_an_impossible_time_of_what_decides_no_class_asks_for_nothing() -> None:
    answer = decided(LOW, lab(A.HEMOGLOBIN, "90", when=on(date(2026, 11, 22))))
    assert "R-20" in rules(answer)
    assert "collection-date" not in ids(answer.gaps)


def test_the_later_clock_time_of_a_day_counts() -> None:
    morning = When(TODAY, TODAY, parse_when("2026-11-21T06:00:00Z", UTC).instant)
    noon = When(TODAY, TODAY, parse_when("2026-11-21T09:00:00Z", UTC).instant)
    first = lab(A.B12_TOTAL, "150", when=morning, reference="Observation/2")
    second = lab(A.B12_TOTAL, "400", when=noon, reference="Observation/1")
    answer = decided(first, second)
    assert answer.classification.value == "unlikely"
    assert "conflicting-results" not in answer.flags


def test_between_two_units_the_worse_class_counts_and_not_the_smaller_number() -> None:
    """170 ng/L is low and 150 pmol/L is not, although 150 is less than 170."""
    answer = decided(lab(A.B12_TOTAL, "170"), lab(A.B12_TOTAL, "150", unit="pmol/L"))
    assert answer.classification.value == "confirmed"
    assert shown(answer, "R-28") == {"Observation/b12_total-170"}


def test_between_two_equal_classes_the_smaller_number_counts() -> None:
    answer = decided(lab(A.B12_TOTAL, "100"), lab(A.B12_TOTAL, "170"))
    assert shown(answer, "R-28") == {"Observation/b12_total-100"}


WINDOWS = [(90, True), (91, False)]


@pytest.mark.parametrize(("apart", "joined"), WINDOWS)
def test_a_metabolite_belongs_to_a_b12_within_90_days(apart: int, joined: bool) -> None:
    answer = decided(MIDDLE, KIDNEYS, lab(A.MMA, "900", ago=3 + apart))
    name = "indeterminate-confirmed" if joined else "indeterminate"
    assert answer.classification.value == name
    assert ("Observation/mma-900" in shown(answer, "R-22")) is not joined


@pytest.mark.parametrize(("apart", "joined"), WINDOWS)
def test_total_and_active_b12_belong_together_within_90_days(apart: int, joined: bool) -> None:
    old = lab(A.B12_ACTIVE, "10", ago=3 + apart)
    answer = decided(lab(A.B12_TOTAL, "400"), old)
    assert (answer.classification.value == "confirmed") is joined
    assert (old.reference in shown(answer, "R-22")) is not joined


def test_the_newer_of_two_that_do_not_belong_together_decides() -> None:
    old = lab(A.B12_TOTAL, "400", ago=200)
    answer = decided(old, lab(A.B12_ACTIVE, "10"))
    assert answer.classification.value == "confirmed"
    assert shown(answer, "R-22") == {old.reference}
    assert old.reference in note(answer, "R-22")


# --- causes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [("30", "10"), ("10", "30"), ("10", None, "30")])
def test_the_longest_resection_counts_in_any_order(lengths: tuple[str | None, ...]) -> None:
    facts = [
        replace(
            concept("ileal_resection", length_cm=Decimal(length) if length else None),
            reference=f"Procedure/{number}",
        )
        for number, length in enumerate(lengths)
    ]
    (cause,) = [c for c in decided(LOW, *facts).causes if c.governs]
    assert cause.cause == "ileum-over-20cm"
    assert cause.lasts == "life"
    assert [one.reference for one in cause.inputs] == [f"Procedure/{lengths.index('30')}"]


def test_an_unknown_length_is_asked_for_with_the_operation() -> None:
    answer = decided(LOW, concept("ileal_resection", standing=Standing.PAST))
    assert shown(answer, "R-73") == {"Condition/ileal_resection"}
    (ask,) = [gap for gap in answer.gaps if gap.id == "resected-length"]
    assert "20 cm" in ask.text
    assert "monthly" in ask.text


def ended(start: int, end: int, reference: str = "MedicationRequest/old") -> Exposure:
    """Metformin taken from ``start`` to ``end`` days before the decision."""
    return Exposure(
        "metformin", reference, "metformin", active=False, start=on(days_ago(start)),
        end=on(days_ago(end)),
    )  # fmt: skip


ENDS = [(90, True), (91, False)]


@pytest.mark.parametrize(("ago", "counts"), ENDS)
def test_a_medicine_counts_for_90_days_after_its_end(ago: int, counts: bool) -> None:
    causes = {cause.cause for cause in decided(LOW, ended(2000, ago)).causes}
    assert ("metformin" in causes) is counts


@pytest.mark.parametrize(("ago", "counts"), [(180, True), (181, False)])
def test_a_gap_of_90_days_does_not_break_a_run(ago: int, counts: bool) -> None:
    """The newer order began 90 days ago: alone it is too short, with the older one long enough."""
    newer = replace(drug("metformin", months=3), reference="MedicationRequest/new")
    causes = {cause.cause for cause in decided(LOW, ended(2000, ago), newer).causes}
    assert ("metformin" in causes) is counts


MONTHS = [
    # more than 4 and 12 months, and not exactly that long
    ("metformin", "2026-07-20", True),
    ("metformin", "2026-07-21", False),
    ("omeprazole", "2025-11-20", True),
    ("omeprazole", "2025-11-21", False),
]


@pytest.mark.parametrize(("name", "start", "counts"), MONTHS)
def test_a_medicine_counts_after_more_than_its_months(name: str, start: str, counts: bool) -> None:
    taken = replace(drug(name), start=on(date.fromisoformat(start)))
    governing = [cause.cause for cause in decided(LOW, taken).causes if cause.governs]
    assert (governing != ["unknown"]) is counts


# --- signs ----------------------------------------------------------------------------------------

SIGNS = [
    antibody("hypersegmented-neutrophils"),
    antibody("macrocytes"),
    concept("glossitis"),
    concept("fatigue"),
    lab(A.MCV, "105"),
    lab(A.HEMOGLOBIN, "110"),
    concept("paresthesia"),
]


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.reference)
def test_any_one_sign_makes_a_raised_mma_count_with_a_normal_b12(sign: object) -> None:
    """R-45 against R-46: with a sign it is treated, without one the clinician decides."""
    facts = (lab(A.B12_TOTAL, "400"), lab(A.MMA, "900"), KIDNEYS)
    assert {"R-45", "R-46"} & rules(decided(*facts)) == {"R-46"}
    answer = decided(*facts, sign)
    assert {"R-45", "R-46"} & rules(answer) == {"R-45"}
    assert answer.intent.kind == "treat"


def test_a_negative_smear_is_no_sign() -> None:
    facts = (lab(A.B12_TOTAL, "400"), lab(A.MMA, "900"), KIDNEYS)
    assert "R-45" not in rules(decided(*facts, antibody("macrocytes", Truth.NO)))


def test_symptoms_are_shown() -> None:
    assert "Condition/glossitis" in shown(decided(LOW, concept("glossitis")), "R-02")
    assert "R-02" not in rules(decided(LOW))


def test_severity_shows_the_haemoglobin_it_rests_on() -> None:
    normal, low = lab(A.HEMOGLOBIN, "130"), lab(A.HEMOGLOBIN, "110")
    mild = decided(LOW, normal)
    assert shown(mild, "R-67") == {normal.reference}
    assert "cbc" not in ids(mild.gaps)
    moderate = decided(LOW, low, concept("glossitis"))
    assert shown(moderate, "R-66") == {low.reference, "Condition/glossitis"}
    by_symptom = decided(LOW, normal, concept("glossitis"))
    assert shown(by_symptom, "R-66") == {"Condition/glossitis"}


def test_each_reason_for_severe_is_said() -> None:
    severe = decided(
        LOW,
        lab(A.HEMOGLOBIN, "70"),
        lab(A.WBC, "2"),
        lab(A.PLATELETS, "90"),
        concept("paresthesia"),
        concept("fatigue"),
    )
    notes = {finding.note for finding in severe.findings if finding.rule == "R-65"}
    for word in ("neurological sign", "severe anaemia", "pancytopenia with symptoms", "cell lines"):
        assert any(word in text for text in notes), word
    assert {"Observation/wbc-2", "Observation/platelets-90"} <= shown(severe, "R-65")


def test_men_have_no_pregnancy_limits() -> None:
    man = replace(WOMAN, sex=Sex.MALE)
    assert "men" in note(decided(lab(A.HEMOGLOBIN, "125"), patient=man), "R-53")


# --- metabolites and doses ------------------------------------------------------------------------

CUTOFFS = [
    # 430 nmol/L is raised up to the day before the 65th birthday
    ("1961-11-22", "430", "yes"),
    ("1961-11-21", "430", "no"),
    ("1961", "430", "unknown"),
    ("2008-11-22", "380", "yes"),
    ("2008-11-21", "380", "no"),
]


@pytest.mark.parametrize(("birth", "value", "raised"), CUTOFFS)
def test_the_cut_off_of_mma_changes_on_the_birthday(birth: str, value: str, raised: str) -> None:
    answer = decided(MIDDLE, KIDNEYS, lab(A.MMA, value), patient=born(birth))
    assert "R-36" in rules(answer, raised)


def test_a_single_oral_dose_stands_for_the_day_where_no_other_is_known() -> None:
    strong = replace(tablets(None), dose_ug=Decimal(1000))
    weak = replace(tablets(None), dose_ug=Decimal(10))
    assert decided(LOW, strong).classification.value == "on-treatment"
    assert decided(LOW, weak).classification.value == "confirmed"
    assert "possibly-on-treatment" in decided(LOW, tablets(None)).flags


def test_a_dose_that_was_not_given_is_none() -> None:
    answer = decided(LOW, injection(10, given=Truth.NO))
    assert answer.classification.value == "confirmed"
    assert "possibly-on-treatment" not in answer.flags
    assert answer.intent.kind == "treat"


def test_a_dose_that_may_have_been_given_leaves_the_class_in_doubt() -> None:
    answer = decided(LOW, injection(10, dose=None))
    assert "possibly-on-treatment" in answer.flags
    assert "R-21" in rules(answer, "unknown")
    assert "b12-given" in ids(answer.gaps)


@pytest.mark.parametrize(("ago", "running"), [(5, True), (3000, False)])
def test_b12_that_runs_is_told(ago: int, running: bool) -> None:
    """A sample before the treatment is classified; the treatment stands beside it."""
    before = lab(A.B12_TOTAL, "150", ago=20)
    answer = decided(before, injection(ago))
    assert answer.classification.value == "confirmed"
    assert ("b12-running" in ids(answer.cautions)) is running
    assert (answer.intent.kind == "none") is running


def test_the_baseline_names_what_is_missing() -> None:
    (ask,) = [gap for gap in decided(LOW).gaps if gap.id == "baseline"]
    for test in ("blood count", "reticulocytes", "potassium", "folate", "ferritin"):
        assert test in ask.text
    known = (
        lab(A.HEMOGLOBIN, "130"),
        lab(A.RETIC_PCT, "1"),
        lab(A.POTASSIUM, "4"),
        lab(A.FOLATE, "20"),
        lab(A.FERRITIN, "100"),
    )
    assert "baseline" not in ids(decided(LOW, *known).gaps)
    for number, test in enumerate(("blood count", "reticulocytes", "potassium", "folate")):
        rest = known[:number] + known[number + 1 :]
        answer = decided(LOW, *rest)
        (ask,) = [gap for gap in answer.gaps if gap.id == "baseline"]
        assert f"too old: {test}." in ask.text
        assert note(answer, "R-10") == test


@pytest.mark.parametrize("look", ["with_role", "ever", "asked", "medicines", "taking"])
def test_a_role_that_does_not_exist_is_a_mistake(look: str) -> None:
    """A misspelt role would otherwise be a sign that no patient ever has."""
    case = Case(record(), load_protocol(), TODAY)
    with pytest.raises(KeyError):
        getattr(case, look)("pernicious_anaemia")


# --- what has no part in any rule -----------------------------------------------------------------


def test_what_no_rule_asks_for_changes_nothing() -> None:
    """A disease and a medicine without any role are on record of nearly every patient."""
    bare = decided(LOW)
    beside = decided(LOW, concept("hypertension"), drug("paracetamol"))
    assert beside == bare

"""Whom to test, what B12 can hide, what an injection asks for, and the four factors."""

from dataclasses import replace
from decimal import Decimal

import pytest

from b12fhir.decision.decide import decide
from b12fhir.decision.model import Decision
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.patient import Patient, Sex
from b12fhir.kernel.dates import parse_when
from b12fhir.kernel.evidence import Input
from b12fhir.protocol.load import load_protocol
from tests.support.decided import decided, ids, rules
from tests.support.facts import TODAY, WOMAN, concept, drug, injection, lab, record, tablets

LOW = lab(A.B12_TOTAL, "150")
NORMAL = lab(A.B12_TOTAL, "400")
TIRED, VEGAN = concept("fatigue"), concept("diet_vegan")


def truth(answer: Decision, rule: str) -> str:
    """What the decision says of a rule; "" if it does not speak of it."""
    return next((f.truth.value for f in answer.findings if f.rule == rule), "")


def born(day: str) -> Patient:
    return Patient("Patient/p1", Sex.FEMALE, parse_when(day, None))


PAIRS = [
    # facts without a B12 result, R-01, R-03
    ((TIRED, VEGAN), "yes", "yes"),
    ((concept("paresthesia"), drug("pregabalin")), "yes", "yes"),
    ((TIRED,), "unknown", ""),
    ((VEGAN,), "unknown", "yes"),
    ((concept("autoimmune_thyroiditis"),), "unknown", "yes"),
    ((), "no", ""),
]


@pytest.mark.parametrize(("facts", "pair", "risk"), PAIRS)
def test_a_sign_and_a_risk_make_a_reason_to_test(
    facts: tuple[object, ...], pair: str, risk: str
) -> None:
    """R-01: one half alone says which half is missing."""
    answer = decided(*facts)
    assert (truth(answer, "R-01"), truth(answer, "R-03")) == (pair, risk)
    assert ("whom-to-test" in ids(answer.gaps)) is (pair == "unknown")


SCREENED = [
    # facts without sign and without B12 result, patient, R-05
    ((VEGAN,), WOMAN, "yes"),
    ((concept("diet_vegetarian"),), WOMAN, "no"),
    ((concept("crohn"),), WOMAN, "yes"),
    ((concept("gastrectomy_partial"),), WOMAN, "yes"),
    ((drug("metformin", months=24),), WOMAN, "yes"),
    ((drug("metformin", months=2),), WOMAN, "no"),
    ((drug("metformin", months=None),), WOMAN, "unknown"),
    ((drug("omeprazole", months=24),), WOMAN, "yes"),
    ((drug("omeprazole", months=6),), WOMAN, "no"),
    ((), born("1950-11-21"), "yes"),
    ((), born("1950-11-22"), "no"),
    ((), WOMAN, "no"),
    ((TIRED, VEGAN), WOMAN, ""),
]


@pytest.mark.parametrize(("facts", "patient", "expected"), SCREENED)
def test_screening_without_symptoms(
    facts: tuple[object, ...], patient: Patient, expected: str
) -> None:
    """R-05: strictly above the limits; 75 years and 364 days is not above 75."""
    answer = decided(*facts, patient=patient)
    assert truth(answer, "R-05") == expected
    if expected in ("yes", "unknown"):
        (finding,) = [one for one in answer.findings if one.rule == "R-05"]
        assert finding.inputs
        assert ("start of the medicine" in finding.note) is (expected == "unknown")
        assert ("screening" in finding.note) is (expected == "yes")


HALVES = [
    # the half that is known, what is missing, what to ask for
    (TIRED, "no risk factor", ("Ask for diet", "operations", "medicines", "illness in the family")),
    (VEGAN, "no sign", ("Ask for signs and symptoms",)),
]


@pytest.mark.parametrize(("known", "missing", "parts"), HALVES)
def test_half_a_reason_says_what_to_ask_for(
    known: object, missing: str, parts: tuple[str, ...]
) -> None:
    answer = decided(known)
    (ask,) = [one for one in answer.gaps if one.id == "whom-to-test"]
    assert ask.rule == "R-01"
    for part in (missing, *parts, "a B12 test is advised"):
        assert part in ask.text
    (finding,) = [one for one in answer.findings if one.rule == "R-01"]
    assert [one.reference for one in finding.inputs] == [known.reference]
    assert missing in finding.note


METFORMIN = [
    # facts beside metformin, R-08
    ((), "no"),
    ((TIRED,), "yes"),
    ((VEGAN,), "yes"),
]


@pytest.mark.parametrize(("facts", "expected"), METFORMIN)
def test_metformin_is_tested_with_symptoms_or_other_risks(
    facts: tuple[object, ...], expected: str
) -> None:
    answer = decided(drug("metformin"), *facts)
    (finding,) = [one for one in answer.findings if one.rule == "R-08"]
    assert finding.truth.value == expected
    assert [one.reference for one in finding.inputs] == ["MedicationRequest/metformin"]


def test_old_age_rests_on_the_date_of_birth() -> None:
    (finding,) = [f for f in decided(patient=born("1950-11-21")).findings if f.rule == "R-05"]
    assert finding.inputs == (Input("Patient/p1", "date of birth"),)


def test_who_is_tested_already_is_not_sent_again() -> None:
    told = {finding.rule for finding in decided(LOW, VEGAN).findings}
    assert told & {"R-01", "R-03", "R-05", "R-08"} == set()


SUPPLEMENTS = [
    ((NORMAL, TIRED), True),
    ((NORMAL, concept("b12_deficiency_history")), True),
    ((NORMAL,), False),
    ((LOW, TIRED), False),
]


@pytest.mark.parametrize(("facts", "asked"), SUPPLEMENTS)
def test_a_normal_result_is_doubted_where_there_is_reason(
    facts: tuple[object, ...], *, asked: bool
) -> None:
    """R-12: a supplement lifts the number and leaves the disease."""
    assert ("supplements" in ids(decided(*facts).gaps)) is asked


MASKS = [
    # B12 under way, other facts, told, asked for folate
    (injection(5), (), True, True),
    (tablets("10.1"), (), False, False),  # too little to be a course at all (ruling 26)
    (tablets("50"), (), True, True),
    (tablets(None, dose_ug=Decimal(1000)), (), True, True),  # one tablet, as often as it may be
    (tablets("1000"), (lab(A.FOLATE, "20"),), True, False),
    (tablets("1000"), (lab(A.FOLATE, "20", ago=90),), True, False),
    (tablets("1000"), (lab(A.FOLATE, "20", ago=91),), True, True),
]


@pytest.mark.parametrize(("given", "facts", "told", "asked"), MASKS)
def test_b12_can_hide_a_folate_deficiency(
    given: object, facts: tuple[object, ...], *, told: bool, asked: bool
) -> None:
    answer = decided(NORMAL, given, *facts)
    assert ("R-170" in rules(answer)) is told
    assert ("folate-under-b12" in ids(answer.gaps)) is asked


@pytest.mark.parametrize(("daily", "told"), [("1000", False), ("1000.1", True)])
def test_what_hides_folate_deficiency_is_strictly_above_its_limit(
    daily: str, *, told: bool
) -> None:
    """R-170 says more than 10 microgram; a higher limit shows where the line is."""
    protocol = load_protocol()
    limits = replace(protocol.limits, b12_masks_folate_above_ug=Decimal(1000))
    found = decide(record(NORMAL, tablets(daily)), replace(protocol, limits=limits), TODAY)
    assert ("R-170" in rules(found)) is told


INJECTED = [
    # facts beside a low B12, caution
    ((concept("pernicious_anemia"), concept("anaphylaxis")), "anaphylaxis"),
    ((concept("anaphylaxis"),), ""),
    ((concept("pernicious_anemia"), lab(A.EGFR, "59")), "aluminium"),
    ((concept("pernicious_anemia"), lab(A.EGFR, "60")), ""),
    ((lab(A.EGFR, "20"),), ""),
    ((concept("pernicious_anemia"), concept("premature_infant")), "benzyl-alcohol"),
]


@pytest.mark.parametrize(("facts", "expected"), INJECTED)
def test_what_an_injection_asks_for(facts: tuple[object, ...], expected: str) -> None:
    """R-164, R-173: by mouth neither a test dose nor an excipient is a matter."""
    told = ids(decided(LOW, *facts).cautions) & {"anaphylaxis", "aluminium", "benzyl-alcohol"}
    assert told == ({expected} if expected else set())


def test_a_premature_infant_on_record_is_shown_with_the_warning() -> None:
    answer = decided(LOW, concept("pernicious_anemia"), concept("premature_infant"))
    (finding,) = [one for one in answer.findings if one.rule == "R-173"]
    assert [one.reference for one in finding.inputs] == ["Condition/premature_infant"]


def test_an_injection_without_any_b12_class_knows_no_kidney() -> None:
    assert "aluminium" not in ids(decided(injection(5)).cautions)


HOMOCYSTEINE = [("14", False), ("14.1", True)]


@pytest.mark.parametrize(("value", "told"), HOMOCYSTEINE)
def test_a_raised_homocysteine_promises_nothing(value: str, *, told: bool) -> None:
    answer = decided(LOW, lab(A.HOMOCYSTEINE, value))
    assert ("no-promise" in ids(answer.cautions)) is told


def test_folic_acid_beside_b12_in_the_seriously_ill() -> None:
    ill = decided(LOW, lab(A.HEMOGLOBIN, "60"), lab(A.POTASSIUM, "3"))
    assert "seriously-ill" in ids(ill.cautions)
    assert "seriously-ill" not in ids(decided(LOW, lab(A.HEMOGLOBIN, "60")).cautions)


def _factors(answer: Decision) -> str:
    return next(finding.note for finding in answer.findings if finding.rule == "R-69")


def test_the_four_factors_are_always_shown() -> None:
    """R-69: what is not known is said so, never left out."""
    assert _factors(decided()) == (
        "baseline: not known; neurological signs: none on record; cause: unknown;"
        " monitoring: not known"
    )
    full = decided(
        LOW, lab(A.HEMOGLOBIN, "90"), VEGAN, concept("paresthesia"), concept("monitoring_missing")
    )
    assert _factors(full) == (
        "baseline: Hb 90 g/L, B12 150 ng/L; neurological signs: present; cause: vegan;"
        " monitoring: not available"
    )

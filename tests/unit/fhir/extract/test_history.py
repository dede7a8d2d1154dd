"""Conditions, findings and yes/no tests: what holds, what held, and what nobody has confirmed."""

from datetime import date

import pytest

from b12fhir.kernel.codes import ICD10CM, LOINC, SNOMED
from b12fhir.kernel.truth import Truth
from tests.unit.fhir.extract.given import (
    NEGATIVE,
    PERNICIOUS,
    POSITIVE,
    TINGLING,
    codes,
    concept,
    condition,
    observation,
    patient,
    quantity,
    read,
)


def status(code):
    return {"coding": [{"code": code}]}


def both(*concepts):
    return {"coding": [coding for one in concepts for coding in one["coding"]]}


def held(resource):
    return [(fact.concept, fact.standing.value) for fact in read(resource).concepts]


@pytest.mark.parametrize(
    ("clinical", "verification", "more", "standing"),
    [
        ("active", "confirmed", {}, "active"),
        ("recurrence", "confirmed", {}, "active"),
        ("relapse", None, {}, "active"),
        (None, None, {}, "active"),
        ("inactive", "confirmed", {}, "past"),
        ("remission", "confirmed", {}, "past"),
        ("resolved", "unconfirmed", {}, "past"),
        (None, "confirmed", {"abatementDateTime": "2020"}, "past"),
        ("active", "unconfirmed", {}, "unconfirmed"),
        ("active", "provisional", {}, "unconfirmed"),
        ("active", "differential", {}, "unconfirmed"),
        ("active", "confirmed", {"abatementString": "last year"}, "unconfirmed"),
        ("strange", "confirmed", {}, "unconfirmed"),
    ],
)
def test_the_standing_of_a_condition(clinical, verification, more, standing) -> None:
    """R-58: a resolved sign is none; an unconfirmed diagnosis asks."""
    changes = {
        "clinicalStatus": status(clinical) if clinical else None,
        "verificationStatus": status(verification) if verification else None,
    }
    facts = read(condition(**(changes | more)))
    assert [fact.standing.value for fact in facts.concepts] == [standing]
    doubts = [code for code in codes(facts) if code in {"unconfirmed", "status-contradiction"}]
    assert bool(doubts) is (standing == "unconfirmed")


@pytest.mark.parametrize("verification", ["refuted", "entered-in-error"])
def test_refuted_conditions_are_out_and_said_so(verification) -> None:
    facts = read(condition(verificationStatus=status(verification)))
    assert (facts.concepts, codes(facts)) == ((), ["excluded"])


@pytest.mark.parametrize("changes", [{"modifierExtension": [{}]}, {"implicitRules": "x"}])
def test_conditions_that_are_not_understood(changes) -> None:
    facts = read(condition(**changes))
    assert (facts.concepts, codes(facts)) == ((), ["not-understood"])


@pytest.mark.parametrize(
    ("code", "expected", "weak"),
    [
        (concept(SNOMED, PERNICIOUS), ["pernicious_anemia"], False),
        (concept(ICD10CM, "D51.0"), ["pernicious_anemia"], None),
        (concept(ICD10CM, "E53.8"), ["b12_deficiency"], True),
        (concept("http://hl7.org/fhir/sid/icd-10", "K90.0"), ["celiac_disease"], False),
        ({"coding": [{"system": "local", "code": "1"}, *concept(SNOMED, TINGLING)["coding"]]},
         ["paresthesia"], False),
        (both(concept(ICD10CM, "E53.8"), concept(SNOMED, "190634004")), ["b12_deficiency"], False),
        (both(concept(SNOMED, TINGLING), concept(SNOMED, PERNICIOUS)),
         ["paresthesia", "pernicious_anemia"], False),
        (concept(SNOMED, "444814009"), [], None),
    ],
)  # fmt: skip
def test_codes_of_a_condition(code, expected, weak) -> None:
    facts = read(condition(code))
    assert sorted(fact.concept for fact in facts.concepts) == expected
    if weak is not None:
        assert {fact.weak for fact in facts.concepts} == {weak}


def test_a_code_that_leaves_a_question_open_asks_it() -> None:
    facts = read(condition(concept(ICD10CM, "Z90.3")))
    assert "code-asks" in codes(facts)
    assert "stomach" in facts.issues[0].text


@pytest.mark.parametrize(
    ("said", "expected", "standing"),
    [
        ("Subacute combined degeneration of cord", ["subacute_combined_degeneration"], "active"),
        ("Copper deficiency?", ["copper_deficiency"], "unconfirmed"),
        ("suspected copper deficiency", ["copper_deficiency"], "unconfirmed"),
        ("No evidence of copper deficiency", [], ""),
        ("Mother: copper deficiency", [], ""),
        ("family history of pernicious anaemia", ["family_history_pernicious_anemia"], "active"),
        ("Recreational nitrous oxide use", ["nitrous_oxide_use"], "active"),
        ("Vitamin B12 something", [], ""),
        ("Hay fever", [], ""),
    ],
)
def test_text_is_weak_evidence_where_there_is_no_code(said, expected, standing) -> None:
    """Ruling 24: never proof, and nothing from a denial or about a relative."""
    facts = read(condition({"text": said}))
    assert [fact.concept for fact in facts.concepts] == expected
    assert all(fact.weak and fact.standing.value == standing for fact in facts.concepts)
    assert ("text-only" in codes(facts)) is bool(expected)


def test_a_name_without_code_is_not_used_but_not_dropped() -> None:
    facts = read(condition({"text": "Pernicious anemia (disorder)"}))
    assert (facts.concepts, codes(facts)) == ((), ["name-only"])
    other = read(condition({"text": "Pernicious anemia"}, subject={"reference": "Patient/p2"}))
    assert codes(other) == ["other-patient"]


def test_dates_of_a_condition() -> None:
    (fact,) = read(condition(onsetDateTime="2025-03", recordedDate="2025-04-01")).concepts
    assert fact.onset is not None
    assert fact.recorded is not None
    assert (fact.onset.iso(), fact.recorded.iso()) == ("2025-03-01/2025-03-31", "2025-04-01")
    (fact,) = read(condition(onsetPeriod={"start": "2025-03-02"})).concepts
    assert fact.as_input().date == "2025-03-02"


def test_an_unreadable_date_is_left_out_aloud() -> None:
    facts = read(condition(onsetDateTime="last spring", recordedDate=None))
    assert (facts.concepts[0].onset, codes(facts)) == (None, ["date-ignored"])


@pytest.mark.parametrize(
    ("note", "worse"),
    [
        ("Numbness is getting worse.", True),
        ("worsening gait", True),
        ("not worse than last year", False),
        ("no sign that it worsened", False),
        ("stable", False),
    ],
)
def test_what_is_recorded_as_worse(note, worse) -> None:
    """Ruling 28: an old sign that got worse is urgent again."""
    (fact,) = read(condition(TINGLING, note=[{"text": note}])).concepts
    assert fact.worse is worse
    (fact,) = read(condition(concept(SNOMED, TINGLING, said=note))).concepts
    assert fact.worse is worse


def finding(code=TINGLING, **changes):
    return observation(concept(SNOMED, code), **changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["active"]),
        ({"valueBoolean": True}, ["active"]),
        ({"valueBoolean": False}, []),
        ({"valueCodeableConcept": concept(SNOMED, POSITIVE)}, ["active"]),
        ({"valueCodeableConcept": concept(SNOMED, NEGATIVE)}, []),
        ({"valueCodeableConcept": {"text": "Present"}}, ["active"]),
        ({"valueCodeableConcept": concept("x", "y", "Absent (qualifier value)")}, []),
        ({"valueString": "none"}, []),
        ({"valueString": "mild, both feet"}, ["unconfirmed"]),
        ({"valueQuantity": quantity("3")}, ["unconfirmed"]),
        ({"status": "preliminary"}, ["unconfirmed"]),
        ({"dataAbsentReason": {"text": "not asked"}}, []),
        ({"status": "entered-in-error"}, []),
    ],
)
def test_a_finding_named_by_the_code(changes, expected) -> None:
    facts = read(finding(**changes))
    assert [fact.standing.value for fact in facts.concepts] == expected
    assert all(fact.source == "observation" for fact in facts.concepts)
    assert all(fact.recorded for fact in facts.concepts)


def answer(question, *values, **changes):
    coded = {"coding": [coding for value in values for coding in value["coding"]]}
    return observation(question, valueCodeableConcept=coded, **changes)


VEGAN = concept(SNOMED, "24930006", "Vegan")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (concept(LOINC, "75325-1", "Symptom"), [("diet_vegan", "active")]),
        ({"text": "Diet"}, [("diet_vegan", "active")]),
        ({"text": "Diet of family"}, []),
        ({"text": "Past diet"}, [("diet_vegan", "past")]),
        (concept(LOINC, "10157-6", "History of family member diseases"), []),
    ],
)
def test_a_concept_given_as_answer(question, expected) -> None:
    """An answer about a relative is not the patient's."""
    assert held(answer(question, VEGAN)) == expected


def test_two_codes_of_one_answer_are_one_fact() -> None:
    both = (concept(SNOMED, "62507009"), concept(SNOMED, TINGLING))
    assert held(answer({"text": "Symptom"}, *both)) == [("paresthesia", "active")]


def test_an_unknown_answer_is_ignored() -> None:
    facts = read(answer(concept(LOINC, "72166-2"), concept(SNOMED, "266919005")))
    assert (facts.concepts, facts.issues) == ((), ())


def test_a_finding_may_be_worse_and_may_lack_a_date() -> None:
    facts = read(finding(interpretation=[concept("x", "W")], effectiveDateTime=None))
    assert (facts.concepts[0].worse, facts.concepts[0].recorded, codes(facts)) == (True, None, [])
    facts = read(finding(note=[{"text": "worse"}], effectiveDateTime="soon"))
    assert (facts.concepts[0].worse, codes(facts)) == (True, ["date-ignored"])


INTRINSIC, PARIETAL_TITRE = "24383-2", "27320-1"
HIGH = [{"high": quantity("20", "[titer]")}]


def titre(value, sign):
    return quantity(value, "[titer]", comparator=sign)


def test_a_question_in_loinc_is_no_finding_without_an_answer() -> None:
    assert read(observation("72166-2")).concepts == ()


@pytest.mark.parametrize(
    ("changes", "present"),
    [
        ({"valueCodeableConcept": concept(SNOMED, POSITIVE)}, "yes"),
        ({"valueCodeableConcept": concept(SNOMED, NEGATIVE)}, "no"),
        ({"valueCodeableConcept": concept(SNOMED, "260415000")}, "no"),
        ({"valueString": "POSITIVE"}, "yes"),
        ({"valueString": "Not detected."}, "no"),
        ({"valueBoolean": True}, "yes"),
        ({"valueBoolean": False}, "no"),
        ({"valueString": "equivocal"}, "unknown"),
        ({"valueCodeableConcept": {"coding": [{"display": "Positive"}], "text": "neg"}}, "yes"),
        ({"valueCodeableConcept": {"coding": [{"display": "Positive"}], "text": "negative"}},
         "unknown"),
        ({"interpretation": [concept("x", "POS")]}, "yes"),
        ({"interpretation": [concept("x", "NEG")], "valueString": "see text"}, "no"),
        ({"interpretation": [concept("x", "POS"), concept("x", "NEG")], "valueString": "?"},
         "unknown"),
        ({"valueQuantity": quantity("80", "[titer]"), "referenceRange": HIGH}, "yes"),
        ({"valueQuantity": quantity("20", "[titer]"), "referenceRange": HIGH}, "no"),
        ({"valueQuantity": quantity("80", "U/mL"), "referenceRange": HIGH}, "unknown"),
        ({"valueQuantity": quantity("80", "[titer]")}, "unknown"),
        ({"valueQuantity": titre("10", "<"), "referenceRange": HIGH}, "no"),
        ({"valueQuantity": titre("80", ">"), "referenceRange": HIGH}, "yes"),
        ({"valueQuantity": titre("80", "<"), "referenceRange": HIGH}, "unknown"),
        ({"valueQuantity": quantity("80", "[titer]"), "interpretation": [concept("x", "N")]}, "no"),
        ({"valueQuantity": {"value": "many"}, "referenceRange": HIGH}, "unknown"),
        ({"valueString": "80", "referenceRange": [{"high": {"value": 20}}]}, "yes"),
        ({"valueInteger": 80, "referenceRange": [{"high": {"value": 20}}, {"high": {"value": 9}}]},
         "unknown"),
        ({"valueRatio": {}}, "unknown"),
    ],
)  # fmt: skip
def test_yes_no_tests(changes, present) -> None:
    """A titre counts only by the laboratory's own flag or limit."""
    facts = read(observation(PARIETAL_TITRE, **changes))
    (result,) = facts.presences
    assert (result.test, result.present) == ("parietal-cell-antibody", Truth(present))
    assert ("answer-unclear" in codes(facts)) is (present == "unknown")


def test_the_answer_is_kept_as_sent() -> None:
    held = quantity("80", "[titer]", comparator=">")
    (result,) = read(observation(PARIETAL_TITRE, valueQuantity=held)).presences
    assert result.recorded == ">80 [titer]"


@pytest.mark.parametrize(
    ("changes", "issue"),
    [
        ({}, "no-result"),
        ({"dataAbsentReason": {"text": "x"}}, "no-result"),
        ({"dataAbsentReason": {"text": "x"}, "valueBoolean": True}, "value-and-absent"),
        ({"valueQuantity": {"unit": "x"}, "referenceRange": HIGH}, "no-result"),
        ({"valueBoolean": True, "status": "preliminary"}, "pending"),
        ({"valueBoolean": True, "status": "cancelled"}, "status-not-final"),
        ({"valueBoolean": True, "effectiveDateTime": "x"}, "date-unreadable"),
    ],
)
def test_yes_no_tests_without_an_answer(changes, issue) -> None:
    """Not done is not negative."""
    facts = read(observation(INTRINSIC, **changes))
    assert (facts.presences, codes(facts)) == ((), [issue])


def test_notes_of_a_yes_no_test() -> None:
    facts = read(observation(INTRINSIC, valueBoolean=True, effectiveDateTime="2026-11-10T08:00:00"))
    assert (len(facts.presences), codes(facts)) == (1, ["zone-assumed"])


PREGNANT, NOT_PREGNANT, POSSIBLE = "77386006", "60001007", "152231000119106"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"valueCodeableConcept": concept(SNOMED, PREGNANT)}, "yes"),
        ({"valueCodeableConcept": concept(SNOMED, NOT_PREGNANT)}, "no"),
        ({"valueCodeableConcept": concept(SNOMED, POSSIBLE)}, "unknown"),
        ({"valueCodeableConcept": {"text": "Pregnant"}}, "yes"),
        ({"valueCodeableConcept": {"text": "Not pregnant"}}, "no"),
        ({"valueString": "unknown"}, "unknown"),
        ({"valueBoolean": True}, "yes"),
        ({"valueBoolean": False}, "no"),
    ],
)
@pytest.mark.parametrize("code", ["82810-3", "11449-6"])
def test_pregnancy_status(code, changes, expected) -> None:
    facts = read(observation(code, **changes))
    assert facts.pregnancy.pregnant is Truth(expected)
    assert len(facts.pregnancy.inputs) == 1


def test_a_status_without_an_answer_is_no_status() -> None:
    facts = read(observation("82810-3"))
    assert (facts.pregnancy.pregnant, codes(facts)) == (Truth.UNKNOWN, ["no-result"])


DAY = date(2026, 11, 10)


@pytest.mark.parametrize(
    ("code", "changes", "expected"),
    [
        ("18185-9", {"valueQuantity": quantity("24", "wk")}, (24, 24)),
        ("11884-4", {"valueQuantity": quantity("168", "d")}, (24, 24)),
        ("49051-6", {"valueQuantity": quantity("24.5", "wk")}, (24, 24)),
        ("11778-8", {"valueDateTime": "2027-03-02"}, (24, 24)),
        ("18185-9", {"valueQuantity": quantity(24, None, unit="weeks")}, (24, 24)),
    ],
)
def test_the_week_of_pregnancy(code, changes, expected) -> None:
    """Counted for any later day, as the day of asking is not known here."""
    facts = read(observation(code, effectiveDateTime="2026-11-10", **changes))
    assert facts.pregnancy.pregnant.is_yes
    assert facts.pregnancy.last_period is not None
    assert facts.pregnancy.weeks_on(DAY) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"valueQuantity": quantity("24", "mo")},
        {"valueQuantity": quantity("60", "wk")},
        {"valueQuantity": quantity("24", "wk", comparator="<")},
        {"valueQuantity": quantity(True, "wk")},
        {"valueQuantity": quantity("24", "wk"), "effectiveDateTime": None},
        {"valueString": "24+3"},
    ],
)
def test_a_gestational_age_that_cannot_be_read(changes) -> None:
    facts = read(observation("18185-9", **changes))
    assert (facts.pregnancy.pregnant, codes(facts)) == (Truth.UNKNOWN, ["no-result"])


def test_a_last_period_dates_a_pregnancy_and_makes_none() -> None:
    period = observation("8665-2", id="lmp", valueDateTime="2026-06-01")
    assert read(period).pregnancy.pregnant.is_unknown
    pregnant = observation("82810-3", id="s", valueBoolean=True)
    found = read(period, pregnant).pregnancy
    assert found.last_period is not None
    assert found.last_period.iso() == "2026-06-01"
    assert codes(read(observation("8665-2", valueDateTime="spring"))) == ["no-result"]
    assert codes(read(observation("11778-8"))) == ["no-result"]


def test_an_old_pregnancy_does_not_last_for_ever() -> None:
    """Undated by any ultrasound, "pregnant" in 2019 means a week above 300 today."""
    old = observation("82810-3", valueBoolean=True, effectiveDateTime="2019-05-01")
    found = read(old).pregnancy.weeks_on(DAY)
    assert found is not None
    assert found[0] > 300


def test_the_latest_statement_holds() -> None:
    early = observation("82810-3", id="1", valueBoolean=True, effectiveDateTime="2025-01-01")
    late = observation("82810-3", id="2", valueBoolean=False, effectiveDateTime="2026-01-01")
    same = observation("82810-3", id="3", valueBoolean=True, effectiveDateTime="2026-01-01")
    undated = observation("82810-3", id="4", valueBoolean=True, effectiveDateTime=None)
    assert read(early, late).pregnancy.pregnant.is_no
    assert read(early, late, same).pregnancy.pregnant.is_unknown
    assert read(late, undated).pregnancy.pregnant.is_unknown
    assert read(undated).pregnancy.pregnant.is_yes
    assert read(undated).pregnancy.last_period is None


def test_a_dating_without_date_fits_an_undated_pregnancy() -> None:
    undated = condition(PREGNANT, recordedDate=None)
    period = observation("8665-2", valueDateTime="2026-06-01", effectiveDateTime=None)
    found = read(undated, period).pregnancy
    assert found.last_period is not None
    dated = read(condition(PREGNANT), period).pregnancy
    assert dated.last_period is not None
    assert dated.last_period.iso() == "2026-06-01"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "yes"),
        ({"verificationStatus": status("provisional")}, "unknown"),
        ({"clinicalStatus": status("resolved"), "abatementDateTime": "2025-09-01"}, "no"),
        ({"clinicalStatus": status("resolved")}, "unknown"),
    ],
)
def test_a_pregnancy_on_the_problem_list(changes, expected) -> None:
    facts = read(condition(PREGNANT, onsetDateTime="2025-01-01", **changes))
    assert facts.pregnancy.pregnant is Truth(expected)


def test_conditions_of_pregnancy_by_role() -> None:
    assert read(condition(NOT_PREGNANT)).pregnancy.pregnant.is_no
    assert read(condition(POSSIBLE)).pregnancy.pregnant.is_unknown
    assert read(condition("413712001")).pregnancy.breastfeeding.is_yes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"valueCodeableConcept": concept(SNOMED, "413712001")}, "yes"),
        ({"valueBoolean": True}, "yes"),
        ({"valueBoolean": False}, "no"),
        ({"valueString": "No"}, "no"),
        ({"valueCodeableConcept": {"text": "sometimes"}}, "unknown"),
    ],
)
def test_breast_feeding(changes, expected) -> None:
    assert read(observation("63895-7", **changes)).pregnancy.breastfeeding is Truth(expected)


def test_breast_feeding_without_an_answer() -> None:
    assert codes(read(observation("63895-7"))) == ["no-result"]


@pytest.mark.parametrize(("value", "expected"), [(POSITIVE, "unknown"), (NEGATIVE, "yes")])
def test_a_pregnancy_test_asks_and_a_negative_one_changes_nothing(value, expected) -> None:
    known = observation("82810-3", id="s", valueBoolean=True, effectiveDateTime="2026-10-01")
    tested = observation("2106-3", valueCodeableConcept=concept(SNOMED, value))
    assert read(known, tested).pregnancy.pregnant is Truth(expected)


def test_a_male_patient_is_not_pregnant() -> None:
    man = patient(gender="male")
    facts = read(observation("82810-3", valueBoolean=True), person=man)
    assert (facts.pregnancy.pregnant, codes(facts)) == (Truth.UNKNOWN, ["excluded"])
    assert read(condition(PREGNANT), person=man).pregnancy.pregnant.is_unknown


def test_an_answer_that_was_cancelled_is_no_answer() -> None:
    facts = read(answer(concept(LOINC, "75325-1"), VEGAN, status="cancelled"))
    assert (facts.concepts, facts.issues) == ((), ())

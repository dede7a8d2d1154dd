"""Illness in the family: a risk for the patient, and never the patient's own disease."""

from datetime import UTC, datetime

import pytest

from b12fhir.decision.model import Classification
from b12fhir.fhir.extract.kin import kin_of
from b12fhir.kernel.codes import ICD10CM, SNOMED
from b12fhir.protocol.load import load_protocol
from b12fhir.service import Proposal, propose
from tests.unit.fhir.extract.given import (
    PERNICIOUS,
    ROLES,
    SITE,
    TINGLING,
    codes,
    concept,
    condition,
    lab,
    patient,
    read,
    relative,
)

FAMILY = "family_history_pernicious_anemia"
COELIAC, LEBER = "396331005", "58610003"
AS_OF = datetime(2026, 11, 21, 9, tzinfo=UTC)
UNSURE = {"text": "someone in the house"}


def proposed(*resources) -> Proposal:
    return propose([patient(), *resources], load_protocol(), AS_OF, SITE)


def truths(proposal: Proposal, rule: str) -> set[str]:
    return {one.truth.value for one in proposal.decision.findings if one.rule == rule}


def test_a_mothers_disease_is_the_patients_risk() -> None:
    (fact,) = read(relative()).concepts
    assert (fact.concept, fact.standing.value, fact.source) == (FAMILY, "active", "family")
    assert (fact.weak, fact.onset) == (False, None)
    assert fact.text.endswith("(mother)")
    assert fact.as_input().date == "2026-10-01"


def test_a_sign_and_an_illness_in_the_family_advise_a_test() -> None:
    """R-03 counts family history as a risk factor; R-01 wants a sign and a risk factor."""
    alone, both = proposed(condition(TINGLING)), proposed(condition(TINGLING), relative())
    assert (truths(alone, "R-01"), truths(both, "R-01")) == ({"unknown"}, {"yes"})
    assert truths(both, "R-03") == {"yes"}


def test_a_relatives_disease_is_never_the_patients() -> None:
    """A low B12 with a mother who has it: the cause stays unknown, as without her (R-70, R-81)."""
    low = lab("90")
    mine = proposed(low, condition(PERNICIOUS))
    alone, mothers = proposed(low), proposed(low, relative())
    assert mine.decision.governing is not None
    assert mine.decision.governing.cause == "pernicious-anaemia"
    assert mothers.decision.classification is Classification.CONFIRMED
    assert mothers.decision.governing == alone.decision.governing
    assert [phase.count for phase in mothers.plan.phases] == [p.count for p in alone.plan.phases]


@pytest.mark.parametrize("code", sorted(load_protocol().concepts.codes))
def test_no_disease_of_a_relative_is_the_patients(code) -> None:
    """Whatever a relative has, only family history may stand in the patient's facts."""
    family = load_protocol().concepts.roles["family-history-risk"]
    facts = read(relative(concept(code.system, code.code)))
    assert {fact.concept for fact in facts.concepts} <= family
    assert (facts.exposures, facts.doses, facts.allergies, facts.labs) == ((), (), (), ())


def test_a_leber_patient_and_the_child_of_one_differ() -> None:
    """R-165 stops cyanocobalamin in the patient; for a relative's disease it is only asked."""
    facts = read(relative(LEBER))
    assert (facts.concepts, codes(facts)) == ((), ["code-asks"])
    assert "Does the patient have Leber optic atrophy too?" in facts.issues[0].text
    assert "yes" not in truths(proposed(lab("90"), relative(LEBER)), "R-165")
    assert "yes" in truths(proposed(lab("90"), condition(LEBER)), "R-165")


@pytest.mark.parametrize(
    ("changes", "counts", "issues"),
    [
        ({}, True, []),
        ({"status": "partial"}, True, []),
        ({"deceasedBoolean": True}, True, []),
        ({"date": None}, True, []),
        ({"date": "last year"}, True, ["date-ignored"]),
        ({"status": "entered-in-error"}, False, ["excluded"]),
        ({"status": "health-unknown"}, False, ["excluded"]),
        ({"status": None}, False, ["status-unknown"]),
        ({"status": "final"}, False, ["status-unknown"]),
        ({"modifierExtension": [{"url": "x"}]}, False, ["not-understood"]),
        ({"implicitRules": "x"}, False, ["not-understood"]),
        ({"relationship": concept(ROLES, "SPS")}, False, ["excluded"]),
        ({"condition": []}, False, []),
    ],
)
def test_what_counts(changes, counts, issues) -> None:
    facts = read(relative(**changes))
    assert [fact.concept for fact in facts.concepts] == [FAMILY] * counts
    assert codes(facts) == issues


def test_a_disease_that_is_not_understood_is_not_used() -> None:
    part = {"code": concept(SNOMED, PERNICIOUS), "modifierExtension": [{"url": "negated"}]}
    facts = read(relative(condition=[part]))
    assert (facts.concepts, codes(facts)) == ((), ["not-understood"])


def test_a_relation_that_is_not_told_counts_as_unconfirmed_and_is_asked() -> None:
    """A wife's disease is not inherited: what does not say so is no risk factor yet."""
    facts = read(relative(relationship=UNSURE))
    assert [fact.standing.value for fact in facts.concepts] == ["unconfirmed"]
    assert codes(facts) == ["relation-unclear"]
    told = proposed(condition(TINGLING), relative(relationship=UNSURE))
    assert truths(told, "R-01") == {"unknown"}


@pytest.mark.parametrize(
    ("said", "expected", "standing"),
    [
        ("Pernicious anaemia", [FAMILY], "active"),
        ("pernicious anemia (Addison)", [FAMILY], "active"),
        ("Autoimmune gastritis", [FAMILY], "active"),
        ("family history of pernicious anaemia", [FAMILY], "active"),
        ("possible pernicious anaemia", [FAMILY], "unconfirmed"),
        ("suspected autoimmune gastritis", [FAMILY], "unconfirmed"),
        ("No pernicious anaemia", [], ""),
        ("Pernicious anaemia excluded", [], ""),
        ("Anaemia", [], ""),
        ("Vitamin B12 deficiency", [], ""),
    ],
)
def test_words_are_weak_evidence(said, expected, standing) -> None:
    """Family history has no verified code (section 27), so its words count, but as no proof."""
    facts = read(relative({"text": said}))
    assert [fact.concept for fact in facts.concepts] == expected
    assert all(fact.weak and fact.standing.value == standing for fact in facts.concepts)
    assert ("text-only" in codes(facts)) is bool(expected)
    assert ("unconfirmed" in codes(facts)) is (standing == "unconfirmed")


def test_words_do_not_add_to_a_code_that_says_something_else() -> None:
    facts = read(relative(concept(SNOMED, COELIAC, said="Pernicious anaemia?")))
    assert (facts.concepts, facts.issues) == ((), ())


def test_a_code_for_family_history_itself_asks_what_it_leaves_open() -> None:
    facts = read(relative(concept(ICD10CM, "Z83.2")))
    assert [fact.concept for fact in facts.concepts] == ["family_history_blood_disease"]
    assert codes(facts) == ["code-asks"]


def test_the_same_disease_twice_is_one_fact() -> None:
    parts = [{"code": concept(SNOMED, PERNICIOUS)}] * 2
    assert len(read(relative(condition=parts)).concepts) == 1


def both(*concepts):
    return {"coding": [coding for one in concepts for coding in one["coding"]]}


@pytest.mark.parametrize(
    ("relationship", "word", "blood"),
    [
        (concept(ROLES, "FTH"), "father", "yes"),
        (concept(ROLES, "MAUNT"), "aunt", "yes"),
        (concept(ROLES, "HSIS"), "sister", "yes"),
        (concept("http://hl7.org/fhir/v3/RoleCode", "GRMTH"), "grandparent", "yes"),
        (concept(SNOMED, "72705000"), "mother", "yes"),
        ({"text": "Maternal Grandmother"}, "grandmother", "yes"),
        ({"text": "half-brother"}, "half-brother", "yes"),
        (concept("x", "1", "Twin"), "twin", "yes"),
        (concept(ROLES, "FAMMEMB"), "a relative", "unknown"),
        (concept(ROLES, "EXT"), "a relative", "unknown"),
        (concept("x", "MTH"), "a relative", "unknown"),
        (concept(SNOMED, "1"), "a relative", "unknown"),
        (None, "a relative", "unknown"),
        ({"text": "Tante"}, "a relative", "unknown"),
        (concept(ROLES, "STPMTH"), "someone who is no blood relative", "no"),
        (concept(ROLES, "MTHINLAW"), "someone who is no blood relative", "no"),
        (concept(ROLES, "ONESELF"), "someone who is no blood relative", "no"),
        (concept(ROLES, "ADOPTF"), "someone who is no blood relative", "no"),
        ({"text": "mother-in-law"}, "someone who is no blood relative", "no"),
        ({"text": "Stepfather"}, "someone who is no blood relative", "no"),
        ({"text": "adoptive mother"}, "someone who is no blood relative", "no"),
        ({"text": "wife"}, "someone who is no blood relative", "no"),
        ({"text": "aunt by marriage"}, "someone who is no blood relative", "no"),
        (concept(ROLES, "MTH", said="foster mother"), "someone who is no blood relative", "no"),
        (both(concept(ROLES, "MTH"), concept(ROLES, "STPMTH")),
         "someone who is no blood relative", "no"),
    ],
)  # fmt: skip
def test_who_is_a_blood_relative(relationship, word, blood) -> None:
    """Only what is inherited is a risk; what speaks against it wins, what is silent is asked."""
    found = kin_of(relationship)
    assert (found.word, found.blood.value) == (word, blood)

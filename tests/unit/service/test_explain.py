"""The pathway in words: every question answered, every rule under its question, nobody named."""

from dataclasses import replace
from datetime import date

import pytest

from b12fhir.decision.model import Cause
from b12fhir.facts.labs import Analyte
from b12fhir.facts.patient import Patient, Pregnancy, Sex
from b12fhir.fhir.json import canonical, decode
from b12fhir.fhir.site import Site
from b12fhir.kernel.dates import When, on
from b12fhir.kernel.evidence import Issue, Severity
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.load import load_protocol
from b12fhir.service import explain, explanation_json, propose
from b12fhir.service.explain import Explanation, Step
from b12fhir.service.questions import QUESTIONS, question_of
from tests.spec.case import Case, case_params
from tests.support.facts import WOMAN, allergy, concept, injection, lab
from tests.support.phi import assert_no_phi, sentinel_patient
from tests.support.proposals import proposed

PROTOCOL = load_protocol()
TOTAL, MMA, HB = Analyte.B12_TOTAL, Analyte.MMA, Analyte.HEMOGLOBIN


def step(name: str, *parts: object, **more: object) -> Step:
    """One question of an explanation."""
    told = explain(proposed(*parts, **more))
    return next(one for one in told.steps if one.id == name)


def answer(name: str, *parts: object, **more: object) -> str:
    return step(name, *parts, **more).answer


def _case(case: Case) -> Explanation:
    resources = [entry["resource"] for entry in decode(case.bundle)["entry"]]
    return explain(propose(resources, PROTOCOL, case.as_of, Site()))


def test_every_rule_has_its_question() -> None:
    """A rule without a question would stop the explanation of the patient who meets it."""
    ids = [one.id for one in QUESTIONS]
    assert len(set(ids)) == len(ids)
    for rule in PROTOCOL.rules.values():
        assert question_of(rule) in ids


def test_no_rule_and_no_section_stands_twice() -> None:
    rules = [rule for one in QUESTIONS for rule in one.rules]
    sections = [section for one in QUESTIONS for section in one.sections]
    assert len(set(rules)) == len(rules)
    assert len(set(sections)) == len(sections)


@pytest.mark.parametrize("case", [one.values[0] for one in case_params()], ids=lambda one: one.id)
def test_every_case_is_explained(case: Case) -> None:
    """Each question is answered, each finding and gap stands somewhere, and JSON can carry it."""
    resources = [entry["resource"] for entry in decode(case.bundle)["entry"]]
    proposal = propose(resources, PROTOCOL, case.as_of, Site())
    told = explain(proposal)
    assert [one.id for one in told.steps] == [one.id for one in QUESTIONS]
    assert all(one.answer.strip() for one in told.steps)
    reasons = [(one.rule, one.note) for step in told.steps for one in step.reasons]
    assert {(one.rule, one.note) for one in proposal.decision.findings} <= set(reasons)
    assert {gap for step in told.steps for gap in step.missing} == set(proposal.decision.gaps)
    assert {rule for rule, _ in reasons} <= {rule.id for rule in told.rules}
    assert len(told.changes) <= 6
    assert canonical(explanation_json(told)) == canonical(explanation_json(explain(proposal)))


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("V01", ("95 ng/L", "below 180", "R-28")),
        ("V04", ("180 ng/L", "within 180 to 350", "R-28")),
        ("V06", ("240 ng/L", "R-28", "620 nmol/L, raised, cut-off 460 nmol/L (R-36)")),
        ("V10", ("20 pmol/L", "below 25", "R-30")),
        ("V30", ("120 pmol/L", "below 133", "R-29")),
    ],
)
def test_the_class_line_names_value_limit_and_rule(folder: str, words: tuple[str, ...]) -> None:
    case = next(one.values[0] for one in case_params() if one.id == folder)
    line = next(one.answer for one in _case(case).steps if one.id == "class")
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("179.9", "below 180"),
        ("180", "within 180 to 350"),
        ("350", "within 180 to 350"),
        ("350.1", "above 350"),
        ("< 220", "on either side of 180 or 350"),
    ],
)
def test_where_a_b12_lies(value: str, place: str) -> None:
    assert place in answer("class", lab(TOTAL, value))


def test_a_number_that_was_not_classified_is_given_no_band() -> None:
    """R-21: under treatment the number says nothing, so no limit may stand beside it."""
    told = answer("class", lab(TOTAL, 900), injection(30))
    assert told == "On treatment, B12 not classified."


@pytest.mark.parametrize(
    ("mma", "word"), [("300", "not raised"), ("620", "raised"), ("< 900", "cannot be told")]
)
def test_how_mma_was_read(mma: str, word: str) -> None:
    assert f"nmol/L, {word}" in answer("class", lab(TOTAL, 240), lab(MMA, mma))


@pytest.mark.parametrize(
    ("birth", "sex", "line"),
    [
        (on(date(1980, 1, 1)), Sex.FEMALE, "Female, 46 years: a proposal may be made."),
        (on(date(2015, 1, 1)), Sex.MALE, "Male, 11 years: no proposal may be made."),
        (
            When(date(1980, 1, 1), date(1980, 12, 31)),
            Sex.UNKNOWN,
            "Sex not recorded, 45 or 46 years: a proposal may be made.",
        ),
        (
            None,
            Sex.MALE,
            "Male, age not known: whether a proposal may be made is not known.",
        ),
    ],
)
def test_who_it_is(birth: When | None, sex: Sex, line: str) -> None:
    assert answer("person", lab(TOTAL, 150), patient=Patient("Patient/p1", sex, birth)) == line


def test_pregnancy_and_breast_feeding_are_said() -> None:
    mother = Pregnancy(Truth.NO, Truth.YES)
    assert "46 years, breast-feeding:" in answer("person", pregnancy=mother)
    assert "46 years, pregnant:" in answer("person", pregnancy=Pregnancy(Truth.YES))


def test_results_that_count_and_those_that_do_not() -> None:
    told = step("results", lab(TOTAL, 150), lab(MMA, 500, ago=500))
    assert told.lines[0].startswith("Total vitamin B12 150 ng/L on 2026-11-18 [Observation/")
    assert told.lines[1].startswith("too old: Methylmalonic acid 500 nmol/L")
    assert [one.rule for one in told.reasons] == ["R-18"]
    assert answer("results") == "None on record."


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ((), "Nothing on record."),
        ((injection(30),), "Yes, or it is on order."),
        ((injection(3000),), "Not now; it was given before."),
        ((injection(3000, dose=None),), "It may be: the record does not say."),
    ],
)
def test_what_is_known_of_b12_given(parts: tuple[object, ...], line: str) -> None:
    assert answer("given", lab(TOTAL, 150), *parts) == line


@pytest.mark.parametrize(
    ("parts", "patient", "line"),
    [
        ((), WOMAN, "Not known: no haemoglobin of use."),
        ((lab(HB, 70),), WOMAN, "Yes, severe: haemoglobin 70 g/L."),
        ((lab(HB, 140),), WOMAN, "No: haemoglobin 140 g/L."),
        (
            (lab(HB, 125),),
            replace(WOMAN, sex=Sex.UNKNOWN),
            "Cannot be told: haemoglobin 125 g/L.",
        ),
    ],
)
def test_anaemia(parts: tuple[object, ...], patient: Patient, line: str) -> None:
    assert answer("anaemia", *parts, patient=patient) == line


def test_nerves_severity_and_urgency() -> None:
    parts = (lab(TOTAL, 150), concept("numbness"))
    assert answer("nerves", *parts) == "Yes: numbness."
    assert answer("severity", *parts) == "Severe, with nerves."
    assert answer("urgency", *parts) == "URGENT (same day)."
    assert answer("nerves", lab(TOTAL, 150)) == "No neurological sign on record."
    assert answer("severity", lab(TOTAL, 150)) == "Mild."
    assert answer("severity", lab(TOTAL, 400)) == "Not graded: nothing is to be treated now."


def test_other_signs() -> None:
    told = answer("signs", lab(TOTAL, 150), concept("glossitis"), lab(Analyte.MCV, 110))
    assert "Mean cell volume 110 fL" in told
    assert "glossitis" in told
    assert answer("signs", lab(Analyte.MCV, 90)) == "None on record."


def test_the_cause_that_governs_and_the_others() -> None:
    told = step("cause", lab(TOTAL, 150), concept("pernicious_anemia"), concept("diet_vegan"))
    assert told.answer.startswith("Pernicious anaemia, confirmed (R-70)")
    assert told.lines[0].startswith("also: vegan, confirmed (R-79)")
    assert answer("cause", lab(TOTAL, 150)) == "No cause that governs is known (R-81)."


def test_a_decision_without_any_cause_is_explained_too() -> None:
    proposal = proposed(lab(TOTAL, 150))
    bare: tuple[Cause, ...] = ()
    told = explain(replace(proposal, decision=replace(proposal.decision, causes=bare)))
    assert told.steps[8].answer == "No cause that governs is known (R-81)."


def test_a_stop_is_said_and_leaves_no_route() -> None:
    parts = (lab(TOTAL, 150), allergy(Truth.YES))
    told = step("stops", *parts)
    assert told.answer == "Yes:"
    assert "(R-163)" in told.lines[0]
    assert answer("route", *parts) == "None."


def test_routes_are_named_in_full() -> None:
    told = step("route", lab(TOTAL, 150), concept("numbness"))
    assert told.answer == "Intramuscular."
    assert any(line.startswith("not intravenous:") for line in told.lines)
    assert not any(line.startswith(("not iv", "not sc")) for line in told.lines)


def test_regimen_and_monitoring_carry_their_rules() -> None:
    parts = (lab(TOTAL, 150), concept("pernicious_anemia"))
    told = step("regimen", *parts)
    assert told.answer.startswith("Cyanocobalamin 1000 microgram/mL injection")
    assert "R-105" in [one.rule for one in told.reasons]
    checks = step("monitoring", *parts)
    assert any("times, 2026-" in line for line in checks.lines)
    assert any(line.endswith("then every year (R-139)") for line in checks.lines)
    assert "R-139" in [one.rule for one in checks.reasons]
    assert len({one.rule for one in checks.reasons}) == len(checks.reasons)
    assert answer("monitoring", lab(TOTAL, 400)) == "Nothing."


def test_cautions_and_mimics() -> None:
    parts = (lab(TOTAL, 150), concept("pernicious_anemia"))
    assert answer("cautions", *parts) == "These cautions:"
    assert answer("mimics", *parts) == "Not excluded yet:"
    assert answer("cautions", lab(TOTAL, 400)) == "Nothing."
    assert answer("mimics", lab(TOTAL, 400)) == "Nothing is left open."


def test_what_was_missing_stands_under_its_question() -> None:
    assert [gap.id for gap in step("class", lab(TOTAL, 240)).missing] == ["mma"]


def test_the_json_says_what_the_page_says() -> None:
    issue = Issue("unit-missing", Severity.ERROR, "Observation/x", "Observation/x has no unit.")
    told = explain(proposed(lab(TOTAL, 240), concept("glossitis"), issues=(issue,)))
    shown = explanation_json(told)
    assert shown["outcome"]["classification"] == "indeterminate"
    assert shown["counterfactuals"][0].keys() == {"change", "now", "becomes", "distance"}
    assert shown["issues"][0]["resource"] == "Observation/x"
    classed = next(one for one in shown["steps"] if one["id"] == "class")
    assert classed["reasons"][0]["rule"] == "R-28"
    assert classed["reasons"][0]["inputs"][0]["unit"] == "ng/L"
    assert classed["missing"][0]["rule"] == "R-35"
    assert "R-28" in [one["rule"] for one in shown["rules"]]
    assert canonical(shown)


def test_an_explanation_names_nobody() -> None:
    result = {
        "resourceType": "Observation",
        "id": "b12",
        "status": "final",
        "subject": {"reference": "Patient/sentinel"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
        "effectiveDateTime": "2026-11-17",
        "valueQuantity": {
            "value": 95,
            "unit": "pg/mL",
            "system": "http://unitsofmeasure.org",
            "code": "pg/mL",
        },
    }
    as_of = proposed().as_of
    told = explain(propose([sentinel_patient(), result], PROTOCOL, as_of, Site()))
    assert told.patient == "Patient/sentinel"
    assert_no_phi(canonical(explanation_json(told)).decode())


def test_the_steps_follow_the_order_of_the_pathway() -> None:
    """Read beside decide.py: what it asks first is told first."""
    ids = [one.id for one in QUESTIONS]
    order = ["person", "results", "class", "severity", "cause", "stops", "route", "urgency"]
    assert [name for name in ids if name in order] == order
    assert ids[-1] == "urgency"

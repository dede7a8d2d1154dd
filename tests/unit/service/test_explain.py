"""The pathway in words: every question answered, every rule under its question, nobody named."""

import ast
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from b12fhir.decision import decide as decide_module
from b12fhir.decision.model import Cause
from b12fhir.facts.labs import Analyte, PresenceResult
from b12fhir.facts.patient import Patient, Pregnancy, Sex
from b12fhir.fhir.json import canonical, decode
from b12fhir.fhir.site import Site
from b12fhir.kernel.dates import When, on
from b12fhir.kernel.evidence import Issue, Severity
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.load import load_protocol
from b12fhir.service import explain, explanation_json, explanation_schema, propose
from b12fhir.service.explain import Explanation, Step
from b12fhir.service.questions import QUESTIONS, question_of
from b12fhir.service.reasons import Names
from tests.spec.case import Case, case_params
from tests.support.facts import WOMAN, allergy, concept, injection, lab, record
from tests.support.phi import assert_no_phi, sentinel_patient
from tests.support.proposals import proposed
from tests.support.schemas import wrong

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
    shown = explanation_json(told)
    assert wrong(shown, explanation_schema()) == []
    assert canonical(shown) == canonical(explanation_json(explain(proposal)))


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
        (on(date(2015, 1, 1)), Sex.MALE, "Male, 11 years: no proposal may be made: under 16."),
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
        ((), WOMAN, "Anaemia is not known: no haemoglobin of use."),
        ((lab(HB, 70),), WOMAN, "Anaemia, severe: haemoglobin 70 g/L."),
        ((lab(HB, 140),), WOMAN, "No anaemia: haemoglobin 140 g/L."),
        (
            (lab(HB, 140), lab(Analyte.MCV, 110)),
            WOMAN,
            "No anaemia: haemoglobin 140 g/L; mean cell volume 110 fL.",
        ),
        (
            (lab(Analyte.PLATELETS, 90),),
            WOMAN,
            "Anaemia is not known: no haemoglobin of use; platelets 90 10*9/L.",
        ),
        (
            (lab(HB, 125),),
            replace(WOMAN, sex=Sex.UNKNOWN),
            "Whether this is anaemia cannot be told: haemoglobin 125 g/L.",
        ),
    ],
)
def test_the_blood(parts: tuple[object, ...], patient: Patient, line: str) -> None:
    assert answer("blood", *parts, patient=patient) == line


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
    told = explain(replace(proposal, decision=proposal.decision._replace(causes=bare)))
    causes = next(one for one in told.steps if one.id == "cause")
    assert causes.answer == "No cause that governs is known (R-81)."


def test_a_stop_is_said_and_leaves_no_route() -> None:
    parts = (lab(TOTAL, 150), allergy(Truth.YES))
    told = step("stops", *parts)
    assert told.answer == "This does:"
    assert "(R-163)" in told.lines[0]
    assert answer("route", *parts) == "None."


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ((lab(TOTAL, 150),), "Treat."),
        ((lab(TOTAL, 400), concept("diet_vegan")), "Prevent."),
        ((lab(TOTAL, 240),), "Tests first, no treatment yet."),
        ((lab(TOTAL, 150), allergy(Truth.YES)), "No regimen, since a stop applies."),
        ((lab(TOTAL, 400),), "No regimen: deficiency unlikely."),
        (
            (lab(TOTAL, 150), injection(30), lab(TOTAL, 140, ago=40)),
            "No regimen: vitamin B12 is already being given or on order.",
        ),
        # functional, and yet nothing is treated before the metabolites are repeated.
        ((lab(TOTAL, 500), lab(MMA, 900), lab(Analyte.EGFR, 90)), "No regimen."),
    ],
)
def test_what_is_to_be_done(parts: tuple[object, ...], line: str) -> None:
    assert answer("action", *parts) == line


def test_without_phases_there_is_no_regimen_to_tell() -> None:
    """What stands in its place is told under what is to be done."""
    assert answer("regimen", lab(TOTAL, 400)) == "None."
    assert answer("regimen", lab(TOTAL, 150), allergy(Truth.YES)) == "None."


def test_a_fact_says_what_was_measured() -> None:
    """A bare "78 g/L; 118 fL" leaves the reader to guess."""
    antibody = PresenceResult(
        "intrinsic-factor-antibody",
        Truth.YES,
        on(date(2026, 11, 1)),
        "Observation/ifab",
        "positive",
    )
    told = explain(proposed(lab(TOTAL, 150), lab(Analyte.MCV, 110), antibody))
    names = {fact.name for one in told.steps for reason in one.reasons for fact in reason.facts}
    assert {"Total vitamin B12", "Mean cell volume", "Intrinsic factor antibody"} <= names


def test_a_fact_of_two_names_is_given_none() -> None:
    """A count of 5 and a share of 5 % in one Observation: the wrong name is worse than none."""
    both = [
        lab(analyte, 5, unit="%", reference="Observation/cbc")
        for analyte in (Analyte.HEMATOCRIT, Analyte.RETIC_PCT)
    ]
    clear = lab(TOTAL, 150)
    names = Names.of(record(clear, *both), PROTOCOL)
    told = names.facts([both[0].as_input(), clear.as_input()])
    assert [fact.name for fact in told] == ["", "Total vitamin B12"]


@pytest.mark.parametrize(
    ("rule", "question"),
    [
        ("R-12", "given"),  # asks for B12 bought without prescription
        ("R-21", "given"),  # of the section on results, but it asks what was given
        ("R-60", "cautions"),  # lasting damage is said as a caution
        ("R-61", "urgency"),  # of the section on nerves, but it only sets the haste
        ("R-69", "action"),  # the four factors are what the choice rests on
        ("R-82", "stops"),
        ("R-103", "given"),  # a dose on order that is too high
        ("R-118", "action"),
        ("R-166", "cautions"),  # low potassium is corrected beside the treatment
        ("R-167", "stops"),  # with severe anaemia it forbids a course outside hospital
        ("R-175", "person"),
    ],
)
def test_rules_that_stand_apart_from_their_section(rule: str, question: str) -> None:
    assert question_of(PROTOCOL.rules[rule]) == question


def test_routes_are_named_in_full() -> None:
    told = step("route", lab(TOTAL, 150), concept("numbness"))
    assert told.answer == "Intramuscular."
    assert any(line.startswith("not intravenous:") for line in told.lines)
    assert not any(line.startswith(("not iv", "not sc")) for line in told.lines)


def test_the_route_of_what_runs_is_no_proposal() -> None:
    """Read as one, it would be a second course beside the first."""
    told = answer("route", lab(TOTAL, 150, ago=60), injection(30))
    assert told == "Nothing is proposed; where treatment goes on, intramuscular."


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
    classed = next(one for one in shown["questions"] if one["id"] == "class")
    assert classed["findings"][0]["rule"] == "R-28"
    assert classed["findings"][0]["inputs"][0]["unit"] == "ng/L"
    assert classed["findings"][0]["inputs"][0]["name"] == "Total vitamin B12"
    assert classed["gaps"][0]["rule"] == "R-35"
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


# What decide.py asks, by the name it calls, and the question that tells it.
ASKED = {
    "person": "person",
    "usable": "results",
    "treatment": "given",
    "neurology": "nerves",
    "blood": "blood",
    "symptoms": "signs",
    "classify": "class",
    "severity": "severity",
    "causes": "cause",
    "stops": "stops",
    "act": "action",
    "cautions": "cautions",
    "mimics": "mimics",
    "urgency": "urgency",
}
# What follows from the plan, and the part of the decision that it hangs on.
OF_THE_PLAN = {"route": "action", "regimen": "route", "monitoring": "regimen"}


def test_the_questions_stand_in_the_order_of_the_pathway() -> None:
    """Read from decide.py itself: what it asks first is told first."""
    tree = ast.parse(Path(decide_module.__file__).read_text("utf-8"))
    body = next(
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == decide_module.decide.__name__
    )
    calls = [
        node.func
        for node in ast.walk(body)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    called = [func.id for func in sorted(calls, key=lambda func: (func.lineno, func.col_offset))]
    pathway = [ASKED[name] for name in dict.fromkeys(called) if name in ASKED]
    assert len(pathway) == len(ASKED)
    ids = [one.id for one in QUESTIONS]
    assert [name for name in ids if name not in OF_THE_PLAN] == pathway
    for later, before in OF_THE_PLAN.items():
        assert ids.index(later) == ids.index(before) + 1

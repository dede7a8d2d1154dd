"""`b12fhir explain`: the pathway on a terminal and as JSON, for one patient at a time."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from b12fhir import wiring
from b12fhir.adapters.report import Terminal
from b12fhir.adapters.report.explained import lines
from b12fhir.decision.model import Classification, Urgency
from b12fhir.facts.labs import Analyte
from b12fhir.kernel.evidence import Issue, Severity
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.load import load_protocol
from b12fhir.service import explain
from b12fhir.service.counterfactual import Counterfactual, Outcome
from tests.spec.case import Case, case_params, cases
from tests.support.facts import concept, lab
from tests.support.phi import assert_no_phi, sentinel_patient
from tests.support.proposals import proposed

DAY = "2026-11-21"
B12 = {
    "resourceType": "Observation",
    "id": "b12",
    "status": "final",
    "subject": {"reference": "Patient/sentinel"},
    "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
    "effectiveDateTime": "2026-11-17",
    "valueQuantity": {
        "value": 240,
        "unit": "pg/mL",
        "system": "http://unitsofmeasure.org",
        "code": "pg/mL",
    },
}
OTHER = {"resourceType": "Patient", "id": "p2", "gender": "male", "birthDate": "1960-01-01"}


def b12fhir(*argv, width: int = 80) -> tuple[int, str, str]:
    """Run a command; exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    words, environ = [str(word) for word in argv], {"COLUMNS": str(width)}
    code = wiring.main(words, environ, out, err, lambda: datetime(2030, 1, 1, tzinfo=UTC))
    assert_no_phi(out.getvalue())
    assert_no_phi(err.getvalue())
    return code, out.getvalue(), err.getvalue()


def ndjson(path, *resources):
    path.write_text("\n".join(json.dumps(one) for one in resources), encoding="utf-8")
    return path


def _of(folder: str) -> Case:
    return next(case for case in cases() if case.id == folder)


@pytest.mark.parametrize("case", [one.values[0] for one in case_params()], ids=lambda one: one.id)
def test_every_case_is_explained_on_a_narrow_terminal(case: Case) -> None:
    code, out, err = b12fhir(
        "explain", case.folder / "input.json", "--as-of", case.as_of.isoformat()
    )
    assert (code, err) == (0, "")
    assert max(len(line) for line in out.splitlines()) <= 80
    for text in (
        " 7. What is it: is there a deficiency?",
        "17. How soon?",
        "What would change the answer",
    ):
        assert text in out


def test_a_clinician_reads_what_was_missing_and_what_would_change(tmp_path) -> None:
    case = _of("V04")
    _, out, _ = b12fhir("explain", case.folder / "input.json", "--as-of", DAY, width=120)
    for text in (
        "Total vitamin B12 180 ng/L, within 180 to 350 (R-28).",
        "R-28 holds. Total B12 in ng/L: 180 ng/L",
        "Source: S004, NICE [seed].",
        "Facts: Total vitamin B12 180 pg/mL on 2026-11-16 [Observation/v04-b12]",
        "? Missing: Methylmalonic acid (MMA)",
        "- With total vitamin B12 below 180 ng/L (now 180): deficient, confirmed; treat, oral.",
        "- With methylmalonic acid at or below 400 nmol/L (not measured): deficiency unlikely;",
        "unreviewed: no clinician has signed this pack",
    ):
        assert text in out


def test_as_json(tmp_path) -> None:
    path = ndjson(tmp_path / "a.ndjson", sentinel_patient(), B12)
    code, out, err = b12fhir("explain", path, "--as-of", DAY, "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["patient"] == "Patient/sentinel"
    first = [question["id"] for question in told["questions"]][:4]
    assert first == ["person", "results", "given", "nerves"]
    assert told["counterfactuals"][0]["becomes"]["classification"] == "unlikely"


def test_one_patient_at_a_time(tmp_path) -> None:
    path = ndjson(tmp_path / "a.ndjson", sentinel_patient(), B12, OTHER)
    code, out, err = b12fhir("explain", path, "--as-of", DAY)
    assert (code, out) == (11, "")
    assert "2 patients" in err
    assert "--patient, for example Patient/p2, Patient/sentinel" in err
    code, out, _ = b12fhir("explain", path, "--as-of", DAY, "--patient", "p2")
    assert code == 0
    assert out.startswith("Patient/p2, as of 2026-11-21")


def test_no_patient(tmp_path) -> None:
    code, _, err = b12fhir("explain", ndjson(tmp_path / "a.ndjson", B12), "--as-of", DAY)
    assert code == 11
    assert "holds no Patient" in err


def test_a_line_that_cannot_be_read_is_named(tmp_path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(f"{json.dumps(OTHER)}\n{{broken\n", encoding="utf-8")
    code, out, err = b12fhir("explain", path, "--as-of", DAY)
    assert code == 30
    assert "line 2" in err
    assert out.startswith("Patient/p2")


def test_text_of_a_record_steers_no_terminal() -> None:
    hostile = replace(concept("numbness"), text="\x1b[31mred\u202e")
    issue = Issue("x", Severity.WARNING, "Observation/x", "bad \x07 value")
    told = explain(proposed(lab(Analyte.B12_TOTAL, 150), hostile, issues=(issue,)))
    stream = io.StringIO()
    Terminal(stream, {"COLUMNS": "80"}).explanation(told)
    shown = stream.getvalue()
    assert not set("\x1b\u202e\x07") & set(shown)
    assert "Set aside or doubted while reading" in shown


def _changed(**becomes) -> str:
    was = Outcome(Classification.CONFIRMED, "treat", "im", Urgency.SOON)
    change = Counterfactual("x above 1", "now 0", was, replace(was, **becomes), was.urgency.value)
    told = replace(explain(proposed()), changes=(replace(change, distance=0),))
    return next(line.text for line in lines(told) if "With x above 1" in line.text)


@pytest.mark.parametrize(
    ("becomes", "text"),
    [
        ({"urgency": Urgency.URGENT}, "(now 0): same class; URGENT (same day)."),
        ({"route": "oral"}, "same class; treat, oral."),
        (
            {"classification": Classification.UNLIKELY},
            "(now 0): deficiency unlikely; the rest as now.",
        ),
        ({"action": "stop"}, "same class; no regimen, since a stop applies."),
    ],
)
def test_only_what_would_be_different_is_said(becomes, text) -> None:
    assert text in _changed(**becomes)


def test_a_route_without_treatment_is_said_by_itself() -> None:
    """Under treatment nothing is proposed, and yet the route that runs may differ."""
    was = Outcome(Classification.ON_TREATMENT, "none", "im", Urgency.SOON)
    change = Counterfactual("x", "not done", was, replace(was, route=None), 0)
    told = replace(explain(proposed()), changes=(change,))
    assert any("same class; route -." in line.text for line in lines(told))


def test_nothing_that_would_change_it_is_said_too() -> None:
    told = replace(explain(proposed()), changes=())
    assert [line.text for line in lines(told) if "No single change" in line.text]


def test_facts_are_said_once_and_an_open_rule_is_told_as_open() -> None:
    told = [line.text for line in lines(explain(proposed(lab(Analyte.B12_TOTAL, 240))))]
    assert "Facts: the same" in told
    unsure = proposed(lab(Analyte.B12_TOTAL, 240), lab(Analyte.MMA, "< 900"))
    open_rules = [f.rule for f in unsure.decision.findings if f.truth is Truth.UNKNOWN]
    assert open_rules
    text = "\n".join(line.text for line in lines(explain(unsure)))
    assert f"{open_rules[0]} not known." in text


def test_what_the_project_chose_is_not_a_dash() -> None:
    text = "\n".join(line.text for line in lines(explain(proposed(lab(Analyte.B12_TOTAL, 400)))))
    assert "Source: project [choice]." in text
    assert "Source: -" not in text


def test_the_sources_are_told_by_title_and_the_marks_that_occur() -> None:
    """ "S004 [seed]" tells a haematologist nothing by itself."""
    told = explain(proposed(lab(Analyte.B12_TOTAL, 240)))
    text = [line.text for line in lines(told)]
    assert "NICE: NICE guideline NG239, 2024" in text
    assert "[seed]: in a founding article" in text
    assert not [line for line in text if line.startswith(("-:", "project:"))]
    only = replace(told, rules=tuple(one for one in told.rules if one.id == "R-63"))
    marks = [line.text for line in lines(only) if line.text.startswith("[")]
    assert marks == ["[choice]: chosen by the project; a clinician must review it"]


def test_every_mark_of_the_rule_book_is_explained() -> None:
    """A mark without meaning would leave open how far a rule can be trusted."""
    rules = tuple(load_protocol().rules.values())
    told = replace(explain(proposed(lab(Analyte.B12_TOTAL, 400))), rules=rules)
    marks = {line.text.partition(":")[0] for line in lines(told) if line.text.startswith("[")}
    used = {mark for rule in rules for mark in rule.citation.evidence.split("; ")}
    assert marks == {f"[{mark}]" for mark in used}


def test_a_fact_is_told_with_its_name() -> None:
    told = [line.text for line in lines(explain(proposed(lab(Analyte.B12_TOTAL, 240))))]
    assert [line for line in told if line.startswith("Facts: Total vitamin B12 240 ng/L on ")]

"""OperationOutcome: what may be logged holds nothing that a server quoted from the record."""

import pytest

from b12fhir.fhir.outcome import Outcome, OutcomeIssue, read_outcome

QUOTED = "HAPI-0450: Failed to parse 'Jane Roe': HAPI-1821"


def outcome(*issues: object) -> Outcome:
    found = read_outcome({"resourceType": "OperationOutcome", "issue": list(issues)})
    assert found is not None
    return found


def test_summary_and_detail_are_kept_apart():
    found = outcome(
        {
            "severity": "error",
            "code": "processing",
            "diagnostics": QUOTED,
            "expression": ["CarePlan.status"],
        }
    )
    assert found.summary() == "error processing, HAPI-0450, HAPI-1821"
    assert found.detail() == f"{QUOTED} (at CarePlan.status)"


def test_a_code_that_is_no_code_is_not_repeated():
    """A sloppy server could put a name there, and codes are logged."""
    found = outcome({"severity": "Jane Roe", "code": 7})
    assert found.summary() == "unknown unknown"
    assert found.detail() == ""


def test_details_text_counts_and_same_codes_are_told_once():
    issue = {"severity": "error", "code": "invalid", "details": {"text": "Bad date"}}
    found = outcome(issue, issue | {"details": "odd", "location": [3]})
    assert found.summary() == "error invalid"
    assert found.detail() == "Bad date"


@pytest.mark.parametrize(
    ("severity", "harmful"),
    [("information", False), ("warning", True), ("error", True), ("fatal", True)],
)
def test_a_warning_makes_an_answer_doubtful(severity, harmful):
    assert outcome({"severity": severity, "code": "x"}).is_harmful is harmful


def test_an_endless_text_is_cut():
    assert len(outcome({"diagnostics": "x" * 10_000}).detail()) == 2000


@pytest.mark.parametrize("other", [None, [], "x", {"resourceType": "Bundle"}, {}])
def test_anything_else_is_no_outcome(other):
    assert read_outcome(other) is None


@pytest.mark.parametrize("issues", [None, "x", ["x"]])
def test_an_outcome_without_issues_is_empty(issues):
    found = read_outcome({"resourceType": "OperationOutcome", "issue": issues})
    assert found == Outcome(())


def test_issues_keep_their_parts():
    found = outcome({"severity": "error", "code": "invalid", "diagnostics": "Bad"})
    assert found.issues == (OutcomeIssue("error", "invalid", "Bad"),)

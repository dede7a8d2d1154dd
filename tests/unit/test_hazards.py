"""A control that no test proves is a hope: those of the hazard log name tests that exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.hazard_log import HAZARDS, KINDS, LIKELIHOODS, page, read_log, risk

ROOT = Path(__file__).parents[2]
LOG = read_log()
CONTROLS = [(one["id"], control) for one in LOG["hazard"] for control in one["control"]]
NAMED = sorted({test for _, control in CONTROLS for test in control.get("tests", ())})
FIELDS = {"id", "title", "cause", "effect", "harm", "initial", "residual", "owner", "status"}


def collected() -> set[str]:
    """What pytest itself finds in the files named, with and without its parameters."""
    files = sorted({test.partition("::")[0] for test in NAMED})
    asked = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:randomly", *files]
    told = subprocess.run(
        asked,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(tests/\S+::.+)$", told.stdout, re.MULTILINE)
    return {*found, *(name.partition("[")[0] for name in found)}


def test_every_test_that_is_named_exists():
    found = collected()
    assert found
    assert [test for test in NAMED if test not in found] == []


def test_no_test_that_is_named_is_skipped_or_expected_to_fail():
    """A test that never runs, or may fail, controls nothing."""
    for name in NAMED:
        path, _, rest = name.partition("::")
        text = (ROOT / path).read_text("utf-8")
        before = text.partition(f"def {rest.partition('[')[0]}(")[0].rpartition("\n\n\n")[2]
        assert not re.search(r"mark\.(skip|xfail)", before), name


@pytest.mark.parametrize("one", LOG["hazard"], ids=lambda one: one["id"])
def test_every_hazard_is_whole_and_controlled_by_a_test(one):
    assert one.keys() == FIELDS | {"control"}
    assert all(one[name] for name in FIELDS - {"owner"})
    assert any(control.get("tests") for control in one["control"])
    for control in one["control"]:
        assert control["kind"] in KINDS
        assert bool(control.get("tests")) is (control["kind"] == "design"), control["text"]


@pytest.mark.parametrize("one", LOG["hazard"], ids=lambda one: one["id"])
def test_controls_lower_the_likelihood_and_leave_the_severity(one):
    """No test makes a wrong dose less harmful, only less likely; no estimate reaches nil."""
    (severity, before), (same, after) = one["initial"], one["residual"]
    assert severity == same
    assert LIKELIHOODS.index(after) < LIKELIHOODS.index(before)
    assert risk(LOG, one["residual"]) <= risk(LOG, one["initial"])


def test_hazards_are_numbered_without_a_gap():
    """A number is never used again, so that a reference to it stays true."""
    numbers = [one["id"] for one in LOG["hazard"]]
    assert numbers == [f"HAZ-{number:02}" for number in range(1, len(numbers) + 1)]


def test_the_matrix_never_calls_a_worse_case_a_smaller_risk():
    rows = [LOG["matrix"][likelihood] for likelihood in LIKELIHOODS]
    assert all(len(row) == len(LOG["matrix"]["severities"]) == 5 for row in rows)
    assert all(row == sorted(row) for row in rows)
    assert all(list(column) == sorted(column) for column in zip(*rows, strict=True))


def test_nobody_signed_and_the_page_says_so_first():
    assert LOG["log"]["reviewed_by"] == ""
    assert all(one["status"] == "open" for one in LOG["hazard"])
    head = page(LOG).partition("| hazard |")[0]
    assert "no completed clinical safety case" in head
    assert "No clinical safety officer has signed it" in head
    signed = page({**LOG, "log": {**LOG["log"], "reviewed_by": "a named officer"}})
    assert "Reviewed by a named officer." in signed
    assert "has signed it" not in signed


def test_the_page_is_that_of_the_log():
    """Run `PYTHONPATH=src:. python tests/tools/regenerate.py` if this fails."""
    text = (HAZARDS.parent / "hazard-log.md").read_text("utf-8")
    assert text == page(LOG)
    for one in LOG["hazard"]:
        assert f"## {one['id']}\n" in text

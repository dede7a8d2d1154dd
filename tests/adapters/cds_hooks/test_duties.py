"""Every test that the list of duties names exists and runs: a duty without one is a hope."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
DUTIES = Path(__file__).with_name("README.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", DUTIES)))
ROWS = [line for line in DUTIES.splitlines() if line.startswith("| ") and "held by" not in line]


def test_every_duty_names_a_test() -> None:
    """Latency alone is measured by a bench: no test may depend on a clock."""
    without = [row for row in ROWS if "::test_" not in row]
    assert [row for row in without if "make bench-hooks" not in row] == []
    assert len(NAMED) > 60


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_it_exists_and_is_never_left_out(file: str) -> None:
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name in (name for path, name in NAMED if path == file):
        assert name in found, f"{file} has no {name}"
        marks = " ".join(ast.unparse(mark) for mark in found[name].decorator_list)
        assert not re.search(r"mark\.(skip|xfail)", marks), name

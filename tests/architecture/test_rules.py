"""Rule catalogue and code agree: what is implemented is there, and what is there is told."""

import re
from pathlib import Path

import pytest

from b12fhir.protocol.load import load_protocol

SRC = Path(__file__).parents[2] / "src" / "b12fhir"
TESTS = Path(__file__).parents[1]
NUMBER = re.compile(r"R-\d{2,3}")
RULES = load_protocol().rules
IMPLEMENTED = {rule.id for rule in RULES.values() if rule.state == "implemented"}
LAST = 203


def _numbers(root: Path, *patterns: str) -> set[str]:
    files = [path for pattern in patterns for path in root.rglob(pattern)]
    own = {SRC / "protocol" / "knowledge" / "rules.toml", Path(__file__)}
    return {n for path in files if path not in own for n in NUMBER.findall(path.read_text("utf-8"))}


def test_the_catalogue_holds_every_rule_of_the_book() -> None:
    assert set(RULES) == {f"R-{number:02}" for number in range(1, LAST + 1)}


def test_every_number_in_the_code_is_a_rule() -> None:
    assert _numbers(SRC, "*.py", "*.toml") <= set(RULES)


def test_every_implemented_rule_stands_on_the_code_or_the_data_that_keeps_it() -> None:
    assert IMPLEMENTED - _numbers(SRC, "*.py", "*.toml") == set()


def test_every_rule_a_decision_reports_is_implemented() -> None:
    quoted = re.compile(r'"(R-\d{2,3})"')
    told = {
        number
        for room in ("decision", "plan")
        for path in (SRC / room).rglob("*.py")
        for number in quoted.findall(path.read_text("utf-8"))
    }
    assert told <= IMPLEMENTED


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_that_is_not_kept_says_when_or_why_not(rule: object) -> None:
    assert rule.state in {"implemented", "planned", "not-covered"}
    if rule.state == "planned":
        assert rule.step > 1
    if rule.state == "not-covered":
        assert rule.note

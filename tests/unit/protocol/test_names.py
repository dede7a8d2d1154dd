"""A name asked for and not there fails a patient at run time; these tests fail first."""

import re
from pathlib import Path

import pytest

from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.names import PRESENCE_TESTS

SOURCE = Path(__file__).parents[3] / "src" / "b12fhir"
CODE = {path: path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))}
PROTOCOL = load_protocol()


def _asked(pattern: str, room: str = "") -> set[str]:
    found = (
        re.findall(pattern, text) for path, text in CODE.items() if room in path.parts or not room
    )
    return {name for names in found for name in names}


def test_every_role_asked_for_is_there() -> None:
    asked = _asked(r'\.(?:with_role|ever|asked|medicines|taking)\(\s*"([a-z0-9-]+)"', "decision")
    assert asked
    assert asked <= PROTOCOL.concepts.roles.keys()


def test_every_yes_no_test_asked_for_is_there() -> None:
    asked = _asked(r'\.presences\("([a-z-]+)"')
    assert asked
    assert asked <= PRESENCE_TESTS


def test_every_test_that_a_decision_orders_is_there() -> None:
    lists = _asked(r"(?:orders|rechecks) ?=[^=()]*\(([^()]*)\)", "decision")
    asked = {name for names in lists for name in re.findall(r'"([a-z0-9-]+)"', names)}
    assert {"mma", "b12"} <= asked
    assert asked <= PROTOCOL.tests.keys()


def test_every_limit_is_compared_with() -> None:
    """A number nobody compares with looks like a rule that holds."""
    used = _asked(r"\blimits\.([a-z0-9_]+)")
    assert set(PROTOCOL.limits.__slots__) - used == set()


def test_every_rule_named_in_the_code_is_in_the_catalogue() -> None:
    assert _asked(r"\b(R-\d+)\b") <= PROTOCOL.rules.keys()


def test_a_rule_said_to_be_implemented_is_named_where_it_is() -> None:
    """Else the catalogue would promise what nobody wrote."""
    data = (SOURCE / "protocol").rglob("*.toml")
    texts = [path.read_text(encoding="utf-8") for path in data if path.name != "rules.toml"]
    named = {rule for text in (*texts, *CODE.values()) for rule in re.findall(r"\bR-\d+\b", text)}
    promised = {
        rule.id
        for rule in PROTOCOL.rules.values()
        if rule.state == "implemented" and rule.kind != "conduct"
    }
    # R-100 is the division in plan.schedule; the others hold for the program as a whole.
    assert promised - named <= {"R-100", "R-201", "R-203"}


@pytest.mark.parametrize("rule", ["R-28", "R-35", "R-48", "R-65", "R-84", "R-105", "R-163"])
def test_rules_of_this_step_say_so(rule: str) -> None:
    assert PROTOCOL.rules[rule].state == "implemented"


def test_every_rule_can_be_read_by_a_clinician() -> None:
    assert list(PROTOCOL.rules) == [f"R-{number:02d}" for number in range(1, 204)]
    for rule in PROTOCOL.rules.values():
        assert rule.text.endswith(".")
        assert len(rule.title) <= 60
        assert rule.citation.sources
        assert 1 <= rule.section <= 22
        assert (rule.step > 0) == (rule.state == "planned")

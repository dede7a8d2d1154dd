"""The source keeps the house rules. Each failure names file and line."""

import pytest

from tests.architecture import imports, purity, sizes
from tests.architecture.source import ROOT, read

SOURCE = read(ROOT / "src")
RULES = [*imports.RULES, *purity.RULES, *sizes.RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps(rule) -> None:
    breaches = list(rule(SOURCE))
    assert not breaches, "\n".join([rule.__doc__, *breaches])


def test_tests_outweigh_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    """At least line for line; the design aims at twice."""
    tested = sum(len(file.read_text().splitlines()) for file in (ROOT / "tests").rglob("*.py"))
    source = sum(len(module.text.splitlines()) for module in SOURCE)
    ratio = f"tests {tested} lines, source {source}: {tested / max(source, 1):.2f} (aim: 2)"
    with capsys.disabled():
        print(f"\n{ratio}")
    assert tested >= source, ratio

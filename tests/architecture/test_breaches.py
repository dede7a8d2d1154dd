"""Each house rule sees a seeded breach, with file and line, and lets the right thing pass."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.architecture import imports, purity, sizes
from tests.architecture.source import read

LONG_FUNCTION = "def f(x):\n" + "    x += 1\n" * 50
LONG_DOCSTRING = 'def f(x):\n    """' + "\n" * 60 + '    """\n' + "    x += 1\n" * 49


def breaches(rule, tmp_path: Path, files: Mapping[str, str]) -> list[str]:
    """What a rule says about a package of these files."""
    for name, code in files.items():
        file = tmp_path / "b12fhir" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code, encoding="utf-8")
    return list(rule(read(tmp_path)))


# rule, file, code, line of the breach, what is said of it
SEEDED = [
    (imports.ranks_kept, "facts/labs.py", "import b12fhir.decision", 1, "facts may not import"),
    (imports.ranks_kept, "facts/labs.py", "\nfrom b12fhir import fhir", 2, "import fhir"),
    (imports.ranks_kept, "facts/labs.py", "from b12fhir.protocol.model import P", 1, "protocol"),
    (imports.ranks_kept, "kernel/dates.py", "from b12fhir.ports import Clock", 1, "import ports"),
    (imports.ranks_kept, "plan/x.py", "def f():\n    import b12fhir.service", 2, "service"),
    (imports.ranks_kept, "adapters/cli.py", "from b12fhir.config import S", 1, "config"),
    (imports.ranks_kept, "config.py", "import b12fhir.wiring", 1, "wiring"),
    (imports.ranks_kept, "__init__.py", "from b12fhir.service import propose", 1, "service"),
    (imports.ranks_kept, "demo/__init__.py", "from b12fhir.errors import B12Error", 1, "errors"),
    (imports.ranks_kept, "helpers/x.py", "", 1, "room 'helpers' stands in no rank"),
    (imports.ranks_kept, "utils.py", "", 1, "room 'utils' stands in no rank"),
    (imports.adapters_apart, "adapters/cli/main.py", "import b12fhir.adapters.web", 1, "web"),
    (
        imports.adapters_apart,
        "adapters/sync.py",
        "from b12fhir.adapters import memory",
        1,
        "memory",
    ),
    (imports.adapters_apart, "adapters/__init__.py", "import b12fhir.adapters.cli", 1, "cli"),
    (imports.demo_apart, "adapters/web.py", "from b12fhir import demo", 1, "command line only"),
    (imports.demo_apart, "service.py", "from b12fhir.demo import cohort_dir", 1, "command line"),
    (imports.absolute_only, "plan/dose.py", "from . import model", 1, "relative"),
    (imports.absolute_only, "plan/dose.py", "\nfrom ..facts import labs", 2, "relative"),
    (imports.pure_rooms_unworldly, "facts/x.py", "import random", 1, "import random"),
    (imports.pure_rooms_unworldly, "decision/x.py", "from os import path", 1, "os.path"),
    (imports.pure_rooms_unworldly, "plan/x.py", "import logging.config", 1, "logging"),
    (imports.kernel_stdlib_only, "kernel/x.py", "import msgspec", 1, "stdlib only"),
    (imports.libraries_at_home, "service.py", "import requests", 1, "adapters only"),
    (imports.libraries_at_home, "plan/x.py", "from fhir.resources.R4B import x", 1, "fhir only"),
    (purity.no_clock, "fhir/x.py", "from datetime import datetime\ndatetime.now()", 2, "clock"),
    (purity.no_clock, "service.py", "import datetime\nx = datetime.date.today()", 2, "today()"),
    (purity.no_clock, "kernel/x.py", "datetime.utcnow()", 1, "utcnow"),
    (purity.no_clock, "protocol/x.py", "import time\ntime.time()", 2, "time.time()"),
    (purity.no_clock, "errors.py", "from time import monotonic", 1, "time.monotonic"),
    (purity.no_clinical_numbers, "decision/x.py", "if x < 180:\n    pass", 1, "number 180"),
    (purity.no_clinical_numbers, "plan/x.py", "x = -2", 1, "number -2"),
    (purity.no_clinical_numbers, "facts/x.py", "x = 1.0", 1, "number 1.0"),
    (purity.no_clinical_numbers, "facts/x.py", "x = y[:10]", 1, "number 10"),
    (purity.no_clinical_numbers, "plan/x.py", "x = Decimal('0.4')", 1, "number 0.4"),
    (purity.no_clinical_numbers, "plan/x.py", "\nx = decimal.Decimal('350')", 2, "number 350"),
    (purity.no_clinical_numbers, "plan/x.py", "x = int('65')", 1, "number 65"),
    (purity.no_clinical_numbers, "plan/x.py", "match x:\n    case 75: pass", 2, "number 75"),
    (purity.no_floats, "kernel/x.py", "x = 0.5", 1, "float 0.5"),
    (purity.no_floats, "fhir/x.py", "x = 1e3", 1, "float 1000.0"),
    (purity.no_floats, "service.py", "x = float(y)", 1, "float()"),
    (purity.environment_in_config_only, "service.py", "import os\nos.environ['A']", 2, "config"),
    (purity.environment_in_config_only, "adapters/x.py", "from os import getenv", 1, "config"),
    (purity.prints_in_cli_only, "adapters/sync.py", "print('read')", 1, "print()"),
    (purity.prints_in_cli_only, "wiring.py", "print('read')", 1, "print()"),
    (purity.no_broad_except, "service.py", "try: f()\nexcept: pass", 2, "in the module"),
    (purity.no_broad_except, "service.py", "try: f()\nexcept Exception: pass", 2, "broad"),
    (
        purity.no_broad_except,
        "adapters/x.py",
        "def go():\n  try: f()\n  except (OSError, BaseException): pass",
        3,
        "broad except in go",
    ),
    (purity.no_broad_except, "service.py", "try: f()\nexcept: raise ValueError", 2, "broad"),
    (sizes.modules_small, "service.py", "x = 1\n" * 401, 1, "401 lines, at most 400"),
    (sizes.modules_small_by_habit, "service.py", "x = 1\n" * 131, 0, "median module 131 lines"),
    (sizes.functions_small, "service.py", LONG_FUNCTION, 1, "f has 51 lines, at most 50"),
]

# rule, file, code
ALLOWED = [
    (imports.ranks_kept, "plan/x.py", "from b12fhir.decision.model import Decision"),
    (imports.ranks_kept, "plan/x.py", "import b12fhir.plan.model"),
    (imports.ranks_kept, "ports.py", "from b12fhir.errors import B12Error"),
    (imports.ranks_kept, "adapters/cli.py", "from b12fhir import __version__, demo, service"),
    (imports.ranks_kept, "wiring.py", "from b12fhir import config\nimport b12fhir.adapters.cli"),
    (imports.ranks_kept, "__main__.py", "from b12fhir.wiring import run"),
    (imports.adapters_apart, "adapters/cli/main.py", "from b12fhir.adapters.cli import report"),
    (imports.adapters_apart, "wiring.py", "from b12fhir.adapters import cli, memory"),
    (imports.demo_apart, "adapters/cli/demo.py", "from b12fhir import demo"),
    (imports.pure_rooms_unworldly, "facts/x.py", "from datetime import date\nimport enum"),
    (imports.pure_rooms_unworldly, "fhir/x.py", "import urllib.parse"),
    (imports.kernel_stdlib_only, "kernel/x.py", "import decimal\nimport b12fhir.errors"),
    (imports.libraries_at_home, "adapters/server.py", "import requests"),
    (imports.libraries_at_home, "fhir/x.py", "from fhir.resources.R4B.bundle import Bundle"),
    (purity.no_clock, "adapters/clock.py", "datetime.now(UTC)"),
    (purity.no_clock, "plan/x.py", "x = dose.time\nnow = as_of\nf(today=as_of)"),
    (purity.no_clinical_numbers, "facts/x.py", "x = [-1, 0, 1, 2, True]\ny = Decimal('1')"),
    (purity.no_clinical_numbers, "facts/x.py", "x = '350 ng/L'\ny = Decimal(text)"),
    (purity.no_clinical_numbers, "fhir/x.py", "x = 350"),
    (purity.no_floats, "plan/x.py", "x = Decimal('0.5')\nisinstance(x, float)"),
    (purity.no_floats, "adapters/x.py", "x = 0.5"),
    (purity.environment_in_config_only, "config.py", "import os\nos.environ['A']"),
    (purity.prints_in_cli_only, "adapters/cli/report.py", "print('x')"),
    (purity.prints_in_cli_only, "adapters/report.py", "console.print('x')"),
    (purity.no_broad_except, "service.py", "try: f()\nexcept (KeyError, OSError): pass"),
    (
        purity.no_broad_except,
        "service.py",
        "try: f()\nexcept BaseException:\n    tidy()\n    raise",
    ),
    (sizes.modules_small, "service.py", "x = 1\n" * 400),
    (sizes.modules_small_by_habit, "kernel/__init__.py", "x = 1\n" * 131),
    (sizes.functions_small, "service.py", LONG_DOCSTRING),
]


@pytest.mark.parametrize(("rule", "file", "code", "line", "says"), SEEDED)
def test_a_seeded_breach_is_seen(rule, file, code, line, says, tmp_path: Path) -> None:
    (breach,) = breaches(rule, tmp_path, {file: code})
    where = "b12fhir" if line == 0 else f"b12fhir/{file}"
    assert breach.startswith(f"{where}:{line}: ")
    assert says in breach


@pytest.mark.parametrize(("rule", "file", "code"), ALLOWED)
def test_the_right_thing_passes(rule, file, code, tmp_path: Path) -> None:
    assert breaches(rule, tmp_path, {file: code}) == []


def test_a_circle_of_imports_is_seen(tmp_path: Path) -> None:
    circle = {
        "plan/a.py": "from b12fhir.plan import b",
        "plan/b.py": "from b12fhir.plan.a import f",
        "plan/c.py": "import b12fhir.plan.a",
    }
    (breach,) = breaches(imports.no_circles, tmp_path, circle)
    assert "b12fhir.plan.a < b12fhir.plan.b" in breach or "b < b12fhir.plan.a" in breach


def test_a_chain_of_imports_is_no_circle(tmp_path: Path) -> None:
    chain = {"plan/__init__.py": "", "plan/a.py": "from b12fhir.plan import b", "plan/b.py": ""}
    assert breaches(imports.no_circles, tmp_path, chain) == []


def test_an_exempted_broad_except_passes_and_an_unused_exemption_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exempt = {("b12fhir/service.py", "go"): "why", ("b12fhir/service.py", "gone"): "why"}
    monkeypatch.setattr(purity, "BROAD_EXCEPTS", exempt)
    code = "def go():\n    try: f()\n    except Exception: pass"
    found = breaches(purity.no_broad_except, tmp_path, {"service.py": code})
    assert found == ["b12fhir/service.py:1: no broad except in gone any more"]


@pytest.mark.parametrize("rule", [*imports.RULES, *purity.RULES, *sizes.RULES])
def test_an_empty_house_keeps_every_rule(rule, tmp_path: Path) -> None:
    assert list(rule(read(tmp_path))) == []


def test_every_rule_has_a_seeded_breach() -> None:
    seeded = {rule for rule, *_ in SEEDED} | {imports.no_circles}
    assert seeded == {*imports.RULES, *purity.RULES, *sizes.RULES}

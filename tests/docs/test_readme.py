"""The README says what is so: tables, commands, paths."""

import re
from pathlib import Path

import pytest

from b12fhir.adapters.cli.commands import COMMANDS
from b12fhir.adapters.cli.parser import build
from tests.docs.tables import README, with_tables

ROOT = README.parent
TEXT = README.read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_code():
    """Run `python -m tests.docs.tables` if this fails."""
    assert with_tables(TEXT) == TEXT


def test_a_readme_without_a_place_for_a_table_is_noticed():
    with pytest.raises(ValueError, match="exit codes"):
        with_tables("no tables here")


def test_every_command_is_explained():
    for command in COMMANDS:
        assert f"`b12fhir {command}" in TEXT


def test_the_two_commands_come_first():
    first = re.search(r"```\n(.*?)```", TEXT, re.DOTALL)
    assert first is not None
    assert [line.split("#")[0].strip() for line in first[1].splitlines()] == [
        "make demo",
        "make test",
    ]


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make ([a-z-]+)", TEXT)) - {"it"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_command_line_can_be_parsed():
    for line in re.findall(r"^(?:\.venv/bin/)?b12fhir (.+)$", TEXT, re.MULTILINE):
        build().parse_args(line.split())


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:tests|profiles)/[^`<]*)`", TEXT))))
def test_every_path_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:protocol|fhir|adapters)/[^`<]*)`", TEXT)))
)
def test_every_room_exists(path):
    assert (ROOT / "src" / "b12fhir" / path).exists()


def test_every_room_of_the_source_is_on_the_map():
    rooms = {
        path.stem
        for path in (ROOT / "src" / "b12fhir").iterdir()
        if path.suffix in {"", ".py"} and not path.name.startswith("__")
    }
    for room in rooms:
        assert f"| `{room}` |" in TEXT, room


def test_no_path_of_one_machine():
    for word in ("/work/", "/home/", "/tmp/", "/root/"):  # noqa: S108 - looked for, not used
        assert word not in TEXT


def test_the_documents_it_names_exist():
    for name in re.findall(r"`([A-Z]+(?:\.md)?)`", TEXT):
        if name.isupper() or name.endswith(".md"):
            assert Path(ROOT / name).exists() or name == "SETTINGS", name

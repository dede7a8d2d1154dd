"""A reviewer who reads a stale catalogue signs something else than what runs."""

import importlib.util
import re
from dataclasses import replace
from html import escape
from pathlib import Path
from types import ModuleType

import pytest
from fhir.resources.R4B.valueset import ValueSet

from b12fhir.fhir.profiles import value_sets
from b12fhir.kernel.codes import LOINC, SNOMED
from b12fhir.protocol.catalogue import catalogue
from b12fhir.protocol.catalogue_page import catalogue_page
from b12fhir.protocol.load import load_protocol

PROTOCOL = load_protocol()
TOOL = Path(__file__).parents[2] / "tools" / "regenerate.py"


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("regenerate", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_committed_is_what_would_be_written() -> None:
    tool = _tool()
    files = tool.generated()
    old = [path.name for path, text in files.items() if not _holds(path, text)]
    assert (old, tool.stale(files)) == ([], []), "run: python tests/tools/regenerate.py"


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def test_writing_removes_what_no_role_has_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = _tool()
    monkeypatch.setattr(tool, "PROFILES", tmp_path)
    (tmp_path / "valuesets").mkdir()
    gone = tmp_path / "valuesets" / "ValueSet-b12-gone.json"
    gone.write_text("{}", encoding="utf-8")
    tool.main()
    assert not gone.exists()
    assert {path for path in tmp_path.rglob("*.*") if path.is_file()} == tool.generated().keys()


def test_every_role_with_codes_has_a_value_set() -> None:
    made = value_sets(PROTOCOL)
    concepts = PROTOCOL.concepts
    coded = {role for role, names in concepts.roles.items() if names & set(concepts.codes.values())}
    assert made.keys() == {f"ValueSet-b12-{role}.json" for role in {*coded, "labs"}}
    assert "hypersegmentation" not in coded


def test_every_value_set_is_a_fhir_value_set() -> None:
    for name, resource in value_sets(PROTOCOL).items():
        ValueSet.model_validate(resource)
        assert resource["url"] == f"https://b12fhir.example/fhir/ValueSet/{resource['id']}"
        assert name == f"ValueSet-{resource['id']}.json"
        assert len(resource["id"]) <= 64
        for include in resource["compose"]["include"]:
            codes = [concept["code"] for concept in include["concept"]]
            assert codes == sorted(set(codes))


def test_value_sets_carry_the_notice_of_their_owners() -> None:
    labs = value_sets(PROTOCOL, "https://site.example")["ValueSet-b12-labs.json"]
    assert labs["url"] == "https://site.example/ValueSet/b12-labs"
    assert [include["system"] for include in labs["compose"]["include"]] == [LOINC]
    assert "LOINC" in labs["copyright"]
    leber = value_sets(PROTOCOL)["ValueSet-b12-leber.json"]
    assert leber["compose"]["include"][0]["system"] == SNOMED
    assert "SNOMED" in leber["copyright"]


def test_the_catalogue_shows_every_rule_role_and_row() -> None:
    text = catalogue(PROTOCOL, {"R-28": ["V01", "V04"]})
    assert text.endswith("\n")
    for rule in PROTOCOL.rules.values():
        assert f"| {rule.id} | **{rule.title}.** " in text
    for role in PROTOCOL.concepts.roles:
        assert f"\n| {role} | " in text
    for row in PROTOCOL.pack.regimens:
        assert f"\n| {row.label} | " in text
    assert "**unreviewed**" in text
    assert "E53.8?" in text
    assert "nitrous_oxide_use *" in text
    assert "| planned, step 6 |" in text
    assert "| seed | V01, V04 |" in text


def test_the_page_shows_every_rule_with_source_state_and_cases() -> None:
    """Self-contained: it opens from a folder, and the browser's own search finds any rule."""
    tool = _tool()
    text = (tool.PROFILES / "rule-catalogue.html").read_text(encoding="utf-8")
    for rule in PROTOCOL.rules.values():
        assert f'<tr id="{rule.id}"><th scope="row">{rule.id}</th>' in text
        assert escape(rule.text) in text
    for outside in ("<script", "<img", "<link", "@import", "url("):
        assert outside not in text
    assert set(re.findall(r'href="#(source-[^"]+)"', text)) == set(
        re.findall(r'id="(source-[^"]+)"', text)
    )
    assert "V04" in _row(text, "R-28")
    assert 'class="open">planned, step 6<' in text


def test_what_a_rule_says_is_text_and_no_markup() -> None:
    rule = replace(PROTOCOL.rules["R-28"], text="below 1 & <b>above</b>")
    protocol = replace(PROTOCOL, rules={"R-28": rule})
    text = catalogue_page(protocol, {"S004": "a <i>", "NICE": "b"}, {})
    assert "below 1 &amp; &lt;b&gt;above&lt;/b&gt;" in text
    assert "<td>a &lt;i&gt;</td>" in text


def test_the_cases_of_a_rule_are_those_that_say_they_prove_it() -> None:
    proving = _tool().proving()
    assert {"V04", "V05"} <= set(proving["R-28"])
    assert proving.keys() <= PROTOCOL.rules.keys()


def _row(text: str, rule: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f'<tr id="{rule}">'))

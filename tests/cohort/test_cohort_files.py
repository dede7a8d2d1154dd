"""The bundled cohort is what its maker writes, hangs together, and has an oracle for everybody.

A failure here means that files and maker have drifted apart, or that a patient has no answer.
"""

import importlib
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

HERE = Path(__file__).parent
LEAST_PATIENTS = 40
VOCABULARY = {
    "classification": {
        "confirmed",
        "indeterminate",
        "indeterminate-confirmed",
        "functional",
        "unlikely",
        "no-data",
        "data-quality",
        "on-treatment",
    },
    "severity": {"none", "mild", "moderate", "severe"},
    "urgency": {"urgent", "soon", "routine"},
    "route": {"", "im", "oral"},
    "neuro": {True, False},
    "governing_cause": {
        "",
        "pernicious-anemia",
        "gastrectomy",
        "ileal-resection",
        "ileal-disease",
        "bariatric",
        "malabsorption",
        "drug",
        "diet",
        "nitrous-oxide",
        "unknown",
    },
}

Resource = dict[str, Any]


@pytest.fixture(scope="module")
def maker() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        yield importlib.import_module("make_cohort")


@pytest.fixture(scope="module")
def stored(maker: ModuleType) -> list[Resource]:
    lines = [
        line
        for file in sorted(maker.COHORT.glob("*.ndjson"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def oracle() -> dict[str, dict[str, Any]]:
    return tomllib.loads((HERE / "expected.toml").read_text(encoding="utf-8"))


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


def test_files_are_what_the_maker_writes(maker: ModuleType) -> None:
    found = {file.name: file.read_text(encoding="utf-8") for file in maker.COHORT.iterdir()}
    assert found == maker.files(), "stale: run `python tests/cohort/make_cohort.py`"


def test_there_are_enough_patients(stored: list[Resource]) -> None:
    assert sum(one["resourceType"] == "Patient" for one in stored) >= LEAST_PATIENTS


def test_every_id_is_used_once_and_is_no_bare_number(stored: list[Resource]) -> None:
    ids = Counter(one["id"] for one in stored)
    assert {name for name, count in ids.items() if count > 1} == set()
    assert all(re.fullmatch(r"demo-[A-Za-z0-9.-]{1,58}", name) for name in ids)


def test_every_reference_resolves(stored: list[Resource]) -> None:
    """A FHIR server with referential integrity takes the whole cohort."""
    known = {f"{one['resourceType']}/{one['id']}" for one in stored}
    broken = {(one["id"], name) for one in stored for name in references(one) if name not in known}
    assert broken == set()


def test_every_clinical_resource_names_its_own_patient(
    maker: ModuleType, stored: list[Resource]
) -> None:
    named = ("subject", "patient")
    others = set()
    for one in stored:
        if one["resourceType"] in {"Patient", "Medication", "Group"}:
            continue
        whose = next((one[key]["reference"] for key in named if key in one), "")
        if not whose.startswith("Patient/"):
            others.add(one["id"])
        else:
            assert one["id"].startswith(whose.removeprefix("Patient/") + "-")
    assert others == maker.OF_NO_PATIENT


def test_resources_are_valid_r4_but_for_the_awkward_ones(
    maker: ModuleType, stored: list[Resource]
) -> None:
    assert set(maker.NOT_R4) <= {one["id"] for one in stored}
    for one in stored:
        if one["id"] not in maker.NOT_R4:
            get_fhir_model_class(one["resourceType"]).model_validate_json(json.dumps(one))


def test_the_oracle_answers_for_everybody(
    maker: ModuleType, oracle: dict[str, dict[str, Any]]
) -> None:
    told = {one.id: one.story for one in maker.everyone()}
    assert {name: answer["story"] for name, answer in oracle.items()} == told


def test_the_oracle_speaks_the_agreed_words(oracle: dict[str, dict[str, Any]]) -> None:
    optional = {"flags", "unsure"}
    for name, answer in oracle.items():
        assert set(answer) - optional == {*VOCABULARY, "story", "why"}, name
        assert set(answer.get("unsure", [])) <= set(VOCABULARY), name
        assert all(answer[key] in words for key, words in VOCABULARY.items()), name
        assert all(re.fullmatch(r"R-\d{2,3}", rule) for rule in answer["why"]), name


@pytest.mark.parametrize("key", sorted(VOCABULARY))
def test_the_cohort_covers_every_answer(key: str, oracle: dict[str, dict[str, Any]]) -> None:
    assert {answer[key] for answer in oracle.values()} == VOCABULARY[key]


def test_regimen_and_answer_agree(oracle: dict[str, dict[str, Any]]) -> None:
    """Severe disease is urgent, never oral, and belongs to a deficient or treat-now class."""
    for name, answer in oracle.items():
        if answer["severity"] == "severe":
            assert answer["urgency"] == "urgent", name
            assert answer["route"] != "oral", name
        if answer["classification"] in {"unlikely", "no-data", "data-quality", "on-treatment"}:
            assert answer["severity"] == "none", name

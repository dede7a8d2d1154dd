"""The real server is the one the tests believe in, and what loads it is honest."""

import json
from pathlib import Path

import pytest
import requests

from tests.hapi import load

OBSERVATION = {
    "resourceType": "Observation",
    "id": "load-b12",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
    "subject": {"reference": "Patient/load-p"},
}
PATIENT = {"resourceType": "Patient", "id": "load-p"}


def folder_of(tmp_path: Path, *lines: str) -> Path:
    """A folder of one file, in the given order of lines."""
    (tmp_path / "all.ndjson").write_text("\n".join(lines))
    return tmp_path


def test_what_is_referred_to_is_loaded_first(tmp_path: Path) -> None:
    records = load.read_folder(folder_of(tmp_path, *map(json.dumps, (OBSERVATION, PATIENT))))
    assert list(load.waves(records)) == [("Patient/load-p",), ("Observation/load-b12",)]


def test_a_circle_of_references_is_named(tmp_path: Path) -> None:
    circle = {**PATIENT, "link": [{"other": {"reference": "Observation/load-b12"}}]}
    records = load.read_folder(folder_of(tmp_path, *map(json.dumps, (OBSERVATION, circle))))
    with pytest.raises(load.LoadError, match=r"in a circle: .*Patient/load-p"):
        list(load.waves(records))


def test_numbers_are_sent_as_they_stand(tmp_path: Path) -> None:
    line = '{"resourceType":"Basic","id":"b","x":1.00}'
    records = load.read_folder(folder_of(tmp_path, line))
    assert line.encode() in load.transaction("http://s/fhir", ["Basic/b"], records)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"resourceType":"Patient","id":"42"}', "all.ndjson:1: Patient/42 .* ids of digits only"),
        ('{"resourceType":"Pati', "all.ndjson:1: not a FHIR resource"),
        ('{"resourceType":"Patient"}', "all.ndjson:1: not a FHIR resource with type and id"),
        ("[1]", "all.ndjson:1: not a FHIR resource"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(load.LoadError, match=problem):
        load.read_folder(folder_of(tmp_path, line))


def test_an_empty_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load.main([str(tmp_path), "http://127.0.0.1:1/fhir"]) == 2
    assert "no *.ndjson" in capsys.readouterr().err


@pytest.mark.loopback
def test_a_server_that_is_down_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, json.dumps(PATIENT))
    assert load.main([str(folder), "http://127.0.0.1:1/fhir"]) == 2
    assert "http://127.0.0.1:1/fhir: no answer" in capsys.readouterr().err


def test_the_server_is_r4_and_loads_but_for_what_it_refuses(
    hapi: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {**OBSERVATION, "id": "load-lost", "subject": {"reference": "Patient/load-nobody"}}
    folder = folder_of(tmp_path, *map(json.dumps, (broken, OBSERVATION, PATIENT)))
    assert load.main([str(folder), hapi]) == 1
    assert "refused: Observation/load-lost: HAPI-1094" in capsys.readouterr().err
    stored = requests.get(f"{hapi}/Observation/load-b12", timeout=30).json()
    assert stored["subject"] == {"reference": "Patient/load-p"}
    assert requests.get(f"{hapi}/metadata", timeout=30).json()["fhirVersion"] == "4.0.1"


def test_the_search_cache_is_on_and_can_be_passed_by(hapi: str) -> None:
    """The trap that a client must survive; if this fails, HAPI or its settings have changed."""

    def total(**headers: str) -> int:
        query = {"identifier": "urn:example:cache|1", "_total": "accurate"}
        answer = requests.get(f"{hapi}/Patient", params=query, headers=headers, timeout=30)
        return answer.json()["total"]

    assert total() == 0
    patient = {
        **PATIENT,
        "id": "cached",
        "identifier": [{"system": "urn:example:cache", "value": "1"}],
    }
    requests.put(f"{hapi}/Patient/cached", json=patient, timeout=30).raise_for_status()
    assert total() == 0
    assert total(**{"Cache-Control": "no-cache"}) == 1

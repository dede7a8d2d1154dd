"""Files that wait: named by the plan, rewritten only when they say something else, never stale."""

from pathlib import Path

import pytest

from b12fhir.adapters.files import HandoverFolder
from b12fhir.errors import ConfigError

PATIENT, OTHER = "a1b2c3d4e5f60718", "0123456789abcdef"
KEY = f"{PATIENT}:e1:r1"
NAME = f"{PATIENT}-e1-r1.json"


def bundle(text: str = "x") -> dict:
    return {"resourceType": "Bundle", "type": "transaction", "id": text}


def test_a_plan_is_kept_under_its_key_for_its_owner_only(tmp_path: Path):
    folder = HandoverFolder(tmp_path / "handover")
    assert folder.waiting(PATIENT) == {}
    folder.keep(PATIENT, {})
    assert not (tmp_path / "handover").exists()
    folder.keep(PATIENT, {KEY: bundle()})
    path = tmp_path / "handover" / NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.waiting(PATIENT) == {KEY: bundle()}
    assert folder.waiting(OTHER) == {}


def test_the_same_content_is_not_written_again_and_another_is(tmp_path: Path):
    folder = HandoverFolder(tmp_path)
    folder.keep(PATIENT, {KEY: bundle()})
    first = (tmp_path / NAME).stat().st_ino
    folder.keep(PATIENT, {KEY: bundle()})
    assert (tmp_path / NAME).stat().st_ino == first
    folder.keep(PATIENT, {KEY: bundle("y")})
    assert folder.waiting(PATIENT) == {KEY: bundle("y")}


def test_what_is_out_of_date_goes_and_nothing_else(tmp_path: Path):
    folder = HandoverFolder(tmp_path)
    folder.keep(PATIENT, {KEY: bundle()})
    folder.keep(OTHER, {f"{OTHER}:e1:r1": bundle()})
    (tmp_path / f"{PATIENT}-notes.json").write_text("{}")
    folder.keep(PATIENT, {f"{PATIENT}:e1:r2": bundle()})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{OTHER}-e1-r1.json",
        f"{PATIENT}-e1-r2.json",
        f"{PATIENT}-notes.json",
    ]


def test_a_damaged_file_is_written_anew(tmp_path: Path):
    folder = HandoverFolder(tmp_path)
    (tmp_path / NAME).write_text("{")
    assert folder.waiting(PATIENT) == {KEY: {}}
    folder.keep(PATIENT, {KEY: bundle()})
    assert folder.waiting(PATIENT) == {KEY: bundle()}


def test_a_plan_that_cannot_be_removed_is_said_to_be_out_of_date(tmp_path: Path):
    # A folder in the place of the file cannot be unlinked.
    (tmp_path / NAME).mkdir()
    with pytest.raises(ConfigError, match="out of date"):
        HandoverFolder(tmp_path).keep(PATIENT, {})

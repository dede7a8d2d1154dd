"""One run of HAPI's validator for all tests here: starting it costs more than all its work."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from b12fhir.fhir.json import encode
from b12fhir.fhir.profiles import artefacts, file_name
from b12fhir.protocol.load import load_protocol
from tests.profiles.corpus import Piece, corpus

VALIDATE = Path(__file__).parents[1] / "hapi" / "validator" / "validate.sh"
ANSWER_WITHIN_S = 600


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[dict[str, Any]]]:
    """Every issue of every resource, by the resource's name in the corpus."""
    if os.environ.get("HAPI") == "skip":
        pytest.skip("HAPI=skip: not validated")
    folder = tmp_path_factory.mktemp("profiles")
    for artefact in artefacts(load_protocol()):
        path = folder / file_name(artefact)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(artefact))
    return validated(folder, list(corpus()))


def validated(folder: Path, pieces: list[Piece]) -> dict[str, list[dict[str, Any]]]:
    """The validator's answers, all of them or a failure: no answer is no pass."""
    lines = [f"{name}\t{profile}\t{encode(one).decode()}\n" for name, profile, one in pieces]
    done = subprocess.run(
        [VALIDATE, folder],
        input="".join(lines),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=ANSWER_WITHIN_S,
    )
    if done.returncode:
        pytest.fail(f"{VALIDATE.name} failed:\n{done.stderr[-4000:]}", pytrace=False)
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    found = {answer["name"]: answer["issues"] for answer in answers}
    assert list(found) == [piece.name for piece in pieces]
    return found

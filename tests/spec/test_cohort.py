"""The demo cohort against its oracle, which was derived by hand from the rule book."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from b12fhir.adapters.files import read
from b12fhir.demo import cohort_dir
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service import proposal_schema, propose, to_json
from tests.spec.case import verdict
from tests.support.schemas import wrong

ORACLE = tomllib.loads(
    (Path(__file__).parent.parent / "cohort" / "expected.toml").read_text("utf-8")
)
AS_OF = datetime(2026, 11, 21, 9, tzinfo=UTC)


@cache
def _records() -> Any:
    return read([Path(str(cohort_dir()))])


@pytest.mark.parametrize("patient", sorted(ORACLE))
def test_answer(patient: str) -> None:
    """A demo patient whose answer changes is a clinical change, or a datum read differently."""
    reference = f"Patient/{patient}"
    proposal = propose(_records().of(reference), load_protocol(), AS_OF, Site(), reference)
    shown = to_json(proposal)
    assert list(_differences(ORACLE[patient], shown)) == []
    assert wrong(shown, proposal_schema()) == []


def _differences(expected: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[str]:
    return verdict(expected, shown["decision"])


def test_every_patient_of_the_cohort_has_an_answer() -> None:
    assert {f"Patient/{name}" for name in ORACLE} == set(_records().patients)

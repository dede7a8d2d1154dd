"""Every case by the door a person uses: the same answer as by the three public steps."""

import io
import json
from datetime import UTC, datetime

import pytest

from b12fhir import wiring
from tests.spec.case import Case, case_params, differences


@pytest.mark.parametrize("case", case_params())
def test_assess_gives_the_answer_of_the_case(case: Case, tmp_path) -> None:
    """A door that reads files another way would answer another way."""
    path = tmp_path / "input.json"
    path.write_bytes(case.bundle)
    out, err = io.StringIO(), io.StringIO()
    argv = ["assess", str(path), "--as-of", case.as_of.isoformat(), "--pack", case.pack, "--json"]
    code = wiring.main(argv, {}, out, err, lambda: datetime(2030, 1, 1, tzinfo=UTC))
    assert code == 0, err.getvalue()
    assert differences(case.expected, json.loads(out.getvalue())) == []

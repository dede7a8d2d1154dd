"""Every case folder gives its answer through the three public steps."""

import pytest

from b12fhir.fhir.json import decode
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service import proposal_schema, propose, to_json
from tests.spec.case import Case, case_params, differences
from tests.support.schemas import wrong


@pytest.mark.parametrize("case", case_params())
def test_answer(case: Case) -> None:
    """A different class, route, phase, date or reason is a clinical change."""
    proposal = propose([decode(case.bundle)], load_protocol(case.pack), case.as_of, Site())
    shown = to_json(proposal)
    assert differences(case.expected, shown) == []
    assert wrong(shown, proposal_schema()) == []

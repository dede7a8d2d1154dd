"""Every case folder gives its answer through the three public steps."""

import json

import jsonschema
import pytest

from b12fhir.fhir.json import decode, encode
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service import proposal_schema, propose, to_json
from tests.spec.case import Case, case_params, differences


@pytest.mark.parametrize("case", case_params())
def test_answer(case: Case) -> None:
    """A different class, route, phase, date or reason is a clinical change."""
    proposal = propose([decode(case.bundle)], load_protocol(case.pack), case.as_of, Site())
    shown = to_json(proposal)
    assert differences(case.expected, shown) == []
    jsonschema.validate(_plain(shown), proposal_schema())


def _plain(shown: object) -> object:
    """As another program reads it: through the wire."""
    return json.loads(encode(shown))

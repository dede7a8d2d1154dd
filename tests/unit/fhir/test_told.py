"""What a site says of its server: read whole, or refused with what to write."""

import pytest

from b12fhir.errors import ConfigError
from b12fhir.fhir.told import read_told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("if_match=no", {"if_match": False}),
        (" careplan_write = no , client_ids=yes ", {"write.CarePlan": False, "client_ids": True}),
        # Two names of one thing may agree.
        ("careplan_write=yes,write.CarePlan=yes", {"write.CarePlan": True}),
        (
            "transaction=no,conditional_create=no,write.Goal=no,write.Provenance=no",
            {
                "transaction": False,
                "conditional_create": False,
                "write.Goal": False,
                "write.Provenance": False,
            },
        ),
    ],
)
def test_each_name_gets_its_answer(text, told):
    assert read_told(text) == told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("if_macth=no", "'if_macth' is nothing"),
        ("write.Patient=yes", "'write.Patient' is nothing"),
        ("if_match=no,", "'' is nothing"),
        ("if_match", "if_match is neither yes nor no"),
        ("if_match=unknown", "if_match is neither yes nor no"),
        ("if_match=NO", "if_match is neither yes nor no"),
        ("if_match=no,if_match=yes", "if_match is said to be both"),
        ("careplan_write=no,write.CarePlan=yes", "write.CarePlan is said to be both"),
    ],
)
def test_what_is_unknown_or_contradicts_itself_is_refused(text, said):
    with pytest.raises(ConfigError) as caught:
        read_told(text)
    assert caught.value.message.startswith(said)
    assert caught.value.hint

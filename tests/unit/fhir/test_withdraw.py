"""Withdrawing a draft: the reason stands where each type can hold it, and the rest stays."""

import pytest

from b12fhir.fhir.digest import untouched
from b12fhir.fhir.stored import owned_resources
from b12fhir.fhir.withdraw import entry_to_withdraw
from tests.support.builders import SITE
from tests.unit.fhir.test_stored import IDS, TABLE, stored

WHY = "The findings no longer hold."
NOTICE = f"Withdrawn: {WHY}"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>A plan.</p></div>'


def withdrawn(kind, **more):
    row = TABLE[IDS.index(kind)]
    resource = stored(row, **more)
    resource["meta"] |= {"lastUpdated": "2026-11-21T00:00:00Z", "tag": [{"code": "b12fhir"}]}
    digest = {"system": SITE.system("content-digest"), "value": "as it was"}
    resource["identifier"] = [*resource["identifier"], digest]
    (item,) = owned_resources([resource], SITE)
    return entry_to_withdraw(item, WHY, SITE)


@pytest.mark.parametrize("kind", IDS)
def test_each_kind_goes_by_id_and_version_into_its_own_closed_state(kind):
    _, system, key, element, _, closed = TABLE[IDS.index(kind)]
    entry = withdrawn(kind)
    request = {"method": "PUT", "url": f"{kind}/7", "ifMatch": 'W/"4"'}
    assert entry["request"] == request
    resource = entry["resource"]
    assert resource[element] == closed
    assert set(resource) & {"status", "lifecycleStatus"} == {element}
    assert resource["identifier"][0] == {"system": SITE.system(system), "value": key}
    assert resource["meta"] == {"tag": [{"code": "b12fhir"}]}
    assert untouched(resource, SITE)


# R4: DetectedIssue has neither note nor statusReason; Goal.statusReason is a string.
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("CarePlan", None),
        ("MedicationRequest", {"text": WHY}),
        ("ServiceRequest", None),
        ("Goal", WHY),
        ("RiskAssessment", None),
        ("Task", {"text": WHY}),
    ],
)
def test_the_reason_comes_first_among_the_notes(kind, reason):
    resource = withdrawn(kind, note=[{"text": "Proposal."}])["resource"]
    assert resource["note"] == [{"text": NOTICE}, {"text": "Proposal."}]
    assert resource.get("statusReason") == reason


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, NOTICE), ({"detail": "Folate is low."}, f"{NOTICE} Folate is low.")],
)
def test_a_detected_issue_says_it_in_its_detail(before, after):
    resource = withdrawn("DetectedIssue", **before)["resource"]
    assert resource["detail"] == after
    assert not set(resource) & {"note", "statusReason"}


@pytest.mark.parametrize("kind", IDS)
def test_the_reason_heads_the_narrative(kind):
    """A narrative that does not say so would still read as an open proposal."""
    text = withdrawn(kind, text={"status": "generated", "div": DIV})["resource"]["text"]
    head = f'<div xmlns="http://www.w3.org/1999/xhtml"><p><b>{NOTICE}</b></p>'
    assert text == {"status": "generated", "div": f"{head}<p>A plan.</p></div>"}

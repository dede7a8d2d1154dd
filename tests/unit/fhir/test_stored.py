"""Our own resources as found on a server: whose, which plan's, and whether still ours to change."""

import pytest

from b12fhir.fhir.site import CANONICAL
from b12fhir.fhir.stored import owned_resources, patient_of
from tests.support.builders import SITE

PLAN = "0123456789abcdef:e2:r3"

# kind, identifier system, key, status element, draft state, state after our own withdrawal.
# R4 value sets: request-status, medicationrequest-status, goal-status, observation-status (of
# RiskAssessment and DetectedIssue) and task-status; only the requests and the Task have an intent.
TABLE = [
    ("CarePlan", "plan", PLAN, "status", ("draft", "proposal"), "revoked"),
    (
        "MedicationRequest",
        "medication-request",
        f"{PLAN}:induction",
        "status",
        ("draft", "proposal"),
        "cancelled",
    ),
    (
        "ServiceRequest",
        "service-request",
        f"{PLAN}:cbc",
        "status",
        ("draft", "proposal"),
        "revoked",
    ),
    ("Goal", "goal", f"{PLAN}:hb", "lifecycleStatus", ("proposed", None), "cancelled"),
    ("RiskAssessment", "assessment", PLAN, "status", ("preliminary", None), "cancelled"),
    (
        "DetectedIssue",
        "detected-issue",
        f"{PLAN}:folate-first",
        "status",
        ("preliminary", None),
        "cancelled",
    ),
    ("Task", "approval-task", PLAN, "status", ("requested", "proposal"), "cancelled"),
]
IDS = [row[0] for row in TABLE]


def stored(row, status=None, **more):
    kind, system, key, element, (draft, intent), _ = row
    who = {"Task": "for", "DetectedIssue": "patient"}.get(kind, "subject")
    intents = {"intent": intent} if intent else {}
    return {
        "resourceType": kind,
        "id": "7",
        "meta": {"versionId": "4"},
        "identifier": [{"system": f"{CANONICAL}/sid/{system}", "value": key}],
        element: status or draft,
        who: {"reference": "Patient/p1"},
        **intents,
        **more,
    }


def one(resource):
    (item,) = owned_resources([resource], SITE)
    return item


@pytest.mark.parametrize("row", TABLE, ids=IDS)
def test_each_kind_is_known_by_its_own_identifier(row):
    item = one(stored(row))
    assert (item.kind, item.key, item.version) == (row[0], row[2], "4")
    assert item.reference == f"{row[0]}/7"
    assert item.patient == "Patient/p1"


@pytest.mark.parametrize("row", TABLE, ids=IDS)
def test_each_kind_names_its_plan(row):
    """Patient, episode and revision: the first three parts, whatever stands behind them."""
    item = one(stored(row))
    assert item.plan_key == PLAN
    assert item.is_plan == (row[0] == "CarePlan")


@pytest.mark.parametrize("row", TABLE, ids=IDS)
def test_a_draft_is_ours_and_a_withdrawn_one_is_told_from_it(row):
    draft, withdrawn = one(stored(row)), one(stored(row, status=row[5]))
    assert (draft.is_draft_proposal, draft.is_withdrawn) == (True, False)
    assert (withdrawn.is_draft_proposal, withdrawn.is_withdrawn) == (False, True)


# What a person does to each kind: signs, accepts, finalises or closes it.
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("CarePlan", "active"),
        ("CarePlan", "completed"),
        ("MedicationRequest", "active"),
        ("ServiceRequest", "on-hold"),
        ("Goal", "accepted"),
        ("RiskAssessment", "final"),
        ("DetectedIssue", "final"),
        ("Task", "accepted"),
        ("Task", "rejected"),
    ],
)
def test_what_somebody_else_moved_on_is_neither(kind, status):
    item = one(stored(TABLE[IDS.index(kind)], status=status))
    assert not item.is_draft_proposal
    assert not item.is_withdrawn


@pytest.mark.parametrize("kind", ["CarePlan", "MedicationRequest", "ServiceRequest", "Task"])
def test_an_order_in_draft_is_no_proposal(kind):
    item = one(stored(TABLE[IDS.index(kind)]) | {"intent": "order"})
    assert not item.is_draft_proposal


@pytest.mark.parametrize("system", ["approved-plan", "order", "dose-task", "decision-digest"])
@pytest.mark.parametrize("kind", IDS)
def test_what_a_signature_made_and_other_tasks_are_no_part_of_a_proposal(kind, system):
    """They carry identifiers of ours, but the write policy must not even see them."""
    resource = stored(TABLE[IDS.index(kind)])
    resource["identifier"] = [{"system": f"{CANONICAL}/sid/{system}", "value": PLAN}]
    assert owned_resources([resource], SITE) == []


def test_foreign_resources_are_not_ours_and_one_read_twice_is_one():
    first, second = stored(TABLE[0]), stored(TABLE[6])
    foreign = {"resourceType": "Patient", "id": "p1"}
    found = owned_resources([second, first, foreign, second], SITE)
    assert [item.reference for item in found] == ["CarePlan/7", "Task/7"]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"subject": {"reference": "Patient/p1"}}, "Patient/p1"),
        ({"patient": {"reference": "http://x.example/fhir/Patient/p1/_history/3"}}, "Patient/p1"),
        ({"for": {"reference": "Patient/p1"}}, "Patient/p1"),
        ({"subject": {"identifier": {"value": "1"}}}, ""),
        ({}, ""),
    ],
)
def test_the_patient_is_found_however_it_is_written(resource, expected):
    assert patient_of(resource) == expected

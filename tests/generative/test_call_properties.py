"""Whatever a client sends, a call is understood or refused with the place: it never breaks.

And whatever an order says, a draft of it treats nobody: class and plan stay what they were.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b12fhir.errors import CallError
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service import propose
from b12fhir.service.hooks.advise import advise
from b12fhir.service.hooks.call import read_call
from b12fhir.service.hooks.model import Call, Hook
from tests.support.calls import CYANO, bundle, call, dosage, order

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
RECORD = (
    {"resourceType": "Patient", "id": "p1", "birthDate": "1980-01-01"},
    {
        "resourceType": "Observation",
        "id": "b12",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-11-18",
        "valueQuantity": {"value": 132, "unit": "ng/L", "code": "ng/L"},
    },
)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8)
WORDS = st.sampled_from(
    ["resourceType", "entry", "resource", "id", "subject", "patient", "reference", "code", "text"]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(sorted(order()))


@given(hook=st.sampled_from(sorted(Hook, key=lambda hook: hook.value)), body=JSON)
def test_any_body_is_understood_or_refused(hook: Hook, body: object) -> None:
    with pytest.raises(CallError):
        read_call(hook, body)


@given(
    member=st.sampled_from(
        ["draftOrders", "conditions", "allergyIntolerance", "appointments", "medications"]
    ),
    held=JSON,
)
def test_any_context_is_understood_or_refused(member: str, held: object) -> None:
    hook = {
        "draftOrders": Hook.ORDER_SIGN,
        "conditions": Hook.PROBLEM_CREATE,
        "allergyIntolerance": Hook.ALLERGY_CREATE,
        "appointments": Hook.APPOINTMENT_BOOK,
        "medications": Hook.MEDICATION_REFILL,
    }[member]
    body = call(hook.value, {})
    body["context"][member] = held
    found, where = _read(hook, body)
    if found is None:
        assert where.startswith("context.")
    else:
        assert all(one["id"] for one in (*found.context, *(d.resource for d in found.drafts)))


def _read(hook: Hook, body: object) -> tuple[Call | None, str]:
    """The call, or where it is at fault."""
    try:
        return read_call(hook, body), ""
    except CallError as error:
        return None, error.where


@settings(max_examples=60)
@given(name=MEMBERS, held=JSON)
def test_an_order_with_anything_in_it_is_answered(name: str, held: object) -> None:
    """One element of a right order is whatever a client makes of it."""
    body = call("order-sign", {"draftOrders": bundle({**order(), name: held})})
    try:
        read = read_call(Hook.ORDER_SIGN, body)
    except CallError:
        assert name == "subject"
        return
    drafts = [draft.resource for draft in read.drafts]
    proposal = propose([*RECORD, *drafts], load_protocol(), NOW, Site(), "p1")
    for card in advise(proposal, read, (), RECORD):
        assert len(card.summary) < 140


ROUTES = ["78421000", "34206005", "26643006", "37839007", "46713006", "47625008", None]
DOSAGES: st.SearchStrategy[dict[str, Any]] = st.builds(
    dosage,
    st.integers(1, 10**7),
    st.sampled_from(["ug", "mg", "mL", "{pill}", "tablet", "x"]),
    st.sampled_from(ROUTES),
    st.none()
    | st.tuples(st.integers(1, 4), st.integers(1, 90), st.sampled_from(["d", "wk", "mo"])),
)
PRODUCTS = st.sampled_from(
    [
        "cyanocobalamin 1000 microgram/mL injection",
        "cyanocobalamin 1000 microgram tablet",
        "hydroxocobalamin 5 mg/mL injection",
        "vitamin B12",
    ]
)


@settings(max_examples=60)
@given(name=PRODUCTS, dose=DOSAGES, status=st.sampled_from(["draft", "active", "completed", None]))
def test_a_draft_treats_nobody(name: str, dose: dict[str, Any], status: str | None) -> None:
    given_order = order(
        status=status,
        medicationCodeableConcept={"coding": [CYANO], "text": name},
        dosageInstruction=[dose],
    )
    read = read_call(Hook.ORDER_SIGN, call("order-sign", {"draftOrders": bundle(given_order)}))
    drafts = [draft.resource for draft in read.drafts]
    before = propose(RECORD, load_protocol(), NOW, Site(), "p1")
    after = propose([*RECORD, *drafts], load_protocol(), NOW, Site(), "p1")
    assert after.decision.classification is before.decision.classification
    assert after.decision.severity is before.decision.severity
    assert after.decision.urgency is before.decision.urgency
    assert after.decision.intent == before.decision.intent
    assert after.plan == before.plan
    for card in advise(after, read, (), RECORD):
        assert len(card.summary) < 140
        assert "  " not in card.summary

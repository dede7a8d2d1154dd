"""Whatever is decided and whatever is stored: only drafts are proposed, and only drafts withdrawn.

Ruling 11. Plans, patients and states of a server are made up at random; the rule must hold for all.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b12fhir.adapters.memory import MemoryServer
from b12fhir.decision.model import Classification, Intent, SeverityGrade, Urgency
from b12fhir.facts.record import OwnPlan
from b12fhir.fhir.bundle import entries
from b12fhir.fhir.compose import compose
from b12fhir.fhir.identity import patient_key
from b12fhir.fhir.json import decode, encode
from b12fhir.fhir.publish import reconcile
from b12fhir.fhir.validate import validate
from b12fhir.kernel.evidence import Finding, Input, Remark
from b12fhir.kernel.truth import Truth
from b12fhir.plan.model import Monitor
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import Span
from b12fhir.service import propose
from tests.spec.case import case_params
from tests.support.builders import (
    AMPOULE,
    CODED,
    D0,
    SITE,
    TABLET,
    build_decision,
    build_facts,
    build_phase,
    build_plan,
    build_protocol,
)

KINDS = (
    "CarePlan",
    "MedicationRequest",
    "ServiceRequest",
    "Goal",
    "RiskAssessment",
    "DetectedIssue",
    "Task",
)
# (status, intent) in R4's words, written down here once more: the code must not be its own judge.
DRAFT = {
    "CarePlan": ("draft", "proposal"),
    "MedicationRequest": ("draft", "proposal"),
    "ServiceRequest": ("draft", "proposal"),
    "Goal": ("proposed", None),
    "RiskAssessment": ("preliminary", None),
    "DetectedIssue": ("preliminary", None),
    "Task": ("requested", "proposal"),
}
WITHDRAWN = {
    "CarePlan": ("revoked", "proposal"),
    "MedicationRequest": ("cancelled", "proposal"),
    "ServiceRequest": ("revoked", "proposal"),
    "Goal": ("cancelled", None),
    "RiskAssessment": ("cancelled", None),
    "DetectedIssue": ("cancelled", None),
    "Task": ("cancelled", "proposal"),
}
TESTS = ("potassium", "blood-count", "b12", "uncoded", "clinical-review")

days = st.dates(date(2000, 1, 1), date(2040, 12, 31))
# Anything a record may hold, control characters and lone surrogates included.
texts = st.text(st.characters(), max_size=30)
lines = st.text(st.characters(codec="utf-8", min_codepoint=32), max_size=20).map(str.strip)
spans = st.builds(
    lambda value, unit, more: Span(value, unit, value + more if more else None),
    st.integers(1, 60),
    st.sampled_from(["d", "wk", "mo"]),
    st.integers(0, 3),
)
doses = st.decimals(Decimal("0.5"), Decimal(5000), places=1)


@st.composite
def phases(draw, name: str):
    start, dose = draw(days), draw(doses)
    is_injection = draw(st.booleans())
    product = draw(st.sampled_from([AMPOULE, CODED])) if is_injection else TABLET
    count = draw(st.integers(0, 20))
    return build_phase(
        id=name,
        product=product,
        route=draw(st.sampled_from(["im", "sc"] if is_injection else ["oral", "sublingual"])),
        dose=dose,
        dose_max=draw(st.none() | st.just(dose * 2)),
        volume_ml=dose / product.strength if is_injection else None,
        interval=draw(spans),
        count=count,
        start=start,
        last=start + timedelta(days=9) if count else None,
        end=draw(st.none() | st.just(start + timedelta(days=84))),
        reviews=tuple(draw(st.lists(days, max_size=2))),
        gate=draw(lines),
        stop_rule=draw(lines),
        alternative=draw(lines),
    )


@st.composite
def plans(draw):
    names = draw(
        st.lists(st.sampled_from(["induction", "induction-2", "maintenance", "oral"]), unique=True)
    )
    monitors = st.builds(
        Monitor,
        st.sampled_from(TESTS),
        st.lists(days, max_size=4).map(tuple),
        st.just("R-140"),
        st.booleans(),
    )
    return build_plan(
        kind=draw(st.sampled_from(["treat", "prophylaxis", "confirm", "stop"])),
        start=draw(days),
        phases=tuple(draw(phases(name)) for name in names),
        monitoring=tuple(draw(st.lists(monitors, max_size=5))),
    )


# A remark may quote an order, and so anything a record holds; its id is always ours.
remarks = st.builds(
    Remark,
    st.sampled_from(["potassium-low", "folic-acid", "leber", "iron-low"]),
    texts.map(lambda text: f"Heed: {text}"),
    st.sampled_from(["R-28", "R-50", "R-1"]),
)


@st.composite
def decisions(draw):
    inputs = st.builds(
        Input,
        st.sampled_from(["Observation/1", "Condition/2", "Procedure/3", "#x", "urn:uuid:4", ""]),
        texts,
        texts,
        st.just("2026-01-01"),
    )
    findings = st.builds(
        Finding,
        st.just("R-28"),
        st.sampled_from(list(Truth)),
        st.lists(inputs, max_size=3).map(tuple),
        texts,
    )
    return build_decision(
        classification=draw(st.sampled_from(list(Classification))),
        severity=draw(st.sampled_from(list(SeverityGrade))),
        urgency=draw(st.sampled_from(list(Urgency))),
        neuro=draw(st.booleans()),
        intent=Intent(draw(st.sampled_from(["treat", "prophylaxis", "confirm", "stop", "none"]))),
        findings=tuple(draw(st.lists(findings, max_size=3))),
        gaps=tuple(draw(st.lists(st.builds(Remark, texts, texts, st.just("R-1")), max_size=2))),
        cautions=tuple(draw(st.lists(remarks, max_size=3))),
        contraindications=tuple(draw(st.lists(remarks, max_size=2))),
    )


def composed(plan, decision, own_plans=()):
    return compose(build_facts(own_plans=own_plans), decision, plan, build_protocol(), SITE)


def state_of(resource) -> tuple[str, str | None]:
    element = "lifecycleStatus" if resource["resourceType"] == "Goal" else "status"
    return resource[element], resource.get("intent")


def check_writes(bundle, stored) -> None:
    """Every entry is a draft proposal, or the withdrawal of one that was stored as such."""
    assert validate(bundle) == []
    encode(bundle)
    before = {f"{r['resourceType']}/{r['id']}": state_of(r) for r in stored}
    for entry in bundle["entry"]:
        resource, request = entry["resource"], entry["request"]
        kind = resource["resourceType"]
        if kind == "Device":
            continue
        state = state_of(resource)
        if request["method"] == "POST":
            assert state == DRAFT[kind]
        elif state == DRAFT[kind]:
            assert before[request["url"]] in (DRAFT[kind], WITHDRAWN[kind])
        else:
            assert state == WITHDRAWN[kind]
            assert before[request["url"]] == DRAFT[kind]


@given(plans(), decisions())
@settings(max_examples=150)
def test_only_valid_draft_proposals_are_composed(plan, decision):
    bundle = composed(plan, decision)
    if bundle is None:
        assert plan.is_empty or decision.intent.kind == "none"
    else:
        check_writes(bundle, [])


@pytest.mark.parametrize("case", case_params())
def test_no_case_makes_more_than_a_draft(case):
    """Nothing but proposals in draft, for every patient of the case book."""
    record = [entry.resource for entry in entries(decode(case.bundle))]
    bundle = propose(record, load_protocol(case.pack), case.as_of, SITE).bundle()
    if bundle is not None:
        check_writes(bundle, [])
        assert b'"order"' not in encode(bundle)
        assert b'"plan"' not in encode(bundle)


@given(plans(), decisions(), days)
@settings(max_examples=60)
def test_the_same_input_gives_the_same_bytes_on_any_day(plan, decision, day):
    one = composed(plan, decision)
    two = composed(plan, decision._replace(as_of=day))
    assert encode(one) == encode(two)


states = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(["draft", "active", "on-hold", "completed", "revoked", "cancelled", "odd"]),
        st.sampled_from(["proposal", "proposal", "plan", "order"]),
    ),
    max_size=3,
)


@given(plans(), plans(), states, st.booleans())
@settings(max_examples=100)
def test_whatever_others_did_only_drafts_are_touched(first, second, meddling, is_wanted):
    """Somebody signs, holds, closes or cancels at random between two runs."""
    server = MemoryServer()
    bundle = composed(first, build_decision())
    if bundle is not None:
        server.transaction(bundle)
    for number, status, intent in meddling:
        found = [r for kind in KINDS for r in server.all(kind)]
        if found:
            victim = found[number % len(found)]
            kind = victim["resourceType"]
            element = "lifecycleStatus" if kind == "Goal" else "status"
            intents = {"intent": intent} if "intent" in victim else {}
            server.put(victim | {element: status} | intents)
    stored = [r for kind in KINDS for r in server.all(kind)]
    own = tuple(
        OwnPlan(f"CarePlan/{r['id']}", r["identifier"][0]["value"], r["status"], r["intent"], D0)
        for r in server.all("CarePlan")
    )
    wanted = composed(second, build_decision(), own) if is_wanted else None
    write = reconcile(stored, wanted, SITE)
    if write.bundle is None:
        assert (write.created, write.updated, write.withdrawn) == (0, 0, 0)
        return
    check_writes(write.bundle, stored)
    server.transaction(write.bundle)
    again = reconcile([r for kind in KINDS for r in server.all(kind)], wanted, SITE)
    assert again.kind in ("nothing", "blocked")


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_a_patient_key_tells_nothing_of_the_patient(server_id, site_key):
    site = replace(SITE, server_id=server_id, site_key=site_key)
    key = patient_key("Patient/p1", site)
    assert len(key) == 16
    assert set(key) <= set("0123456789abcdef")

"""Composing: one transaction, only draft proposals, hung on d0, the same bytes every time."""

from dataclasses import replace
from datetime import date

import pytest

from b12fhir.decision.model import Intent, Urgency
from b12fhir.facts.record import OwnPlan
from b12fhir.fhir.compose import compose, device_bundle
from b12fhir.fhir.formulary import Formulary, LocalCoding
from b12fhir.fhir.identity import patient_key
from b12fhir.fhir.json import encode
from b12fhir.fhir.validate import validate
from b12fhir.kernel.codes import LOINC, RXNORM, Code
from b12fhir.kernel.evidence import Finding, Input
from b12fhir.kernel.truth import Truth
from b12fhir.plan.model import Monitor
from b12fhir.protocol.model import Test as LabTest
from tests.support.builders import (
    CODED,
    D0,
    SITE,
    build_decision,
    build_facts,
    build_maintenance,
    build_oral,
    build_pack,
    build_phase,
    build_plan,
    build_protocol,
)

SID = "https://b12fhir.example/fhir/sid/"


def composed(facts=None, decision=None, plan=None, protocol=None, site=SITE) -> dict:
    bundle = compose(
        facts or build_facts(),
        decision or build_decision(),
        plan or build_plan(),
        protocol or build_protocol(),
        site,
    )
    assert bundle is not None
    assert validate(bundle) == []
    return bundle


def of_type(bundle: dict, kind: str) -> list[dict]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def care_plan(**args) -> dict:
    return of_type(composed(**args), "CarePlan")[0]


def values(resource: dict, name: str) -> list[str]:
    return [i["value"] for i in resource["identifier"] if i["system"] == SID + name]


def test_a_plan_becomes_one_resource_for_each_part():
    kinds = [entry["resource"]["resourceType"] for entry in composed()["entry"]]
    assert kinds == [
        "Device",
        "CarePlan",
        "MedicationRequest",
        "MedicationRequest",
        "ServiceRequest",
        "ServiceRequest",
        "ServiceRequest",
        "RiskAssessment",
        "DetectedIssue",
        "DetectedIssue",
        "Task",
    ]


@pytest.mark.parametrize(
    ("decision", "plan"),
    [
        (build_decision(), build_plan(phases=(), monitoring=())),
        (build_decision(intent=Intent("none")), build_plan()),
    ],
)
def test_nothing_to_say_is_no_bundle(decision, plan):
    assert compose(build_facts(), decision, plan, build_protocol(), SITE) is None


def test_the_same_facts_give_the_same_bytes():
    assert encode(composed()) == encode(composed())


def test_the_day_of_the_run_changes_nothing():
    later = composed(decision=build_decision(as_of=date(2027, 5, 5)))
    assert encode(later) == encode(composed())


def test_every_date_of_writing_is_d0():
    bundle = composed(plan=build_plan(start=date(2026, 11, 1)))
    assert {r["authoredOn"] for r in of_type(bundle, "MedicationRequest")} == {"2026-11-01"}
    assert {r["authoredOn"] for r in of_type(bundle, "ServiceRequest")} == {"2026-11-01"}
    plan = of_type(bundle, "CarePlan")[0]
    assert (plan["created"], plan["period"]) == ("2026-11-01", {"start": "2026-11-01"})


def test_identifiers_follow_patient_episode_revision_and_part():
    bundle = composed()
    key = f"{patient_key('Patient/p1', SITE)}:e1:r1"
    plan = of_type(bundle, "CarePlan")[0]
    assert values(plan, "plan") == [key]
    assert len(values(plan, "decision-digest")[0]) == len(values(plan, "content-digest")[0]) == 64
    medicines = of_type(bundle, "MedicationRequest")
    assert [values(m, "medication-request") for m in medicines] == [
        [f"{key}:induction"],
        [f"{key}:maintenance"],
    ]
    assert {m["groupIdentifier"]["value"] for m in medicines} == {key}
    assert {t["requisition"]["value"] for t in of_type(bundle, "ServiceRequest")} == {key}


def test_an_approved_and_closed_plan_opens_a_new_episode():
    closed = OwnPlan(
        "CarePlan/1", f"{patient_key('Patient/p1', SITE)}:e1:r1", "completed", "plan", D0
    )
    plan = care_plan(facts=build_facts(own_plans=(closed,)))
    assert values(plan, "plan")[0].endswith(":e2:r1")
    assert "replaces" not in plan


def test_a_withdrawn_plan_is_replaced_by_the_next_revision():
    """A conditional create on the old identity would find the withdrawn plan and write nothing."""
    old = OwnPlan(
        "CarePlan/1", f"{patient_key('Patient/p1', SITE)}:e1:r1", "revoked", "proposal", D0
    )
    plan = care_plan(facts=build_facts(own_plans=(old,)))
    assert values(plan, "plan")[0].endswith(":e1:r2")
    assert plan["replaces"] == [{"reference": "CarePlan/1"}]


def test_the_plan_links_the_evidence_and_only_what_can_be_linked():
    contained = Finding("R-28", Truth.YES, (Input("#lab", "1"), Input("urn:uuid:1", "2")))
    person = Finding("R-29", Truth.YES, (Input("Patient/p1", "61 years"),))
    decision = build_decision(findings=(*build_decision().findings, contained, person))
    plan = care_plan(decision=decision)
    assert plan["addresses"] == [{"reference": "Condition/pa"}, {"reference": "Condition/tingling"}]
    # A condition that speaks against the decision was used, and is not what the plan addresses.
    assert [link for link in plan["supportingInfo"] if "urn:" not in link["reference"]] == [
        {"reference": "Condition/refuted"},
        {"reference": "Observation/b12-1"},
    ]


def test_a_plan_without_links_has_no_empty_lists():
    bare = build_decision(findings=(), causes=(), cautions=(), contraindications=())
    plan = care_plan(decision=bare)
    assert not {"addresses", "goal"} & plan.keys()


def test_the_protocol_its_version_and_its_review_are_named():
    plan = care_plan()
    assert plan["instantiatesCanonical"] == [
        "https://b12fhir.example/fhir/PlanDefinition/b12-seed-default|1.0.0"
    ]
    assert plan["instantiatesUri"] == ["https://b12fhir.example/fhir/pack/seed-default/1.0.0"]
    assert "version 1.0.0" in plan["note"][1]["text"]
    assert "unreviewed" in plan["note"][1]["text"]


def test_what_no_laboratory_does_is_an_activity_of_the_plan():
    details = [a["detail"] for a in care_plan()["activity"] if "detail" in a]
    assert details == [
        {
            "kind": "Task",
            "code": {"text": "Clinical review"},
            "status": "not-started",
            "scheduledTiming": {"event": ["2026-12-05", "2027-02-21"]},
            "description": "Clinical review (R-144)",
        }
    ]


def test_an_activity_may_go_on_and_may_have_no_day():
    monitors = (Monitor("clinical-review", (), "R-1", open_ended=True),)
    activity = care_plan(plan=build_plan(monitoring=monitors))["activity"][-1]["detail"]
    assert "scheduledTiming" not in activity
    assert activity["description"] == "Clinical review, then yearly (R-1)"


@pytest.mark.parametrize(
    ("urgency", "priorities"),
    [
        (Urgency.URGENT, ["urgent", "routine", "urgent", "routine", "routine", "urgent"]),
        (Urgency.SOON, ["routine"] * 6),
        (Urgency.ROUTINE, ["routine"] * 6),
    ],
)
def test_only_what_is_due_at_once_is_urgent(urgency, priorities):
    """First phase, potassium, sign-off; "soon" has no FHIR code (asap is above urgent)."""
    bundle = composed(decision=build_decision(urgency=urgency))
    found = [e["resource"]["priority"] for e in bundle["entry"] if "priority" in e["resource"]]
    assert found == priorities


def test_a_test_due_on_d0_of_an_urgent_plan_is_urgent():
    plan = build_plan(kind="confirm", phases=(), monitoring=(Monitor("b12", (D0,), "R-1"),))
    bundle = composed(decision=build_decision(intent=Intent("confirm")), plan=plan)
    assert of_type(bundle, "ServiceRequest")[0]["priority"] == "urgent"


def test_medicines_are_named_by_text_and_coded_only_if_verified():
    medicines = of_type(
        composed(plan=build_plan(phases=(build_phase(), build_oral(product=CODED)))),
        "MedicationRequest",
    )
    assert medicines[0]["medicationCodeableConcept"] == {
        "text": "hydroxocobalamin 1000 microgram/mL solution for injection"
    }
    assert medicines[1]["medicationCodeableConcept"]["coding"] == [
        {"system": RXNORM, "code": "240684"}
    ]
    assert all(m["substitution"] == {"allowedBoolean": False} for m in medicines)


def test_a_sites_own_coding_stands_beside_the_text_and_before_the_verified_code():
    """Ruling 16: what the site orders by; a code that is both is written once."""
    local, both = Code("urn:drugs", "4711"), CODED.codes[0]
    own = (LocalCoding(local, "B12 ampoule"), LocalCoding(both))
    for codings, expected in (
        (own[:1], [{"display": "B12 ampoule"}, {}]),
        (own, [{"display": "B12 ampoule"}, {}]),
        (own[1:], [{}]),
    ):
        site = replace(SITE, drugs=Formulary(codings={CODED.id: codings}))
        plan = build_plan(phases=(build_oral(product=CODED),))
        (medicine,) = of_type(composed(plan=plan, site=site), "MedicationRequest")
        held = medicine["medicationCodeableConcept"]
        codes = [local, both][-len(expected) :]
        assert held["coding"] == [
            {**code._asdict(), **more} for code, more in zip(codes, expected, strict=True)
        ]
        assert held["text"] == "hydroxocobalamin 1000 microgram/mL solution for injection"


def test_a_course_is_acute_if_it_ends():
    phases = (build_phase(), build_oral(), build_maintenance())
    medicines = of_type(composed(plan=build_plan(phases=phases)), "MedicationRequest")
    courses = [m["courseOfTherapyType"]["coding"][0]["code"] for m in medicines]
    assert courses == ["acute", "acute", "continuous"]


def test_the_notes_tell_a_prescriber_what_the_line_cannot():
    phase = build_oral(
        gate="the load is complete",
        stop_rule="the diet is corrected",
        alternative="1000 microgram once a week",
        reviews=(date(2027, 1, 16),),
    )
    medicine = of_type(composed(plan=build_plan(phases=(phase,))), "MedicationRequest")[0]
    notes = [note["text"] for note in medicine["note"]]
    assert notes[0].startswith("Proposal by decision support: not an order")
    assert notes[1:6] == [
        "Start only when: the load is complete",
        "Stop rule: the diet is corrected",
        "Alternative: 1000 microgram once a week",
        "Permitted range 1000 to 2000 microgram a dose",
        "Review on 2027-01-16",
    ]
    assert notes[6].endswith("review status: unreviewed. Rule R-112.")


def test_one_test_is_ordered_once_however_often_it_is_due():
    """Two requests would have one identity, and a server refuses the whole transaction."""
    monitors = (
        Monitor("b12", (date(2027, 2, 21),), "R-140, R-141"),
        Monitor("potassium", (D0,), "R-1"),
        Monitor("b12", (D0, date(2027, 2, 21)), "R-141, R-99", open_ended=True),
    )
    tests = of_type(composed(plan=build_plan(monitoring=monitors)), "ServiceRequest")
    assert [t["code"]["text"] for t in tests] == ["Total vitamin B12", "Potassium"]
    assert tests[0]["occurrenceTiming"] == {"event": ["2026-11-21", "2027-02-21"]}
    assert "Rule R-140, R-141, R-99. Repeat yearly" in tests[0]["note"][0]["text"]


def test_a_test_without_day_or_code_is_still_ordered():
    plan = build_plan(monitoring=(Monitor("uncoded", (), "R-1"),))
    order = of_type(composed(plan=plan), "ServiceRequest")[0]
    assert order["code"] == {"text": "Local antibody panel"}
    assert "occurrenceTiming" not in order


def test_codes_carry_the_display_the_protocol_knows():
    tests = {"k": LabTest("k", "Potassium", (Code(LOINC, "2823-3"), Code("urn:local", "2823-3")))}
    protocol = build_protocol(tests=tests)
    plan = build_plan(monitoring=(Monitor("k", (D0,), "R-1"),))
    order = of_type(composed(plan=plan, protocol=protocol), "ServiceRequest")[0]
    assert order["code"]["coding"] == [
        {"system": LOINC, "code": "2823-3", "display": "Potassium, serum"},
        {"system": "urn:local", "code": "2823-3"},
    ]


@pytest.mark.parametrize("kind", ["treat", "prophylaxis", "confirm", "stop"])
def test_each_kind_has_its_title(kind):
    plan = care_plan(plan=replace(build_plan(), kind=kind))
    assert plan["title"].endswith("(proposal)")


def test_tests_alone_make_a_plan_without_medicines():
    plan = build_plan(kind="confirm", phases=())
    bundle = composed(decision=build_decision(intent=Intent("confirm")), plan=plan)
    assert of_type(bundle, "MedicationRequest") == []
    assert len(of_type(bundle, "ServiceRequest")) == 3


def test_the_device_alone_can_be_made_sure_of():
    entry = device_bundle(SITE)["entry"][0]
    assert entry == composed()["entry"][0]


def test_each_resource_names_its_profile_and_is_readable():
    """dom-6: a viewer that knows none of the elements still shows a text."""
    by_type = {e["resource"]["resourceType"]: e["resource"] for e in composed()["entry"]}
    base = "https://b12fhir.example/fhir/StructureDefinition/"
    assert {kind: r["meta"]["profile"] for kind, r in by_type.items()} == {
        "Device": [f"{base}b12-engine"],
        "CarePlan": [f"{base}b12-careplan"],
        "MedicationRequest": [f"{base}b12-medicationrequest"],
        "ServiceRequest": [f"{base}b12-monitoring"],
        "RiskAssessment": [f"{base}b12-assessment"],
        "DetectedIssue": [f"{base}b12-detectedissue"],
        "Task": [f"{base}b12-approval-task"],
    }
    notice = "<p><b>Proposal by decision support: not an order"
    assert all(notice in r["text"]["div"] for k, r in by_type.items() if k != "Device")


def test_the_treatment_has_a_digest_of_its_own():
    """It moves with the treatment alone: not with a date, a fact or the pack (ruling 7)."""
    first = values(care_plan(), "treatment-digest")
    assert [len(value) for value in first] == [64]
    same = [
        {"plan": build_plan(start=date(2026, 12, 1), phases=shifted())},
        {"decision": build_decision(findings=(), gaps=(), cautions=())},
        {"protocol": build_protocol(build_pack(version="2.0.0"))},
        {"plan": build_plan(monitoring=())},
    ]
    assert [values(care_plan(**args), "treatment-digest") for args in same] == [first] * 4
    other = [
        {"plan": build_plan(phases=(build_phase(count=8), build_maintenance()))},
        {"plan": build_plan(phases=(build_phase(),))},
        {"plan": build_plan(regimen="diet")},
        {"plan": build_plan(kind="prophylaxis")},
        {"decision": build_decision(contraindications=())},
    ]
    found = {values(care_plan(**args), "treatment-digest")[0] for args in other}
    assert len(found - set(first)) == 5


def shifted() -> tuple:
    """The default phases ten days later."""
    late = build_phase(start=date(2026, 12, 1), last=date(2026, 12, 13))
    return late, build_maintenance(start=date(2027, 1, 13))

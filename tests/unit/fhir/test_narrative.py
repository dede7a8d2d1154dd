"""The narrative: everything a reviewer needs, in any viewer, whatever the record holds."""

import xml.etree.ElementTree as ET
from datetime import date
from decimal import Decimal

import pytest

from b12fhir.decision.model import Intent
from b12fhir.fhir.narrative import narrative, pack_notice, with_notice
from b12fhir.kernel.evidence import Finding, Input
from b12fhir.kernel.truth import Truth
from b12fhir.plan.model import Monitor
from b12fhir.protocol.model import Review
from tests.support.builders import (
    build_decision,
    build_maintenance,
    build_oral,
    build_pack,
    build_phase,
    build_plan,
    build_protocol,
)


def words(decision=None, plan=None, protocol=None) -> str:
    found = narrative(
        decision or build_decision(), plan or build_plan(), protocol or build_protocol()
    )
    assert found["status"] == "generated"
    root = ET.fromstring(found["div"])  # noqa: S314 - our own output
    assert root.tag == "{http://www.w3.org/1999/xhtml}div"
    return " ".join(" ".join(root.itertext()).split())


@pytest.mark.parametrize(
    "part",
    [
        "Proposal by decision support: not an order until a clinician signs it.",
        "confirmed; severity severe; neurological signs; urgency urgent.",
        "Total B12 below the limit (R-28): 120 ng/L on 2026-11-10",
        "Neurological sign (R-50): Paresthesia on 2026-11-01; new since 2026-11-01",
        "pernicious anemia, confirmed, governs the treatment (R-70): Pernicious anaemia",
        "Never give cobalamin into a vein. (R-99)",
        "Potassium may fall. (R-166)",
        "Folate is not known. (R-178)",
        "Copper deficiency. (R-177)",
        "oral: neurological signs (R-90)",
        "oral 1000 daily: the cause prevents absorption (R-105)",
        "hydroxocobalamin 1000 microgram/mL solution for injection",
        "1000 microgram (1 mL of 1000 microgram/mL)",
        "7 doses, the last on 2026-12-03",
        "open-ended",
        "Potassium 2026-11-21, 2026-11-22, 2026-11-23 R-140",
        "2027-02-21, 2027-11-21, then yearly",
        "Clinical review",
        "Do not wait for further results",
        "Protocol pack seed-default version 1.0.0 of 2026-11-01, review status: unreviewed.",
    ],
)
def test_it_says(part):
    assert part in words()


def test_rules_that_do_not_hold_are_no_reasons():
    assert "R-60" not in words()
    assert "R-61" not in words()


def test_a_quiet_decision_has_no_empty_headings():
    quiet = build_decision(
        neuro=False,
        causes=(),
        findings=(),
        gaps=(),
        cautions=(),
        contraindications=(),
        mimics=(),
        intent=Intent("confirm"),
    )
    text = words(
        quiet, build_plan(kind="confirm", phases=(), monitoring=(), rejected=(), advice=())
    )
    for heading in ("Reasons", "Causes", "Do not", "Cautions", "Treatment", "Not chosen", "Tests"):
        assert heading not in text
    assert "neurological" not in text


def test_conditions_of_a_phase_stand_beside_it():
    phase = build_phase(
        id="induction-2",
        gate="signed again",
        stop_rule="no further gain",
        alternative="weekly",
        reviews=(date(2026, 12, 5),),
        count=1,
        last=None,
    )
    text = words(plan=build_plan(phases=(phase, build_oral(), build_maintenance(end=None))))
    assert "induction 2 (R-105)" in text
    assert "signed again: no further gain; weekly; review on 2026-12-05" in text
    assert "1 dose " in text
    assert "2027-02-12" in text
    assert "range 1000 to 2000 microgram" in text


def test_words_of_the_record_cannot_break_it():
    """A diagnosis text is foreign: markup, control characters and surrogates arrive in it."""
    evil = "<script>alert('1')</script> & \x00\x0b\ud800\ufffe \"x\""
    decision = build_decision(findings=(Finding("R-50", Truth.YES, (Input("Condition/1", evil),)),))
    text = words(decision)
    assert "<script>alert('1')</script> &" in text
    narrative(decision, build_plan(), build_protocol())["div"].encode()


def test_a_rule_or_test_the_protocol_does_not_know_is_still_shown():
    decision = build_decision(findings=(Finding("R-999", Truth.YES),))
    plan = build_plan(monitoring=(Monitor("nerve-conduction", (date(2026, 12, 1),), "R-1"),))
    assert "Rule (R-999)" in words(decision, plan)
    assert "nerve conduction" in words(decision, plan)


def test_a_cause_without_rule_or_inputs_is_a_plain_line():
    cause = build_decision().causes[0]._replace(governs=False, rule="", facts=())
    assert "pernicious anemia, confirmed Do not" in words(build_decision(causes=(cause,)))


def test_the_day_of_the_run_is_not_in_it():
    """Else every night would rewrite every draft."""
    one = narrative(build_decision(as_of=date(2026, 11, 21)), build_plan(), build_protocol())
    two = narrative(build_decision(as_of=date(2029, 2, 3)), build_plan(), build_protocol())
    assert one == two


def test_a_reviewed_pack_names_who_and_when():
    review = Review("reviewed", "Dr Example", date(2026, 11, 20))
    notice = pack_notice(build_pack(review=review))
    assert notice.endswith("review status: reviewed by Dr Example on 2026-11-20.")


def test_a_notice_goes_on_top():
    div = with_notice('<div xmlns="http://www.w3.org/1999/xhtml"><p>Old</p></div>', "A < B\x00")
    root = ET.fromstring(div)  # noqa: S314 - our own output
    assert " ".join(root.itertext()) == "A < B\ufffd Old"


def test_amounts_are_not_in_scientific_notation():
    text = words(plan=build_plan(phases=(build_phase(dose=Decimal("1E+3")),)))
    assert "1000 microgram (1 mL" in text

"""The last net before a signature is sent: each rule, broken once."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from b12fhir.fhir.lifecycle import approve
from b12fhir.fhir.lifecycle.valid import broken_rules, validate
from b12fhir.fhir.lifecycle.words import still_says_proposal, without_notice
from b12fhir.fhir.narrative import PROPOSAL_NOTICE
from tests.support.plans import Shelf, doctor


def signed() -> dict[str, Any]:
    shelf = Shelf()
    return copy.deepcopy(approve(shelf.stored(), shelf.key, doctor()).bundle)


def order(bundle: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bundle["entry"][1]["resource"]
    assert found["resourceType"] == "MedicationRequest"
    return found


def test_a_signature_breaks_no_rule():
    assert validate(signed()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one.update(intent="plan"), "no step of a plan's life"),
        (lambda one: one.update(status="on-hold"), "no step of a plan's life"),
        (lambda one: one.update(requester={"reference": "Device/1"}), "nobody answers for it"),
        (lambda one: one.pop("requester"), "nobody answers for it"),
        (lambda one: one.pop("basedOn"), "based on no proposal"),
        (lambda one: one.update(note=[{"text": "Plan (proposal)"}]), "says of itself"),
        (lambda one: one.update(subject={"reference": "Patient/other"}), "more than one patient"),
        (lambda one: one["dosageInstruction"][0].pop("route"), "route is missing"),
        (lambda one: one.update(status="sent"), "required list"),
    ],
)
def test_a_broken_rule_is_named(change: Callable[[dict[str, Any]], Any], said: str):
    bundle = signed()
    change(order(bundle))
    assert said in "; ".join(validate(bundle))


def test_an_unguarded_change_is_named():
    bundle = signed()
    (plan,) = (e for e in bundle["entry"] if e["request"]["url"].startswith("CarePlan/"))
    del plan["request"]["ifMatch"]
    assert any("version that was read" in problem for problem in broken_rules(bundle))


def test_the_notice_goes_and_nothing_else():
    """Servers break narrative lines in their own way, so the words count and not the spaces."""
    spread = PROPOSAL_NOTICE.replace(" ", "\n  ")
    resource = {
        "title": "Plan (proposal)",
        "note": [{"text": PROPOSAL_NOTICE}, {"text": f"{PROPOSAL_NOTICE} Rule R-140."}],
        "text": {
            "status": "generated",
            "div": f"<div><p><b>{spread}</b></p><p>Signature asked of: Ward, by 2026-11-22.</p>"
            "<p>Dose</p></div>",
        },
    }
    assert without_notice(resource) == {
        "title": "Plan",
        "note": [{"text": "Rule R-140."}],
        "text": {"status": "generated", "div": "<div><p>Dose</p></div>"},
    }
    assert without_notice({"note": [{"text": PROPOSAL_NOTICE}]}) == {}
    assert without_notice({"text": {"status": "empty"}}) == {"text": {"status": "empty"}}


@pytest.mark.parametrize(
    ("node", "says"),
    [
        ({"a": [{"b": "It is NOT an order"}]}, True),
        ({"a": ["Plan (proposal)"]}, True),
        ({"a": [{"b": "1000 microgram"}], "n": 1}, False),
    ],
)
def test_what_still_calls_itself_a_proposal_is_found_anywhere(node, says):
    assert still_says_proposal(node) is says

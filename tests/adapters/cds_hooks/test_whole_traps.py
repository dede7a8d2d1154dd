"""Traps of the specification, of its sandbox and of other services, over the whole service."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from b12fhir.fhir.json import decode
from b12fhir.service.hooks.model import Hook
from tests.spec.case import CASES
from tests.support import calls, hook_messages
from tests.support.hook_service import Door, door, path, prefetched

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
# Numb feet and a low B12: what is ordered matters most here.
RECORD = [
    entry["resource"] for entry in decode((CASES / "V02" / "input.json").read_bytes())["entry"]
]
PATIENT = next(one["id"] for one in RECORD if one["resourceType"] == "Patient")
ME = {"subject": {"reference": f"Patient/{PATIENT}"}}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Door]:
    with door(tmp_path, now=lambda: NOW) as one:
        yield one


def signed(service: Door, *orders: Any, hook: Hook = Hook.ORDER_SIGN, **context: Any) -> Any:
    bundle = calls.bundle(*(order | ME for order in orders), kind=None)
    return service.told(hook, RECORD, context={"draftOrders": bundle, **context})["cards"]


@pytest.mark.parametrize("hook", [Hook.ORDER_SELECT, Hook.ORDER_SIGN], ids=lambda h: h.value)
def test_the_sandboxs_order_without_a_drug_is_no_error(service: Door, hook: Hook) -> None:
    """No type, no intent, no medication; the signature button is pressed all the same."""
    found = signed(service, calls.sandbox_first_order(), hook=hook, selections=["x/nowhere"])
    assert [card for card in found if "suggestions" in card] == []


def test_an_accepted_card_that_lost_dose_and_route_is_noticed(service: Door) -> None:
    """The sandbox keeps text and code and makes 1 {pill} a day of them: an ampoule swallowed."""
    (card,) = service.told(Hook.PATIENT_VIEW, RECORD)["cards"]
    order = card["suggestions"][0]["actions"][0]["resource"]
    concept = order["medicationCodeableConcept"]
    pill = calls.sandbox_order(concept["text"], concept["coding"][0]["code"])
    (warning,) = signed(service, pill)
    assert warning["indicator"] in {"warning", "critical"}
    (action,) = warning["suggestions"][0]["actions"]
    assert action["type"] == "update"
    (dosage,) = action["resource"]["dosageInstruction"]
    (given,) = order["dosageInstruction"]
    assert dosage["route"] == given["route"]
    assert dosage["doseAndRate"] == given["doseAndRate"]
    assert action["resource"]["id"] == pill["id"]


def test_the_order_that_a_card_proposed_is_silent_when_it_is_signed_as_it_is(service: Door) -> None:
    """Whoever does what was proposed must not be warned of it."""
    (card,) = service.told(Hook.PATIENT_VIEW, RECORD)["cards"]
    orders = [action["resource"] for action in card["suggestions"][0]["actions"]]
    assert signed(service, *orders) == []


HOSTILE = "<img src=x onerror=alert(1)> [a](javascript:alert(1)) | `x` **b** http://evil.example"


@pytest.mark.parametrize("hook", [Hook.ORDER_SELECT, Hook.ORDER_SIGN], ids=lambda h: h.value)
def test_text_of_a_record_is_no_markup(service: Door, hook: Hook) -> None:
    """The sandbox renders HTML in a card's detail."""
    concept = {"coding": [calls.CYANO], "text": f"cyanocobalamin {HOSTILE}"}
    intravenous = calls.order(
        medicationCodeableConcept=concept, dosageInstruction=[calls.dosage(route="47625008")]
    )
    found = signed(service, intravenous, hook=hook, selections=["MedicationRequest/o1"])
    assert found
    for card in found:
        text = card["detail"]
        assert not re.search(r"<\s*[a-zA-Z/!]", text)
        assert not re.search(r"(?<!\\)\]\(", text)
        assert len({line.count("|") - line.count("\\|") for line in text.splitlines()}) == 1


def test_examples_of_the_specification_that_are_no_fhir_are_borne(service: Door) -> None:
    """A prefetch key of a bare text, and ids with typographic hyphens."""
    sent = hook_messages.body(Hook.PATIENT_VIEW, PATIENT)
    sent["prefetch"] = prefetched(RECORD, PATIENT) | {"user": "123"}
    sent["hookInstance"] = "d1577c69\u2011dfbe\u201144ad\u2011ba6d\u20113e05e953b2ea"
    assert service.post(Hook.PATIENT_VIEW, sent).status_code == 200


def test_an_allergy_that_is_wrapped_is_read(service: Door) -> None:
    """The hook's own example wraps the resource and gives clinicalStatus as a text."""
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "new",
        "clinicalStatus": "active",
        "verificationStatus": "confirmed",
        "patient": {"reference": f"Patient/{PATIENT}"},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "294922003"}]},
    }
    told = service.told(
        Hook.ALLERGY_CREATE, RECORD, context={"allergyIntolerance": {"resource": allergy}}
    )
    assert told["extension"]["org.b12fhir"]["classification"] == "confirmed"


def test_a_problem_with_a_category_of_words_is_read(service: Door) -> None:
    condition = {
        "resourceType": "Condition",
        "id": "new",
        "category": "problem-list-item",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "84027009"}]},
        **ME,
    }
    (card,) = service.told(
        Hook.PROBLEM_CREATE, RECORD, context={"conditions": calls.bundle(condition, kind=None)}
    )["cards"]
    assert card["indicator"] == "critical"


@pytest.mark.parametrize("accept", ["text/html", "application/json+fhir", "*/*", "image/png"])
def test_whatever_is_accepted_json_comes(service: Door, accept: str) -> None:
    sent = hook_messages.body(Hook.PATIENT_VIEW, PATIENT, prefetch=prefetched(RECORD, PATIENT))
    assert service.post(Hook.PATIENT_VIEW, sent, Accept=accept).status_code == 200


def test_a_call_of_another_hook_is_refused(service: Door) -> None:
    """Otherwise a client that mixes its addresses up gets advice on the wrong question."""
    sent = hook_messages.body(Hook.ORDER_SIGN, PATIENT, prefetch=prefetched(RECORD, PATIENT))
    answer = service.client.post(path(Hook.PATIENT_VIEW), json=sent)
    assert answer.status_code == 400


def test_a_new_result_that_is_normal_takes_the_card_away(service: Door) -> None:
    low = next(
        one for one in RECORD if one.get("code", {}).get("coding", [{}])[0].get("code") == "2132-9"
    )
    normal = {**low, "id": "later", "effectiveDateTime": "2026-11-20T08:00:00Z"}
    normal["valueQuantity"] = {**low["valueQuantity"], "value": 600}
    before = service.told(Hook.PATIENT_VIEW, RECORD)["cards"]
    after = service.told(Hook.PATIENT_VIEW, [*RECORD, normal])["cards"]
    assert before[0]["indicator"] == "critical"
    assert "deficiency" not in "".join(card["summary"] for card in after)

"""Orders that are being written: each wrong one has its card, what is right stays silent."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import SNOMED
from b12fhir.protocol.load import load_protocol
from b12fhir.service import propose
from b12fhir.service.hooks.call import read_call
from b12fhir.service.hooks.model import Call, Card, Hook, Indicator
from tests.support.calls import (
    AMPOULE,
    CYANO,
    RXNORM,
    TABLET,
    dosage,
    order,
    order_select,
    order_sign,
    sandbox_first_order,
    sandbox_order,
)
from tests.support.cards import cards as checked

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
ME = {"reference": "Patient/p1"}
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-01-01", "gender": "female"}
INFO, WARNING, CRITICAL = Indicator


def lab(value: Any, code: str = "2132-9", unit: str = "ng/L") -> dict[str, Any]:
    """A result of 18 November."""
    return {
        "resourceType": "Observation",
        "id": f"lab-{code}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": ME,
        "effectiveDateTime": "2026-11-18",
        "valueQuantity": {"value": value, "unit": unit, "code": unit},
    }


def condition(code: str, text: str) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": f"c{code}",
        "subject": ME,
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": {"coding": [{"system": SNOMED, "code": code}], "text": text},
        "recordedDate": "2026-10-01",
    }


def allergy(verified: str) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": ME,
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": verified}]},
        "code": {"coding": [{"system": RXNORM, "code": "5514"}]},
    }


GIVEN = {
    "resourceType": "MedicationAdministration",
    "id": "g1",
    "status": "completed",
    "subject": ME,
    "effectiveDateTime": "2026-11-20",
    "medicationCodeableConcept": {"coding": [CYANO], "text": AMPOULE},
    "dosage": {
        "dose": {"value": 1000, "code": "ug"},
        "route": {"coding": [{"system": SNOMED, "code": "78421000"}]},
    },
}
RUNNING = order(id="old", status="active", authoredOn="2026-11-19")
LOW, BETWEEN, NORMAL = lab(132), lab(230), lab(500)
PERNICIOUS = condition("84027009", "Pernicious anaemia")
TINGLING = condition("91019004", "Paresthesia")
LEBER = condition("58610003", "Leber")
TABLETS = {
    "medicationCodeableConcept": {"coding": [CYANO], "text": TABLET},
    "dosageInstruction": [dosage(route="26643006", every=(1, 1, "d"))],
}


def dosed(*args: Any, **more: Any) -> dict[str, Any]:
    return order(dosageInstruction=[dosage(*args, **more)])


def hydroxo(**more: Any) -> dict[str, Any]:
    text = "hydroxocobalamin 1000 microgram/mL injection"
    concept = {"coding": [{"system": RXNORM, "code": "5514"}], "text": text}
    return order(medicationCodeableConcept=concept, **more)


def folic_acid(**more: Any) -> dict[str, Any]:
    concept = {"coding": [{"system": RXNORM, "code": "4511"}], "text": "folic acid 5 mg tablet"}
    dose = dosage(5, "mg", route="26643006", every=(1, 1, "d"))
    whole = {"id": "f1", "medicationCodeableConcept": concept, "dosageInstruction": [dose]}
    return order(**(whole | more))


def product(text: str) -> dict[str, Any]:
    return order(medicationCodeableConcept={"coding": [CYANO], "text": text})


def judged(
    record: tuple[Any, ...], call: Call, unchecked: tuple[str, ...] = ()
) -> tuple[Card, ...]:
    """The cards of a call over a record, checked for what every card must be."""
    resources = [PATIENT, *record]
    drafts = [draft.resource for draft in call.drafts]
    proposal = propose([*resources, *drafts], load_protocol(), NOW, Site(), call.patient)
    cards = checked(proposal, call, unchecked, resources)
    for card in cards:
        assert "b12fhir-draft" not in card.detail + card.summary
        assert card.rule in load_protocol().rules
    return cards


def signed(record: tuple[Any, ...], *orders: Any, **more: Any) -> tuple[Card, ...]:
    return judged(record, read_call(Hook.ORDER_SIGN, order_sign(*orders, **more)))


def selected(record: tuple[Any, ...], *orders: Any, **more: Any) -> tuple[Card, ...]:
    return judged(record, read_call(Hook.ORDER_SELECT, order_select(*orders, **more)))


LOAD = "consider cyanocobalamin 1000 microgram IM every 2 days"
AWAY = [("delete", "MedicationRequest/o1")]
CHANGED = [("update", "o1"), *AWAY]
WRONG = [
    # record, order, indicator, what it is about, what the summary says, what may be accepted
    ((LOW,), dosed(route="47625008"), CRITICAL, "order-iv", ("1000 microgram IV", "oral"), CHANGED),
    ((LOW, PERNICIOUS), dosed(route="47625008"), CRITICAL, "order-iv", ("IV", LOAD), CHANGED),
    ((LOW, PERNICIOUS), dosed(1000, "mg"), CRITICAL, "order-dose", ("1000 mg", "5 mg"), CHANGED),
    ((LOW, PERNICIOUS), dosed(10000), CRITICAL, "order-dose", ("10 mg", "5 mg", LOAD), CHANGED),
    ((LOW, PERNICIOUS), dosed(100), WARNING, "order-ratio", ("B12 100 microgram", "0.1"), CHANGED),
    (
        (LOW, PERNICIOUS),
        order(**TABLETS),
        WARNING,
        "order-oral",
        ("pernicious anaemia", "132 ng/L", LOAD),
        CHANGED,
    ),
    ((LOW, TINGLING), order(**TABLETS), CRITICAL, "order-oral", ("nerve signs", LOAD), CHANGED),
    (
        (LOW, condition("396331005", "Coeliac disease")),
        order(**TABLETS),
        WARNING,
        "order-oral",
        ("where injections are needed", LOAD),
        CHANGED,
    ),
    ((LOW, allergy("confirmed")), order(), CRITICAL, "order-allergy", ("allergy referral",), AWAY),
    (
        (LOW, allergy("unconfirmed")),
        order(),
        WARNING,
        "order-allergy-unclear",
        ("clearing it before dose 1",),
        AWAY,
    ),
    ((LOW, LEBER), order(), CRITICAL, "order-leber", ("Leber", "hydroxocobalamin 1000"), CHANGED),
    (
        (LOW, PERNICIOUS),
        hydroxo(dosageInstruction=[dosage(route="34206005")]),
        WARNING,
        "order-sc",
        ("Hydroxocobalamin 1000 microgram SC", "label"),
        CHANGED,
    ),
    (
        (LOW, PERNICIOUS),
        product("cyanocobalamin 5 mg/mL injection"),
        WARNING,
        "order-strength",
        ("5000 microgram/mL", "1000 microgram = 0.2 mL", LOAD),
        CHANGED,
    ),
    ((LOW, PERNICIOUS), dosed(route=None), WARNING, "order-route", ("without a route",), CHANGED),
    (
        (LOW, PERNICIOUS),
        dosed(every=None),
        WARNING,
        "order-incomplete",
        ("does not say its interval", LOAD),
        CHANGED,
    ),
    (
        (LOW, PERNICIOUS),
        product("vitamin B12 injection"),
        WARNING,
        "order-incomplete",
        ("does not say its concentration",),
        CHANGED,
    ),
    (
        (LOW, PERNICIOUS),
        dosed(every=(1, 1, "d")),
        WARNING,
        "order-too-often",
        ("more often than the pack", LOAD),
        CHANGED,
    ),
    (
        (LOW, PERNICIOUS),
        product("cyanocobalamin 500 microgram nasal spray")
        | {"dosageInstruction": [dosage(route="46713006", every=(1, 1, "wk"))]},
        WARNING,
        "order-nasal",
        ("by the nose",),
        CHANGED,
    ),
    (
        (LOW, PERNICIOUS),
        order(
            medicationCodeableConcept=TABLETS["medicationCodeableConcept"],
            dosageInstruction=[dosage()],
        ),
        WARNING,
        "order-form",
        ("contradict each other",),
        CHANGED,
    ),
    (
        (LOW, PERNICIOUS, RUNNING),
        order(),
        WARNING,
        "order-duplicate",
        ("on order or taken already", "leaving this order out"),
        AWAY,
    ),
    (
        (LOW, PERNICIOUS, GIVEN),
        dosed(every=(1, 1, "mo")),
        WARNING,
        "order-too-soon",
        ("20 Nov 2026", "a later first dose"),
        AWAY,
    ),
    # where no plan proposes anything, what to do is said in words
    ((NORMAL,), dosed(route="47625008"), CRITICAL, "order-iv", ("an intramuscular order",), AWAY),
    ((NORMAL,), dosed(1000, "mg"), CRITICAL, "order-dose", ("checking the unit",), AWAY),
]  # fmt: skip


def accepted(card: Card) -> list[tuple[str, str]]:
    """Kind and target of the first action of each suggestion."""
    first = (suggestion.actions[0] for suggestion in card.suggestions)
    return [(one.kind, one.target or one.resource.get("id", "")) for one in first]


@pytest.mark.parametrize(("record", "given", "indicator", "key", "said", "offered"), WRONG)
def test_a_wrong_order_has_its_card(
    record: Any, given: Any, indicator: Indicator, key: str, said: Any, offered: Any
) -> None:
    (card,) = signed(record, given)
    assert (card.indicator, card.key) == (indicator, f"draft:{key}")
    for words in said:
        assert words in card.summary
    assert accepted(card) == offered
    assert key in card.grade.dangers
    assert card.topic == "order"


RIGHT = [
    ((LOW, PERNICIOUS), order()),
    ((LOW, PERNICIOUS), order(status="active")),
    ((LOW, PERNICIOUS), dosed(route="34206005")),
    ((LOW,), order(**TABLETS)),
    ((LOW, LEBER), hydroxo()),
    ((NORMAL,), folic_acid()),
    ((), order()),
    ((LOW,), order(id="x", medicationCodeableConcept={"text": "ibuprofen 400 mg tablet"})),
    ((LOW,), {"resourceType": "ServiceRequest", "id": "s", "subject": ME}),
    ((LOW,), sandbox_first_order()),
    # signed again: the active order on record is this very one
    ((LOW, PERNICIOUS, RUNNING), order(id="old", status="active")),
    # words that whoever signs goes by
    ((LOW, PERNICIOUS), order(dosageInstruction=[{"text": "1000 mcg IM every other day"}])),
]


@pytest.mark.parametrize(("record", "given"), RIGHT)
def test_what_is_right_stays_silent(record: Any, given: Any) -> None:
    assert signed(record, given) == ()
    assert selected(record, given) == ()


def test_an_accepted_card_that_comes_back_as_a_daily_pill_is_not_proposed_again() -> None:
    """The sandbox keeps name and code of the order, and makes it 1 {pill} a day."""
    for ask in (selected, signed):
        (card,) = ask((LOW, PERNICIOUS), sandbox_order())
        assert (card.indicator, card.key) == (WARNING, "draft:order-pill")
        assert "daily pills: dose and route are lost" in card.summary
        assert LOAD in card.summary
        (action,) = card.suggestions[0].actions
        assert card.suggestions[0].recommended
        assert (action.kind, action.resource["id"]) == ("update", "request-123")
        (dose,) = action.resource["dosageInstruction"]
        assert dose["doseAndRate"][0]["doseQuantity"]["value"] == 1000
        assert dose["route"]["coding"][0]["code"] == "78421000"
        assert (dose["timing"]["repeat"]["period"], dose["timing"]["repeat"]["count"]) == (2, 7)


def test_a_pill_whose_route_is_stated_lost_its_dose_only() -> None:
    (card,) = signed((LOW, PERNICIOUS), dosed(1, "{pill}"))
    assert "ordered as pills: dose is lost" in card.summary


def test_an_order_is_written_from_the_medicine_on() -> None:
    """Route and interval are asked for when it is signed, not while it is written."""
    for given in (dosed(route=None), dosed(every=None)):
        assert selected((LOW, PERNICIOUS), given) == ()
        assert len(signed((LOW, PERNICIOUS), given)) == 1


def test_only_what_is_selected_is_spoken_to() -> None:
    orders = (order(), dosed(route="47625008") | {"id": "o2"})
    others = ["MedicationRequest/o1"]
    assert selected((LOW, PERNICIOUS), *orders, selections=["MedicationRequest/gone"]) == ()
    (card,) = selected((LOW, PERNICIOUS), *orders, selections=others)
    assert card.key == "draft:order-duplicate"
    # Whoever signs, signs them all; that there are two is told once.
    (card,) = signed((LOW, PERNICIOUS), *orders)
    assert card.key == "draft:order-iv"
    assert "another draft" in card.detail


def test_of_two_drafts_of_one_thing_the_second_is_named() -> None:
    (card,) = signed((LOW, PERNICIOUS), order(), order(id="o2"))
    assert "drafted twice" in card.summary
    assert "another draft" in card.detail
    assert accepted(card) == [("delete", "MedicationRequest/o2")]


def test_two_drafts_beside_a_running_order_are_both_named() -> None:
    cards = signed((LOW, PERNICIOUS, RUNNING), order(), order(id="o2"))
    assert [one.key for one in cards] == ["draft:order-duplicate"] * 2


FOLIC = [
    # record, the words of the summary, the kinds of resource offered
    ((LOW,), ("is low", "132 ng/L", "cyanocobalamin 1000 microgram oral"), "MedicationRequest"),
    ((LOW, TINGLING), ("is low", "IM every 2 days first"), "MedicationRequest"),
    ((BETWEEN,), ("not shown to be enough", "MMA first"), "ServiceRequest"),
    ((), ("is not known", "measuring B12 first"), "ServiceRequest"),
]


@pytest.mark.parametrize(("record", "said", "kind"), FOLIC)
def test_folic_acid_alone(record: Any, said: Any, kind: str) -> None:
    (card,) = signed(record, folic_acid())
    assert (card.indicator, card.key) == (WARNING, "draft:order-folic-acid")
    for words in said:
        assert words in card.summary
    better, away = card.suggestions
    assert better.recommended
    assert better.actions[0].resource["resourceType"] == kind
    assert away.actions[0].target == "MedicationRequest/f1"
    assert "5 mg a day" in card.detail


def test_folic_acid_whose_dose_nobody_can_read() -> None:
    (card,) = signed((LOW,), folic_acid(dosageInstruction=None))
    assert "mg a day" not in card.detail


def test_b12_beside_folic_acid_is_not_folic_acid_alone() -> None:
    assert signed((LOW,), folic_acid(), order(**TABLETS)) == ()


def test_an_order_without_id_cannot_be_changed_in_its_place() -> None:
    (card,) = signed((LOW, PERNICIOUS), dosed(route="47625008") | {"id": None})
    (suggestion,) = card.suggestions
    (action,) = suggestion.actions
    assert (action.kind, suggestion.recommended) == ("create", True)
    assert "take the other order away yourself" in action.description


def test_the_version_that_was_seen_goes_along_with_a_change() -> None:
    given = dosed(route="47625008") | {"meta": {"versionId": "3"}}
    (card,) = signed((LOW, PERNICIOUS), given)
    assert card.suggestions[0].actions[0].resource["meta"]["versionId"] == "3"


def test_a_forbidden_order_without_id_leaves_nothing_to_accept() -> None:
    (card,) = signed((LOW, allergy("confirmed")), order(id=None))
    assert card.suggestions == ()


@pytest.mark.parametrize("user", ["Patient/p1", "RelatedPerson/r1"])
def test_whoever_orders_nothing_is_offered_nothing(user: str) -> None:
    body = order_sign(dosed(route="47625008"))
    body["context"]["userId"] = user
    (card,) = judged((LOW, PERNICIOUS), read_call(Hook.ORDER_SIGN, body))
    assert card.suggestions == ()
    assert "ask your care team about" in card.summary


def test_nothing_is_said_about_the_dead() -> None:
    dead = PATIENT | {"deceasedBoolean": True, "meta": {"versionId": "2"}}
    assert signed((dead, LOW), dosed(route="47625008")) == ()


BESIDE = [
    # what goes before the order, its weight, what is offered
    ((BETWEEN,), order(**TABLETS), INFO, "order:confirm", "MMA before dose 1", "ServiceRequest"),
    (
        (LOW, PERNICIOUS, lab(Decimal("3.1"), "2823-3", "mmol/L")),
        order(),
        WARNING,
        "order:potassium-low",
        "correcting potassium",
        "ServiceRequest",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("record", "given", "indicator", "key", "said", "kind"), BESIDE)
def test_what_goes_before_an_order_that_is_right(
    record: Any, given: Any, indicator: Indicator, key: str, said: str, kind: str
) -> None:
    (card,) = signed(record, given)
    assert (card.indicator, card.key) == (indicator, key)
    assert said in card.summary
    resources = [action.resource for one in card.suggestions for action in one.actions]
    assert {one["resourceType"] for one in resources} == {kind}


def test_a_child_has_no_adult_dose() -> None:
    child = PATIENT | {"birthDate": "2016-01-01", "meta": {"versionId": "2"}}
    (card,) = signed((child, LOW), order())
    assert (card.indicator, card.key, card.suggestions) == (WARNING, "order:under-16", ())


def test_an_order_that_could_not_be_checked_is_not_passed_over() -> None:
    """Allergies that could not be read: no card would read "nothing speaks against it"."""
    call = read_call(Hook.ORDER_SIGN, order_sign(order()))
    (card,) = judged((LOW, PERNICIOUS), call, ("allergies (403)",))
    assert card.key == "unchecked"
    assert "allergies" in card.detail
    other = order(medicationCodeableConcept={"text": "ibuprofen 400 mg"})
    call = read_call(Hook.ORDER_SIGN, order_sign(other))
    assert judged((LOW,), call, ("allergies (403)",)) == ()


MULTIVITAMIN = {
    "coding": [{"system": RXNORM, "code": "11248"}],
    "text": "thiamine 10 mg / cyanocobalamin 0.005 mg tablet",
}


def test_a_multivitamin_is_no_order_of_b12_but_an_allergy_forbids_it() -> None:
    given = order(medicationCodeableConcept=MULTIVITAMIN, dosageInstruction=None)
    assert signed((BETWEEN,), given) == ()
    assert [one.key for one in signed((LOW, allergy("confirmed")), given)] == [
        "draft:order-allergy"
    ]


def test_the_same_call_gives_the_same_cards_and_another_order_another_fingerprint() -> None:
    """An answer to one order silences no other: the fingerprint is of what it orders."""
    record = (LOW, PERNICIOUS)
    (one,), (again,) = (signed(record, dosed(route="47625008")) for _ in range(2))
    assert one == again
    (renamed,) = signed(record, dosed(route="47625008") | {"id": "o9"})
    assert renamed.fingerprint == one.fingerprint
    (other,) = signed(record, dosed(500, route="47625008"))
    assert other.fingerprint != one.fingerprint


def test_the_detail_shows_how_the_order_was_read_and_what_to_do() -> None:
    (card,) = signed((LOW, PERNICIOUS), sandbox_order())
    for words in (
        "no dose, an injection, no route, once a day",
        "without a route cannot be signed",
        "every 2 days",
        "132 ng/L",
        "Missing or too old".lower(),
        "No clinician has signed it",
    ):
        assert words in card.detail
    (card,) = signed((LOW, PERNICIOUS), dosed(route="47625008", every=None))
    assert "intravenous, no interval that can be read" in card.detail
    (card,) = signed(
        (LOW,),
        order(
            dosageInstruction=[dosage(50, every=(3, 1, "d"))],
            medicationCodeableConcept=TABLETS["medicationCodeableConcept"],
        ),
    )
    assert "3 times a day" in card.detail


def test_a_name_in_an_order_cannot_steer_a_page() -> None:
    evil = "cyanocobalamin 1000 microgram/mL injection <img src=x onerror=alert(1)> [x](http://e.x)"
    given = dosed(route="47625008") | {
        "medicationCodeableConcept": {"coding": [CYANO], "text": evil}
    }
    (card,) = signed((LOW, PERNICIOUS), given)
    assert "&lt;img" in card.detail
    assert "<img" not in card.detail


def test_a_draft_is_no_evidence_of_treatment() -> None:
    """Nothing is "given or ordered" by it, and it is no reason for the class."""
    (card,) = signed((LOW, PERNICIOUS), dosed(route="47625008"))
    assert "B12 given or ordered: none on record" in card.detail.replace("\\", "")
    why = next(row for row in card.detail.splitlines() if row.startswith("| **Why**"))
    assert "R-93" not in why


def test_another_dose_is_judged_as_it_was_written() -> None:
    """A pack without a plan for this patient: the decision stands, and no order is made up."""
    (card,) = signed((NORMAL,), dosed(1, "{pill}"))
    assert "an order with dose, route and interval" in card.summary
    assert replace(card, suggestions=()).suggestions == ()


def test_another_form_in_the_place_of_the_one_that_runs_is_asked_about() -> None:
    """R-104; nothing is offered, for it may well be meant."""
    given = hydroxo(id="old")
    (card,) = signed((LOW, PERNICIOUS, RUNNING), given)
    assert (card.indicator, card.key) == (WARNING, "draft:order-changed")
    assert "Hydroxocobalamin in the place of another form of B12" in card.summary
    assert card.suggestions == ()

"""What a reader may accept: whole, unsigned, of this patient, and never twice."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.patient import Patient, Sex
from b12fhir.fhir.formulary import Formulary, LocalCoding
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import Code
from b12fhir.kernel.dates import on
from b12fhir.service.hooks.model import Card, Hook, Role
from tests.support.cards import card, read, rows
from tests.support.facts import concept, lab
from tests.support.hook_records import condition, proposal_of
from tests.support.proposals import proposed
from tests.unit.service.test_propose import b12

LOW = b12(95, day="2026-11-18")
OLD = Patient("Patient/p1", Sex.FEMALE, on(date(1950, 1, 1)))
NUMB = condition("91019004", "Paresthesia")


def drafts(found: Card, kind: str = "MedicationRequest") -> list[dict[str, Any]]:
    """Resources of one type in the recommended suggestion."""
    actions = found.suggestions[0].actions
    return [dict(a.resource) for a in actions if a.resource["resourceType"] == kind]


def test_the_first_phase_is_drafted_whole_with_the_tests_before_dose_one() -> None:
    (found,) = read(LOW, NUMB)
    (order,) = drafts(found)
    assert order["medicationCodeableConcept"] == {
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "11248"}],
        "text": "cyanocobalamin 1000 microgram/mL injection",
    }
    (dosage,) = order["dosageInstruction"]
    assert dosage["text"].startswith(
        "1000 microgram (1 mL of 1000 microgram/mL) - every 2 days - intramuscular - for 11 doses"
    )
    assert dosage["route"]["coding"][0]["code"] == "78421000"
    assert dosage["doseAndRate"][0]["doseQuantity"]["code"] == "ug"
    assert order["priority"] == "urgent"
    tests = [one["code"]["text"] for one in drafts(found, "ServiceRequest")]
    # R-10 with R-81; potassium with every load by injection.
    assert tests == [
        "Complete blood count (CBC)",
        "Coeliac serology (tissue transglutaminase IgA)",
        "Ferritin",
        "Folate in serum",
        "Intrinsic-factor blocking antibody (before dose 1)",
        "Potassium",
        "Reticulocytes",
    ]
    # Later phases are told, not drafted.
    assert "then once a week x 4, then once a month" in rows(found)["Plan"]


def test_an_order_must_not_say_that_it_is_none() -> None:
    (found,) = read(LOW)
    (order,) = drafts(found)
    notes = [one["text"] for one in order["note"]]
    assert not any("not an order" in text for text in notes)
    assert notes[0].startswith("Drafted by decision support.")
    assert "unreviewed" in notes[-1]


def test_it_has_an_identity_that_neither_sync_nor_signature_takes_for_its_own() -> None:
    site = Site()
    (found,) = read(LOW)
    (order,) = drafts(found)
    (own,) = order["identifier"]
    assert own["system"] == site.system("card-order")
    assert own["value"].endswith(":e1:r1:induction")
    # The plan's identifier holds its parts together.
    assert order["groupIdentifier"]["system"] == site.system("plan")
    assert own["value"].startswith(order["groupIdentifier"]["value"])
    assert "id" not in order


@pytest.mark.parametrize(
    ("role", "user", "requester"),
    [
        (Role.PRESCRIBER, "Practitioner/dr1", "Practitioner/dr1"),
        (Role.PRESCRIBER, "https://ehr.example/fhir/PractitionerRole/9", "PractitionerRole/9"),
        # Nobody is named who may not be one to sign.
        (Role.UNKNOWN, "Device/7", None),
        (Role.PRESCRIBER, "", None),
    ],
)
def test_who_asks_for_it_is_named_where_it_is_sure(role, user, requester) -> None:
    (found,) = read(LOW, role=role, user=user)
    named = drafts(found)[0].get("requester")
    assert named == ({"reference": requester} if requester else None)


@pytest.mark.parametrize(
    ("place", "shown"),
    [("", None), ("e1", "Encounter/e1"), ("Encounter/e2", "Encounter/e2")],
)
def test_the_encounter_of_the_call_is_that_of_the_orders(place, shown) -> None:
    (found,) = read(LOW, encounter=place)
    for one in (*drafts(found), *drafts(found, "ServiceRequest")):
        assert one.get("encounter") == ({"reference": shown} if shown else None)


@pytest.mark.parametrize("role", [Role.NURSE, Role.PHARMACIST, Role.PATIENT])
def test_who_does_not_prescribe_gets_no_order(role) -> None:
    for found in (*read(LOW, role=role), *read(b12(250), role=role)):
        assert found.suggestions == ()


def test_the_tests_alone_are_the_alternative_where_nothing_presses() -> None:
    (found,) = read(LOW)
    recommended, other = found.suggestions
    assert (recommended.recommended, other.recommended) == (True, False)
    assert other.label == "Draft 6 tests first, without treatment"
    assert len(recommended.actions) == len(other.actions) + 1
    # Nerves do not wait for tests: there is no such choice.
    (urgent,) = read(LOW, NUMB)
    assert len(urgent.suggestions) == 1


def test_one_test_is_one_test() -> None:
    full = [
        lab(A.B12_TOTAL, 95), lab(A.HEMOGLOBIN, 140), lab(A.FOLATE, 20), lab(A.FERRITIN, 100),
        lab(A.RETIC_PCT, 1), lab(A.POTASSIUM, 4),
    ]  # fmt: skip
    found = card(proposed(*full, concept("diet_vegan")))
    # Everything R-10 asks for is there, and the cause is known: nothing is left to order.
    assert [len(one.actions) for one in found.suggestions] == [1]
    assert found.suggestions[0].label == "Draft cyanocobalamin 1000 microgram oral once a day"
    some = card(proposed(*full[:3], *full[4:], concept("diet_vegan")))
    assert some.suggestions[0].label.endswith(", and 1 test before dose 1")


def test_where_mma_cannot_be_had_b12_is_repeated_after_three_months() -> None:
    (found,) = read(b12(250), day="2026-11-21")
    first, other = found.suggestions
    assert first.label == "Draft Methylmalonic acid in serum (MMA)"
    assert other.label == "If MMA cannot be had: draft B12 again on 21 Feb 2027"
    again = dict(other.actions[0].resource)
    assert again["occurrenceTiming"] == {"event": ["2027-02-21"]}
    assert again["code"]["coding"][0]["code"] == "2132-9"


def test_potassium_is_drafted_for_its_first_two_days_only() -> None:
    """R-137: 0, 24 and 48 hours in pernicious anaemia."""
    (found,) = read(LOW, condition("84027009", "Pernicious anaemia"), day="2026-11-21")
    (potassium,) = [
        one for one in drafts(found, "ServiceRequest") if one["code"]["text"] == "Potassium"
    ]
    assert potassium["occurrenceTiming"] == {"event": ["2026-11-21", "2026-11-22", "2026-11-23"]}


def test_a_plan_that_was_proposed_earlier_begins_today_and_not_in_the_past() -> None:
    """Its first doses would be late before they exist."""
    site = Site()
    stored = proposal_of(LOW, site=site)
    (found,) = read(LOW, *stored, day="2026-12-05")
    (order,) = drafts(found)
    assert (
        order["dosageInstruction"][0]["timing"]["repeat"]["boundsPeriod"]["start"] == "2026-12-05"
    )
    assert order["authoredOn"] == "2026-12-05"


def test_orders_rest_on_the_proposal_that_the_record_holds() -> None:
    stored = proposal_of(LOW, site=Site())
    (found,) = read(LOW, *stored, day="2026-11-21")
    held = {
        one["identifier"][0]["value"]: f"{one['resourceType']}/{one['id']}"
        for one in stored
        if one["resourceType"] in {"MedicationRequest", "ServiceRequest"}
    }
    for one in (*drafts(found), *drafts(found, "ServiceRequest")):
        assert one["basedOn"] == [{"reference": held[one["identifier"][0]["value"]]}]


def test_a_proposal_that_was_closed_is_rested_on_no_more() -> None:
    stored = proposal_of(LOW, site=Site())
    closed = [{**one, "status": "cancelled"} for one in stored if "Request" in one["resourceType"]]
    (found,) = read(LOW, *closed, day="2026-11-21")
    assert "basedOn" not in drafts(found)[0]


def accepted(found: Card, **more: Any) -> list[dict[str, Any]]:
    """What a record system made of an accepted suggestion: its own drafts."""
    return [
        {**dict(action.resource), "id": f"ehr{number}", "meta": {"versionId": "3"}, **more}
        for number, action in enumerate(found.suggestions[0].actions)
    ]


def test_a_draft_of_an_earlier_card_is_not_made_twice() -> None:
    (first,) = read(LOW)
    (second,) = read(LOW, *accepted(first))
    assert second.suggestions == ()
    assert rows(second)["Plan"].startswith(
        "A draft order of an earlier card waits for a signature."
    )
    # Signed, it is an order like any other: nothing is to be started.
    orders = [one for one in accepted(first, status="active") if "dosage" in str(one)]
    assert read(LOW, *orders) == ()


def test_a_draft_that_says_something_else_is_changed_and_not_doubled() -> None:
    (first,) = read(LOW)
    held = accepted(first)
    held[0]["dosageInstruction"] = [{"text": "1 pill a day"}]
    (second,) = read(LOW, *held)
    (change,) = second.suggestions[0].actions
    assert change.kind == "update"
    assert change.resource["id"] == "ehr0"
    assert change.resource["meta"]["versionId"] == "3"
    assert change.resource["dosageInstruction"] == first.suggestions[0].actions[0].resource[
        "dosageInstruction"
    ]  # fmt: skip
    assert change.description.startswith("Change the waiting draft.")


def test_a_draft_without_version_is_changed_without_one() -> None:
    (first,) = read(LOW)
    held = accepted(first, meta={})
    held[0]["dosageInstruction"] = []
    (second,) = read(LOW, *held)
    assert "versionId" not in second.suggestions[0].actions[0].resource["meta"]


def test_a_draft_under_an_earlier_revision_is_the_same_order() -> None:
    (first,) = read(LOW)
    held = accepted(first)
    for one in held:
        one["identifier"][0]["value"] = one["identifier"][0]["value"].replace(":r1:", ":r7:")
    (second,) = read(LOW, *held)
    assert second.suggestions == ()


def test_drafts_of_others_are_no_draft_of_ours() -> None:
    theirs = {
        "resourceType": "ServiceRequest",
        "id": "t1",
        "status": "draft",
        "intent": "order",
        "identifier": ["odd", {"system": "urn:x", "value": "y"}],
        "subject": {"reference": "Patient/p1"},
    }
    (found,) = read(LOW, theirs)
    assert len(found.suggestions) == 2
    assert "waits" not in rows(found)["Plan"]


def test_tests_that_wait_already_are_not_drafted_again() -> None:
    (first,) = read(b12(250))
    both = [*accepted(first)]
    both += [{**dict(first.suggestions[1].actions[0].resource), "id": "ehr9"}]
    (second,) = read(b12(250), *both)
    assert second.suggestions == ()
    (third,) = read(b12(250), *both[:1])
    assert third.suggestions == ()
    (fourth,) = read(b12(250), *both[1:])
    assert [one.label for one in fourth.suggestions] == ["Draft Methylmalonic acid in serum (MMA)"]


def test_a_recheck_that_waits_already_is_not_drafted_again() -> None:
    parts = (lab(A.B12_TOTAL, 250), lab(A.MMA, 430), lab(A.EGFR, 90))
    first = card(proposed(*parts, patient=OLD))
    held = accepted(first)
    second = card(proposed(*parts, patient=OLD), record=held[:1])
    assert [len(one.actions) for one in second.suggestions] == [1]
    assert card(proposed(*parts, patient=OLD), record=held).suggestions == ()


def test_a_sites_own_code_stands_in_the_order() -> None:
    """Some systems take over no medicine without a code of theirs."""
    own = Code("urn:oid:1.2.3", "B12-INJ")
    drugs = Formulary(codings={"cyanocobalamin-tablet-1000": (LocalCoding(own, "B12 tab"),)})
    (found,) = read(LOW, site=replace(Site(), drugs=drugs))
    codings = drafts(found)[0]["medicationCodeableConcept"]["coding"]
    assert codings[0] == {"system": "urn:oid:1.2.3", "code": "B12-INJ", "display": "B12 tab"}


def test_other_hooks_offer_the_same_orders() -> None:
    (opened,) = read(LOW)
    (leaves,) = read(LOW, hook=Hook.ENCOUNTER_DISCHARGE)
    assert leaves.suggestions == opened.suggestions

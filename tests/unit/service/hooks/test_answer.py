"""The JSON of an answer, and what is kept of each card."""

import json
from dataclasses import replace

from b12fhir.facts.labs import Analyte as A
from b12fhir.fhir.digest import decision_digest
from b12fhir.fhir.identity import patient_key, reader_key
from b12fhir.fhir.json import canonical
from b12fhir.fhir.topics import TOPICS
from b12fhir.service.hooks.advise import advise
from b12fhir.service.hooks.answer import REASON_TEXTS, answer
from b12fhir.service.hooks.build import OVERRIDES
from b12fhir.service.hooks.model import Action, Hook, Link, Suggestion
from tests.support.cards import NOW, call, ids, issuing
from tests.support.facts import concept, lab
from tests.support.proposals import proposed

LOW = proposed(lab(A.B12_TOTAL, 95), concept("paresthesia"))


def told(proposal=LOW, cards=None, **more):
    asked = call()
    found = advise(proposal, asked) if cards is None else cards
    return answer(found, proposal, asked, issuing(**more))


def test_a_card_is_whole() -> None:
    (found,) = told()[0]["cards"]
    assert list(found) == [
        *("uuid", "summary", "detail", "indicator", "source", "suggestions"),
        *("selectionBehavior", "overrideReasons"),
    ]
    assert found["indicator"] == "critical"
    assert found["selectionBehavior"] == "at-most-one"
    assert found["source"] == {
        "label": "b12fhir, pack seed-default 1.0.0 (unreviewed), rule R-28"
        " (Founding article on numbers; NICE guideline NG239, 2024)",
        "url": "https://b12fhir.example/fhir/PlanDefinition/b12-seed-default",
        "topic": {
            "system": "https://b12fhir.example/fhir/CodeSystem/card-topic",
            "code": "deficiency",
            "display": "Vitamin B12 deficiency to be treated",
        },
    }
    (suggestion,) = found["suggestions"]
    assert suggestion["isRecommended"] is True
    assert {action["type"] for action in suggestion["actions"]} == {"create"}


def test_reasons_to_override_are_hl7s_with_words() -> None:
    (found,) = told()[0]["cards"]
    system = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
    assert [one["code"] for one in found["overrideReasons"]] == list(OVERRIDES)
    assert all(one["system"] == system and one["display"] for one in found["overrideReasons"])
    assert 5 <= len(OVERRIDES) <= 7
    assert set(OVERRIDES) == set(REASON_TEXTS)


def test_an_information_has_neither_reasons_nor_empty_members() -> None:
    (found,) = told(proposed(refused=(), labs=(lab(A.B12_TOTAL, 250),)))[0]["cards"]
    assert "overrideReasons" not in found
    assert "links" not in found


def test_no_card_still_says_what_was_decided() -> None:
    """An empty answer must not read the same for "normal" and for "nothing is known"."""
    body, kept = told(proposed(lab(A.B12_TOTAL, 500)))
    assert (body["cards"], kept) == ([], ())
    said = body["extension"]["org.b12fhir"]
    assert said["classification"] == "unlikely"
    assert "route" not in said
    nothing = told(proposed())[0]["extension"]["org.b12fhir"]
    assert nothing["classification"] == "no-data"


def test_the_extension_is_that_of_every_other_door() -> None:
    said = told()[0]["extension"]["org.b12fhir"]
    decision, pack = LOW.decision, LOW.protocol.pack
    assert said == {
        "classification": "confirmed",
        "severity": "severe",
        "neuro": True,
        "urgency": "urgent",
        "action": "treat",
        "decision": decision_digest(decision, LOW.plan, pack),
        "pack": "seed-default",
        "version": "1.0.0",
        "review": "unreviewed",
        "route": "im",
    }


def test_a_card_about_a_draft_does_not_lend_its_own_fingerprint() -> None:
    (found,) = advise(LOW, call())
    draft = replace(found, key="draft:order-iv", fingerprint="of the draft")
    said = told(cards=(draft,))[0]["extension"]["org.b12fhir"]
    assert said["decision"] == found.fingerprint


def test_uuids_are_fresh_and_kept_with_the_card() -> None:
    new = ids()
    first, kept = told(new_id=new)
    again, _ = told(new_id=new)
    (card,) = first["cards"]
    assert card["uuid"] != again["cards"][0]["uuid"]
    (one,) = kept
    assert one.uuid == card["uuid"]
    assert one.suggestions == {s["uuid"]: s["label"] for s in card["suggestions"]}


def test_what_is_kept_names_nobody() -> None:
    (one,) = told()[1]
    assert one.patient == patient_key("Patient/p1", LOW.site)
    assert one.user == reader_key("Practitioner/dr1", LOW.site)
    assert (one.at, one.service, one.hook) == (NOW, "b12-patient-view", Hook.PATIENT_VIEW)
    assert (one.pack, one.rules) == ("seed-default/1.0.0", "0123456789abcdef")
    assert (one.key, one.rule, one.grade.b12) == ("finding", "R-28", "95")
    for name in ("Patient/p1", "Practitioner/dr1", "paresthesia"):
        assert name not in str(one)


def test_the_grade_holds_moles_in_the_unit_of_mass() -> None:
    """Cards of two units are compared: 100 pmol/L x 1355.37 g/mol / 1000 = 135.537 ng/L."""
    moles = proposed(lab(A.B12_TOTAL, 100, unit="pmol/L"))
    (card,) = advise(moles, call())
    assert card.grade.b12 == "135.537"


def test_links_and_the_apps_that_they_start() -> None:
    """An app is told which decision was meant by a fingerprint, and nothing about the patient."""
    links = (
        Link("About", "https://b12.example/docs"),
        Link("App", "https://app.example/launch", "smart"),
        Link("Other", "https://app.example/launch", "smart", "abc"),
    )
    (card,) = told(links=links)[0]["cards"]
    digest = decision_digest(LOW.decision, LOW.plan, LOW.protocol.pack)
    assert card["links"] == [
        {"label": "About", "url": "https://b12.example/docs", "type": "absolute"},
        {
            "label": "App",
            "url": "https://app.example/launch",
            "type": "smart",
            "appContext": digest,
        },
        {
            "label": "Other",
            "url": "https://app.example/launch",
            "type": "smart",
            "appContext": "abc",
        },
    ]


def test_a_delete_names_its_target_and_a_card_may_have_no_address() -> None:
    (found,) = advise(LOW, call())
    away = Suggestion("Away", (Action("delete", "Away with it", target="MedicationRequest/1"),))
    (card,) = told(cards=(replace(found, suggestions=(away,), source_url="", rule="R-118"),))[0][
        "cards"
    ]
    assert card["suggestions"][0]["actions"] == [
        {"type": "delete", "description": "Away with it", "resourceId": "MedicationRequest/1"}
    ]
    assert "isRecommended" not in card["suggestions"][0]
    assert "url" not in card["source"]


def test_the_same_call_gives_the_same_bytes() -> None:
    assert canonical(told()[0]) == canonical(told()[0])
    assert json.loads(canonical(told()[0]))["cards"]


def test_every_topic_has_words() -> None:
    assert all(TOPICS.values())

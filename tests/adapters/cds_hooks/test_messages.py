"""The schemas say what CDS Hooks 2.0 says: strictly of what we send, tolerantly of what we get."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from b12fhir.adapters.cds_hooks.messages import NAMES, schema, schemas
from b12fhir.service.hooks.model import Hook
from tests.support import hook_messages

GONE = object()


VALIDATORS = {name: Draft202012Validator(schema(name)) for name in NAMES}


def wrong(message: Any, name: str) -> list[str]:
    return [one.message for one in VALIDATORS[name].iter_errors(message)]


def changed(message: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The message with one member set, or taken away."""
    copy = deepcopy(message)
    place = copy
    for step in path[:-1]:
        place = place[step]
    if value is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


def refs(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from refs(one)
    if isinstance(part, Mapping):
        for key, one in part.items():
            yield from [one] if key == "$ref" else refs(one)


def test_there_is_one_schema_for_each_hook() -> None:
    assert {hook.value for hook in Hook} < set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


def test_what_schemas_refer_to_stands_in_the_same_document() -> None:
    whole = {"$defs": schemas("#/$defs/")}
    for ref in set(refs(whole)):
        place: Any = whole
        for step in ref.removeprefix("#/").split("/"):
            place = place[step]


@pytest.mark.parametrize("hook", Hook, ids=str)
def test_a_plain_call_is_valid(hook: Hook) -> None:
    assert wrong(hook_messages.body(hook), hook.value) == []


REQUIRED = {
    Hook.PATIENT_VIEW: {"userId", "patientId"},
    Hook.ORDER_SELECT: {"userId", "patientId", "selections", "draftOrders"},
    Hook.ORDER_SIGN: {"userId", "patientId", "draftOrders"},
    Hook.ENCOUNTER_DISCHARGE: {"userId", "patientId", "encounterId"},
    Hook.APPOINTMENT_BOOK: {"userId", "patientId", "appointments"},
    # A refill may be asked for by nobody who is logged in.
    Hook.MEDICATION_REFILL: {"patientId", "medications"},
    Hook.PROBLEM_CREATE: {"userId", "patientId", "conditions"},
    Hook.ALLERGY_CREATE: {"userId", "patientId", "allergyIntolerance"},
}


@pytest.mark.parametrize("hook", Hook, ids=str)
def test_each_hook_requires_its_context(hook: Hook) -> None:
    whole = hook_messages.body(hook)
    needed = {
        name
        for name in whole["context"]
        if wrong(changed(whole, ("context", name), GONE), hook.value)
    }
    assert needed == REQUIRED[hook]


@pytest.mark.parametrize("member", ["hook", "hookInstance", "context"])
def test_the_members_of_a_call_are_required(member: str) -> None:
    assert wrong(changed(hook_messages.body(Hook.ORDER_SIGN), (member,), GONE), "order-sign")


AUTHORIZATION = {"access_token": "t", "token_type": "Bearer", "expires_in": 0, "scope": "s"}
TOLERATED = [
    (("fhirServer",), "https://ehr.example/fhir"),
    (("prefetch",), {}),
    (("prefetch",), {"labs": None, "unknown": {"resourceType": "Bundle"}}),
    (("extension",), {"com.example.x": {"y": [1]}}),
    (("unknown",), ["anything"]),
    (("context", "unknown"), None),
    (("context", "userId"), "PractitionerRole/r.1-b"),
    (("context", "draftOrders"), {"entry": "odd"}),
]
REFUSED = [
    (("hook",), "patient-view"),
    (("context",), []),
    (("context", "patientId"), 1),
    (("context", "patientId"), "../Practitioner/x"),
    (("context", "patientId"), "1&_count=1"),
    (("context", "draftOrders"), None),
    (("context", "userId"), "dr1"),
    (("prefetch",), []),
    (("prefetch",), {"labs": "text"}),
    (("extension",), []),
    (("fhirServer",), "file:///etc/passwd"),
    (("fhirServer",), "not a url"),
    (("fhirAuthorization",), AUTHORIZATION),  # without the server that it is for
]


@pytest.mark.parametrize(("path", "value"), TOLERATED)
def test_odd_calls_are_valid(path: tuple[str, ...], value: Any) -> None:
    assert wrong(changed(hook_messages.body(Hook.ORDER_SIGN), path, value), "order-sign") == []


@pytest.mark.parametrize(("path", "value"), REFUSED)
def test_wrong_calls_are_not(path: tuple[str, ...], value: Any) -> None:
    assert wrong(changed(hook_messages.body(Hook.ORDER_SIGN), path, value), "order-sign")


def test_a_token_stands_beside_its_server() -> None:
    body = hook_messages.body(
        Hook.ORDER_SIGN, fhirServer="https://ehr.example/fhir", fhirAuthorization=AUTHORIZATION
    )
    assert wrong(body, "order-sign") == []


def test_an_answer_is_valid_with_and_without_cards() -> None:
    whole = hook_messages.answer()
    assert wrong(whole, "response") == []
    assert wrong({**whole, "cards": []}, "response") == []


_CARD = ("cards", 0)
_SUGGESTION = (*_CARD, "suggestions", 0)
_ACTION = (*_SUGGESTION, "actions", 0)
_ORDER = (*_ACTION, "resource")
_LINK = (*_CARD, "links", 0)
ALLOWED = [
    ((*_CARD, "summary"), "x" * 139),
    ((*_CARD, "detail"), "B12 &lt;100 ng/L, was < 120"),
    ((*_CARD, "links"), GONE),
    ((*_CARD, "source", "topic"), GONE),
    ((*_CARD, "extension"), {"org.b12fhir": {"rule": "R-28"}}),
    ((*_SUGGESTION, "isRecommended"), GONE),
    (("extension", "org.b12fhir", "route"), GONE),
    (("extension", "org.b12fhir", "unchecked"), ["allergies"]),
    ((*_ACTION,), {"type": "delete", "description": "Leave it out", "resourceId": "Task/t1"}),
    ((*_ACTION, "type"), "update"),
    ((*_LINK,), {"label": "a", "url": "https://b12fhir.example/", "type": "smart"}),
]
FORBIDDEN = [
    (("systemActions",), []),
    (("extension",), GONE),  # no cards must be told apart from not assessed
    (("extension", "org.b12fhir", "classification"), GONE),
    (("extension", "org.b12fhir", "unchecked"), []),
    (("extension", "org.b12fhir", "patient"), "Patient/p1"),
    ((*_CARD, "summary"), "x" * 140),
    ((*_CARD, "summary"), "two\nlines"),
    ((*_CARD, "summary"), ""),
    ((*_CARD, "detail"), ""),
    ((*_CARD, "detail"), "<script>alert(1)</script>"),
    ((*_CARD, "detail"), "a <b>word</b>"),
    ((*_CARD, "detail"), None),
    ((*_CARD, "uuid"), GONE),
    ((*_CARD, "uuid"), "1"),
    ((*_CARD, "indicator"), "hard-stop"),
    ((*_CARD, "source", "label"), GONE),
    ((*_CARD, "source", "url"), "/guideline"),
    ((*_CARD, "source", "topic", "system"), GONE),
    ((*_CARD, "suggestions"), []),
    ((*_CARD, "suggestions"), GONE),  # then nothing is there to select
    ((*_CARD, "selectionBehavior"), GONE),
    ((*_CARD, "selectionBehavior"), "all"),
    ((*_CARD, "overrideReasons"), GONE),  # of a warning
    ((*_CARD, "overrideReasons", 0, "display"), GONE),
    ((*_CARD, "overrideReasons", 0, "system"), GONE),
    ((*_SUGGESTION, "uuid"), GONE),
    ((*_SUGGESTION, "actions"), []),
    ((*_ACTION, "description"), GONE),
    ((*_ACTION, "resource"), GONE),
    ((*_ACTION, "resourceId"), "MedicationRequest/1"),  # beside a resource
    ((*_ORDER, "status"), "active"),
    ((*_ORDER, "intent"), "proposal"),
    ((*_ORDER, "note"), []),
    ((*_ORDER, "note"), [{"text": None}]),
    ((*_ORDER, "medicationCodeableConcept", "text"), GONE),
    ((*_ORDER, "medicationCodeableConcept", "coding"), GONE),
    ((*_ORDER, "dosageInstruction", 0, "route"), GONE),
    ((*_ORDER, "dosageInstruction", 0, "text"), GONE),
    ((*_ORDER, "subject", "reference"), "urn:uuid:1"),
    ((*_LINK, "autolaunchable"), True),
    ((*_LINK, "url"), "javascript:alert(1)"),
    ((*_LINK, "appContext"), "opaque"),  # of a link that is not smart
]


@pytest.mark.parametrize(("path", "value"), ALLOWED)
def test_answers_that_we_may_send(path: tuple[Any, ...], value: Any) -> None:
    assert wrong(changed(hook_messages.answer(), path, value), "response") == []


@pytest.mark.parametrize(("path", "value"), FORBIDDEN)
def test_answers_that_we_may_not_send(path: tuple[Any, ...], value: Any) -> None:
    assert wrong(changed(hook_messages.answer(), path, value), "response")


def test_one_of_several_is_recommended_unless_any_may_be_chosen() -> None:
    whole = hook_messages.answer()
    card = whole["cards"][0]
    card["suggestions"] *= 2
    assert wrong(whole, "response")
    card["selectionBehavior"] = "any"
    assert wrong(whole, "response") == []


def test_an_update_names_what_it_changes() -> None:
    whole = changed(hook_messages.answer(), (*_ACTION, "type"), "update")
    assert wrong(whole, "response") == []
    assert wrong(changed(whole, (*_ORDER, "id"), GONE), "response")


_FIRST, _SECOND = ("feedback", 0), ("feedback", 1)


def test_feedback_is_valid() -> None:
    assert wrong(hook_messages.feedback(), "feedback") == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*_SECOND, "overrideReason"), GONE),
        ((*_SECOND, "overrideReason"), {"userComment": "later"}),
        ((*_SECOND, "overrideReason", "reason", "display"), "Patient refuses"),
        ((*_FIRST, "extension"), {"com.example": {}}),
        ((*_FIRST, "unknown"), 1),
    ],
)
def test_feedback_that_is_kept(path: tuple[Any, ...], value: Any) -> None:
    assert wrong(changed(hook_messages.feedback(), path, value), "feedback") == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("feedback",), GONE),
        (("feedback",), {}),
        ((*_FIRST, "card"), GONE),
        ((*_FIRST, "outcome"), "ignored"),
        ((*_FIRST, "acceptedSuggestions"), GONE),
        ((*_FIRST, "acceptedSuggestions"), []),
        ((*_FIRST, "outcomeTimestamp"), GONE),
        ((*_FIRST, "outcomeTimestamp"), "yesterday"),
        ((*_SECOND, "overrideReason"), {}),
    ],
)
def test_feedback_that_is_refused(path: tuple[Any, ...], value: Any) -> None:
    assert wrong(changed(hook_messages.feedback(), path, value), "feedback")


TEMPLATES = [
    ("Patient/{{context.patientId}}", True),
    ("Observation?patient={{context.patientId}}&code=2132-9,16695-9&_sort=-date&_count=9", True),
    ("Practitioner/{{userPractitionerId}}", True),
    ("Observation?patient={{context.draftOrders.MedicationRequest.id}}", False),
    ("Observation?patient={{patientId}}", False),
    ("Observation?patient={{today()}}", False),
    ("CarePlan?patient={{context.patientId}}&_include=CarePlan:activity-reference", False),
    ("/Patient/{{context.patientId}}", False),
]


@pytest.mark.parametrize(("template", "good"), TEMPLATES)
def test_prefetch_templates_keep_to_the_common_subset(template: str, *, good: bool) -> None:
    service = {"hook": "patient-view", "title": "a", "description": "b", "id": "c"}
    told = {"services": [{**service, "prefetch": {"one": template}}]}
    assert (wrong(told, "discovery") == []) is good

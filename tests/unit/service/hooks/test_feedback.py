"""Feedback: what counts is read strictly, and the member at fault is named."""

from datetime import UTC, datetime
from typing import Any

import pytest

from b12fhir.errors import CallError
from b12fhir.service.hooks.feedback import MOST_ENTRIES, read_feedback
from b12fhir.service.hooks.keeping import Heard
from tests.support.hook_messages import CARD, INSTANCE, REASONS, SUGGESTION, feedback

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SERVICE = "b12-patient-view"


def read(*entries: Any) -> tuple[Heard, ...]:
    return read_feedback(SERVICE, {"feedback": list(entries)}, NOW)


def accepted(**changes: Any) -> dict[str, Any]:
    return feedback()["feedback"][0] | changes


def overridden(**changes: Any) -> dict[str, Any]:
    entry = feedback()["feedback"][1]
    del entry["overrideReason"]
    return entry | {"outcomeTimestamp": "2026-11-21T09:00:00Z"} | changes


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in accepted().items() if key != name}


def refusal(body: object) -> str:
    with pytest.raises(CallError) as caught:
        read_feedback(SERVICE, body, NOW)
    return caught.value.where


def test_an_accepted_and_an_overridden_card_of_two_calls():
    yes, no = read_feedback(SERVICE, feedback(), NOW)
    assert yes == Heard(CARD, SERVICE, "accepted", NINE, NOW, accepted=(SUGGESTION,))
    at = NINE.replace(microsecond=123000)
    assert no == Heard(
        INSTANCE, SERVICE, "overridden", at, NOW, (), "patient-refuses", REASONS, "next week"
    )


def test_the_same_twice_is_read_twice():
    """The book keeps it once; here nothing is judged."""
    assert len(read(accepted(), accepted())) == 2


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, ("", "", "")),
        ({"userComment": "later"}, ("", "", "later")),
        ({"userComment": "a\0b"}, ("", "", "ab")),
        ({"reason": None, "userComment": ""}, ("", "", "")),
        ({"reason": {"code": "x", "system": "urn:s"}}, ("x", "urn:s", "")),
        ({"reason": {"code": "x", "system": "urn:s", "display": "X"}}, ("x", "urn:s", "")),
    ],
)
def test_a_reason_may_be_left_out_or_have_parts(reason, expected):
    (one,) = read(overridden(overrideReason=reason))
    assert (one.reason, one.system, one.comment) == expected


def test_overridden_without_reason():
    (one,) = read(overridden())
    assert (one.outcome, one.reason, one.comment) == ("overridden", "", "")


@pytest.mark.parametrize(
    "said",
    [
        "2026-11-21T09:00:00Z",
        "2026-11-21t09:00:00z",
        "2026-11-21T09:00:00+00:00",
        "2026-11-21T10:00:00+01:00",
        "2026-11-21T09:00:00.000000001Z",
    ],
)
def test_moments_in_any_spelling_of_rfc_3339(said):
    assert read(accepted(outcomeTimestamp=said))[0].at == NINE


def test_unknown_members_do_no_harm():
    assert read(accepted(extension={"x": 1}, other=2)) == read(accepted())


def test_what_does_not_go_with_the_outcome_is_left_alone():
    odd = accepted(overrideReason={})
    assert read(odd) == read(accepted())
    odd = overridden(acceptedSuggestions="x")
    assert read(odd) == read(overridden())


def test_a_card_is_known_by_its_uuid_in_any_case():
    assert read(accepted(card=CARD.upper()))[0].card == CARD


@pytest.mark.parametrize(
    "body",
    [[], {}, "x", None, {"feedback": {}}, {"feedback": []}, {"feedback": None}],
)
def test_feedback_must_be_an_array_with_entries(body):
    assert refusal(body) == "feedback"


def test_too_many_entries_are_refused():
    assert refusal({"feedback": [accepted()] * (MOST_ENTRIES + 1)}) == "feedback"
    assert len(read(*[accepted()] * MOST_ENTRIES)) == MOST_ENTRIES


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ("x", ""),
        (None, ""),
        (without("card"), ".card"),
        (accepted(card="7"), ".card"),
        (accepted(card=f"{CARD}\n"), ".card"),
        (accepted(card=None), ".card"),
        (without("outcome"), ".outcome"),
        (accepted(outcome="ignored"), ".outcome"),
        (accepted(outcome=["accepted"]), ".outcome"),
        (without("acceptedSuggestions"), ".acceptedSuggestions"),
        (accepted(acceptedSuggestions=[]), ".acceptedSuggestions"),
        (accepted(acceptedSuggestions={"id": CARD}), ".acceptedSuggestions"),
        (accepted(acceptedSuggestions=[CARD]), ".acceptedSuggestions[0].id"),
        (accepted(acceptedSuggestions=[{"id": CARD}, {}]), ".acceptedSuggestions[1].id"),
        (without("outcomeTimestamp"), ".outcomeTimestamp"),
        (accepted(outcomeTimestamp="yesterday"), ".outcomeTimestamp"),
        (accepted(outcomeTimestamp="2026-11-21"), ".outcomeTimestamp"),
        (accepted(outcomeTimestamp="2026-11-21T09:00:00"), ".outcomeTimestamp"),
        (accepted(outcomeTimestamp="2026-02-30T09:00:00Z"), ".outcomeTimestamp"),
        (accepted(outcomeTimestamp="0001-01-01T00:00:00+09:00"), ".outcomeTimestamp"),
        (accepted(outcomeTimestamp=1763715600), ".outcomeTimestamp"),
        (overridden(overrideReason={}), ".overrideReason"),
        (overridden(overrideReason="no"), ".overrideReason"),
        (overridden(overrideReason={"display": "no"}), ".overrideReason"),
        (overridden(overrideReason={"reason": "no"}), ".overrideReason.reason"),
        (overridden(overrideReason={"reason": {}}), ".overrideReason.reason.code"),
        (overridden(overrideReason={"reason": {"code": "x"}}), ".overrideReason.reason.system"),
        (
            overridden(overrideReason={"reason": {"code": "x" * 201, "system": "s"}}),
            ".overrideReason.reason.code",
        ),
        (
            overridden(overrideReason={"reason": {"code": "a\0", "system": "s"}}),
            ".overrideReason.reason.code",
        ),
        (overridden(overrideReason={"userComment": 7}), ".overrideReason.userComment"),
    ],
)
def test_the_member_at_fault_is_named(entry, where):
    assert refusal({"feedback": [accepted(), entry]}) == f"feedback[1]{where}"

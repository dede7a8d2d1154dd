"""Cards and what came of them, over the whole service: silence where it was asked for, no more."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from b12fhir.adapters.database.book import book_store
from b12fhir.adapters.database.tables.book import ISSUED, SILENCE
from b12fhir.fhir.json import decode
from b12fhir.service.hooks.model import Hook
from tests.spec.case import CASES
from tests.support import calls, hook_messages
from tests.support.hook_service import Door, door, path

VIEW = Hook.PATIENT_VIEW
START = datetime(2026, 11, 21, 9, tzinfo=UTC)
REASONS = hook_messages.REASONS
Open = Callable[[], AbstractContextManager[Door]]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **span: float) -> None:
        self.at += timedelta(**span)


def record(case: str) -> list[dict[str, Any]]:
    bundle = decode((CASES / case / "input.json").read_bytes())
    return [entry["resource"] for entry in bundle["entry"]]


# A vegan who feels well, B12 120: a warning. Numb feet, B12 low: critical.
WARNING, CRITICAL = "V03", "V02"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Open:
    """The service on one book, which it finds again each time it starts."""
    return lambda: door(tmp_path, now=clock)


@pytest.fixture
def service(opened: Open) -> Iterator[Door]:
    with opened() as one:
        yield one


def cards(service: Door, case: str, user: str = "Practitioner/dr1", hook: Hook = VIEW) -> Any:
    return service.told(hook, record(case), context={"userId": user})["cards"]


def answer(service: Door, clock: Clock, hook: Hook = VIEW, **entry: Any) -> int:
    """Send one entry of feedback; the status."""
    moment = clock().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    message = {"feedback": [{"outcomeTimestamp": moment, **entry}]}
    return int(service.client.post(f"{path(hook)}/feedback", json=message).status_code)


def override(service: Door, clock: Clock, card: Any, code: str | None) -> None:
    """Override a card as the sandbox does: code and system, no display."""
    reason = {"overrideReason": {"reason": {"code": code, "system": REASONS}}} if code else {}
    assert answer(service, clock, card=card["uuid"], outcome="overridden", **reason) == 200


def test_an_override_with_a_reason_silences_the_card_for_who_gave_it(
    service: Door, clock: Clock
) -> None:
    (card,) = cards(service, WARNING)
    override(service, clock, card, "patient-refuses")
    clock.pass_(hours=1)
    assert cards(service, WARNING) == []
    assert len(cards(service, WARNING, user="Practitioner/somebody-else")) == 1


def test_an_override_without_a_reason_silences_nothing(service: Door, clock: Clock) -> None:
    (card,) = cards(service, WARNING)
    override(service, clock, card, None)
    clock.pass_(minutes=1)
    assert len(cards(service, WARNING)) == 1


def test_a_silence_ends(service: Door, clock: Clock) -> None:
    """Thirty days at most for a warning."""
    (card,) = cards(service, WARNING)
    override(service, clock, card, "patient-refuses")
    clock.pass_(days=29)
    assert cards(service, WARNING) == []
    clock.pass_(days=1, seconds=1)
    assert len(cards(service, WARNING)) == 1


def test_nerves_are_never_silent_for_more_than_a_day(service: Door, clock: Clock) -> None:
    (card,) = cards(service, CRITICAL)
    override(service, clock, card, "patient-refuses")
    clock.pass_(hours=24, seconds=1)
    assert len(cards(service, CRITICAL)) == 1


def test_a_silence_outlives_a_restart(opened: Open, clock: Clock) -> None:
    with opened() as service:
        (card,) = cards(service, WARNING)
        override(service, clock, card, "patient-refuses")
    clock.pass_(hours=1)
    with opened() as service:
        assert cards(service, WARNING) == []


def test_worse_speaks_at_once(service: Door, clock: Clock) -> None:
    """The same vegan, whose feet have become numb and whose B12 has fallen."""
    (card,) = cards(service, WARNING)
    override(service, clock, card, "patient-refuses")
    clock.pass_(hours=1)
    worse = record(WARNING)
    newest = next(one for one in worse if one["resourceType"] == "Observation")
    fallen = {**newest, "id": "newer", "effectiveDateTime": "2026-11-20T08:00:00Z"}
    fallen["valueQuantity"] = {**newest["valueQuantity"], "value": 60}
    told = service.told(VIEW, [*worse, fallen])
    assert len(told["cards"]) == 1


def test_an_answer_says_that_a_card_was_held_back(service: Door, clock: Clock) -> None:
    """Silence that was asked for must not read as "no finding"."""
    (card,) = cards(service, WARNING)
    override(service, clock, card, "patient-refuses")
    clock.pass_(hours=1)
    assert service.told(VIEW, record(WARNING))["extension"]["org.b12fhir"]["silent"] == 1


def test_a_card_that_was_held_back_leaves_who_why_and_until_when(
    service: Door, clock: Clock, tmp_path: Path
) -> None:
    """The chart is opened three times and an appointment booked: two rows, not four."""
    (card,) = cards(service, CRITICAL)
    override(service, clock, card, "patient-refuses")
    said = clock()
    clock.pass_(hours=1)
    cards(service, CRITICAL)
    cards(service, CRITICAL)
    cards(service, CRITICAL, user="Practitioner/somebody-else")
    clock.pass_(hours=5)
    cards(service, CRITICAL)
    cards(service, CRITICAL, hook=Hook.APPOINTMENT_BOOK)
    service.book.close()
    store = book_store(f"sqlite:///{tmp_path / 'book.sqlite'}")
    with store.begin() as connection:
        rows = connection.execute(SILENCE.select().order_by(SILENCE.c.times.desc())).all()
        shown = connection.execute(ISSUED.select().where(ISSUED.c.uuid == card["uuid"])).one()
    store.close()
    for row in rows:
        who = (row.card, row.patient, row.reader, row.card_key, row.rule, row.indicator)
        of_card = (shown.patient, shown.reader, shown.card_key, shown.rule, shown.indicator)
        assert who == (card["uuid"], *of_card)
        assert (row.reason, row.until) == ("patient-refuses", said + timedelta(hours=24))
    told = [(row.service, row.times, row.at, row.last_at) for row in rows]
    first, last = said + timedelta(hours=1), said + timedelta(hours=6)
    assert told == [
        ("b12-patient-view", 3, first, last),
        ("b12-appointment-book", 1, last, last),
    ]


def test_an_accepted_suggestion_is_kept_and_is_quiet_for_a_while(
    service: Door, clock: Clock
) -> None:
    (card,) = cards(service, WARNING)
    chosen = [{"id": card["suggestions"][0]["uuid"]}]
    status = answer(
        service, clock, card=card["uuid"], outcome="accepted", acceptedSuggestions=chosen
    )
    assert status == 200
    clock.pass_(minutes=5)
    assert cards(service, WARNING) == []


def test_uuids_are_fresh_each_time_and_unique(service: Door) -> None:
    """A client hides a card whose uuid it has seen dismissed."""
    found = [card for _ in range(2) for card in cards(service, WARNING)]
    uuids = [one["uuid"] for card in found for one in (card, *card["suggestions"])]
    assert len(uuids) == len(set(uuids)) >= 4


def test_the_same_feedback_twice_and_feedback_on_no_card_of_ours_are_fine(
    service: Door, clock: Clock
) -> None:
    (card,) = cards(service, WARNING)
    for _ in range(2):
        override(service, clock, card, "patient-refuses")
    assert answer(service, clock, card=hook_messages.CARD, outcome="overridden") == 200


def test_feedback_of_several_calls_in_one_body(service: Door) -> None:
    status = service.client.post(f"{path(VIEW)}/feedback", json=hook_messages.feedback())
    assert status.status_code == 200


ENTRY = {
    "card": hook_messages.CARD,
    "outcome": "overridden",
    "outcomeTimestamp": "2026-11-21T09:00:00Z",
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"outcomeTimestamp": "2026-11-21T09:00:00.123456+00:00"},
        {"overrideReason": {"reason": {"code": "need-more-info", "system": REASONS}}},
        {"overrideReason": {"userComment": "tomorrow"}},
        {"extension": {"com.example": {"seen": True}}},
    ],
)
def test_feedback_that_is_heard(service: Door, changes: dict[str, Any]) -> None:
    message = {"feedback": [{**ENTRY, **changes}]}
    assert service.client.post(f"{path(VIEW)}/feedback", json=message).status_code == 200


@pytest.mark.parametrize(
    "message",
    [
        [],
        {},
        {"feedback": {}},
        {"feedback": [{**ENTRY, "card": None}]},
        {"feedback": [{**ENTRY, "outcome": "ignored"}]},
        {"feedback": [{**ENTRY, "outcome": "accepted"}]},
        {"feedback": [{**ENTRY, "outcomeTimestamp": None}]},
        {"feedback": [{**ENTRY, "outcomeTimestamp": "yesterday"}]},
        {"feedback": [{**ENTRY, "overrideReason": {}}]},
    ],
    ids=str,
)
def test_feedback_that_is_refused(service: Door, message: Any) -> None:
    assert service.client.post(f"{path(VIEW)}/feedback", json=message).status_code == 400


def test_feedback_to_an_unknown_service_is_404(service: Door) -> None:
    answer = service.client.post("/cds-services/b12/feedback", json=hook_messages.feedback())
    assert answer.status_code == 404


def test_a_card_declined_at_one_screen_is_not_said_again_at_the_next(
    service: Door, clock: Clock
) -> None:
    """The same finding when an appointment is booked is one repeat too many."""
    (card,) = cards(service, CRITICAL)
    assert len(cards(service, CRITICAL, hook=Hook.APPOINTMENT_BOOK)) == 1
    override(service, clock, card, "patient-refuses")
    clock.pass_(minutes=10)
    assert cards(service, CRITICAL, hook=Hook.APPOINTMENT_BOOK) == []


def test_a_wrong_route_is_said_although_the_finding_was_declined(
    service: Door, clock: Clock
) -> None:
    (card,) = cards(service, CRITICAL)
    override(service, clock, card, "patient-refuses")
    clock.pass_(minutes=10)
    patient = next(one["id"] for one in record(CRITICAL) if one["resourceType"] == "Patient")
    oral = calls.order(
        subject={"reference": f"Patient/{patient}"},
        medicationCodeableConcept={"coding": [calls.CYANO], "text": calls.TABLET},
        dosageInstruction=[calls.dosage(route="26643006", every=(1, 1, "d"))],
    )
    told = service.told(
        Hook.ORDER_SIGN, record(CRITICAL), context={"draftOrders": calls.bundle(oral)}
    )
    assert len(told["cards"]) == 1

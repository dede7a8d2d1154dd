"""Cards and answers for the tests of the book."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event

from b12fhir.service.hooks.keeping import OVERRIDDEN, Heard, Held, Issued, Silence
from b12fhir.service.hooks.model import Grade, Hook, Indicator
from b12fhir.service.hooks.snooze import REASONS

# 02:15 in Kathmandu is the day before in UTC: whoever drops the zone is off by a day.
T0 = datetime.fromisoformat("2026-11-22T02:15:30.123456+05:45")
ANNA, BEN = "a" * 16, "b" * 16
READER = "c" * 16

# They make the tables what they were before these knew which client got a card.
BEFORE_CLIENTS = tuple(
    f"ALTER TABLE {table} DROP COLUMN client" for table in ("issued", "feedback")
)

_NUMBERS = count(1)

_CARD = Issued(
    uuid="",
    at=T0,
    service="b12-patient-view",
    hook=Hook.PATIENT_VIEW,
    patient=ANNA,
    user=READER,
    key="finding",
    rule="R-28",
    indicator=Indicator.WARNING,
    fingerprint="f" * 64,
    grade=Grade(3, 2, 1, neuro=True, b12="132", dangers=frozenset({"oral", "leber"})),
    pack="seed-default/1.0.0",
    rules="r" * 64,
    suggestions={"s1": "Order hydroxocobalamin 1 mg IM", "s2": "Order MMA"},
)


def issued(**changes) -> Issued:
    return replace(_CARD, **({"uuid": f"card-{next(_NUMBERS)}"} | changes))


def heard(card: Issued | str, **changes) -> Heard:
    name = card if isinstance(card, str) else card.uuid
    at = T0.astimezone(UTC) + timedelta(minutes=1)
    said = Heard(
        card=name,
        service="b12-patient-view",
        outcome=OVERRIDDEN,
        at=at,
        received=at + timedelta(seconds=1),
        accepted=(),
        reason="patient-refuses",
        system=REASONS,
    )
    return replace(said, **changes)


def held(card: Issued, /, **changes) -> Held:
    """A card that was held back an hour after a refusal that counts for thirty days."""
    at = changes.pop("at", T0 + timedelta(hours=1))
    service = changes.pop("service", card.service)
    why = Silence(
        card=card.uuid,
        key=card.key,
        rule=card.rule,
        indicator=card.indicator,
        reader=card.user,
        reason="patient-refuses",
        since=T0,
        until=T0 + timedelta(days=30),
    )
    return Held(at, service, card.patient, replace(why, **changes))


def eventually(holds, within_s: float = 10) -> bool:
    """Does it come to hold? Waits in real time: the clock of tests stands still."""
    for _ in range(int(within_s * 50)):
        if holds():
            return True
        Event().wait(0.02)
    return False

"""What is kept of cards: issued, answered or held back, and who keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from b12fhir.service.hooks.model import Grade, Hook, Indicator

ACCEPTED = "accepted"
OVERRIDDEN = "overridden"


@dataclass(frozen=True, slots=True)
class Issued:
    """One card as it left the service, without anything of its text.

    ``patient`` and ``user`` are pseudonyms (`patient_key` and `reader_key` of
    `b12fhir.fhir.identity`); ``user`` is ``""`` where nobody knows who reads. ``uuid`` is that of
    the card, ``suggestions`` maps the uuid of each suggestion to its label. ``pack`` is
    ``id/version``, ``rules`` the fingerprint of the rules in force, ``fingerprint`` that of the
    decision and its inputs. ``at`` is an instant with a zone. ``client`` is who called, ``""``
    where clients are not told apart.
    """

    uuid: str
    at: datetime
    service: str
    hook: Hook
    patient: str
    user: str
    key: str
    rule: str
    indicator: Indicator
    fingerprint: str
    grade: Grade
    pack: str
    rules: str
    suggestions: Mapping[str, str] = field(default_factory=dict)
    client: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """One entry of feedback on a card. ``at`` is the client's time, ``received`` ours.

    ``reason`` and ``system`` are the code of the override reason, ``""`` without one. ``comment``
    is the reader's own text: it may name a patient, so it is kept and never logged. ``client`` is
    who sent it: of a card that went to a client, only what that one says counts.
    """

    card: str
    service: str
    outcome: str
    at: datetime
    received: datetime
    accepted: tuple[str, ...] = ()
    reason: str = ""
    system: str = ""
    comment: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """A card with what was answered to it: what silencing goes by."""

    issued: Issued
    heard: Heard


@dataclass(frozen=True, slots=True)
class Silence:
    """Why a card is not shown, for audit: who answered which card how, and until when it holds.

    ``card`` is the uuid of the card that was answered, ``reader`` the pseudonym of who answered,
    ``reason`` the code of the override, or ``accepted``. ``key``, ``rule`` and ``indicator`` are of
    the card that is held back.
    """

    card: str
    key: str
    rule: str
    indicator: Indicator
    reader: str
    reason: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """One card that a call of a service did not show. ``patient`` is a pseudonym."""

    at: datetime
    service: str
    patient: str
    silence: Silence


class CardBook(Protocol):
    """Keeps issued cards, feedback and silences for all workers, over restarts."""

    def recall(self, patient: str) -> Sequence[Answered]:
        """Answers to cards of this patient (by pseudonym) that can still silence one."""
        ...

    def issue(self, cards: Sequence[Issued]) -> None:
        """Keep cards that are about to be shown. May be written a moment later."""
        ...

    def hold(self, held: Sequence[Held]) -> None:
        """Keep why cards were held back. May be written a moment later, and added up."""
        ...

    def hear(self, entries: Sequence[Heard]) -> None:
        """Keep feedback, durably, before it returns; the same entry twice is kept once.

        Feedback on a card that was never issued, or to another client, is kept as well and joins
        nothing. Raises `BookError` (503) if it cannot be kept: then nothing of it was, and the
        client may send it again.
        """
        ...

    def is_ready(self) -> bool:
        """Can it be read and written now?"""
        ...

    def close(self) -> None:
        """Write what waits and let everything go."""
        ...

"""Until `b12fhir.service.hooks.advise` and `answer` are there: no cards, and what was decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from b12fhir.ports import Resource
from b12fhir.service.hooks.keeping import Issued
from b12fhir.service.hooks.model import Call, Card, Link
from b12fhir.service.propose import Proposal

EXTENSION = "org.b12fhir"


@dataclass(frozen=True, slots=True)
class Issuing:
    """Where and when cards are given out."""

    service: str
    at: datetime
    rules: str
    new_id: Callable[[], str]
    links: tuple[Link, ...] = ()


def advise(
    _proposal: Proposal,
    _call: Call,
    _unchecked: Sequence[str] = (),
    _record: Sequence[Resource] = (),
) -> tuple[Card, ...]:
    """No cards yet."""
    return ()


def answer(
    _cards: Sequence[Card], proposal: Proposal, _call: Call, _issuing: Issuing
) -> tuple[dict[str, Any], tuple[Issued, ...]]:
    """No cards, and the class."""
    told = {"classification": proposal.decision.classification.value}
    return {"cards": [], "extension": {EXTENSION: told}}, ()

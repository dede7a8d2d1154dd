"""A card put together: what all cards of a call have in common stands here once."""

from collections.abc import Iterable
from typing import NamedTuple

from b12fhir.service.hooks.matter import Matter, grade_of
from b12fhir.service.hooks.model import Card, Indicator, Suggestion
from b12fhir.service.hooks.rows import Row, head
from b12fhir.service.hooks.text import table

# The override reasons that fit vitamin B12, of HL7's own list: treated already, a test pending,
# not for this patient, something speaks against it, another way, refused, not for this reader.
OVERRIDES = (
    "action-completed",
    "need-more-info",
    "patient-ineligible",
    "patient-contraindication",
    "prefers-alternative",
    "patient-refuses",
    "inappropriate-recipient",
)


class Said(NamedTuple):
    """What is special to a card."""

    key: str
    rule: str
    indicator: Indicator
    summary: str
    topic: str


def card_of(
    matter: Matter, said: Said, rows: Iterable[Row], suggestions: tuple[Suggestion, ...] = ()
) -> Card:
    """The card. A warning can always be overridden with a reason."""
    pack = matter.protocol.pack
    return Card(
        key=said.key,
        rule=said.rule,
        indicator=said.indicator,
        summary=said.summary,
        detail=table(head(matter), rows),
        topic=said.topic,
        fingerprint=matter.digest,
        grade=grade_of(matter),
        source_url=f"{matter.proposal.site.canonical}/PlanDefinition/b12-{pack.id}",
        suggestions=suggestions,
        overrides=() if said.indicator is Indicator.INFO else OVERRIDES,
    )

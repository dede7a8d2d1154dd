"""Cards as the JSON of CDS Hooks, and what is kept of each.

Plain values, no empty member. Every answer says in ``extension`` what was decided: no card because
nothing is to be done is told apart from no card because nothing is known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from b12fhir.fhir.digest import decision_digest
from b12fhir.fhir.identity import patient_key, reader_key
from b12fhir.fhir.topics import CARD_TOPIC, TOPICS
from b12fhir.service.hooks.keeping import Issued
from b12fhir.service.hooks.model import Action, Call, Card, Link, Suggestion
from b12fhir.service.hooks.rows import cited
from b12fhir.service.propose import Proposal

EXTENSION = "org.b12fhir"
REASONS = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
# What a reader sees of each reason that a card offers. Codes and system are HL7's.
REASON_TEXTS = {
    "action-completed": "Already treated",
    "need-more-info": "More information needed (for example MMA pending)",
    "patient-ineligible": "Does not apply to this patient",
    "patient-contraindication": "Something in this patient speaks against it",
    "prefers-alternative": "Another way is preferred (for example by mouth)",
    "patient-refuses": "The patient declines",
    "inappropriate-recipient": "Not for me to decide",
}


@dataclass(frozen=True, slots=True)
class Issuing:
    """Where and when cards are given out.

    ``service`` is the id of the service, ``at`` an instant with a zone, ``rules`` the fingerprint
    of the rules in force, ``client`` who gets them (``""``: not told apart), ``links`` what every
    card is to link to. ``new_id`` makes a fresh UUID.
    """

    service: str
    at: datetime
    rules: str
    new_id: Callable[[], str]
    client: str = ""
    links: tuple[Link, ...] = ()


def answer(
    cards: Sequence[Card], proposal: Proposal, call: Call, issuing: Issuing
) -> tuple[dict[str, Any], tuple[Issued, ...]]:
    """The whole answer, and each card as it is to be kept; the two name the same uuids."""
    given = [_Given(card, issuing) for card in cards]
    body = {
        "cards": [one.json(proposal, issuing) for one in given],
        "extension": {EXTENSION: _decided(cards, proposal)},
    }
    if not given:
        return body, ()
    site, pack = proposal.site, proposal.protocol.pack
    patient = patient_key(proposal.patient_reference, site)
    user = reader_key(call.user, site)
    named = f"{pack.id}/{pack.version}"
    return body, tuple(one.issued(issuing, call, patient, user, named) for one in given)


class _Given:
    """One card with the uuids under which it goes out."""

    def __init__(self, card: Card, issuing: Issuing) -> None:
        self.card = card
        self.uuid = issuing.new_id()
        self.suggested = tuple((issuing.new_id(), one) for one in card.suggestions)

    def json(self, proposal: Proposal, issuing: Issuing) -> dict[str, Any]:
        card = self.card
        told: dict[str, Any] = {
            "uuid": self.uuid,
            "summary": card.summary,
            "detail": card.detail,
            "indicator": card.indicator.value,
            "source": _source(card, proposal),
        }
        if self.suggested:
            told["suggestions"] = [_suggestion(uuid, one) for uuid, one in self.suggested]
            told["selectionBehavior"] = "at-most-one"
        if card.overrides:
            told["overrideReasons"] = [_REASONS[code] for code in card.overrides]
        links = (*card.links, *issuing.links)
        if links:
            told["links"] = [_link(one, card) for one in links]
        return told

    def issued(self, issuing: Issuing, call: Call, patient: str, user: str, pack: str) -> Issued:
        card = self.card
        return Issued(
            uuid=self.uuid,
            at=issuing.at,
            service=issuing.service,
            hook=call.hook,
            patient=patient,
            user=user,
            key=card.key,
            rule=card.rule,
            indicator=card.indicator,
            fingerprint=card.fingerprint,
            grade=card.grade,
            pack=pack,
            rules=issuing.rules,
            suggestions={uuid: one.label for uuid, one in self.suggested},
            client=issuing.client,
        )


def _source(card: Card, proposal: Proposal) -> dict[str, Any]:
    """Which pack and rule speak, and on whose word; the address is that of the pack's pathway."""
    pack = proposal.protocol.pack
    titles = cited(proposal.protocol, card.rule)
    said = f" ({titles})" if titles else ""
    told: dict[str, Any] = {
        "label": f"b12fhir, pack {pack.id} {pack.version} ({pack.review.status}), rule"
        f" {card.rule}{said}"
    }
    if card.source_url:
        told["url"] = card.source_url
    system = proposal.site.code_system(CARD_TOPIC)
    told["topic"] = {"system": system, "code": card.topic, "display": TOPICS[card.topic]}
    return told


def _suggestion(uuid: str, one: Suggestion) -> dict[str, Any]:
    told: dict[str, Any] = {"label": one.label, "uuid": uuid}
    if one.recommended:
        told["isRecommended"] = True
    told["actions"] = [_action(action) for action in one.actions]
    return told


def _action(one: Action) -> dict[str, Any]:
    told: dict[str, Any] = {"type": one.kind, "description": one.description}
    if one.resource is not None:
        told["resource"] = one.resource
    else:
        told["resourceId"] = one.target
    return told


_REASONS = {
    code: {"code": code, "system": REASONS, "display": text} for code, text in REASON_TEXTS.items()
}


def _link(one: Link, card: Card) -> dict[str, str]:
    """A SMART app is told which decision was meant by a fingerprint that means nothing else."""
    told = {"label": one.label, "url": one.url, "type": one.kind}
    opaque = one.app_context or card.fingerprint
    return told | ({"appContext": opaque} if one.kind == "smart" else {})


def _decided(cards: Sequence[Card], proposal: Proposal) -> dict[str, Any]:
    """The decision in codes, to be compared with other doors."""
    decision, pack = proposal.decision, proposal.protocol.pack
    told = {
        "classification": decision.classification.value,
        "severity": decision.severity.value,
        "neuro": decision.neuro,
        "urgency": decision.urgency.value,
        "action": decision.intent.kind,
        "decision": _digest(cards, proposal),
        "pack": pack.id,
        "version": pack.version,
        "review": pack.review.status,
    }
    return told | ({"route": decision.route} if decision.route else {})


def _digest(cards: Sequence[Card], proposal: Proposal) -> str:
    """The decision's digest; a card about the assessment carries it, one about a draft its own."""
    known = (one.fingerprint for one in cards if not one.key.startswith("draft:"))
    return next(known, "") or decision_digest(
        proposal.decision, proposal.plan, proposal.protocol.pack
    )

"""Illness of blood relatives: a risk for the patient (R-03), and never the patient's own illness.

Whether the relative lives or has died does not matter, nor when it fell ill.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from b12fhir.facts.history import Concept, Standing
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.concepts import is_doubted, named, question, says
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import (
    ASK,
    BAD_STATUS,
    DATE_DROPPED,
    DOUBTED,
    EXCLUDED,
    MODIFIED,
    RELATION,
    TEXT_ONLY,
    Kind,
    quote,
)
from b12fhir.fhir.extract.kin import Kin, kin_of
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.subject import not_ours
from b12fhir.fhir.extract.tree import items, text

_TOLD = frozenset({"completed", "partial"})
_NOT_TOLD = frozenset({"entered-in-error", "health-unknown"})


class _Risk(NamedTuple):
    """What one disease of a relative means: the patient's concept (or ``""``) and a question.

    ``said`` is the name of the disease. ``coded``: a code tells it; ``weak``: not one that proves.
    """

    said: str
    concept: str
    ask: str
    coded: bool
    weak: bool
    doubted: bool


def read_family(source: Source, record: Record) -> Iterator[Found]:
    """What the illness of one relative means for the patient; nothing if no rule asks for it."""
    resource = source.resource
    parts = items(resource.get("condition"))
    risks = list(dict.fromkeys(risk for part in parts for risk in _risks(part, record)))
    if not risks:
        return
    kin = kin_of(resource.get("relationship"))
    stop = not_ours(source, record, "patient") or _stop(resource, parts, kin)
    if stop is not None:
        yield stop[0].issue(source.reference, stop[1])
        return
    for risk in risks:
        yield from _facts(source, risk, kin, record)
    date = resource.get("date")
    if date is not None and record.when(date) is None:
        yield DATE_DROPPED.issue(source.reference, f"has the date {quote(date)}")
    if kin.blood.is_unknown:
        yield RELATION.issue(source.reference, "does not say whether it is about a blood relative")


def _stop(resource: Resource, parts: Sequence[Resource], kin: Kin) -> tuple[Kind, str] | None:
    """Why what is said of a relative does not count, or ``None`` if it does."""
    status = text(resource.get("status"))
    changed = any(part.get("modifierExtension") for part in (resource, *parts))
    if status in _NOT_TOLD:
        return EXCLUDED, f"(family history) has the status {status}"
    if changed or resource.get("implicitRules"):
        return MODIFIED, "carries a modifierExtension or implicitRules"
    if status not in _TOLD:
        return BAD_STATUS, f"(family history) has the status {quote(status)}"
    if kin.blood.is_no:
        return EXCLUDED, f"(family history) is about {kin.word}"
    return None


def _risks(part: Resource, record: Record) -> Iterator[_Risk]:
    """What one disease of the relative means: by its codes, else by its name."""
    table, said = record.protocol.concepts, says(part, "code")
    family = table.roles["family-history-risk"]
    known = named(part.get("code"), record)
    for one in known:
        coded = one.code is not None
        if one.concept in family:
            asked = question(one.code, record)
            yield _Risk(said, one.concept, asked, coded, one.weak, one.doubted)
        for risk in table.relatives:
            if one.concept in risk.has:
                yield _Risk(said, risk.concept, risk.ask, coded, one.weak, one.doubted)
    if not known:
        doubted = is_doubted(said)
        for pattern, risk in record.lexicon.relatives:
            if pattern.search(said.lower()):
                yield _Risk(said, risk.concept, risk.ask, coded=False, weak=True, doubted=doubted)


def _facts(source: Source, risk: _Risk, kin: Kin, record: Record) -> Iterator[Found]:
    """The patient's risk. The relative's name is never shown, and its dates are not the patient's.

    An open question is asked of a doubtful relative too.
    """
    shown = f"({quote(risk.said)} of {kin.word})"
    if risk.concept:
        sure = kin.blood.is_yes and not risk.doubted
        yield Concept(
            concept=risk.concept,
            standing=Standing.ACTIVE if sure else Standing.UNCONFIRMED,
            reference=source.reference,
            text=f"{risk.said} ({kin.word})",
            weak=risk.weak,
            source="family",
            recorded=record.when(source.resource.get("date")),
        )
    if risk.concept and not risk.coded:
        yield TEXT_ONLY.issue(source.reference, f"names {risk.concept} in its text only {shown}")
    if risk.doubted:
        yield DOUBTED.issue(source.reference, f"{shown} is in doubt")
    if risk.ask:
        yield ASK.issue(source.reference, f"{shown}: {risk.ask}")

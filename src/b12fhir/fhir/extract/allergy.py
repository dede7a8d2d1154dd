"""Allergies to cobalt or a cobalamin (R-163): by code or, here explicitly allowed, by text."""

import re
from collections.abc import Iterator

from b12fhir.facts.medicines import Allergy
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import DOUBTED, EXCLUDED, MODIFIED, quote
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.subject import not_ours
from b12fhir.fhir.extract.tree import codes_of, displays_of, first_code, items, obj, text, words_of
from b12fhir.kernel.truth import Truth

_SUBSTANCE = re.compile(r"cobalt|cobalamin|b-?\s?12", re.IGNORECASE)
_COBALT = re.compile(r"cobalt", re.IGNORECASE)
_OUT = frozenset({"refuted", "entered-in-error"})


def read_allergy(source: Source, record: Record) -> Iterator[Found]:
    """An allergy that stops B12 products; refuted ones do not, doubtful ones ask."""
    resource = source.resource
    named = _substance(resource, record)
    if not named:
        return
    stop = not_ours(source, record, "patient")
    verification = first_code(resource.get("verificationStatus"))
    clinical = first_code(resource.get("clinicalStatus"))
    if stop is not None:
        yield stop[0].issue(source.reference, stop[1])
    elif verification in _OUT:
        yield EXCLUDED.issue(source.reference, f"(allergy to {quote(named)}) is {verification}")
    elif resource.get("modifierExtension") or resource.get("implicitRules"):
        yield MODIFIED.issue(source.reference, "carries a modifierExtension or implicitRules")
    else:
        sure = clinical in {"active", ""} and verification in {"confirmed", ""}
        substance = "cobalt" if _COBALT.search(named) else "cobalamin"
        stops = Truth.YES if sure else Truth.UNKNOWN
        yield Allergy(substance, stops, source.reference, named)
        if not sure:
            state = " ".join(part for part in (clinical, verification) if part)
            yield DOUBTED.issue(source.reference, f"(allergy to {quote(named)}) is {quote(state)}")


def _substance(resource: Resource, record: Record) -> str:
    """The words that name a B12 substance, or those of a B12 code; ``""`` if there are none."""
    concepts = [resource.get("code")]
    concepts += [reaction.get("substance") for reaction in items(resource.get("reaction"))]
    table = record.protocol.concepts
    for concept in concepts:
        names = [text(obj(concept).get("text")), *displays_of(concept)]
        telling = [name for name in names if _SUBSTANCE.search(name)]
        if telling:
            return telling[0]
        known = (table.known(code) for code in codes_of(concept))
        if any(table.codes[code] in record.lexicon.allergens for code in known if code):
            return words_of(concept) or "vitamin B12"
    return ""

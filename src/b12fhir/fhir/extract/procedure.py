"""Operations, and vitamin B12 injections recorded as Procedures."""

import re
from collections.abc import Iterator

from b12fhir.facts.history import Concept, Standing
from b12fhir.facts.medicines import B12Dose
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.amount import single_amount
from b12fhir.fhir.extract.concepts import Named, named, question, says
from b12fhir.fhir.extract.condition import name_only
from b12fhir.fhir.extract.drug import IS_B12, drug_name, route_in
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import (
    ASK,
    DOUBTED,
    EXCLUDED,
    GIVEN_UNKNOWN,
    LENGTH,
    MODIFIED,
    TEXT_ONLY,
    quote,
)
from b12fhir.fhir.extract.length import resected_cm
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.subject import not_ours
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.kernel.dates import When
from b12fhir.kernel.truth import Truth

_DONE = frozenset({"completed", "in-progress"})
_NOT_DONE = frozenset({"not-done", "preparation", "entered-in-error"})
_INJECTION = re.compile(r"\binject|\bshot\b|\bimi\b", re.IGNORECASE)


def read_procedure(source: Source, record: Record) -> Iterator[Found]:
    """What was operated or injected. Only done Procedures count; a stopped one is unconfirmed."""
    resource = source.resource
    said = says(resource, "code")
    injected = bool(IS_B12.search(said)) and bool(_INJECTION.search(said))
    concepts = () if injected else named(resource.get("code"), record)
    if not injected and not concepts:
        yield from name_only(source, record)
        return
    status, stop = text(resource.get("status")), not_ours(source, record)
    if stop is not None:
        yield stop[0].issue(source.reference, stop[1])
    elif status in _NOT_DONE:
        yield EXCLUDED.issue(source.reference, f"({quote(said)}) has the status {status}")
    elif resource.get("modifierExtension") or resource.get("implicitRules"):
        yield MODIFIED.issue(source.reference, "carries a modifierExtension or implicitRules")
    elif injected:
        yield from _injection(source, record)
    else:
        yield from _operation(source, concepts, record)


def _operation(source: Source, concepts: tuple[Named, ...], record: Record) -> Iterator[Found]:
    resource = source.resource
    said = says(resource, "code")
    done = text(resource.get("status")) in _DONE
    length, unclear = resected_cm(resource)
    for one in concepts:
        yield Concept(
            concept=one.concept,
            standing=Standing.ACTIVE if done and not one.doubted else Standing.UNCONFIRMED,
            reference=source.reference,
            text=said,
            weak=one.weak,
            source="procedure",
            onset=_performed(resource, record),
            length_cm=length,
        )
        asked = question(one.code, record)
        if asked:
            yield ASK.issue(source.reference, f"({quote(said)}): {asked}")
        if one.code is None:
            yield TEXT_ONLY.issue(source.reference, f"names {one.concept} in its text only")
    if unclear:
        yield LENGTH.issue(source.reference, unclear)
    if not done:
        status = quote(text(resource.get("status")))
        yield DOUBTED.issue(source.reference, f"({quote(said)}) has the status {status}")


def _performed(resource: Resource, record: Record) -> When | None:
    period = obj(resource.get("performedPeriod"))
    return record.when(resource.get("performedDateTime") or period.get("start"))


def _injection(source: Source, record: Record) -> Iterator[Found]:
    resource = source.resource
    said = says(resource, "code")
    given = Truth.YES if text(resource.get("status")) == "completed" else Truth.UNKNOWN
    yield B12Dose(
        reference=source.reference,
        route=route_in(said, injected=True),
        given=given,
        text=said,
        drug=drug_name(said),
        dose_ug=single_amount(said),
        when=_performed(resource, record),
    )
    if given.is_unknown:
        status = quote(text(resource.get("status")))
        yield GIVEN_UNKNOWN.issue(source.reference, f"({quote(said)}) has the status {status}")

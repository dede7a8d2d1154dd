"""Signs, symptoms, diet and pregnancy recorded as Observations."""

import re
from collections.abc import Iterator

from b12fhir.facts.history import Concept, Standing
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.answer import answer_of
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import (
    DATE_DROPPED,
    EXCLUDED,
    NO_DATE,
    NO_RESULT,
    PENDING,
    PRESENCE,
    RefusedError,
    quote,
)
from b12fhir.fhir.extract.moment import collected
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.status import TOPICS, read_status
from b12fhir.fhir.extract.tree import codes_of, first_code, items, notes_of, text, words_of
from b12fhir.fhir.extract.value import is_absent, value_elements
from b12fhir.kernel.codes import LOINC, Code
from b12fhir.kernel.dates import When

_FAMILY = re.compile(r"\b(family|relatives?|mother|father|parents?|siblings?)\b", re.IGNORECASE)
_PAST = re.compile(r"\b(past|previous)\b", re.IGNORECASE)
_WORSE = re.compile(r"\bwors(?:e|ens|ened|ening)\b", re.IGNORECASE)
_NOT_WORSE = re.compile(r"\b(?:not?|never|without|nor)\b[^.;,]{0,20}\bwors", re.IGNORECASE)


def read_finding(source: Source, asked: tuple[Code, ...], record: Record) -> Iterator[Found]:
    """A finding named by the Observation's code, or given as the answer to a question."""
    when, problem = _recorded(source.resource, record)
    topic = next((code for code in asked if code in TOPICS), None)
    found: list[Found] = []
    if topic is not None:
        found = list(read_status(source, topic, when, record))
    elif asked:
        found = list(_named(source, asked, when, record))
    found += _answered(source, when, record) if topic is None else []
    yield from found
    if found and problem:
        yield DATE_DROPPED.issue(source.reference, problem)


def answers(part: Resource, record: Record) -> tuple[Code, ...]:
    """Codes of known concepts given as the value."""
    if "valueCodeableConcept" not in part:
        return ()
    table = record.protocol.concepts.codes
    return tuple(code for code in codes_of(part["valueCodeableConcept"]) if code in table)


def says_worse(said: str) -> bool:
    """Does a text say that something got worse (and not that it did not)?"""
    return bool(_WORSE.search(said)) and not _NOT_WORSE.search(said)


def _recorded(part: Resource, record: Record) -> tuple[When | None, str]:
    try:
        return collected(part, record, [])[0], ""
    except RefusedError as refused:
        return None, "" if refused.kind is NO_DATE else refused.why


def _named(
    source: Source, asked: tuple[Code, ...], when: When | None, record: Record
) -> Iterator[Found]:
    """A code that is itself the finding: there unless the value says otherwise."""
    part = source.resource
    names = value_elements(part)
    if is_absent(part):
        yield NO_RESULT.issue(source.reference, "says that there is no result")
        return
    answer = answer_of(part)
    questions = all(code.system == LOINC for code in asked)
    if answer.is_no or (answer.is_unknown and questions):
        return
    standing = Standing.ACTIVE
    if names and answer.is_unknown:
        standing = Standing.UNCONFIRMED
        yield PRESENCE.issue(
            source.reference,
            f"({quote(words_of(part.get('code')))}) has a value that is neither yes nor no",
        )
    yield from _concepts(source, asked, (standing, when), record)


def _answered(source: Source, when: When | None, record: Record) -> list[Found]:
    """Concepts given as the value; answers about a relative are not the patient's."""
    part = source.resource
    codes = answers(part, record)
    if not codes:
        return []
    question = words_of(part.get("code"))
    if _FAMILY.search(question):
        return [EXCLUDED.issue(source.reference, "is about the family, not about the patient")]
    standing = Standing.PAST if _PAST.search(question) else Standing.ACTIVE
    return list(_concepts(source, codes, (standing, when), record))


def _concepts(
    source: Source, codes: tuple[Code, ...], stood: tuple[Standing, When | None], record: Record
) -> Iterator[Found]:
    part, table = source.resource, record.protocol.concepts
    standing, when = stood
    if text(part.get("status")) == "preliminary":
        standing = Standing.UNCONFIRMED
        yield PENDING.issue(source.reference, "is preliminary")
    flags = {first_code(one) for one in items(part.get("interpretation"))}
    worse = "W" in flags or any(says_worse(note) for note in notes_of(part))
    shown = words_of(part.get("valueCodeableConcept")) or words_of(part.get("code"))
    strong = {table.codes[code] for code in codes if code not in table.weak}
    for concept in sorted({table.codes[code] for code in codes}):
        yield Concept(
            concept=concept,
            standing=standing,
            reference=source.reference,
            text=shown,
            weak=concept not in strong,
            source="observation",
            recorded=when,
            worse=worse,
        )

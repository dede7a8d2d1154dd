"""Diagnoses and signs recorded as Conditions."""

from collections.abc import Iterator

from b12fhir.facts.history import Concept, Standing
from b12fhir.facts.patient import Sex
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.concepts import Named, named, question, says, unused_name
from b12fhir.fhir.extract.finding import says_worse
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import (
    ASK,
    CLINICAL_DIFFERS,
    DATE_DROPPED,
    DOUBTED,
    EXCLUDED,
    MODIFIED,
    NAME_ONLY,
    TEXT_ONLY,
    quote,
)
from b12fhir.fhir.extract.pregnancy import Statement
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.subject import not_ours
from b12fhir.fhir.extract.tree import first_code, notes_of, obj
from b12fhir.kernel.dates import When
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.truth import Truth

_OUT = frozenset({"refuted", "entered-in-error"})
_DOUBT = frozenset({"unconfirmed", "provisional", "differential"})
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_PAST = frozenset({"inactive", "remission", "resolved"})


def read_condition(source: Source, record: Record) -> Iterator[Found]:
    """Every concept a Condition names, with its standing; questions its code leaves open."""
    resource = source.resource
    concepts = named(resource.get("code"), record)
    if not concepts:
        yield from name_only(source, record)
        return
    stop = not_ours(source, record)
    verification = first_code(resource.get("verificationStatus"))
    if stop is not None:
        yield stop[0].issue(source.reference, stop[1])
    elif verification in _OUT:
        yield EXCLUDED.issue(source.reference, f"({_shown(resource)}) is {verification}")
    elif resource.get("modifierExtension") or resource.get("implicitRules"):
        yield MODIFIED.issue(source.reference, "carries a modifierExtension or implicitRules")
    else:
        yield from _read(source, concepts, record)


def _read(source: Source, concepts: tuple[Named, ...], record: Record) -> Iterator[Found]:
    resource = source.resource
    standing = _standing(resource)
    onset, recorded = _onset(resource, record), record.when(resource.get("recordedDate"))
    worse = any(says_worse(said) for said in (says(resource, "code"), *notes_of(resource)))
    for one in concepts:
        held = Standing.UNCONFIRMED if one.doubted and standing is Standing.ACTIVE else standing
        fact = Concept(
            concept=one.concept,
            standing=held,
            reference=source.reference,
            text=says(resource, "code"),
            weak=one.weak,
            onset=onset,
            recorded=recorded,
            worse=worse,
        )
        yield fact
        yield from _statements(fact, _abated(resource, record), record)
        yield from _remarks(source, one, record)
    yield from _doubts(source, standing, record)


def _standing(resource: Resource) -> Standing:
    clinical = first_code(resource.get("clinicalStatus"))
    abated = any(name.startswith("abatement") for name in resource)
    if clinical in _PAST or (not clinical and abated):
        return Standing.PAST
    if first_code(resource.get("verificationStatus")) in _DOUBT:
        return Standing.UNCONFIRMED
    if clinical and (clinical not in _ACTIVE or abated):
        return Standing.UNCONFIRMED
    return Standing.ACTIVE


def _onset(resource: Resource, record: Record) -> When | None:
    period = obj(resource.get("onsetPeriod"))
    return record.when(resource.get("onsetDateTime") or period.get("start"))


def _abated(resource: Resource, record: Record) -> When | None:
    period = obj(resource.get("abatementPeriod"))
    return record.when(resource.get("abatementDateTime") or period.get("end"))


def _statements(fact: Concept, abated: When | None, record: Record) -> Iterator[Statement]:
    """What a pregnancy or breast-feeding Condition says; an ended one only says when it ended."""
    roles = record.protocol.concepts.roles
    kinds = (
        ("pregnancy", "pregnant", Truth.YES),
        ("pregnancy-possible", "pregnant", Truth.UNKNOWN),
        ("not-pregnant", "pregnant", Truth.NO),
        ("breastfeeding", "breastfeeding", Truth.YES),
    )
    for role, subject, truth in kinds:
        if fact.concept not in roles[role] or record.patient.sex is Sex.MALE:
            continue
        when = fact.onset or fact.recorded
        if fact.standing is Standing.ACTIVE:
            yield Statement(subject, truth, when, fact.as_input())
        elif fact.standing is Standing.UNCONFIRMED:
            yield Statement(subject, Truth.UNKNOWN, when, fact.as_input())
        elif abated is not None:
            ended = Input(fact.reference, fact.text, "", abated.iso())
            yield Statement(subject, ~truth, abated, ended)


def _remarks(source: Source, one: Named, record: Record) -> Iterator[Found]:
    asked = question(one.code, record)
    if asked:
        yield ASK.issue(source.reference, f"({_shown(source.resource)}): {asked}")
    if one.code is None:
        yield TEXT_ONLY.issue(
            source.reference, f"names {one.concept} in its text only ({_shown(source.resource)})"
        )


def _doubts(source: Source, standing: Standing, record: Record) -> Iterator[Found]:
    resource = source.resource
    clinical = first_code(resource.get("clinicalStatus"))
    verification = first_code(resource.get("verificationStatus"))
    abated = any(name.startswith("abatement") for name in resource)
    if clinical in _ACTIVE and abated:
        yield CLINICAL_DIFFERS.issue(source.reference, "is active and has ended")
    elif clinical and clinical not in _ACTIVE | _PAST:
        yield CLINICAL_DIFFERS.issue(source.reference, f"has the status {quote(clinical)}")
    elif standing is Standing.UNCONFIRMED:
        yield DOUBTED.issue(source.reference, f"({_shown(resource)}) is {verification}")
    for name in ("onsetDateTime", "recordedDate"):
        if resource.get(name) and record.when(resource[name]) is None:
            yield DATE_DROPPED.issue(source.reference, f"has the {name} {quote(resource[name])}")


def name_only(source: Source, record: Record) -> Iterator[Found]:
    """A record without a known code whose name is that of one: not used, but not dropped either."""
    resource = source.resource
    concept = unused_name(says(resource, "code"), record)
    if concept and not_ours(source, record) is None:
        yield NAME_ONLY.issue(
            source.reference, f"({_shown(resource)}) has the name of {concept} and no code for it"
        )


def _shown(resource: Resource) -> str:
    return quote(says(resource, "code"))

"""Laboratory results: every rule of section 2 between a foreign Observation and a LabResult."""

from collections.abc import Iterator
from typing import NamedTuple

from b12fhir.facts.labs import LabResult, RefusedLab
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.code import Meaning, meaning_of
from b12fhir.fhir.extract.finding import answers, read_finding
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import (
    BAD_STATUS,
    CODE_NOTE,
    CODES_DIFFER,
    DEPRECATED,
    IMPLAUSIBLE,
    LOOKALIKE,
    MODIFIED,
    NO_SUBJECT,
    NOT_FINAL,
    OTHER_PATIENT,
    PENDING,
    UNMAPPED,
    UNMAPPED_B12,
    WITHDRAWN,
    Kind,
    RefusedError,
    quote,
)
from b12fhir.fhir.extract.moment import Notes, collected
from b12fhir.fhir.extract.presence import read_presence
from b12fhir.fhir.extract.range import lab_range
from b12fhir.fhir.extract.record import Listed, Record, Source
from b12fhir.fhir.extract.subject import not_ours
from b12fhir.fhir.extract.tree import first_code, items, obj, text, words_of
from b12fhir.fhir.extract.unit import unit_of
from b12fhir.fhir.extract.value import Reading, read_value
from b12fhir.kernel.codes import Code
from b12fhir.kernel.dates import When
from b12fhir.kernel.quantities import Measure
from b12fhir.protocol.analytes import AnalyteInfo, LabCode, UnitRule

_FINAL = frozenset({"final", "amended", "corrected"})
_CORRECTED = frozenset({"amended", "corrected"})
_NOT_YET = frozenset({"registered", "cancelled"})
_NO_RESULT_YET = frozenset({NOT_FINAL, BAD_STATUS})
# What a component or a contained member takes over from the Observation that holds it.
_INHERITED = (
    "status",
    "subject",
    "effectiveDateTime",
    "effectivePeriod",
    "effectiveInstant",
    "effectiveTiming",
    "issued",
    "specimen",
    "contained",
    "implicitRules",
)


def read_observation(source: Source, record: Record) -> Iterator[Found]:
    """Every fact in an Observation, its components and its contained members."""
    for part in _parts(source.resource):
        meaning = meaning_of(part.get("code"), record)
        read = _read_known if meaning.is_known else _read_unknown
        yield from read(Source(part, source.reference, source.url), meaning, record)


def _parts(resource: Resource) -> Iterator[Resource]:
    """The Observation itself, then its components and contained members with what they inherit."""
    yield resource
    if "component" not in resource and "hasMember" not in resource:
        return
    members = [one for one in items(resource.get("contained")) if _is_member(one, resource)]
    nested = [*items(resource.get("component")), *members]
    if nested:
        inherited = {name: resource[name] for name in _INHERITED if name in resource}
        for part in nested:
            modifiers = items(resource.get("modifierExtension")) + items(
                part.get("modifierExtension")
            )
            yield {**inherited, **part, "modifierExtension": modifiers}


def _is_member(contained: Resource, resource: Resource) -> bool:
    target = f"#{contained.get('id')}"
    return contained.get("resourceType") == "Observation" and any(
        member.get("reference") == target for member in items(resource.get("hasMember"))
    )


def _read_known(source: Source, meaning: Meaning, record: Record) -> Iterator[Found]:
    if meaning.panel and not meaning.labs:
        return
    if meaning.look_alike and not meaning.labs:
        yield LOOKALIKE.issue(source.reference, _alike(source, meaning), relevant=False)
        return
    stop = out_of_use(source, record)
    if stop is not None:
        yield stop[0].issue(source.reference, stop[1])
        if meaning.labs and stop[0] not in {NO_SUBJECT, OTHER_PATIENT}:
            yield _refused(source, meaning, stop[0], None)
    elif meaning.labs:
        yield from _read_lab(source, meaning, record)
    elif meaning.presence:
        yield from read_presence(source, meaning.presence, record)
    else:
        yield from read_finding(source, meaning.concepts, record)


def _alike(source: Source, meaning: Meaning) -> str:
    shown = quote(words_of(source.resource.get("code")))
    return f"({shown}) is not what it looks like: {meaning.look_alike}"


def _read_unknown(source: Source, meaning: Meaning, record: Record) -> Iterator[Found]:
    """Codes no table knows: facts may still be in the answer; local laboratory codes are listed."""
    part, concerns = source.resource, meaning.names_b12
    listed = concerns or (not meaning.standard and _is_laboratory(part))
    if not listed and not answers(part, record):
        return
    stop = out_of_use(source, record)
    if stop is not None and stop[0] not in _NO_RESULT_YET:
        if concerns:
            yield stop[0].issue(source.reference, stop[1])
    elif listed:
        yield _unmapped(part, meaning)
    elif stop is None:
        yield from read_finding(source, (), record)


def _unmapped(part: Resource, meaning: Meaning) -> Listed:
    first = meaning.foreign[0] if meaning.foreign else Code("", "")
    what = f"(code {quote(first.code)} of system {quote(first.system, 80)}) is in no table"
    kind = UNMAPPED_B12 if meaning.names_b12 else UNMAPPED
    return Listed(kind, what, words_of(part.get("code")) or "a test", meaning.names_b12)


def _is_laboratory(part: Resource) -> bool:
    if "valueQuantity" in part:
        return True
    return any(first_code(category) == "laboratory" for category in items(part.get("category")))


def out_of_use(source: Source, record: Record) -> tuple[Kind, str] | None:
    """Why an Observation may not be read at all, or ``None``.

    It is someone else's, withdrawn, not understood, or of a status that is no result (R-15).
    """
    part = source.resource
    status = text(part.get("status"))
    foreign = not_ours(source, record)
    if foreign is not None:
        return foreign
    if status == "entered-in-error":
        return WITHDRAWN, "was withdrawn (entered-in-error)"
    if part.get("modifierExtension") or part.get("implicitRules"):
        return MODIFIED, "carries a modifierExtension or implicitRules that may change its meaning"
    if status in _FINAL or status == "preliminary":
        return None
    if status in _NOT_YET:
        return NOT_FINAL, f"has the status {status}"
    return BAD_STATUS, f"has the status {quote(status)}"


def _read_lab(source: Source, meaning: Meaning, record: Record) -> Iterator[Found]:
    part, pending = source.resource, text(source.resource.get("status")) == "preliminary"
    notes: Notes = []
    when = None
    try:
        codes = _one_analyte(meaning)
        when, issued_only = collected(part, record, notes)
        reading = read_value(part, notes)
        sample = _Sample(source, when, issued_only, notes)
        result = _result(sample, codes, reading, record)
    except RefusedError as refused:
        yield refused.kind.issue(source.reference, refused.why)
        if not pending:
            yield _refused(source, meaning, refused.kind, when)
        return
    yield result
    if pending:
        notes.append((PENDING, "is preliminary"))
    for kind, why in (*notes, *_code_notes(codes)):
        yield kind.issue(source.reference, why)


def _refused(source: Source, meaning: Meaning, kind: Kind, when: When | None) -> RefusedLab:
    analyte = meaning.labs[0].analyte
    return RefusedLab(analyte, source.reference, kind.code, faulty=kind.fault, when=when)


def _one_analyte(meaning: Meaning) -> tuple[LabCode, ...]:
    if meaning.look_alike or len({code.analyte for code in meaning.labs}) > 1:
        named = ", ".join(sorted({code.code for code in meaning.labs}))
        raise RefusedError(
            CODES_DIFFER, f"has codes that mean different tests ({named} and others)"
        )
    return meaning.labs


def _code_notes(codes: tuple[LabCode, ...]) -> Iterator[tuple[Kind, str]]:
    for code in codes:
        if code.note:
            kind = DEPRECATED if "deprecated" in code.note.lower() else CODE_NOTE
            yield kind, f"has LOINC {code.code}: {code.note}"


class _Sample(NamedTuple):
    source: Source
    when: When
    issued_only: bool
    notes: Notes


def _result(
    sample: _Sample, codes: tuple[LabCode, ...], reading: Reading, record: Record
) -> LabResult:
    part, table = sample.source.resource, record.protocol.analytes
    info = table.info[codes[0].analyte]
    rule = unit_of(reading, part, codes, table, sample.notes)
    age = record.patient.age_range(sample.when.last)
    amount = _plausible(reading, rule, info)
    status = text(part.get("status"))
    return LabResult(
        analyte=info.analyte,
        amount=amount,
        when=sample.when,
        reference=sample.source.reference,
        recorded_value=reading.measure.number(),
        recorded_unit=reading.code or reading.unit or rule.unit,
        lab_range=lab_range(part, rule, info, age, sample.notes),
        lab_flag=next((first_code(one) for one in items(part.get("interpretation"))), ""),
        pending=status == "preliminary",
        corrected=status in _CORRECTED,
        issued_only=sample.issued_only,
        specimen=text(obj(part.get("specimen")).get("reference")),
    )


def _plausible(reading: Reading, rule: UnitRule, info: AnalyteInfo) -> Measure:
    """The amount in the native unit, if it lies within the limits of section 24 (R-25)."""
    amount = rule.apply(reading.measure)
    low, high = info.plausible[rule.native]
    if not low <= amount.value <= high:
        raise RefusedError(
            IMPLAUSIBLE,
            f"has {reading.measure.number()} {rule.unit} for {info.label}, outside the plausible"
            f" {low} to {high} {rule.native}",
        )
    return amount

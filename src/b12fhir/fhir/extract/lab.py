"""Laboratory results: every rule of section 2 between a number sent and a LabResult."""

from typing import NamedTuple

from b12fhir.facts.labs import LabResult, RefusedLab
from b12fhir.fhir.extract.code import Meaning
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import (
    CODE_NOTE,
    CODES_DIFFER,
    DEPRECATED,
    IMPLAUSIBLE,
    PENDING,
    Kind,
    RefusedError,
)
from b12fhir.fhir.extract.moment import Notes, collected
from b12fhir.fhir.extract.range import lab_range
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.tree import text
from b12fhir.fhir.extract.unit import unit_of
from b12fhir.fhir.extract.usual import (
    CORRECTED,
    Form,
    flag_of,
    learn,
    specimen_of,
)
from b12fhir.fhir.extract.value import Reading, read_value
from b12fhir.kernel.dates import When
from b12fhir.kernel.quantities import Measure
from b12fhir.protocol.analytes import AnalyteInfo, LabCode, UnitRule


class _Sample(NamedTuple):
    source: Source
    meaning: Meaning
    when: When
    issued_only: bool
    notes: Notes


def read_lab(source: Source, meaning: Meaning, record: Record) -> list[Found]:
    """The result of an Observation that may be read, or why there is none, and what is to note."""
    part = source.resource
    notes: Notes = []
    pending = text(part.get("status")) == "preliminary"
    when = None
    try:
        codes = _one_analyte(meaning)
        when, issued_only = collected(part, record, notes)
        reading = read_value(part, notes)
        sample = _Sample(source, meaning, when, issued_only, notes)
        result = _result(sample, codes, reading, record)
    except RefusedError as refused:
        issue = refused.kind.issue(source.reference, refused.why)
        return [issue] if pending else [issue, refused_lab(source, meaning, refused.kind, when)]
    if pending:
        notes.append((PENDING, "is preliminary"))
    return [result, *(kind.issue(source.reference, why) for kind, why in notes)]


def refused_lab(
    source: Source, meaning: Meaning, kind: Kind, when: When | None = None
) -> RefusedLab:
    """That there is a result which was not used."""
    analyte = meaning.labs[0].analyte
    return RefusedLab(analyte, source.reference, kind.code, faulty=kind.fault, when=when)


def _one_analyte(meaning: Meaning) -> tuple[LabCode, ...]:
    if not meaning.numbers:
        named = ", ".join(sorted({code.code for code in meaning.labs}))
        raise RefusedError(
            CODES_DIFFER, f"has codes that mean different tests ({named} and others)"
        )
    return meaning.labs


def _result(
    sample: _Sample, codes: tuple[LabCode, ...], reading: Reading, record: Record
) -> LabResult:
    part, table = sample.source.resource, record.protocol.analytes
    info = table.info[codes[0].analyte]
    always: Notes = []
    rule = unit_of(reading, part, codes, table, always)
    always += _code_notes(codes)
    age = record.patient.age_range(sample.when.last)
    amount = _plausible(reading, rule, info)
    unit = reading.code or reading.unit or rule.unit
    dropped: Notes = []
    own = lab_range(part, rule, info, age, dropped)
    if not dropped:
        form = Form(info.analyte, rule, info.plausible[rule.native], unit, own, tuple(always))
        learn(part, sample.meaning, form, record)
    sample.notes.extend((*always, *dropped))
    status = text(part.get("status"))
    return LabResult(
        analyte=info.analyte,
        amount=amount,
        when=sample.when,
        reference=sample.source.reference,
        recorded_value=reading.measure.number(),
        recorded_unit=unit,
        lab_range=own,
        lab_flag=flag_of(part),
        pending=status == "preliminary",
        corrected=status in CORRECTED,
        issued_only=sample.issued_only,
        specimen=specimen_of(part),
    )


def _plausible(reading: Reading, rule: UnitRule, info: AnalyteInfo) -> Measure:
    """The amount in the native unit, if it lies within the limits of section 24 (R-25)."""
    value = rule.convert(reading.measure.value)
    low, high = info.plausible[rule.native]
    if not low <= value <= high:
        raise RefusedError(
            IMPLAUSIBLE,
            f"has {reading.measure.number()} {rule.unit} for {info.label}, outside the plausible"
            f" {low} to {high} {rule.native}",
        )
    return Measure(value, rule.native, reading.measure.comparator)


def _code_notes(codes: tuple[LabCode, ...]) -> Notes:
    return [
        (
            DEPRECATED if "deprecated" in code.note.lower() else CODE_NOTE,
            f"has LOINC {code.code}: {code.note}",
        )
        for code in codes
        if code.note
    ]

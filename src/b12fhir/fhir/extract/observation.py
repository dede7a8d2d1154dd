"""Laboratory results: every rule of section 2 between a foreign Observation and a LabResult."""

from collections.abc import Iterable, Iterator

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.code import Meaning, meaning_of, names_b12
from b12fhir.fhir.extract.finding import answers, read_finding
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import (
    BAD_STATUS,
    LOOKALIKE,
    MODIFIED,
    NO_SUBJECT,
    NOT_FINAL,
    OTHER_PATIENT,
    UNMAPPED,
    UNMAPPED_B12,
    WITHDRAWN,
    Kind,
    quote,
)
from b12fhir.fhir.extract.lab import read_lab, refused_lab
from b12fhir.fhir.extract.presence import read_presence
from b12fhir.fhir.extract.record import Listed, Record, Source
from b12fhir.fhir.extract.subject import not_ours
from b12fhir.fhir.extract.tree import first_code, items, text, words_of
from b12fhir.fhir.extract.usual import CORRECTED, read_usual
from b12fhir.kernel.codes import Code
from b12fhir.kernel.evidence import Issue

_NOT_YET = frozenset({"registered", "cancelled"})
_USABLE = CORRECTED | {"final", "preliminary"}
_NOT_HIS = frozenset({NO_SUBJECT, OTHER_PATIENT})
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


def read_observation(source: Source, record: Record) -> Iterable[Found]:
    """Every fact in an Observation, its components and its contained members."""
    resource = source.resource
    if "component" not in resource and "hasMember" not in resource:
        return read_usual(source, record) or _read(source, record)
    parts = [Source(part, source.reference, source.url) for part in _parts(resource)]
    return [one for part in parts for one in read_usual(part, record) or _read(part, record)]


def _read(source: Source, record: Record) -> Iterable[Found]:
    meaning = meaning_of(source.resource.get("code"), record)
    known = _read_known if meaning.is_known else _read_unknown
    return known(source, meaning, record)


def _parts(resource: Resource) -> Iterator[Resource]:
    """The Observation itself, then its components and contained members with what they inherit."""
    yield resource
    members = [one for one in items(resource.get("contained")) if _is_member(one, resource)]
    nested = [*items(resource.get("component")), *members]
    if nested:
        inherited = {name: resource[name] for name in _INHERITED if name in resource}
        for part in nested:
            own = {**inherited, **part}
            if "modifierExtension" in resource or "modifierExtension" in part:
                own["modifierExtension"] = items(resource.get("modifierExtension")) + items(
                    part.get("modifierExtension")
                )
            yield own


def _is_member(contained: Resource, resource: Resource) -> bool:
    target = f"#{contained.get('id')}"
    return contained.get("resourceType") == "Observation" and any(
        member.get("reference") == target for member in items(resource.get("hasMember"))
    )


def _read_known(source: Source, meaning: Meaning, record: Record) -> Iterable[Found]:
    if not meaning.labs and (meaning.panel or meaning.look_alike):
        return () if meaning.panel else (_alike(source, meaning),)
    stop = out_of_use(source, record)
    if stop is not None:
        issue = stop[0].issue(source.reference, stop[1])
        if meaning.labs and stop[0] not in _NOT_HIS:
            return issue, refused_lab(source, meaning, stop[0])
        return (issue,)
    if meaning.labs:
        return read_lab(source, meaning, record)
    if meaning.presence:
        return read_presence(source, meaning.presence, record)
    return read_finding(source, meaning.concepts, record)


def _alike(source: Source, meaning: Meaning) -> Issue:
    shown = quote(words_of(source.resource.get("code")))
    why = f"({shown}) is not what it looks like: {meaning.look_alike}"
    return LOOKALIKE.issue(source.reference, why, relevant=False)


def _read_unknown(source: Source, meaning: Meaning, record: Record) -> Iterable[Found]:
    """Codes no table knows: facts may still be in the answer; local laboratory codes are listed."""
    part = source.resource
    concerns = names_b12(part.get("code"))
    listed = concerns or (not meaning.standard and _is_laboratory(part))
    if not listed and not answers(part, record):
        return ()
    stop = out_of_use(source, record)
    if stop is not None and stop[0] not in _NO_RESULT_YET:
        return (stop[0].issue(source.reference, stop[1]),) if concerns else ()
    if listed:
        return (_unmapped(part, meaning, concerns=concerns),)
    return read_finding(source, (), record) if stop is None else ()


def _unmapped(part: Resource, meaning: Meaning, *, concerns: bool) -> Listed:
    first = meaning.foreign[0] if meaning.foreign else Code("", "")
    what = f"(code {quote(first.code)} of system {quote(first.system, 80)}) is in no table"
    kind = UNMAPPED_B12 if concerns else UNMAPPED
    return Listed(kind, what, words_of(part.get("code")) or "a test", concerns)


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
    if status in _USABLE:
        return None
    if status in _NOT_YET:
        return NOT_FINAL, f"has the status {status}"
    return BAD_STATUS, f"has the status {quote(status)}"

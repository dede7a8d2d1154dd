"""When an Observation was true: collection time first, the report's date only at the end."""

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.issues import (
    BAD_DATE,
    ISSUED_ONLY,
    NO_DATE,
    ZONE_ASSUMED,
    Kind,
    RefusedError,
    quote,
)
from b12fhir.fhir.extract.record import Record
from b12fhir.fhir.extract.tree import obj
from b12fhir.kernel.dates import When

Notes = list[tuple[Kind, str]]


def collected(part: Resource, record: Record, notes: Notes) -> tuple[When, bool]:
    """The time of collection, and whether only the issue date was there to stand in for it."""
    recorded = part.get("effectiveDateTime") or _effective(part) or _specimen(part, record)
    issued_only = recorded is None
    if recorded is None:
        recorded = part.get("issued")
    if recorded is None:
        raise RefusedError(NO_DATE, "states neither when the sample was taken nor when reported")
    when = record.when(recorded)
    if when is None:
        raise RefusedError(BAD_DATE, f"has the date {quote(recorded)}, which is no FHIR date")
    if issued_only:
        notes.append((ISSUED_ONLY, "has no collection time"))
    if when.assumed_zone:
        notes.append((ZONE_ASSUMED, f"has a time without zone ({quote(when.text)})"))
    return when, issued_only


def _effective(part: Resource) -> object:
    """effectiveDateTime, effectivePeriod's end, effectiveInstant, effectiveTiming's last event."""
    period = obj(part.get("effectivePeriod"))
    events = obj(part.get("effectiveTiming")).get("event")
    choices = (
        part.get("effectiveDateTime"),
        period.get("end"),
        period.get("start"),
        part.get("effectiveInstant"),
        events[-1] if isinstance(events, list) and events else None,
    )
    return next((choice for choice in choices if choice is not None), None)


def _specimen(part: Resource, record: Record) -> object:
    if "specimen" not in part:
        return None
    specimen = record.resolve(part["specimen"], part)
    collection = obj(specimen.get("collection")) if specimen else {}
    period = obj(collection.get("collectedPeriod"))
    return collection.get("collectedDateTime") or period.get("end") or period.get("start")

"""One version of each resource: reading the same thing twice changes nothing."""

import json
from datetime import UTC, datetime

from b12fhir.fhir.bundle import Entry, Resource
from b12fhir.fhir.extract.issues import VERSIONS
from b12fhir.fhir.extract.subject import base_of
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.kernel.dates import parse_when
from b12fhir.kernel.evidence import Issue

_EARLIEST = datetime.min.replace(tzinfo=UTC)
# Without version numbers a withdrawal beats a correction, and that the first report.
_RANK = {"entered-in-error": 3, "corrected": 2, "amended": 2, "final": 1}

_Identity = tuple[str, str, str]


def reference_of(resource: Resource, url: str) -> str:
    """``Type/id``, or the address of a resource without id, or ``""``."""
    own = text(resource.get("id"))
    return f"{resource.get('resourceType')}/{own}" if own else url


def newest(found: list[Entry]) -> tuple[list[Entry], list[Issue]]:
    """Each resource once, in its newest version; exact duplicates vanish.

    Order of versions: numeric ``versionId``, ``lastUpdated``, then the status rank. If none of
    these tells two different contents apart, one is taken by a fixed rule and an issue says so.
    """
    versions: dict[_Identity, list[Entry]] = {}
    for entry in found:
        versions.setdefault(_identity(entry), []).append(entry)
    kept, conflicts = [], []
    for rivals in versions.values():
        best = rivals[0] if len(rivals) == 1 else max(rivals, key=_order)
        kept.append(best)
        if len(rivals) > 1 and _is_disputed(best, rivals):
            conflicts.append(_conflict(best))
    return kept, conflicts


def _is_disputed(best: Entry, rivals: list[Entry]) -> bool:
    """Does another version say something else and claim to be just as new?"""
    said = _content(best.resource)
    return any(_age(one) == _age(best) and _content(one.resource) != said for one in rivals)


def _identity(entry: Entry) -> _Identity:
    own = text(entry.resource.get("id"))
    if own:
        return base_of(entry.url), str(entry.resource.get("resourceType")), own
    if entry.url:
        return entry.url, "", ""
    return "", "", _content(entry.resource)


def _age(entry: Entry) -> tuple[int, datetime, int]:
    meta = obj(entry.resource.get("meta"))
    version = text(meta.get("versionId"))
    updated = parse_when(meta.get("lastUpdated"), UTC)
    return (
        int(version) if version.isdecimal() and len(version) < len("1234567890") else -1,
        (updated.instant if updated else None) or _EARLIEST,
        _RANK.get(text(entry.resource.get("status")), 0),
    )


def _order(entry: Entry) -> tuple[tuple[int, datetime, int], str]:
    return _age(entry), _content(entry.resource)


def _content(resource: Resource) -> str:
    """All a resource says, whatever the order of its keys; only ever compared, never written."""
    try:
        return json.dumps(resource, sort_keys=True, default=str)
    except RecursionError:
        return "too deep to be compared"


def _conflict(entry: Entry) -> Issue:
    reference = reference_of(entry.resource, entry.url)
    return VERSIONS.issue(reference, "is given twice with different content and no version order")

"""One version of each resource: reading the same thing twice changes nothing."""

import json
from datetime import UTC, datetime

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.issues import VERSIONS
from b12fhir.fhir.extract.record import Source
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


def newest(found: list[Source]) -> tuple[list[Source], list[Issue]]:
    """Each resource once, in its newest version; exact duplicates vanish.

    Order of versions: numeric ``versionId``, ``lastUpdated``, then the status rank. If none of
    these tells two different contents apart, one is taken by a fixed rule and an issue says so.
    """
    if _all_apart(found):
        return found, []
    versions: dict[_Identity, list[Source]] = {}
    for source in found:
        versions.setdefault(_identity(source), []).append(source)
    kept, conflicts = [], []
    for rivals in versions.values():
        best = rivals[0] if len(rivals) == 1 else max(rivals, key=_order)
        kept.append(best)
        if len(rivals) > 1 and _is_disputed(best, rivals):
            conflicts.append(_conflict(best))
    return kept, conflicts


def _all_apart(found: list[Source]) -> bool:
    """Has each a type and an id that no other has? Then none is a version of another.

    Where there is no id the reference is the address.
    """
    if len({source.reference for source in found}) < len(found):
        return False
    return not [source for source in found if source.reference == source.url]


def _is_disputed(best: Source, rivals: list[Source]) -> bool:
    """Does another version say something else and claim to be just as new?"""
    said = _content(best.resource)
    return any(_age(one) == _age(best) and _content(one.resource) != said for one in rivals)


def _identity(source: Source) -> _Identity:
    own = text(source.resource.get("id"))
    if own:
        return base_of(source.url), str(source.resource.get("resourceType")), own
    if source.url:
        return source.url, "", ""
    return "", "", _content(source.resource)


def _age(source: Source) -> tuple[int, datetime, int]:
    meta = obj(source.resource.get("meta"))
    version = text(meta.get("versionId"))
    updated = parse_when(meta.get("lastUpdated"), UTC)
    return (
        int(version) if version.isdecimal() and len(version) < len("1234567890") else -1,
        (updated.instant if updated else None) or _EARLIEST,
        _RANK.get(text(source.resource.get("status")), 0),
    )


def _order(source: Source) -> tuple[tuple[int, datetime, int], str]:
    return _age(source), _content(source.resource)


def _content(resource: Resource) -> str:
    """All a resource says, whatever the order of its keys; only ever compared, never written."""
    try:
        return json.dumps(resource, sort_keys=True, default=str)
    except RecursionError:
        return "too deep to be compared"


def _conflict(source: Source) -> Issue:
    return VERSIONS.issue(
        source.reference, "is given twice with different content and no version order"
    )

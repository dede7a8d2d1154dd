"""Versions and their stamps, as the server wrote them."""

from datetime import UTC, datetime

from b12fhir.fhir.extract.tree import obj, text
from b12fhir.kernel.dates import parse_when
from b12fhir.ports import Resource, Version


def stamp_of(resource: Resource) -> datetime | None:
    """When this version came about, by the server's clock."""
    when = parse_when(obj(resource.get("meta")).get("lastUpdated"), UTC)
    return when.instant if when else None


def version_of(resource: Resource) -> Version | None:
    """Which version it is; where the server does not number them its stamp stands for it."""
    at = stamp_of(resource)
    if at is None:
        return None
    meta = obj(resource.get("meta"))
    version = text(meta.get("versionId")) or text(meta.get("lastUpdated"))
    return Version(text(resource.get("resourceType")), text(resource.get("id")), version, at)

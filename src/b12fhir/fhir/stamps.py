"""Versions, their stamps and their addresses, as a server wrote them."""

import re
from datetime import UTC, datetime

from b12fhir.fhir.extract.tree import obj, text
from b12fhir.kernel.dates import parse_when
from b12fhir.ports import Resource, Version

# The version of what was never changed since it came to be.
FIRST = "1"
_ADDRESS = re.compile(
    r"(?:.*/)?(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/(?P<version>[^/]+))?\Z"
)


def instant(value: object) -> datetime | None:
    """A moment of a server's clock; ``None`` if it is none."""
    when = parse_when(value, UTC)
    return when.instant if when else None


def stamp_of(resource: Resource) -> datetime | None:
    """When this version came about, by the server's clock."""
    return instant(obj(resource.get("meta")).get("lastUpdated"))


def version_of(resource: Resource) -> Version | None:
    """Which version it is; where the server does not number them its stamp stands for it."""
    at = stamp_of(resource)
    if at is None:
        return None
    meta = obj(resource.get("meta"))
    version = text(meta.get("versionId")) or text(meta.get("lastUpdated"))
    return Version(text(resource.get("resourceType")), text(resource.get("id")), version, at)


def named_in(address: str) -> tuple[str, str, str] | None:
    """Type, id and version (``""`` if none is named) of an address, absolute or relative."""
    match = _ADDRESS.match(address)
    return (match["kind"], match["id"], match["version"] or "") if match else None

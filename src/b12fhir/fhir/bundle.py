"""Bundles of every type, opened: each resource with the address it was sent under."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Resource = Mapping[str, Any]

# A batch answer holds Bundles; deeper nesting than this is an attack or a mistake.
_DEPTH = 4
_EMPTY: Resource = {}
_MATCH = {"mode": "match"}
_Pair = tuple[Resource, str]


class Entry(NamedTuple):
    """A resource and its ``fullUrl`` (``""`` if none was sent)."""

    resource: Resource
    url: str


def entries(bundle: Resource) -> list[Entry]:
    """Every resource of a Bundle of any type, those of Bundles within it too.

    OperationOutcome entries come along, so that nothing a server says is lost. An entry without
    resource (a bare request or response) is no resource; one whose resource is no object comes as
    an empty resource, to be reported.
    """
    found: list[_Pair] = []
    _open(bundle, _DEPTH, found)
    return list(map(Entry._make, found))


class Unfolded:
    """Resources as they are, with what `unfold` finds in them: for whoever needs that again."""

    __slots__ = ("_resources", "pairs")

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._resources = tuple(resources)
        self.pairs = unfold(self._resources)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources)


def unfold(resources: Iterable[Resource]) -> list[tuple[Resource, str]]:
    """Every resource and its ``fullUrl``, those within Bundles in their place; not to be changed.

    Plain pairs: they are taken apart at once, and an `Entry` costs ten times as much.
    """
    if isinstance(resources, Unfolded):
        return resources.pairs
    found: list[_Pair] = []
    for resource in resources:
        found.append((resource, ""))
        if resource.get("resourceType") == "Bundle":
            _open(resource, _DEPTH, found)
    return found


def is_incomplete(bundle: Resource) -> bool:
    """Does the Bundle say that there is more than it holds (ruling 30)?

    It has a ``next`` link, or a ``total`` above its matching entries.
    """
    links, total = bundle.get("link"), bundle.get("total")
    if links is None and total is None:
        return False
    if isinstance(links, list) and any(
        isinstance(link, dict) and link.get("relation") == "next" for link in links
    ):
        return True
    if not isinstance(total, int) or bundle.get("type") != "searchset":
        return False
    return total > 0 and total > _matches(bundle)


def _open(bundle: Resource, depth: int, found: list[_Pair]) -> None:
    rows = bundle.get("entry")
    if not isinstance(rows, list):
        return
    for entry in rows:
        if not isinstance(entry, dict):
            continue
        resource, url = entry.get("resource"), entry.get("fullUrl")
        if resource is None:
            continue
        held = resource if isinstance(resource, dict) else _EMPTY
        found.append((held, url if isinstance(url, str) else ""))
        if depth and held.get("resourceType") == "Bundle":
            _open(held, depth - 1, found)


def _matches(bundle: Resource) -> int:
    """Entries that are no outcome and were not merely included; no mode is a match."""
    rows = bundle.get("entry")
    if not isinstance(rows, list):
        return 0
    found = [entry.get("search") for entry in rows if isinstance(entry, dict)]
    plain = found.count(_MATCH)
    return plain if plain == len(found) else sum(map(_is_match, found))


def _is_match(search: object) -> bool:
    mode = search.get("mode") if isinstance(search, dict) else None
    return mode is None or mode == "match"

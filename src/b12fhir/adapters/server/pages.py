"""Bookkeeping of one search: nothing twice, nothing missing, no endless walk."""

from collections.abc import Iterator, Mapping
from typing import Any

from b12fhir.errors import ServerError, TemporaryServerError
from b12fhir.ports import Resource


class Pages:
    """What one search has seen so far. ``doing`` and ``base`` are for errors."""

    def __init__(self, doing: str, base: str, max_pages: int) -> None:
        self.doing = doing
        self._base = base
        self._max_pages = max_pages
        self._visited: set[str] = set()
        self._given: set[tuple[object, ...]] = set()
        self._matches: set[tuple[object, ...]] = set()
        self._total: int | None = None

    def take(self, page: Mapping[str, Any]) -> Iterator[Resource]:
        """Yield the resources of a page that were not given before."""
        total = page.get("total")
        self._total = total if isinstance(total, int) else self._total
        for entry in page.get("entry") or ():
            yield from self._entry(entry)

    def _entry(self, entry: object) -> Iterator[Resource]:
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        if not isinstance(entry, Mapping) or not isinstance(resource, Mapping):
            raise ServerError(
                f"{self._base} sent an entry without a resource while {self.doing}.",
                hint="Nothing was decided on an answer that is not whole.",
            )
        yield from self._once(resource, entry)

    def visit(self, url: str) -> None:
        """Note a page that is about to be asked for; refuse circles and endless walks."""
        if url in self._visited:
            raise ServerError(
                f"{self._base} sent a next page that was read before, while {self.doing}.",
                hint="The answer is not whole and was not used. Ask the server's operator.",
            )
        self._visited.add(url)
        if len(self._visited) >= self._max_pages:
            raise ServerError(
                f"{self._base} sent more than {self._max_pages} pages while {self.doing}.",
                hint="The answer is not whole and was not used. Raise the limit if this is right.",
            )

    def restart(self) -> None:
        """Begin again: other page addresses and another count, but nothing is given twice."""
        self._visited.clear()
        self._matches.clear()
        self._total = None

    def check_total(self) -> None:
        """Refuse an answer that held less than the server said there was (ruling 30)."""
        if self._total is not None and self._total > len(self._matches):
            raise TemporaryServerError(
                f"{self._base} announced {self._total} matches and sent {len(self._matches)} while "
                f"{self.doing}.",
                hint="The answer is not whole and was not used. Try again.",
            )

    def _once(self, resource: Resource, entry: Mapping[str, Any]) -> Iterator[Resource]:
        if resource.get("resourceType") == "OperationOutcome":
            yield resource
            return
        key = self._key(resource)
        search = entry.get("search")
        if not isinstance(search, Mapping) or search.get("mode") in (None, "match"):
            self._matches.add(key)
        if resource.get("id") is None or key not in self._given:
            self._given.add(key)
            yield resource

    def _key(self, resource: Resource) -> tuple[object, ...]:
        return resource.get("resourceType"), resource.get("id")


def next_link(page: Mapping[str, Any]) -> object | None:
    """The ``next`` link of a page; ``None`` on the last one."""
    links = page.get("link")
    rows = links if isinstance(links, list) else []
    found = (row for row in rows if isinstance(row, Mapping) and row.get("relation") == "next")
    row = next(found, None)
    return None if row is None else row.get("url", "")

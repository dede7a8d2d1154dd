"""The history of a type or of one resource: versions, and the deletions among them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from b12fhir.adapters.server.pages import Pages
from b12fhir.errors import ServerError
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.fhir.stamps import instant, named_in, stamp_of
from b12fhir.ports import Resource, Version


class Past(Pages):
    """What the history gave so far: each version once, however its pages shift under the walk.

    ``deletions`` are what is left of those that are gone. None is later than the first answer, by
    the server's own clock; by ``clock`` if it does not say.
    """

    def __init__(self, doing: str, base: str, max_pages: int, clock: datetime) -> None:
        super().__init__(doing, base, max_pages)
        self._newest = clock
        self._is_begun = False
        self.deletions: list[Version] = []

    @property
    def lowest(self) -> int:
        """The lowest version that was given or deleted; 0 if versions are no numbers."""
        versions = [str(key[-1]) for key in self._given]
        return min((int(one) for one in versions if one.isdigit()), default=0)

    def take(self, page: Mapping[str, Any]) -> Iterator[Resource]:
        """Yield the versions of a page that were not given before, and note its deletions."""
        if not self._is_begun:
            self._is_begun = True
            self._newest = stamp_of(page) or self._newest
        yield from super().take(page)

    def _entry(self, entry: object) -> Iterator[Resource]:
        held = obj(entry)
        request, response = obj(held.get("request")), obj(held.get("response"))
        if request.get("method") != "DELETE":
            yield from super()._entry(entry)
            self._newest = stamp_of(obj(held.get("resource"))) or self._newest
            return
        # The newest come first: a deletion without a date is no later than what stands before it.
        self._newest = instant(response.get("lastModified")) or self._newest
        gone = self._deletion(text(request.get("url")), text(held.get("fullUrl")), response)
        key = (gone.kind, gone.id, gone.version)
        self._matches.add(key)
        if key not in self._given:
            self._given.add(key)
            self.deletions.append(gone)

    def _deletion(self, url: str, address: str, response: Resource) -> Version:
        named = named_in(url) or named_in(address)
        if named is None:
            raise ServerError(
                f"{self._base} sent a deletion that does not say of what, while {self.doing}.",
                hint="Whom it concerns is not known: every patient is to be read.",
            )
        kind, id_, version = named
        version = version or _etag(response) or text(response.get("lastModified"))
        return Version(kind, id_, version, self._newest)

    def _key(self, resource: Resource) -> tuple[object, ...]:
        return (*super()._key(resource), obj(resource.get("meta")).get("versionId"))


def _etag(response: Resource) -> str:
    return text(response.get("etag")).removeprefix("W/").strip('"')

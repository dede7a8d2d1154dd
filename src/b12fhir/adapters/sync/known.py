"""Versions that need not be looked at again when a look for changes comes upon them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from b12fhir.fhir.capabilities import READ_TYPES
from b12fhir.fhir.extract.tree import items, obj
from b12fhir.fhir.stored import patient_of
from b12fhir.kernel.dates import parse_when
from b12fhir.ports import Resource, Version

_LOCATION = re.compile(
    r"(?:.*/)?(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})/_history/(?P<version>[^/]+)\Z"
)
_FIRST = "1"
# These concern more people than the one for whom they were read.
_SHARED = frozenset({"Patient", "Medication"})


@dataclass(frozen=True, slots=True)
class Recent:
    """What a look for changes would come upon again: stamped after a mark less the overlap.

    Without any mark the server is not followed by changes, so nothing is kept in mind.
    """

    marks: Mapping[str, datetime] = field(default_factory=dict)
    overlap: timedelta = timedelta()

    def read(self, resources: Sequence[Resource], patient: str) -> Iterator[Version]:
        """Of what was read of a patient, what nobody else need be told of.

        Only first versions: a later one may have been another patient's before, who must be looked
        at because of it. Nor what concerns several: the Patient, who may be merged with another,
        and medicines that many orders share.
        """
        if not self.marks:
            return
        for resource in resources:
            kind = resource.get("resourceType", "")
            meta = obj(resource.get("meta"))
            at = _instant(meta.get("lastUpdated"))
            is_ours_alone = kind not in _SHARED and patient_of(resource) == patient
            is_first = meta.get("versionId") == _FIRST
            if at and is_first and is_ours_alone and self._comes_again(kind, at):
                yield Version(kind, str(resource.get("id")), _FIRST, at)

    def _comes_again(self, kind: str, at: datetime) -> bool:
        mark = self.marks.get(kind)
        return mark is None or at >= mark - self.overlap


def written(bundle: Resource, answer: Resource, now: datetime) -> Iterator[Version]:
    """The versions that a transaction made, by its answer; ``now`` where it does not say when.

    A create that found its resource there already made none: somebody else did.
    """
    for entry, reply in zip(items(bundle.get("entry")), items(answer.get("entry")), strict=False):
        response = obj(reply.get("response"))
        is_found = str(response.get("status", "")).startswith("200")
        if is_found and obj(entry.get("request")).get("method") == "POST":
            continue
        match = _LOCATION.match(str(response.get("location", "")))
        if match and match["kind"] in READ_TYPES:
            at = _instant(response.get("lastModified")) or now
            yield Version(match["kind"], match["id"], match["version"], at)


def _instant(text: object) -> datetime | None:
    when = parse_when(text, UTC)
    return when.instant if when else None

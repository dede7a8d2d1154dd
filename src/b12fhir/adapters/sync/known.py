"""Versions that need not be looked at again when a look for changes comes upon them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from b12fhir.fhir.capabilities import READ_TYPES
from b12fhir.fhir.extract.tree import items, obj
from b12fhir.fhir.stamps import FIRST, instant, named_in, stamp_of
from b12fhir.fhir.stored import patient_of
from b12fhir.ports import Resource, Version

_NOWHERE = ("", "", "")
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
            at = stamp_of(resource)
            is_ours_alone = kind not in _SHARED and patient_of(resource) == patient
            is_first = obj(resource.get("meta")).get("versionId") == FIRST
            if at and is_first and is_ours_alone and self._comes_again(kind, at):
                yield Version(kind, str(resource.get("id")), FIRST, at)

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
        kind, id_, version = named_in(str(response.get("location", ""))) or _NOWHERE
        if version and kind in READ_TYPES:
            yield Version(kind, id_, version, instant(response.get("lastModified")) or now)

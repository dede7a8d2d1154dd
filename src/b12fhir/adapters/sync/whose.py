"""Whom a change concerns: the patient it is about, and those it was about before."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from b12fhir.errors import RefusedError
from b12fhir.fhir.capabilities import Capabilities
from b12fhir.fhir.extract.tree import obj
from b12fhir.fhir.outcome import whole
from b12fhir.fhir.stamps import FIRST, stamp_of
from b12fhir.fhir.subjects import medications_of, merged_with, subject_on
from b12fhir.ports import Expected, FhirFeed, Resource, Version

_IDS_AT_ONCE = 50
# What may refer to a Medication instead of naming the drug.
_USES = (
    "MedicationRequest",
    "MedicationStatement",
    "MedicationAdministration",
    "MedicationDispense",
)
# Of these uses: whose they are, and which medicine they name. Servers know it by either name.
_USE_ELEMENTS = "subject,medication,medicationReference"
_NO_HISTORY = (
    "The server keeps no history of single resources: what was moved from one patient to another "
    "is seen for the first of them at the next full read only."
)
_HINT = "The change is asked for again next time."


class Whose:
    """Finds the patients of changes on one server.

    What is yielded is whom, and what the change makes that record show. ``unclear`` are changes of
    which nobody can tell whom they concern: every patient is to be read. What concerns nobody on
    this server is counted, to be told. ``now`` is when all this is heard.
    """

    def __init__(self, server: FhirFeed, can: Capabilities, page_size: int, now: datetime) -> None:
        self._server = server
        self._can = can
        self._now = now
        self._page = {"_count": str(page_size), "_elements": _USE_ELEMENTS}
        self._strays: Counter[str] = Counter()
        self._misses_history = False
        self.unclear: list[Version] = []

    def notes(self) -> tuple[str, ...]:
        """What a person should know of it."""
        told = [_NO_HISTORY] if self._misses_history else []
        if self._strays:
            counts = ", ".join(f"{count} {kind}" for kind, count in sorted(self._strays.items()))
            told.append(
                f"Changed records that name no patient of this server: {counts}. They stand in "
                "nobody's record and were not used."
            )
        return tuple(told)

    def changed(
        self, rows: Sequence[tuple[Resource, Version]], floor: datetime
    ) -> Iterator[Expected]:
        """All whom changes of one type since ``floor`` concern."""
        yield from self._users([version for _, version in rows if version.kind == "Medication"])
        for resource, version in rows:
            if version.kind == "Patient":
                yield self._to_show(f"Patient/{version.id}", version)
                for other in merged_with(resource, self._server.base):
                    yield self._to_show(other, version, is_there=False)
            elif version.kind != "Medication":
                now_of = subject_on(resource, self._server.base)
                for owner in self._owners(now_of, version, floor):
                    yield self._to_show(owner, version, is_there=owner == now_of)

    def deleted(self, gone: Sequence[Version], floor: datetime) -> Iterator[Expected]:
        """The same of deletions: the versions before tell."""
        for one in self._users([version for version in gone if version.kind == "Medication"]):
            yield replace(one, is_there=False)
        for version in gone:
            if version.kind == "Patient":
                yield self._to_show(f"Patient/{version.id}", version, is_there=False)
            elif version.kind != "Medication":
                owners = self._before(version, floor)
                if owners is None:
                    self.unclear.append(version)
                for owner in self._counted(version, owners or ()):
                    yield self._to_show(owner, version, is_there=False)

    def _to_show(self, patient: str, version: Version, *, is_there: bool = True) -> Expected:
        return Expected(patient, version, self._now, is_there)

    def _owners(self, now_of: str, version: Version, floor: datetime) -> Iterator[str]:
        """A version that is not the first may have been another patient's before."""
        owners = {now_of}
        if version.version != FIRST:
            if self._can.has(version.kind, "history-instance"):
                owners |= self._known_before(version, floor)
            else:
                self._misses_history = True
        yield from self._counted(version, owners)

    def _known_before(self, version: Version, floor: datetime) -> set[str]:
        before = self._before(version, floor)
        if before is None:
            self.unclear.append(version)
        return before or set()

    def _counted(self, version: Version, owners: Iterable[str]) -> Iterator[str]:
        found = sorted(one for one in owners if one)
        if not found:
            self._strays[version.kind] += 1
        yield from found

    def _before(self, version: Version, floor: datetime) -> set[str] | None:
        """Whose it was from the last version before ``floor`` on; ``None`` if that is not kept.

        ``""`` stands for nobody on this server.
        """
        owners: set[str] = set()
        last = ""
        try:
            history = self._server.history(version.kind, version.id)
            for one in whole(history, version.kind, _HINT):
                owners.add(subject_on(one, self._server.base))
                last = str(obj(one.get("meta")).get("versionId"))
                if (at := stamp_of(one)) and at < floor:
                    return owners
        except RefusedError:
            return None
        # Numbered versions tell whether the first is still kept; others end where it was created.
        return None if not last or (last.isdigit() and last != FIRST) else owners

    def _users(self, medications: Sequence[Version]) -> Iterator[Expected]:
        """The patients whose orders, statements or doses refer to a medicine."""
        ids = [version.id for version in medications]
        kinds = [kind for kind in _USES if self._can.searches(kind)] if ids else []
        if not all(self._can.finds_by(kind, "medication") for kind in kinds):
            self.unclear.extend(medications)
            return
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = medications[start : start + _IDS_AT_ONCE]
            asked = ",".join(f"Medication/{version.id}" for version in some)
            for kind in kinds:
                found = self._server.search(kind, {"medication": asked, **self._page})
                for one in whole(found, kind, _HINT):
                    if owner := subject_on(one, self._server.base):
                        yield from (self._to_show(owner, version) for version in _used(one, some))


def _used(use: Resource, medications: Sequence[Version]) -> Sequence[Version]:
    """Those it refers to; all, where the server leaves the reference out of its answer."""
    named = set(medications_of(use))
    return [version for version in medications if version.id in named] or medications

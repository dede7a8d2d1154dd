"""What changed since the last look, type by type, and how far that is known now."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from b12fhir.adapters.sync.whose import Whose
from b12fhir.errors import RefusedError
from b12fhir.fhir.capabilities import Capabilities
from b12fhir.fhir.outcome import whole
from b12fhir.fhir.stamps import stamp_of, version_of
from b12fhir.ports import Expected, FhirFeed, Found, Place, Resource, Version

_AT_ONCE = 200
# Servers that keep seconds only give what is up to a second older than what is asked for.
_COARSE = timedelta(seconds=1)
_UNTOLD = (
    "The server does not tell deletions of {kinds}: what was deleted counts until the next full "
    "read, or until the patient is looked at for another reason."
)
_HINT = "These changes are asked for again next time."


class BlindError(Exception):
    """The server cannot be asked what changed; its text says why."""


def past_of(kind: str) -> str:
    """The mark under which deletions of a type are known: by its history, not by searches."""
    return f"{kind}/_history"


def newest(server: FhirFeed, kind: str) -> datetime | None:
    """The newest stamp of a type; ``None`` if it is empty. Raises `BlindError` without stamps."""
    query = {"_sort": "-_lastUpdated", "_count": "1", "_elements": "id"}
    try:
        first = next(whole(server.search(kind, query), kind, _HINT), None)
    except RefusedError:
        raise BlindError(f"it refuses to sort {kind} by _lastUpdated") from None
    if first is None:
        return None
    at = stamp_of(first)
    if at is None:
        raise BlindError("it does not say when a resource was last updated")
    return at


def since(server: FhirFeed, kind: str, floor: datetime, count: int) -> Iterator[Resource]:
    """What was stamped at that moment or later. Never asked as later than a stamp.

    All resources of one transaction bear the same one.
    """
    query = {
        "_lastUpdated": f"ge{_instant(floor)}",
        "_sort": "_lastUpdated",
        "_count": str(count),
        "_elements": "subject,patient,for,link",
    }
    try:
        yield from whole(server.search(kind, query), kind, _HINT)
    except RefusedError:
        raise BlindError(f"it refuses to search {kind} by _lastUpdated") from None


class Changes:
    """Notes the patients of changes in a place. For one look.

    Each step keeps patients, marks and what was seen together, so that nothing is lost wherever it
    ends. As long as somebody is `Whose.unclear` no mark moves. None moves past ``now``.
    """

    def __init__(  # noqa: PLR0913 - what a look is made of
        self,
        server: FhirFeed,
        can: Capabilities,
        place: Place,
        whose: Whose,
        *,
        count: int,
        now: datetime,
    ) -> None:
        self._server = server
        self._can = can
        self._place = place
        self._whose = whose
        self._count = count
        self._now = now
        self._marks = {kind: min(at, now) for kind, at in place.marks().items()}
        self._untold: list[str] = []

    def notes(self) -> tuple[str, ...]:
        """What a person should know of it."""
        told = [_UNTOLD.format(kinds=", ".join(self._untold))] if self._untold else []
        return (*told, *self._whose.notes())

    def note(self, kind: str, overlap: timedelta) -> None:
        """Note whomever a change of this type since its mark concerns, and move the mark.

        Raises `BlindError`, and `ServerError` if the changes could not be had.
        """
        begun = self._marks[kind]
        seen = self._place.seen(kind)
        newest_at = self._searched(kind, begun, begun - overlap, seen)
        since_then = self._marks.get(past_of(kind), begun) - overlap
        gone = self._gone(kind, since_then, seen)
        # What was not told now is asked for from the same moment if it is ever told again.
        told = {} if kind in self._untold else {past_of(kind): newest_at}
        known = Found((), {kind: newest_at, **told}, gone, forget={kind: newest_at - overlap})
        self._keep(_asked(self._whose.deleted(gone, since_then), known))

    def note_from(self, kind: str, floor: datetime) -> None:
        """Note whomever a change since ``floor`` concerns; what was before is not known thereby."""
        for batch in self._batches(kind, floor):
            self._place.note(_asked(self._whose.changed(batch, floor), Found()))
        gone = self._gone(kind, floor, frozenset())
        self._place.note(_asked(self._whose.deleted(gone, floor), Found()))

    def _searched(
        self, kind: str, begun: datetime, floor: datetime, seen: frozenset[tuple[str, str]]
    ) -> datetime:
        """Note what searches show; the newest stamp."""
        front = _Front(begun, self._now)
        for batch in self._batches(kind, floor):
            fresh = [(row, one) for row, one in batch if (one.id, one.version) not in seen]
            front.after(one.at for _, one in batch)
            changed = self._whose.changed(fresh, floor)
            self._keep(_asked(changed, Found(seen=[one for _, one in fresh])))
        if not front.has_moved:
            self._doubt(kind, floor)
        return front.newest

    def _keep(self, found: Found) -> None:
        kept = replace(found, marks={}, seen=(), forget={}) if self._whose.unclear else found
        self._place.note(kept)

    def _batches(self, kind: str, floor: datetime) -> Iterator[list[tuple[Resource, Version]]]:
        rows = self._rows(kind, floor)
        while batch := list(islice(rows, _AT_ONCE)):
            yield batch

    def _rows(self, kind: str, floor: datetime) -> Iterator[tuple[Resource, Version]]:
        for row in since(self._server, kind, floor, self._count):
            one = version_of(row)
            if one is None:
                raise BlindError(f"it does not say when a {kind} was last updated")
            if one.at < floor - _COARSE:
                raise BlindError(f"it gives older resources than asked for when {kind} is searched")
            yield row, one

    def _doubt(self, kind: str, floor: datetime) -> None:
        """Nothing came, not even what bears the mark: was that deleted, or is it not found?

        What is there may have come just now, so it is looked for once more.
        """
        at = newest(self._server, kind)
        is_there = at is not None and at >= floor
        if is_there and next(self._rows(kind, floor), None) is None:
            raise BlindError(f"a search of {kind} by _lastUpdated does not find what is there")

    def _gone(self, kind: str, floor: datetime, seen: frozenset[tuple[str, str]]) -> list[Version]:
        if not self._can.has(kind, "history-type"):
            self._untold.append(kind)
            return []
        try:
            found = list(self._server.deleted(kind, floor))
        except RefusedError:
            self._untold.append(kind)
            return []
        return [one for one in found if (one.id, one.version) not in seen]


def _asked(expected: Iterable[Expected], known: Found) -> Found:
    """Whoever is to show something waits for it; beside that, what is known by it."""
    listed = tuple(expected)
    patients = tuple(dict.fromkeys(one.patient for one in listed))
    return replace(known, patients=patients, expected=listed)


class _Front:
    """The newest stamp that came in, and so how far the mark of a type may move.

    It moves when all has come, not before: a list that seems sorted need not be, and what broke off
    is asked for again whole; nobody is noted twice for it, because of what was seen.

    It stays behind ``now``, by our clock: one stamp from years ahead, or the clock of a server that
    was set right since, would hide all that comes. A mark too early costs time and nothing else.
    """

    def __init__(self, begun: datetime, now: datetime) -> None:
        self._now = now
        self.newest = begun
        self.has_moved = False
        """Did anything come?"""

    def after(self, stamps: Iterable[datetime]) -> None:
        """Take these into account."""
        for at in stamps:
            self.has_moved = True
            self.newest = max(self.newest, min(at, self._now))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

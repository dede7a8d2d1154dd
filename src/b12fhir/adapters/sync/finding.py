"""Who must be looked at: every patient, or those of whom something changed since the last time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from b12fhir.adapters.sync.changes import BlindError, Changes, newest, past_of, since
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.adapters.sync.whose import Whose
from b12fhir.errors import ServerError
from b12fhir.fhir.capabilities import Capabilities
from b12fhir.fhir.stamps import version_of
from b12fhir.ports import Expected, FhirFeed, Found, FullRead, Place, Reader, Version, begun

_AT_ONCE = 500
# Who did not look for so long is taken to be switched off.
_ALIVE = timedelta(minutes=30)
# Changes of a type that could not be had for so long: every patient is read in their place.
_TOO_LONG = timedelta(hours=6)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_INSTEAD = (
    "Changes of {kinds} could not be had for {hours} hours or more, so every patient was read: do "
    "the same searches on the server by hand and see why they fail."
)
_GIVES_WAY = (
    "A newer pack, program or settings keep this server in sync (since {since:%Y-%m-%d %H:%M} UTC, "
    "last at {last:%H:%M}), so this run did nothing: each would undo what the other did. Stop the "
    "old one, or the newer for half an hour; --full takes over now."
)
_UNCLEAR = "Whom some changes concern cannot be told (earlier versions are gone): all are read."
_NOT_ALL = "Not every patient could be listed, so only changes were looked for: {error}"
_BLIND = (
    "The server cannot tell what changed since a moment ({why}): every patient is read in each run."
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run wants to find.

    ``fingerprint`` stands for all that decides beside the record: pack, program, settings. When it
    changes, or after ``full_every``, or with ``full``, every patient is read. ``since`` looks for
    what changed from that moment on, by the server's clock, instead of from the marks. ``overlap``
    is how far before a mark a look begins: a resource may be committed later than its stamp says.
    Without ``follows`` no later look will ask for changes, so no marks are taken. ``lasts``: what
    decides is meant to go on, and is not one run's only.
    """

    now: datetime
    fingerprint: str = ""
    full: bool = False
    since: datetime | None = None
    full_every: timedelta = timedelta(days=7)
    overlap: timedelta = timedelta(minutes=10)
    follows: bool = True
    lasts: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """How the look went: was it a full read, and what a person should know of it.

    ``problems``: changes of a type that could not be had; their marks did not move, so the next
    look asks for them again. ``gives_way``: something newer decides here, and nobody is to be
    looked at by this.
    """

    is_full: bool
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    gives_way: bool = False


def look(
    server: FhirFeed, reader: PatientReader, can: Capabilities, place: Place, wish: Wish
) -> Look:
    """Note in ``place`` who must be looked at, and how far the changes are known now.

    Where patients cannot be listed to the end, those of whom something changed are noted all the
    same. Raises `ServerError` if that cannot be told either, and `StoreError`.
    """
    if not wish.since and (newer := _newer(place, wish)):
        told = _GIVES_WAY.format(since=newer.first.astimezone(UTC), last=newer.last.astimezone(UTC))
        return Look(is_full=False, problems=(told,), gives_way=True)
    full = _FullLook(server, reader, can, place, wish)
    whose = Whose(server, can, reader.page_size, wish.now)
    changes = Changes(server, can, place, whose, count=reader.page_size, now=wish.now)
    problems: tuple[str, ...] = ()
    if _wants_all(place, wish, reader.kinds):
        try:
            return full.look()
        except ServerError as error:
            if not set(reader.kinds) <= place.marks().keys() or not reader.answers():
                raise
            problems = (_NOT_ALL.format(error=error),)
    failures = _Failures(place, wish)
    try:
        found = _changed(changes, reader.kinds, wish, failures)
    except BlindError as blind:
        return full.look((_BLIND.format(why=blind),))
    found = replace(found, problems=(*problems, *found.problems))
    if whose.unclear:
        return full.look((*found.notes, _UNCLEAR), whose.unclear)
    return _instead(found, full, failures) if failures.lasting else found


def _instead(found: Look, full: "_FullLook", failures: "_Failures") -> Look:
    """Read every patient, for changes of some types are not heard of; nothing else is held up."""
    kinds, hours = ", ".join(failures.lasting), _TOO_LONG // timedelta(hours=1)
    try:
        whole = full.look((*found.notes, _INSTEAD.format(kinds=kinds, hours=hours)))
    except ServerError as error:
        return replace(found, problems=(*found.problems, _NOT_ALL.format(error=error)))
    failures.begin_anew()
    return replace(whole, problems=found.problems)


class _Failures:
    """Since when changes of a type could not be had, kept beside the marks.

    ``lasting``: the types of which that is too long ago.
    """

    def __init__(self, place: Place, wish: Wish) -> None:
        self._place = place
        self._now = wish.now
        self._marks = place.marks()
        self.lasting: list[str] = []

    def note(self, kind: str, *, failed: bool) -> None:
        """How it went this time."""
        since_ = self._marks.get(_failing(kind), _NEVER)
        if failed and since_ == _NEVER:
            self._keep(kind, self._now)
        elif failed and abs(self._now - since_) >= _TOO_LONG:
            self.lasting.append(kind)
        elif not failed and since_ != _NEVER:
            self._keep(kind, _NEVER)

    def begin_anew(self) -> None:
        """Every patient was read because of them."""
        for kind in self.lasting:
            self._keep(kind, self._now)

    def _keep(self, kind: str, at: datetime) -> None:
        self._place.note(Found(marks={_failing(kind): at}))


def _failing(kind: str) -> str:
    return f"{kind}/_failing"


def _newer(place: Place, wish: Wish) -> Reader | None:
    """Something that came after what decides here and is at work: two at once would read all anew.

    Each would find that the other had decided last, and every patient would be read at each run. A
    full read that is asked for makes this the newest.
    """
    if not wish.lasts:
        return None
    known = {one.fingerprint: one for one in place.readers()}
    own = known.pop(wish.fingerprint, None)
    at_work = [one for one in known.values() if abs(wish.now - one.last) < _ALIVE]
    newer = [one for one in at_work if own and one.first > own.first and not wish.full]
    if not newer:
        place.appear(wish.fingerprint, wish.now, anew=wish.full)
    return max(newer, key=lambda one: one.first, default=None)


def _wants_all(place: Place, wish: Wish, kinds: Sequence[str]) -> bool:
    if wish.full or wish.since:
        return wish.full
    last = place.full_read()
    if last is None or not wish.follows or wish.fingerprint != last.fingerprint:
        return True
    # A clock that was set back makes the last full read lie ahead: nobody knows how old it is.
    is_recent = timedelta() <= wish.now - last.at < wish.full_every
    return not is_recent or not set(kinds) <= place.marks().keys()


def _changed(changes: Changes, kinds: Sequence[str], wish: Wish, failures: _Failures) -> Look:
    """Type by type; what befalls one does not stop the others."""
    problems = []
    for kind in kinds:
        try:
            if wish.since:
                changes.note_from(kind, wish.since)
            else:
                changes.note(kind, wish.overlap)
                failures.note(kind, failed=False)
        except ServerError as error:
            failures.note(kind, failed=True)
            problems.append(
                f"Changes of {kind} could not be had, and wait for the next run: {error}"
            )
    return Look(is_full=False, notes=changes.notes(), problems=tuple(problems))


class _FullLook:
    """Every patient waits."""

    def __init__(
        self,
        server: FhirFeed,
        reader: PatientReader,
        can: Capabilities,
        place: Place,
        wish: Wish,
    ) -> None:
        self._server = server
        self._reader = reader
        self._whose = Whose(server, can, reader.page_size, wish.now)
        self._place = place
        self._wish = wish

    def look(self, notes: tuple[str, ...] = (), seen: Sequence[Version] = ()) -> Look:
        """Note all. The marks are taken before: what changes meanwhile comes with the next look.

        ``seen`` need not be looked at again: this look is because of them.
        """
        marks, why = self._marks() if self._wish.follows else ({}, ())
        seen = [*seen, *self._medicines(marks)]
        self._announce()
        self._note_patients(marks.get("Patient"))
        kept = {**marks, **{past_of(kind): at for kind, at in marks.items()}}
        full = FullRead(self._wish.now, self._wish.fingerprint)
        self._place.note(Found(marks=kept, seen=seen), full)
        return Look(is_full=True, notes=notes or why)

    def _announce(self) -> None:
        """Other things decide now: runs that judge by any others end no turn from now on.

        Each turn that one of them ended after its patient was noted here would be lost.
        """
        last, rules = self._place.full_read(), self._wish.fingerprint
        if last is None or last.fingerprint != rules:
            self._place.note(Found(), FullRead(last.at if last else self._wish.now, begun(rules)))

    def _marks(self) -> tuple[dict[str, datetime], tuple[str, ...]]:
        """The server's newest stamp of each type; nothing, and why, if it does not give them.

        None lies ahead of our clock: see `Changes`.

        The Patients come first. A type that is empty after that has the mark of theirs: whatever
        comes into it comes later.
        """
        marks: dict[str, datetime] = {}
        try:
            for kind in self._reader.kinds:
                at = newest(self._server, kind) or marks.get("Patient")
                if at is None:
                    return {}, ()
                marks[kind] = min(at, self._wish.now)
        except BlindError as blind:
            return {}, (_BLIND.format(why=blind),)
        return marks, ()

    def _medicines(self, marks: Mapping[str, datetime]) -> Sequence[Version]:
        """Medicines that the next look would come upon again: all whom they concern will show them.

        What is a single patient's is told by whoever reads that patient; these are shared.
        """
        if "Medication" not in marks:
            return ()
        floor = marks["Medication"] - self._wish.overlap
        found = since(self._server, "Medication", floor, self._reader.page_size)
        rows = [(row, one) for row in found if (one := version_of(row))]
        self._place.note(Found(expected=tuple(self._whose.changed(rows, floor))))
        return [one for _, one in rows]

    def _note_patients(self, mark: datetime | None) -> None:
        early = mark - self._wish.overlap if mark else None
        patients = self._reader.patients()
        while batch := list(islice(patients, _AT_ONCE)):
            known = [one for one in map(version_of, batch) if one and early and one.at >= early]
            now = self._wish.now
            expected = [Expected(f"Patient/{one.id}", one, now) for one in known]
            names = [f"Patient/{one['id']}" for one in batch]
            self._place.note(Found(names, seen=known, expected=expected))

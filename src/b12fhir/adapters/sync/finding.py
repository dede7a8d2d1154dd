"""Who must be looked at: every patient, or those of whom something changed since the last time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.fhir.capabilities import Capabilities
from b12fhir.ports import FhirServer, Found, FullRead, Place

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run wants to find.

    ``fingerprint`` stands for all that decides beside the record: pack, program, settings. When it
    changes, or after ``full_every``, or with ``full``, every patient is read. ``since`` looks for
    what changed from that moment on, instead of from the marks. ``overlap`` is how far before a
    mark a look begins: a resource may be committed later than its stamp says.
    """

    now: datetime
    fingerprint: str = ""
    full: bool = False
    since: datetime | None = None
    full_every: timedelta = timedelta(days=7)
    overlap: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Look:
    """How the look went: was it a full read, and what a person should know of it.

    ``problems``: changes of a type that could not be had; their marks did not move, so the next
    look asks for them again.
    """

    is_full: bool
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def look(
    server: FhirServer, reader: PatientReader, can: Capabilities, place: Place, wish: Wish
) -> Look:
    """Note in ``place`` who must be looked at, and how far the changes are known now."""
    del server, can
    patients = iter(reader.patients())
    while batch := _some(patients):
        place.note(Found(patients=batch))
    place.note(Found(), FullRead(wish.now, wish.fingerprint))
    return Look(is_full=True)


def _some(patients: Iterator[str]) -> list[str]:
    return list(islice(patients, _AT_ONCE))

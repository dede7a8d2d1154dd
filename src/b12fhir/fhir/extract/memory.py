"""What look-ups have found, kept from one record to the next.

Laboratories repeat the same few codes, units and days by the thousand. Kept is only what follows
from a protocol and a site alone, under keys that name nobody: never a reference, an id or a text
that somebody wrote about a patient.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from b12fhir.fhir.site import Site
from b12fhir.kernel.dates import When
from b12fhir.protocol.model import Protocol

_Key = TypeVar("_Key")
_Found = TypeVar("_Found")

# Bounds of one memory: a sender of ever new or ever longer codes must not fill the machine.
_MOST, _LONGEST = 4096, 200


class Memory(dict[_Key, _Found]):
    """Things found, each under the text, or the parts of JSON, that it follows from.

    It starts anew when it is full, and keeps nothing under a long key or one with a list in it.
    A dict, since it is asked several times for each result there is.
    """

    def recall(self, key: _Key) -> _Found | None:
        """What was kept under a key that may have anything in it."""
        try:
            return self.get(key)
        except TypeError:
            return None

    def keep(self, key: _Key, found: _Found) -> None:
        """Remember ``found``."""
        if _length(key) > _LONGEST:
            return
        if len(self) >= _MOST:
            self.clear()
        with suppress(TypeError):
            self[key] = found


def _length(key: object) -> int:
    return sum(map(_length, key)) if isinstance(key, tuple) else len(str(key))


@dataclass(frozen=True, eq=False, slots=True)
class Memories:
    """What is remembered of one protocol at one site.

    ``meanings`` of codings, ``forms`` of results by their shape, and ``moments`` by date as
    written. The first two hold what `code` and `usual` put there, so that this module knows
    neither.
    """

    meanings: Memory[tuple[object, ...], Any] = field(default_factory=Memory)
    forms: Memory[tuple[object, ...], Any] = field(default_factory=Memory)
    moments: Memory[str, When] = field(default_factory=Memory)


def memories_of(protocol: Protocol, site: Site) -> Memories:
    """The memories of this very protocol and this very site; neither ever changes."""
    return _made(_Same(protocol, site))


@dataclass(frozen=True, eq=False, slots=True)
class _Same:
    """A key by identity; it keeps both alive, so that no other comes to have their address."""

    protocol: Protocol
    site: Site

    def __hash__(self) -> int:
        return hash((id(self.protocol), id(self.site)))

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, _Same) and other.protocol is self.protocol
        return same and isinstance(other, _Same) and other.site is self.site


@lru_cache(maxsize=16)
def _made(key: _Same) -> Memories:  # noqa: ARG001 - each key has its own
    return Memories()

"""Dated versions of a number: which one is in force on a day."""

from collections.abc import Sequence
from datetime import date

from b12fhir.protocol.documents import Document


def in_force(versions: Sequence[Document], on: date | None) -> Document | None:
    """The newest version whose ``from`` is not after ``on``; without a day the newest of all.

    ``None`` if the first version is later than ``on``.
    """
    held = [version for version in versions if on is None or version["from"] <= on]
    return max(held, key=_start, default=None)


def _start(version: Document) -> date:
    start: date = version["from"]
    return start

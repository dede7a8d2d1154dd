"""Whom a stored resource is about, and with what medicine, for whoever must be told of changes."""

import re
from collections.abc import Iterator

from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.stored import WHO
from b12fhir.ports import Resource

_PATIENT = re.compile(
    r"(?:(?P<base>https?://\S+)/)?Patient/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?\Z"
)
# One Patient has taken the place of the other: the records of both are other ones now.
_MERGED = frozenset({"replaced-by", "replaces"})


def subject_on(resource: Resource, base: str) -> str:
    """``Patient/<id>`` on the server at ``base``; ``""`` if it is about nobody there.

    A group, a device, a contained Patient, somebody named by an identifier only or on another
    server: none of these is a patient whose record a search of this server would give.
    """
    found = (_on(obj(resource.get(name)), base) for name in WHO)
    return next((one for one in found if one), "")


def merged_with(patient: Resource, base: str) -> Iterator[str]:
    """The other side of each merge that a Patient names, as ``Patient/<id>``."""
    links = (link for link in items(patient.get("link")) if text(link.get("type")) in _MERGED)
    found = (_on(obj(link.get("other")), base) for link in links)
    yield from (one for one in found if one)


def medications_of(resource: Resource) -> Iterator[str]:
    """The id of the Medication that a resource refers to instead of naming the drug."""
    link = text(obj(resource.get("medicationReference")).get("reference"))
    kind, _, id_ = link.partition("/_history/")[0].rpartition("/")
    if kind.rpartition("/")[2] == "Medication":
        yield id_


def _on(reference: Resource, base: str) -> str:
    match = _PATIENT.match(text(reference.get("reference")))
    if match is None or (match["base"] or base) != base:
        return ""
    return f"Patient/{match['id']}"

"""The resources of a record one by one, in which plans and drafts are looked up."""

import re
from collections.abc import Iterable

from b12fhir.fhir.bundle import unfold
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.ports import Resource

_PATIENT = re.compile(r"(?:.*/)?Patient/(?P<id>[^/]+)(?:/_history/.*)?\Z", re.DOTALL)
# Most of a record, and no part of any plan.
_NO_PLAN = frozenset({"Observation", "Bundle"})


def held(record: Iterable[Resource], patient: str) -> tuple[Resource, ...]:
    """What a record holds of ``patient`` (``Patient/<id>``), that within Bundles too.

    A client sends Bundles, a server is read resource by resource: an order that waits must be seen
    either way, else it would be offered twice. What names another patient is left out.
    """
    own = patient.removeprefix("Patient/")
    return tuple(
        one
        for one, _ in unfold(record)
        if text(one.get("resourceType")) not in _NO_PLAN and not _is_another_s(one, own)
    )


def _is_another_s(one: Resource, own: str) -> bool:
    """Does it name another patient? A logical or temporary reference names nobody we could tell."""
    who = one.get("subject") or one.get("patient")
    named = _PATIENT.match(text(obj(who).get("reference"))) if who else None
    return named is not None and named["id"] != own

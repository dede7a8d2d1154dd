"""What a server must be able to do for this program: a CapabilityStatement of requirements."""

from typing import Any

from b12fhir.fhir.capabilities import READ_TYPES
from b12fhir.fhir.profiles.element import FHIR_VERSION
from b12fhir.fhir.profiles.header import Shelf
from b12fhir.fhir.profiles.structures import PROFILES, WRITTEN

_BY_ID = frozenset({"Patient", "Medication"})


def capability_statement(shelf: Shelf) -> dict[str, Any]:
    """Types, interactions and profiles, read and written."""
    kinds = dict.fromkeys((*READ_TYPES, *(profile.kind for profile in WRITTEN)))
    return {
        **shelf.own("CapabilityStatement", "b12fhir", "what a server is asked for"),
        "description": "What this program asks of a FHIR server: it searches by patient, and writes"
        " one transaction of conditional creates and version-checked updates a patient.",
        "kind": "requirements",
        "fhirVersion": FHIR_VERSION,
        "format": ["json"],
        "rest": [
            {
                "mode": "client",
                "resource": [_resource(shelf, kind) for kind in kinds],
                "interaction": [{"code": "transaction"}],
            }
        ],
    }


def _resource(shelf: Shelf, kind: str) -> dict[str, Any]:
    is_read, is_written = kind in READ_TYPES, kind in {one.kind for one in WRITTEN}
    codes = [*(("search-type",) if is_read else ()), *(("create", "update") if is_written else ())]
    made: dict[str, Any] = {"type": kind, "interaction": [{"code": code} for code in codes]}
    profiles = [one.name for one in PROFILES if one.kind == kind]
    if profiles:
        made["supportedProfile"] = [shelf.url("StructureDefinition", name) for name in profiles]
    if is_written:
        made |= {"versioning": "versioned-update", "conditionalCreate": True}
    if is_read:
        made["searchParam"] = [_parameter(kind)]
    return made


def _parameter(kind: str) -> dict[str, str]:
    if kind in _BY_ID:
        return {"name": "_id", "type": "token"}
    return {"name": "patient", "type": "reference"}

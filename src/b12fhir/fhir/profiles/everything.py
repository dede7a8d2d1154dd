"""All artefacts, in an order in which each may be loaded: what is referred to comes first."""

from collections.abc import Iterator
from typing import Any

from b12fhir.fhir.profiles.activities import activity_definitions
from b12fhir.fhir.profiles.capability import capability_statement
from b12fhir.fhir.profiles.codes import code_systems, code_value_sets
from b12fhir.fhir.profiles.header import Shelf
from b12fhir.fhir.profiles.library import library
from b12fhir.fhir.profiles.maps import concept_maps
from b12fhir.fhir.profiles.pathway import plan_definition
from b12fhir.fhir.profiles.structures import structure_definitions
from b12fhir.fhir.profiles.terms import term_value_sets
from b12fhir.fhir.profiles.valuesets import code_system, value_sets
from b12fhir.fhir.site import CANONICAL
from b12fhir.protocol.model import Protocol


def artefacts(protocol: Protocol, canonical: str = CANONICAL) -> tuple[dict[str, Any], ...]:
    """Every artefact of a protocol under a canonical base; equal for equal arguments."""
    return tuple(_all(Shelf(protocol, canonical)))


def file_name(artefact: dict[str, Any]) -> str:
    """Where an artefact stands under `profiles/`."""
    kind, name = artefact["resourceType"], artefact["id"]
    folder = "libraries" if kind == "Library" else f"{kind.lower()}s"
    return f"{folder}/{kind}-{name}.json"


def _all(shelf: Shelf) -> Iterator[dict[str, Any]]:
    yield code_system(shelf.protocol)
    yield from code_systems(shelf)
    yield from value_sets(shelf.protocol, shelf.canonical).values()
    yield from code_value_sets(shelf)
    yield from term_value_sets(shelf)
    yield from structure_definitions(shelf)
    yield from concept_maps(shelf)
    yield library(shelf)
    yield from activity_definitions(shelf)
    yield plan_definition(shelf)
    yield capability_statement(shelf)

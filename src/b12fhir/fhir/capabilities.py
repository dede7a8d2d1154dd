"""What a server says about itself, read tolerantly from its CapabilityStatement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from b12fhir.fhir.stored import OPTIONAL
from b12fhir.fhir.told import CLIENT_IDS, write_of
from b12fhir.ports import Resource

# What a run reads. The needed ones carry the decision: without them none is made.
NEEDED = ("Patient", "Observation", "CarePlan", "MedicationRequest", "ServiceRequest")
USEFUL = (
    "Condition",
    "Procedure",
    "MedicationStatement",
    "MedicationAdministration",
    "MedicationDispense",
    "AllergyIntolerance",
    "FamilyMemberHistory",
)
READ_TYPES = (*NEEDED, *USEFUL, "Medication", *OPTIONAL)
# Whose $everything is whole and fresh: tests/contract/test_feed.py holds HAPI to it.
_GIVES_EVERYTHING = ("HAPI FHIR Server",)
NOTHING: Mapping[str, bool] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a CapabilityStatement declares.

    ``listed`` is false if it lists no resource types at all: nothing can be told from it then, and
    everything is taken to be there. ``told`` is what the site knows better (`b12fhir.fhir.told`).
    """

    version: str
    formats: tuple[str, ...]
    software: str
    system: frozenset[str]
    types: Mapping[str, Mapping[str, Any]]
    told: Mapping[str, bool] = field(default_factory=dict)

    @property
    def listed(self) -> bool:
        """Does it list resource types?"""
        return bool(self.types)

    def has(self, kind: str, interaction: str) -> bool:
        """Is an interaction declared for a type, or may it be there for all we know?"""
        if interaction == "create" and (told := self.told.get(write_of(kind))) is not None:
            return told
        return not self.listed or interaction in self._codes(kind, "interaction", "code")

    def searches(self, kind: str) -> bool:
        """Can a type be searched?"""
        return self.has(kind, "search-type")

    @property
    def without(self) -> frozenset[str]:
        """Optional parts of a plan that cannot be kept here: not searched, or not created."""
        return frozenset(k for k in OPTIONAL if not (self.searches(k) and self.has(k, "create")))

    @property
    def names_provenance(self) -> bool:
        """May a Provenance be stored under an id of our own? Only if that is declared, or told.

        A refusal would cost the whole plan.
        """
        by_id = self.told.get(CLIENT_IDS, self.flag("Provenance", "updateCreate") is True)
        kept = self.has("Provenance", "update") and self.told.get(write_of("Provenance"), True)
        return self.listed and by_id and kept

    @property
    def provenance(self) -> str:
        """How a Provenance can be kept: ``named``, ``posted``, or ``""`` for not at all."""
        if self.names_provenance:
            return "named"
        return "posted" if self.has("Provenance", "create") else ""

    def finds_by(self, kind: str, parameter: str) -> bool:
        """Is a search parameter declared?"""
        return not self.listed or parameter in self._codes(kind, "searchParam", "name")

    def includes(self, kind: str, path: str) -> bool:
        """Can a search bring along what is referred to? Only if declared: others may refuse."""
        declared = self._texts(kind, "searchInclude")
        return bool(declared & {path, "*", f"{kind}:*"})

    @property
    def gives_everything(self) -> bool:
        """Does ``Patient/$everything`` give the whole record, asked by POST?

        What it holds is the server's choice, and nothing in an answer tells that it is not whole:
        it is used only where that was tried, and declared.
        """
        is_tried = self.software.startswith(_GIVES_EVERYTHING)
        return is_tried and "everything" in self._codes("Patient", "operation", "name")

    def flag(self, kind: str, name: str) -> object:
        """A plain element of a type's entry, such as ``versioning``."""
        return self.types.get(kind, {}).get(name)

    def _codes(self, kind: str, name: str, key: str) -> set[str]:
        rows = _rows(self.types.get(kind, {}).get(name))
        return {str(row.get(key)) for row in rows}

    def _texts(self, kind: str, name: str) -> set[str]:
        values = self.types.get(kind, {}).get(name)
        return (
            {value for value in values if isinstance(value, str)}
            if isinstance(values, list)
            else set()
        )


def read_capabilities(statement: Resource, told: Mapping[str, bool] = NOTHING) -> Capabilities:
    """Read a CapabilityStatement; what is missing or odd in it counts as not declared."""
    rest = next((row for row in _rows(statement.get("rest")) if row.get("mode") == "server"), {})
    formats = statement.get("format")
    software = statement.get("software")
    return Capabilities(
        version=str(statement.get("fhirVersion", "")),
        formats=tuple(str(entry) for entry in formats) if isinstance(formats, list) else (),
        software=_name(software) if isinstance(software, Mapping) else "",
        system=frozenset(str(row.get("code")) for row in _rows(rest.get("interaction"))),
        types={str(row.get("type")): row for row in _rows(rest.get("resource"))},
        told=told,
    )


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _name(software: Mapping[str, Any]) -> str:
    parts = (software.get("name"), software.get("version"))
    return " ".join(part for part in parts if isinstance(part, str))

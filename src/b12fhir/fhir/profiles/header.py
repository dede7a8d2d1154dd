"""What every conformance resource begins with: address, version, name, status, date."""

from dataclasses import dataclass
from typing import Any

from b12fhir.fhir.site import CANONICAL
from b12fhir.protocol.model import Protocol

# Of what this program defines by itself; what a pack says carries the pack's version instead.
PROFILE_VERSION = "1.0.0"
PROFILE_DATE = "2026-11-21"
PUBLISHER = "b12fhir"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where artefacts stand: under one canonical base, made from one protocol."""

    protocol: Protocol
    canonical: str = CANONICAL

    def url(self, kind: str, name: str) -> str:
        """Canonical address of one artefact, without version."""
        return f"{self.canonical}/{kind}/{name}"

    def code_system(self, name: str) -> str:
        """URI of one of our code systems."""
        return self.url("CodeSystem", name)

    def value_set(self, name: str) -> str:
        """Canonical address of one of our ValueSets."""
        return self.url("ValueSet", name)

    def own(self, kind: str, name: str, title: str) -> dict[str, Any]:
        """Header of an artefact that this program defines: its version is that of the profiles."""
        return self._header(kind, name, title, PROFILE_VERSION, PROFILE_DATE)

    def packed(self, kind: str, name: str, title: str) -> dict[str, Any]:
        """Header of an artefact that a pack defines: version and date are the pack's."""
        pack = self.protocol.pack
        return self._header(kind, name, title, pack.version, pack.date.isoformat())

    def _header(self, kind: str, name: str, title: str, version: str, date: str) -> dict[str, Any]:
        """All of it is experimental until a clinician has signed a pack."""
        return {
            "resourceType": kind,
            "id": name,
            "url": self.url(kind, name),
            "version": version,
            "name": computable(name),
            "title": f"Vitamin B12 decision support: {title}",
            "status": "draft",
            "experimental": True,
            "date": date,
            "publisher": PUBLISHER,
        }


def computable(name: str) -> str:
    """A name as programs want it: "b12-plan-category" becomes "B12PlanCategory"."""
    words = "".join(word.capitalize() for word in name.replace(".", "-").split("-"))
    return words if words.startswith("B12") else f"B12{words}"

"""What differs from site to site: zone, identity and local codes. Simple values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from b12fhir.fhir.formulary import Formulary
from b12fhir.kernel.codes import Code

CANONICAL = "https://b12fhir.example/fhir"
APPROVER = "Responsible clinician"
APPROVE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Site:
    """One site's settings as far as reading and writing FHIR need them.

    ``server_id`` is the logical name of the FHIR server (``local`` for folders): with ``site_key``
    it makes the patient part of our identifiers (ruling 12). ``canonical`` is the base of our own
    systems and profiles. ``code_map`` turns local laboratory codes into LOINC ones; ``drugs`` are
    the site's own medicines.

    ``approver`` is who signs proposals: words, or a reference such as ``PractitionerRole/7``.
    ``approve_days`` is how long a routine proposal may wait for that.
    """

    server_id: str = "local"
    site_key: str = "b12fhir"
    canonical: str = CANONICAL
    zone: tzinfo = UTC
    code_map: Mapping[Code, Code] = field(default_factory=dict)
    drugs: Formulary = field(default_factory=Formulary)
    approver: str = APPROVER
    approve_days: int = APPROVE_DAYS

    def address(self, reference: str) -> str:
        """Where ``Type/id`` stands: on the server, or under our own base if only its name is known.

        The address of an entry in a transaction must be absolute and end like its request.
        """
        known = self.server_id.startswith(("http://", "https://"))
        return f"{self.server_id.rstrip('/') if known else self.canonical}/{reference}"

    def system(self, name: str) -> str:
        """URI of one of our identifier systems, e.g. ``plan`` or ``decision-digest``."""
        return f"{self.canonical}/sid/{name}"

    def code_system(self, name: str) -> str:
        """URI of one of our code systems, e.g. ``plan-category``."""
        return f"{self.canonical}/CodeSystem/{name}"

    def profile(self, name: str) -> str:
        """URI of one of our profiles, e.g. ``b12-careplan``."""
        return f"{self.canonical}/StructureDefinition/{name}"

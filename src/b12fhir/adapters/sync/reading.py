"""Everything about one patient, read whole or not at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from b12fhir.errors import ServerError
from b12fhir.fhir.capabilities import NEEDED, USEFUL, Capabilities
from b12fhir.fhir.lifecycle.held import SIGNED
from b12fhir.fhir.outcome import whole
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import OPTIONAL, owned_resources
from b12fhir.ports import FhirReader, Resource

_LACKS = {
    "Condition": "diagnoses",
    "Procedure": "operations and injections",
    "MedicationStatement": "medicines reported as taken",
    "MedicationAdministration": "doses given",
    "MedicationDispense": "medicines dispensed",
    "AllergyIntolerance": "allergies",
    "FamilyMemberHistory": "illnesses in the family",
    "Medication": "the drugs behind some prescriptions",
}
_PARTS = {
    "Goal": "its goals",
    "RiskAssessment": "the assessment",
    "DetectedIssue": "its cautions",
    "Task": "the request to sign it",
}
_NO_PROVENANCE = (
    "The server keeps no Provenance: who wrote a plan and on what stands in the audit record alone."
)
_INCLUDE = "MedicationRequest:medication"
_IDS_AT_ONCE = 50


class PatientReader:
    """Reads patients from one server, asking only for what it has."""

    def __init__(self, server: FhirReader, can: Capabilities, page_size: int, site: Site) -> None:
        self._server = server
        self._site = site
        self._page = {"_count": str(page_size)}
        self._kinds = [kind for kind in (*NEEDED[1:], *USEFUL) if can.searches(kind)]
        self._parts = [kind for kind in OPTIONAL if kind not in can.without]
        self._medications = can.searches("Medication")
        self._include = can.includes("MedicationRequest", _INCLUDE)
        self._can = can

    def check(self) -> tuple[str, ...]:
        """Notes on what this server lacks; raises `ServerError` if no decision can rest on it."""
        missing = [kind for kind in NEEDED if not self._can.searches(kind)]
        if missing:
            raise ServerError(
                f"The server does not offer a search of {', '.join(missing)}.",
                hint="Run doctor to see what it offers; decide from exported files with assess.",
            )
        lacking = [kind for kind in (*USEFUL, "Medication") if not self._can.searches(kind)]
        return (
            *(
                f"The server has no {kind}: {_LACKS[kind]} are not known and were not asked for."
                for kind in lacking
            ),
            *(
                f"The server keeps no {kind}: plans are written without {_PARTS[kind]}."
                for kind in OPTIONAL
                if kind in self._can.without
            ),
            *(() if self._can.provenance else (_NO_PROVENANCE,)),
        )

    def patients(self) -> list[str]:
        """Every patient as ``Patient/<id>``, in the server's order.

        Only ids are kept: each patient is read again when its turn comes, so that the list stays
        small and a death recorded meanwhile counts.
        """
        found = _complete(self._server.search("Patient", self._page), "Patient")
        return [f"Patient/{r['id']}" for r in found if r.get("resourceType") == "Patient"]

    def everything(self, patient: str) -> list[Resource]:
        """Read all about one patient; raises `ServerError` if any part of it is not whole.

        The parts of a plan are asked for only where one of ours was found: they serve nothing else.
        """
        own = patient.partition("/")[2]
        found = list(_complete(self._server.search("Patient", {"_id": own}), "Patient"))
        for kind in self._kinds:
            params = {"patient": own, **self._page, **self._included(kind)}
            found.extend(_complete(self._server.search(kind, params), kind))
        found.extend(self._other_medications(found))
        if owned_resources(found, self._site) or owned_resources(found, self._site, SIGNED):
            found.extend(self.parts(patient))
        return found

    def parts(self, patient: str) -> Iterator[Resource]:
        """Goals, findings and Tasks of one patient, as far as the server keeps them."""
        for kind in self._parts:
            params = {"patient": patient.partition("/")[2], **self._page}
            yield from _complete(self._server.search(kind, params), kind)

    def _included(self, kind: str) -> dict[str, str]:
        wanted = kind == "MedicationRequest" and self._include
        return {"_include": _INCLUDE} if wanted else {}

    def _other_medications(self, found: Sequence[Resource]) -> Iterator[Resource]:
        """Medications that are referred to and did not come along."""
        if not self._medications:
            return
        held = {r.get("id") for r in found if r.get("resourceType") == "Medication"}
        missing = sorted({id_ for r in found for id_ in _medication_ids(r)} - held)
        for start in range(0, len(missing), _IDS_AT_ONCE):
            ids = ",".join(missing[start : start + _IDS_AT_ONCE])
            query = {"_id": ids, **self._page}
            yield from _complete(self._server.search("Medication", query), "Medication")


def _medication_ids(resource: Mapping[str, Any]) -> Iterator[str]:
    link = resource.get("medicationReference")
    text = link.get("reference") if isinstance(link, Mapping) else None
    if isinstance(text, str):
        kind, _, id_ = text.partition("/_history/")[0].rpartition("/")
        if kind.rpartition("/")[2] == "Medication":
            yield id_


def _complete(resources: Iterable[Resource], kind: str) -> Iterator[Resource]:
    """Pass resources on; refuse an answer in which the server itself doubts its wholeness."""
    return whole(
        resources, kind, "This patient was not decided. See the server's log, then run again."
    )

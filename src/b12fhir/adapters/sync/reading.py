"""Everything about one patient, read whole or not at all."""

from collections.abc import Iterable, Iterator, Sequence

from b12fhir.errors import RefusedError, ServerError
from b12fhir.fhir.capabilities import NEEDED, USEFUL, Capabilities
from b12fhir.fhir.lifecycle.held import SIGNED
from b12fhir.fhir.outcome import whole
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS, OPTIONAL, owned_resources, patient_of
from b12fhir.fhir.subjects import medications_of, subject_on
from b12fhir.ports import FhirFeed, Resource

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
_NOBODY_THERE = frozenset({404, 410})
# What is another patient's comes along where it names this one. More than this is no answer.
_MOST_FOREIGN = 1000


class PatientReader:
    """Reads patients from one server, asking only for what it has, in as few requests as it can."""

    def __init__(self, server: FhirFeed, can: Capabilities, page_size: int, site: Site) -> None:
        self._server = server
        self._site = site
        self.page_size = page_size
        self._page = {"_count": str(page_size)}
        self._kinds = [kind for kind in (*NEEDED[1:], *USEFUL) if can.searches(kind)]
        self._parts = [kind for kind in OPTIONAL if kind not in can.without]
        self._medications = can.searches("Medication")
        self._include = can.includes("MedicationRequest", _INCLUDE)
        self._in_one = can.gives_everything
        self._can = can

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of which a record consists here: a change of any may change a decision."""
        medications = ("Medication",) if self._medications else ()
        return ("Patient", *self._kinds, *self._parts, *medications)

    def read_in(self, found: Sequence[Resource]) -> frozenset[str]:
        """The types that `everything` looked at for a record: see there."""
        left_out = () if self._has_plan(found) else self._parts
        return frozenset(self.kinds).difference(left_out)

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

    def patients(self) -> Iterator[Resource]:
        """Every Patient, by id and version alone, in the server's order.

        Each is read again when its turn comes, so that a death recorded meanwhile counts.
        """
        query = {**self._page, "_elements": "id"}
        found = _complete(self._server.search("Patient", query), "Patient")
        yield from (one for one in found if one.get("resourceType") == "Patient")

    def answers(self) -> bool:
        """Does the server answer a small search of the Patients?"""
        try:
            next(iter(self._server.search("Patient", {"_count": "1", "_elements": "id"})), None)
        except ServerError:
            return False
        return True

    def everything(self, patient: str) -> list[Resource]:
        """Read all about one patient; raises `ServerError` if any part of it is not whole.

        The parts of a plan are given only where one of ours was found: they serve nothing else.
        No Patient is in it if there is none.
        """
        found = self._at_once(patient, self.kinds)
        if found is None:
            found = self._by_parts(patient)
            return [*found, *self.parts(patient)] if self._has_plan(found) else found
        main = [one for one in found if one.get("resourceType") not in self._parts]
        return found if self._has_plan(main) else main

    def parts(self, patient: str) -> Iterator[Resource]:
        """Goals, findings and Tasks of one patient, as far as the server keeps them."""
        found = self._at_once(patient, ("Patient", *self._parts)) if self._parts else []
        if found is not None:
            yield from (one for one in found if one.get("resourceType") in self._parts)
            return
        for kind in self._parts:
            params = {"patient": patient.partition("/")[2], **self._page}
            yield from _complete(self._server.search(kind, params), kind)

    def _has_plan(self, found: Sequence[Resource]) -> bool:
        ours = (owned_resources(found, self._site, own) for own in (KINDS, SIGNED))
        return any(ours)

    def _by_parts(self, patient: str) -> list[Resource]:
        own = patient.partition("/")[2]
        found = list(_complete(self._server.search("Patient", {"_id": own}), "Patient"))
        for kind in self._kinds:
            params = {"patient": own, **self._page, **self._included(kind)}
            found.extend(_complete(self._server.search(kind, params), kind))
        return [*found, *self._other_medications(found)]

    def _at_once(self, patient: str, kinds: Sequence[str]) -> list[Resource] | None:
        """The patient's own in one walk; ``None`` if it is to be asked for by parts."""
        if not self._in_one:
            return None
        own: list[Resource] = []
        medications: list[Resource] = []
        foreign = 0
        try:
            given = self._server.everything(patient.partition("/")[2], kinds, self.page_size)
            for one in _complete(given, "the whole record"):
                if one.get("resourceType") == "Medication":
                    medications.append(one)
                elif self._is_own(one, patient):
                    own.append(one)
                else:
                    # By another address it may be the patient's own: a search tells.
                    foreign += _MOST_FOREIGN + 1 if patient_of(one) == patient else 1
                if foreign > _MOST_FOREIGN:
                    self._in_one = False
                    return None
        except RefusedError as error:
            self._in_one = error.status in _NOBODY_THERE
            return None
        if not any(one.get("resourceType") == "Patient" for one in own):
            return None
        used = {id_ for one in own for id_ in medications_of(one)}
        own.extend(one for one in medications if one.get("id") in used)
        return [*own, *self._other_medications(own)]

    def _is_own(self, resource: Resource, patient: str) -> bool:
        """What a search for the patient would give: it may name the patient in another role."""
        if resource.get("resourceType") == "Patient":
            return f"Patient/{resource.get('id')}" == patient
        return subject_on(resource, self._server.base) == patient

    def _included(self, kind: str) -> dict[str, str]:
        wanted = kind == "MedicationRequest" and self._include
        return {"_include": _INCLUDE} if wanted else {}

    def _other_medications(self, found: Sequence[Resource]) -> Iterator[Resource]:
        """Medications that are referred to and did not come along."""
        if not self._medications:
            return
        held = {r.get("id") for r in found if r.get("resourceType") == "Medication"}
        missing = sorted({id_ for r in found for id_ in medications_of(r)} - held)
        for start in range(0, len(missing), _IDS_AT_ONCE):
            ids = ",".join(missing[start : start + _IDS_AT_ONCE])
            query = {"_id": ids, **self._page}
            yield from _complete(self._server.search("Medication", query), "Medication")


def _complete(resources: Iterable[Resource], kind: str) -> Iterator[Resource]:
    """Pass resources on; refuse an answer in which the server itself doubts its wholeness."""
    return whole(
        resources, kind, "This patient was not decided. See the server's log, then run again."
    )

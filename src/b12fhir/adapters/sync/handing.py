"""Handing over: what a server is not sent waits for a person, and no longer than it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from b12fhir.fhir.bundle import entries
from b12fhir.fhir.digest import identifier_value
from b12fhir.fhir.identity import APPROVED_PLAN, PLAN
from b12fhir.fhir.json import canonical
from b12fhir.fhir.server_profile import ServerProfile
from b12fhir.fhir.site import Site
from b12fhir.ports import Audit, AuditKind, Handover, Resource
from b12fhir.service import Proposal
from b12fhir.service.recording import pseudonym, write_entry

_PLAN_PARTS = 3


class HandoverInMemory:
    """Keeps what waits for as long as the program runs."""

    def __init__(self) -> None:
        self._held: dict[str, Mapping[str, Resource]] = {}

    def waiting(self, patient: str) -> Mapping[str, Resource]:
        """The Bundles of a patient, by plan key."""
        return self._held.get(patient, {})

    def keep(self, patient: str, plans: Mapping[str, Resource]) -> None:
        """Replace what waits for a patient."""
        self._held[patient] = dict(plans)


class Desk:
    """Decides what is handed over, and keeps the files in step with the server."""

    def __init__(
        self, profile: ServerProfile, handover: Handover, audit: Audit, site: Site
    ) -> None:
        self._profile = profile
        self._handover = handover
        self._audit = audit
        self._site = site

    def remembered(self, patient: str, stored: Sequence[Resource]) -> list[Resource]:
        """The plan that waits, as if it were stored, so that its dates stand still.

        Not where the server holds that plan: then somebody has loaded it, and that one counts.
        """
        systems = [self._site.system(name) for name in (PLAN, APPROVED_PLAN)]
        known = {identifier_value(one, system) for one in stored for system in systems}
        waiting = self._handover.waiting(pseudonym(patient, self._site))
        return [
            {**entry.resource, "id": "handed-over"}
            for key, bundle in waiting.items()
            for entry in entries(bundle)
            if key not in known and entry.resource.get("resourceType") == "CarePlan"
        ]

    def why(self, bundle: Resource | None) -> str:
        """Why this transaction is handed over; ``""`` if it is sent, or there is none."""
        return self._profile.holds_back(bundle) if bundle is not None else ""

    def hand_over(self, bundle: Resource, proposal: Proposal, kind: str) -> bool:
        """Let it wait, recorded first; was it new, or did something else wait before?"""
        key = self._key(bundle)
        return self._keep({key: bundle}, proposal, f"handed-over-{kind}", key)

    def clear(self, proposal: Proposal) -> None:
        """Nothing is to wait for this patient: what still does must not be loaded any more."""
        self._keep({}, proposal, "taken-back")

    def _keep(
        self, plans: Mapping[str, Resource], proposal: Proposal, outcome: str, key: str = ""
    ) -> bool:
        patient = pseudonym(proposal.patient_reference, self._site)
        if _says(self._handover.waiting(patient)) == _says(plans):
            return False
        entry = write_entry(proposal, outcome)
        self._audit.record(replace(entry, kind=AuditKind.EXPORT, plan=key))
        self._handover.keep(patient, plans)
        return True

    def _key(self, bundle: Resource) -> str:
        """Key of the plan that is written; where only parts of one are, of that they belong to."""
        resources = [entry.resource for entry in entries(bundle)]
        system = self._site.system(PLAN)
        plans = [r for r in resources if r.get("resourceType") == "CarePlan"]
        own = (identifier_value(plan, system) for plan in plans)
        parts = (
            ":".join(r["identifier"][0]["value"].split(":")[:_PLAN_PARTS])
            for r in resources
            if r.get("resourceType") != "Device"
        )
        return next(own, "") or next(parts)


def _says(plans: Mapping[str, Resource]) -> dict[str, bytes]:
    return {key: canonical(bundle) for key, bundle in plans.items()}

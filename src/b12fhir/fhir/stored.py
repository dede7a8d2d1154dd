"""Our own resources as found on a server: the seven kinds that one proposal consists of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from b12fhir.fhir.digest import identifier_value
from b12fhir.fhir.identity import (
    APPROVAL_TASK,
    ASSESSMENT,
    DETECTED_ISSUE,
    GOAL,
    MEDICATION_REQUEST,
    PLAN,
    SERVICE_REQUEST,
)
from b12fhir.fhir.site import Site
from b12fhir.ports import Resource

# Identifier system of each kind. A Task about a late dose is no part of a proposal and not here.
KINDS = {
    "CarePlan": PLAN,
    "MedicationRequest": MEDICATION_REQUEST,
    "ServiceRequest": SERVICE_REQUEST,
    "Goal": GOAL,
    "RiskAssessment": ASSESSMENT,
    "DetectedIssue": DETECTED_ISSUE,
    "Task": APPROVAL_TASK,
}
# What a plan can do without, on a server that has no such type.
OPTIONAL = ("Goal", "RiskAssessment", "DetectedIssue", "Task")
# (status, intent) as the engine writes it; some kinds have no intent.
DRAFT = {
    "CarePlan": ("draft", "proposal"),
    "MedicationRequest": ("draft", "proposal"),
    "ServiceRequest": ("draft", "proposal"),
    "Goal": ("proposed", ""),
    "RiskAssessment": ("preliminary", ""),
    "DetectedIssue": ("preliminary", ""),
    "Task": ("requested", "proposal"),
}
WITHDRAWN = {
    "CarePlan": "revoked",
    "MedicationRequest": "cancelled",
    "ServiceRequest": "revoked",
    "Goal": "cancelled",
    "RiskAssessment": "cancelled",
    "DetectedIssue": "cancelled",
    "Task": "cancelled",
}
_STATUS = {"Goal": "lifecycleStatus"}
# Where a resource says whom it is about.
WHO = ("subject", "patient", "for")
_PLAN_PARTS = 3


@dataclass(frozen=True, slots=True)
class Owned:
    """One stored resource that carries an identifier of ours; ``address`` is its absolute URL."""

    kind: str
    key: str
    id: str
    version: str
    status: str
    intent: str
    patient: str
    resource: Resource
    address: str = ""

    @property
    def reference(self) -> str:
        """Where it stands on the server."""
        return f"{self.kind}/{self.id}"

    @property
    def plan_key(self) -> str:
        """Key of the plan it is, or is part of."""
        return ":".join(self.key.split(":")[:_PLAN_PARTS])

    @property
    def is_plan(self) -> bool:
        """The CarePlan, as against its parts."""
        return self.kind == "CarePlan"

    @property
    def is_draft_proposal(self) -> bool:
        """Still ours to change: nobody signed, accepted, held or closed it."""
        return (self.status, self.intent) == DRAFT[self.kind]

    @property
    def is_withdrawn(self) -> bool:
        """A proposal in the state that our own withdrawal leaves behind."""
        return (self.status, self.intent) == (WITHDRAWN[self.kind], DRAFT[self.kind][1])


def owned_resources(
    stored: Iterable[Resource], site: Site, systems: Mapping[str, str] = KINDS
) -> list[Owned]:
    """Those of the stored resources that are ours, each once, in a stable order.

    ``systems`` names the identifier system of each kind that counts: by default the proposals'.
    """
    found: dict[str, Owned] = {}
    for resource in stored:
        item = _owned(resource, site, systems)
        if item is not None:
            found[item.reference] = item
    return [found[reference] for reference in sorted(found)]


def _owned(resource: Resource, site: Site, systems: Mapping[str, str]) -> Owned | None:
    kind = str(resource.get("resourceType"))
    key = identifier_value(resource, site.system(systems[kind])) if kind in systems else ""
    if not key:
        return None
    return Owned(
        kind=kind,
        key=key,
        id=str(resource.get("id", "")),
        version=str(resource.get("meta", {}).get("versionId", "")),
        status=str(resource.get(status_element(kind), "")),
        intent=str(resource.get("intent", "")),
        patient=patient_of(resource),
        resource=resource,
        address=site.address(f"{kind}/{resource.get('id', '')}"),
    )


def status_element(kind: str) -> str:
    """Where a kind keeps its status: ``status``, but ``lifecycleStatus`` in a Goal."""
    return _STATUS.get(kind, "status")


def patient_of(resource: Resource) -> str:
    """Whom a resource is about: ``Patient/<id>``, also where it is stored as an absolute URL."""
    names = (name for name in WHO if name in resource)
    who = resource.get(next(names, "subject"), {})
    plain = str(who.get("reference", "")).partition("/_history/")[0]
    return "/".join(plain.split("/")[-2:])

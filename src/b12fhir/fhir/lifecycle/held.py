"""A plan as it stands on a server: what was proposed, and what was made of it by a signature.

Only resources with an identifier of ours are seen, by type and identifier alone. What a signature
made has systems of its own and the same keys, so that an order and its proposal find each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from b12fhir.errors import SignOffError
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.identity import APPROVED_PLAN, ORDER, parse_plan_key, patient_key
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import WHO, Owned, owned_resources
from b12fhir.fhir.stored_timing import stretch_of
from b12fhir.ports import Resource

SIGNED = {"CarePlan": APPROVED_PLAN, "MedicationRequest": ORDER, "ServiceRequest": ORDER}
IN_FORCE = frozenset({"active", "on-hold"})
_OPEN_TASKS = frozenset({"requested", "received", "accepted", "ready", "in-progress", "on-hold"})


@dataclass(frozen=True, slots=True)
class Held:
    """Everything of one plan, whatever its state; at least one CarePlan."""

    key: str
    drafts: tuple[Owned, ...]
    signed: tuple[Owned, ...]

    @property
    def shown(self) -> Owned:
        """The CarePlan that counts: the signed one, else the proposed one."""
        return next(item for item in (*self.signed, *self.drafts) if item.is_plan)

    @property
    def proposal(self) -> Owned | None:
        """The CarePlan as it was proposed."""
        return _one(self.drafts, "CarePlan", self.key)

    @property
    def approved(self) -> Owned | None:
        """The CarePlan that a practitioner signed."""
        return _one(self.signed, "CarePlan", self.key)

    @property
    def in_force(self) -> bool:
        """Signed, and neither closed nor withdrawn."""
        return self.approved is not None and self.approved.status in IN_FORCE

    @property
    def running(self) -> tuple[Owned, ...]:
        """Orders of medicine and tests that somebody may still act on, whatever the plan says."""
        return tuple(item for item in self.signed if item.status in IN_FORCE and not item.is_plan)

    @property
    def tasks(self) -> tuple[Owned, ...]:
        """Open requests to sign: for the plan, or for a later phase of it."""
        return tuple(item for item in self.of("Task") if item.status in _OPEN_TASKS)

    def of(self, kind: str) -> tuple[Owned, ...]:
        """Proposed resources of one type."""
        return tuple(item for item in self.drafts if item.kind == kind)

    def orders(self, kind: str) -> tuple[Owned, ...]:
        """Signed requests of one type."""
        return tuple(item for item in self.signed if item.kind == kind)

    def order(self, kind: str, name: str) -> Owned | None:
        """The order of one phase or test."""
        return _one(self.signed, kind, f"{self.key}:{name}")

    @property
    def running_order(self) -> Owned | None:
        """The order of medicine that a plan in its place would replace."""
        orders = self.orders("MedicationRequest")
        return next((item for item in orders if item.status in IN_FORCE), None)

    def request(self, name: str) -> Owned:
        """A phase as it counts: its order, else its proposal."""
        own = (*self.orders("MedicationRequest"), *self.of("MedicationRequest"))
        return next(item for item in own if self.name(item) == name)

    def name(self, item: Owned) -> str:
        """A part's own name within the plan: a phase or a test."""
        return item.key.removeprefix(f"{self.key}:")

    def phases(self, site: Site) -> tuple[str, ...]:
        """Names of the phases in the order in which they begin."""
        found: dict[str, date] = {}
        for item in (*self.of("MedicationRequest"), *self.orders("MedicationRequest")):
            days = stretch_of(item.resource, site.zone)
            found[self.name(item)] = days.start if days else date.max
        return tuple(sorted(found, key=lambda name: (found[name], name)))


def plans_held(stored: Iterable[Resource], site: Site) -> tuple[Held, ...]:
    """The plans among the stored resources, by patient, episode and revision."""
    resources = list(stored)
    drafts = owned_resources(resources, site)
    signed = owned_resources(resources, site, SIGNED)
    plans = (parse_plan_key(item.key) for item in (*drafts, *signed) if item.is_plan)
    keys = sorted(
        {key for key in plans if key is not None},
        key=lambda key: (key.pkey, key.episode, key.revision),
    )
    return tuple(
        Held(
            key,
            tuple(item for item in drafts if item.plan_key == key),
            tuple(item for item in signed if item.plan_key == key),
        )
        for key in map(str, keys)
    )


def the_plan(stored: Iterable[Resource], key: str, site: Site) -> Held:
    """The plan of that key, if it is one patient's and stands there once.

    Raises `SignOffError` otherwise: a signature must not fall on the wrong patient, nor on one of
    two twins.
    """
    held = next((one for one in plans_held(stored, site) if one.key == key), None)
    if held is None:
        raise SignOffError(
            "No plan with this key stands on the server.",
            hint="See b12fhir plans for the keys; check the server and the site key.",
        )
    _check_twins(held)
    _check_patient(held, site)
    return held


def engine_of(held: Held) -> Resource:
    """The reference to the engine that proposed it."""
    author = held.proposal.resource.get("author") if held.proposal is not None else None
    return obj(author)


def links(resource: Resource, element: str) -> frozenset[str]:
    """The references in an element that holds a list of them."""
    return frozenset(text(obj(one).get("reference")) for one in items(resource.get(element)))


def _one(found: Iterable[Owned], kind: str, key: str) -> Owned | None:
    return next((item for item in found if (item.kind, item.key) == (kind, key)), None)


def _check_twins(held: Held) -> None:
    for group in (held.drafts, held.signed):
        keys = [(item.kind, item.key) for item in group]
        twin = next((kind for kind, key in keys if keys.count((kind, key)) > 1), "")
        if twin:
            raise SignOffError(
                f"More than one {twin} on the server has one and the same identity, so it is not "
                "clear which one would be signed.",
                hint="Have the duplicates cleared up first; sync reports them.",
            )


def _check_here(item: Owned, site: Site) -> None:
    """The patient of the same id on another server is somebody else."""
    who = next((obj(item.resource[name]) for name in WHO if name in item.resource), {})
    link = text(who.get("reference"))
    if "://" in link and link.partition("Patient/")[0] != site.address(""):
        raise SignOffError(
            f"{item.reference} is about a patient at another address than this server's.",
            hint="Have the reference corrected on the server; nothing was written.",
        )


def _check_patient(held: Held, site: Site) -> None:
    """Every part is of one patient of this server, and the key was made from that very patient."""
    for item in (*held.drafts, *held.signed):
        _check_here(item, site)
    whom = {item.patient for item in (*held.drafts, *held.signed)}
    if {patient_key(one, site) for one in whom} != {held.key.partition(":")[0]}:
        raise SignOffError(
            "The plan's parts are not all of the one patient its key was made for.",
            hint="Was a resource moved to another patient, or the site key or the server's logical "
            "name changed? Nothing was written.",
        )

"""Signed plans as found on a server, and the doses on record for them.

What a signature made has identifier systems of its own: the plan's key in ``approved-plan``, and in
``order`` the plan's key with the phase. Everything else in these resources may have been edited
since, so it is read as tolerantly as any foreign one, and what cannot be read is said.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from b12fhir.errors import InputError
from b12fhir.facts.medicines import B12Dose, Route
from b12fhir.facts.record import Facts
from b12fhir.fhir.digest import identifier_value
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.identity import APPROVED_PLAN, ORDER
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import patient_of
from b12fhir.fhir.stored_timing import Reading, read_request
from b12fhir.kernel.dates import parse_when
from b12fhir.kernel.truth import Truth
from b12fhir.plan.course import IN_FORCE, Course, CoursePhase, DoseRecord
from b12fhir.ports import Resource
from b12fhir.protocol.model import Pack, PhaseTemplate

# The kinds of resource that a dose is recorded in, the surest first. A dispense is supply.
_RANKS = {"MedicationAdministration": 0, "Procedure": 1, "MedicationStatement": 2}
_URGENT = frozenset({"urgent", "asap", "stat"})
# An order that was never in force gives no slots.
_UNSIGNED = frozenset({"draft", "unknown", ""})
_GIVEN = {"completed": Truth.YES, "not-done": Truth.NO}


def read_courses(
    resources: Sequence[Resource], facts: Facts, pack: Pack, site: Site
) -> tuple[Course, ...]:
    """Every signed plan of the patient, in the order of their keys.

    ``resources`` are all of one patient, as ``facts`` were extracted from them. Raises
    `InputError` if a plan or an order carries no day of its last change.
    """
    own = [one for one in resources if patient_of(one) == facts.patient.reference]
    doses = {dose.reference: dose for dose in facts.doses}
    plans = _keyed(own, "CarePlan", site.system(APPROVED_PLAN))
    return tuple(_Reader(own, doses, pack, site).course(key, plans[key]) for key in sorted(plans))


def dose_records(
    resources: Iterable[Resource], facts: Facts, course: Course, site: Site
) -> tuple[DoseRecord, ...]:
    """What is on record about doses: those of B12, and any that names an order of the course."""
    doses = {dose.reference: dose for dose in facts.doses if not dose.ordered}
    names = frozenset(name for phase in course.phases for name in phase.names)
    records = []
    for resource in resources:
        kind, dose = str(resource.get("resourceType")), doses.get(_reference(resource))
        if kind not in _RANKS or patient_of(resource) != course.patient:
            continue
        order = next((name for name in _orders(resource, site) if name in names), "")
        if dose is not None and _is_one_dose(dose, kind):
            records.append(_record(resource, dose, order))
        elif dose is None and order and text(resource.get("status")) != "entered-in-error":
            records.append(_unnamed(resource, order, site.zone))
    return tuple(sorted(records, key=lambda one: (one.rank, one.reference)))


def _reference(resource: Resource) -> str:
    return f"{resource.get('resourceType')}/{text(resource.get('id'))}"


def _keyed(resources: Iterable[Resource], kind: str, system: str) -> dict[str, list[Resource]]:
    """Resources of one type by their identifier in a system; normally one each."""
    found: dict[str, list[Resource]] = {}
    for resource in resources:
        key = identifier_value(resource, system) if resource.get("resourceType") == kind else ""
        if key:
            found.setdefault(key, []).append(resource)
    return found


class _Reader:
    """One patient's record, while signed plans are read out of it."""

    def __init__(
        self, own: Sequence[Resource], doses: Mapping[str, B12Dose], pack: Pack, site: Site
    ) -> None:
        self._own = own
        self._doses = doses
        self._site = site
        self._orders = _keyed(own, "MedicationRequest", site.system(ORDER))
        self._pack = pack

    def course(self, key: str, plans: list[Resource]) -> Course:
        """One plan with its orders."""
        plan = _one(plans)
        orders = {k: one for k, one in self._orders.items() if k.rpartition(":")[0] == key}
        signed = {k: one for k, one in orders.items() if _status(_one(one)) not in _UNSIGNED}
        phases = [self._phase(k, _one(one)) for k, one in signed.items()]
        recorded = [one for one in self._own if str(one.get("resourceType")) in _RANKS]
        counted = [*plans, *(order for one in orders.values() for order in one)]
        return Course(
            key=key,
            reference=_reference(plan),
            patient=patient_of(plan),
            status=_status(plan),
            updated=_updated(plan),
            touched=max([_updated(plan), *filter(None, map(_moment, (*counted, *recorded)))]),
            phases=tuple(sorted(phases, key=_order_of_giving)),
            problems=tuple(_problems(plans, orders)),
        )

    def _phase(self, key: str, order: Resource) -> CoursePhase:
        reference = _reference(order)
        dose = self._doses.get(reference)
        name = key.rpartition(":")[2]
        read = self._schedule(name, order, dose)
        changed = self._day(_updated(order))
        signed = parse_when(order.get("authoredOn"), self._site.zone)
        days = [changed, *([signed.first] if signed else [])]
        return CoursePhase(
            id=name,
            order=reference,
            key=key,
            status=_status(order),
            schedule=read.schedule,
            problem=read.problem,
            drug=dose.drug if dose else "",
            route=dose.route if dose else Route.UNKNOWN,
            dose_ug=dose.dose_ug if dose else None,
            since=min(days),
            changed=changed,
            urgent=text(order.get("priority")) in _URGENT,
        )

    def _schedule(self, name: str, order: Resource, dose: B12Dose | None) -> Reading:
        if dose is None and _status(order) == IN_FORCE:
            return Reading(None, "it could not be read as an order of vitamin B12")
        known = self._templates(name, dose.drug if dose else "")
        return read_request(order, self._site.zone, known)

    def _templates(self, name: str, drug: str) -> list[PhaseTemplate]:
        """Phases of the pack under this name that give the same form of B12."""
        products = self._pack.products
        phases = (one for course in self._pack.courses.values() for one in course.phases)
        return [p for p in phases if p.id == name and drug in ("", products[p.product].drug)]

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._site.zone).date()


def _order_of_giving(phase: CoursePhase) -> tuple[date, str]:
    return (phase.schedule.start if phase.schedule is not None else date.max, phase.id)


def _one(same: list[Resource]) -> Resource:
    """Of several resources with one identity the one in force, then the one stored first."""
    return min(same, key=lambda one: (_status(one) != IN_FORCE, _updated(one), _reference(one)))


def _problems(plans: list[Resource], orders: Mapping[str, list[Resource]]) -> Iterator[str]:
    for same in (plans, *orders.values()):
        if len(same) > 1:
            told = " and ".join(sorted(_reference(one) for one in same))
            yield f"{told} have one and the same identity: are doses ordered twice?"
    for same in orders.values():
        for one in same:
            if _status(one) in _UNSIGNED:
                yield f"{_reference(one)} is {_status(one) or 'without status'}: not in force."


def _status(resource: Resource) -> str:
    return text(resource.get("status"))


def _updated(resource: Resource) -> datetime:
    """When it was last changed."""
    moment = _moment(resource)
    if moment is None:
        raise InputError(
            f"{resource.get('resourceType')}/{text(resource.get('id'))} has no meta.lastUpdated, so"
            " a missed dose cannot be told from a schedule that was changed.",
            hint="Read it from a FHIR server that states it.",
        )
    return moment


def _moment(resource: Resource) -> datetime | None:
    when = parse_when(obj(resource.get("meta")).get("lastUpdated"), UTC)
    return when.instant if when is not None else None


def _orders(resource: Resource, site: Site) -> Iterator[str]:
    """What a dose says it was given for: references, or identifiers of our orders."""
    request = obj(resource.get("request"))
    for link in (request, *items(resource.get("basedOn"))):
        plain = text(link.get("reference")).partition("/_history/")[0]
        yield "/".join(plain.split("/")[-2:])
        identifier = obj(link.get("identifier"))
        if identifier.get("system") == site.system(ORDER):
            yield text(identifier.get("value"))


def _is_one_dose(dose: B12Dose, kind: str) -> bool:
    """A statement of a single day is a dose that was reported; one of a stretch of time is not."""
    if kind != "MedicationStatement":
        return True
    return dose.when is not None and dose.until is not None and dose.until.same_moment(dose.when)


def _record(resource: Resource, dose: B12Dose, order: str) -> DoseRecord:
    return DoseRecord(
        reference=dose.reference,
        rank=_RANKS[str(resource["resourceType"])],
        when=dose.when,
        given=dose.given,
        declined=_is_declined(resource),
        drug=dose.drug,
        route=dose.route,
        order=order,
    )


def _unnamed(resource: Resource, order: str, zone: tzinfo) -> DoseRecord:
    """A record that names our order but no medicine we know: not to count it would double it."""
    performed: Any = resource.get("effectiveDateTime") or resource.get("performedDateTime")
    span = obj(resource.get("effectivePeriod") or resource.get("performedPeriod"))
    return DoseRecord(
        reference=_reference(resource),
        rank=_RANKS[str(resource["resourceType"])],
        when=parse_when(performed or span.get("start"), zone),
        given=_GIVEN.get(_status(resource), Truth.UNKNOWN),
        declined=_is_declined(resource),
        order=order,
    )


def _is_declined(resource: Resource) -> bool:
    """Not given on purpose: without a reason nobody knows whether it was only forgotten."""
    return _status(resource) in {"not-done", "not-taken"} and bool(resource.get("statusReason"))

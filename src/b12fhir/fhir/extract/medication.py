"""Medicines ordered, dispensed, taken or given: vitamin B12 and all that a rule asks for."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from b12fhir.facts.medicines import B12Dose, DraftedDrug, Exposure, Route
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.amount import Strength, amounts, dose_ug
from b12fhir.fhir.extract.concepts import question
from b12fhir.fhir.extract.draft import amount_in_words, drafted, largest_ug, route_written
from b12fhir.fhir.extract.drug import Drug, drug_of, route_of
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import (
    ASK,
    DOSE_UNCLEAR,
    DRUG_NAME,
    EXCLUDED,
    GIVEN_UNKNOWN,
    MAP_DIFFERS,
    MEDICINE_UNKNOWN,
    MODIFIED,
    NOT_TAKEN,
    TEXT_ONLY,
    UNMAPPED_DRUG,
    quote,
)
from b12fhir.fhir.extract.record import Listed, Record, Source
from b12fhir.fhir.extract.schedule import (
    bounds,
    bounds_end,
    dosages_of,
    earliest,
    lasting,
    latest,
    per_day,
)
from b12fhir.fhir.extract.subject import not_ours
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.kernel.dates import When
from b12fhir.kernel.truth import Truth

_UG_PER_MG = 1000
_ORDERS = frozenset(
    {"order", "plan", "original-order", "reflex-order", "filler-order", "instance-order"}
)
# MedicationRequest: on-hold orders are still on record; a status that is unknown may be running.
_RUNNING = frozenset({"active", "on-hold", "unknown"})
_NEVER_TAKEN = frozenset({"draft", "cancelled"})
_SUPPLIED = frozenset({"completed", "in-progress"})


class Usage(NamedTuple):
    """How a medicine was used: ``given`` for one dose or a course, ``taken`` for any exposure."""

    given: Truth
    taken: bool
    ordered: bool = False
    active: bool = False
    start: When | None = None
    end: When | None = None


def read_medicine(source: Source, record: Record) -> Iterator[Found]:
    """One medicine: a B12 dose, or an exposure per ingredient that matters; reasons if neither."""
    resource = source.resource
    status = text(resource.get("status"))
    if _is_own_proposal(resource, record):
        return
    drug = drug_of(resource, record)
    if drug is not None and not drug.matters:
        yield from _unmapped(source, drug, record)
        return
    stop = not_ours(source, record)
    if stop is not None:
        yield stop[0].issue(source.reference, stop[1])
    elif status == "entered-in-error":
        yield EXCLUDED.issue(source.reference, f"({_shown(drug)}) was withdrawn")
    elif drug is None:
        yield MEDICINE_UNKNOWN.issue(source.reference, "names no medicine that can be looked up")
    elif resource.get("modifierExtension") or resource.get("implicitRules"):
        yield MODIFIED.issue(source.reference, "carries a modifierExtension or implicitRules")
    elif _is_no_order(resource):
        why = f"({_shown(drug)}) is a proposal, an option or a ban"
        yield NOT_TAKEN.issue(source.reference, why)
    else:
        usage = _USAGES[str(resource.get("resourceType"))](resource, record)
        if resource.get("resourceType") == "MedicationDispense":
            usage = usage._replace(given=_supply_counts(usage, dosages_of(resource), drug))
        yield from _facts(source, drug, usage, record)


def _shown(drug: Drug | None) -> str:
    return quote(drug.text if drug is not None else "?")


def _unmapped(source: Source, drug: Drug, record: Record) -> Iterator[Found]:
    """A medicine that is taken and in which nothing was recognised: it might be B12."""
    resource = source.resource
    withdrawn = text(resource.get("status")) == "entered-in-error"
    if drug.unread is None or withdrawn or _is_no_order(resource) or not_ours(source, record):
        return
    system, code = drug.unread
    told = f"code {quote(code)} of system {quote(system, 80)}" if code else "no code"
    named = "" if code else f", named {quote(drug.text, 60)}"
    shown = (drug.text or "a medicine") if code else "a medicine"
    yield Listed(UNMAPPED_DRUG, f"({told}{named}) is in no table", shown, relevant=False)


def _is_own_proposal(resource: Resource, record: Record) -> bool:
    """Our own drafts are no medicines of the patient; what a clinician approved is."""
    own = any(
        record.is_own_system(text(one.get("system"))) for one in items(resource.get("identifier"))
    )
    tags = items(obj(resource.get("meta")).get("tag"))
    origin = record.site.code_system("origin")
    tagged = any(one.get("system") == origin and one.get("code") == "b12fhir" for one in tags)
    return (own or tagged) and resource.get("intent") == "proposal"


def _is_own_order(resource: Resource, record: Record) -> bool:
    """Was it signed from a plan of ours?"""
    signed = record.site.system("order")
    found = items(resource.get("identifier"))
    return any(text(one.get("system")) == signed for one in found)


def _is_no_order(resource: Resource) -> bool:
    if resource.get("resourceType") != "MedicationRequest":
        return False
    return resource.get("doNotPerform") is True or text(resource.get("intent")) not in _ORDERS


def _facts(source: Source, drug: Drug, usage: Usage, record: Record) -> Iterator[Found]:
    dosages = dosages_of(source.resource)
    if _order_status(source.resource) == "draft":
        yield from _being_written(source, drug, usage, dosages)
        return
    if drug.is_b12:
        single, daily = _doses(dosages, drug.strength)
        yield B12Dose(
            reference=source.reference,
            route=route_of(dosages, drug),
            given=usage.given,
            text=drug.text,
            drug=drug.name,
            dose_ug=single,
            daily_ug=daily,
            when=usage.start,
            until=usage.end,
            ordered=usage.ordered,
            active=usage.active,
            order=_order_status(source.resource),
            concentration=drug.strength.ug if drug.is_liquid and drug.strength else None,
            combined=drug.combined,
            own=_is_own_order(source.resource, record),
            supplied=source.resource.get("resourceType") == "MedicationDispense",
        )
        yield from _remarks(source, drug, usage, single)
    if drug.doubt:
        yield MAP_DIFFERS.issue(source.reference, f"({quote(drug.text)}) {drug.doubt}")
    for ingredient in drug.ingredients if usage.taken else ():
        _, daily = _doses(dosages, drug.other)
        yield Exposure(
            ingredient=ingredient,
            reference=source.reference,
            text=drug.text,
            active=usage.active,
            start=usage.start,
            end=usage.end,
            daily_mg=None if daily is None else daily / _UG_PER_MG,
        )
        if drug.by_name:
            why = f"names {ingredient} by its name only, with no code that is known"
            yield Listed(DRUG_NAME, why, drug.text, relevant=True)
    if drug.ingredients and not usage.taken:
        status = text(source.resource.get("status"))
        yield NOT_TAKEN.issue(source.reference, f"({quote(drug.text)}) has the status {status}")
    for code in drug.codes:
        asked = question(code, record)
        if asked:
            yield ASK.issue(source.reference, f"({quote(drug.text)}): {asked}")


def _being_written(
    source: Source, drug: Drug, usage: Usage, dosages: list[Resource]
) -> Iterator[Found]:
    """An order that nobody has signed: nothing is taken yet, and all of it can still be mended."""
    if drug.is_b12:
        single = largest_ug(dosages, drug.strength)
        _, daily = _doses(dosages, drug.strength)
        yield B12Dose(
            reference=source.reference,
            # What is not structured may stand in words, which whoever signs goes by.
            route=route_written(dosages, drug),
            given=usage.given,
            text=drug.text,
            drug=drug.name,
            dose_ug=amount_in_words(dosages) if single is None else single,
            daily_ug=daily,
            when=usage.start,
            until=usage.end,
            order="draft",
            concentration=drug.strength.ug if drug.is_liquid and drug.strength else None,
            combined=drug.combined,
            drafted=drafted(source.resource, dosages, drug),
        )
    for ingredient in drug.ingredients:
        _, daily = _doses(dosages, drug.other)
        amount = None if daily is None else daily / _UG_PER_MG
        yield DraftedDrug(ingredient, source.reference, drug.text, amount)


def _order_status(resource: Resource) -> str:
    is_order = resource.get("resourceType") == "MedicationRequest"
    return text(resource.get("status")) if is_order else ""


def _doses(
    dosages: list[Resource], strength: Strength | None
) -> tuple[Decimal | None, Decimal | None]:
    """Single dose and daily amount; of several dosages the smallest, as "at least" is asked."""
    singles, dailies = [], []
    for dosage in dosages:
        for quantity in amounts(dosage):
            dose, often = dose_ug(quantity, strength), per_day(dosage)
            if dose is None:
                return None, None
            singles.append(dose)
            if often is not None:
                dailies.append(dose * often)
    return min(singles, default=None), min(dailies, default=None)


def _remarks(source: Source, drug: Drug, usage: Usage, single: Decimal | None) -> Iterator[Found]:
    if drug.weak:
        yield TEXT_ONLY.issue(source.reference, f"names B12 in its text only ({quote(drug.text)})")
    if usage.given.is_unknown:
        status = quote(text(source.resource.get("status")))
        yield GIVEN_UNKNOWN.issue(source.reference, f"({quote(drug.text)}) has the status {status}")
    if single is None and (usage.active or not usage.given.is_no):
        yield DOSE_UNCLEAR.issue(source.reference, f"({quote(drug.text)}) states no dose of B12")


def _request(resource: Resource, record: Record) -> Usage:
    status, dosages = text(resource.get("status")), dosages_of(resource)
    active = status in _RUNNING
    started, ended = bounds(dosages, record)
    supply = obj(resource.get("dispenseRequest"))
    validity = obj(supply.get("validityPeriod"))
    authored, valid = record.when(resource.get("authoredOn")), record.when(validity.get("start"))
    # What is only being written begins when it says, not on the day of writing.
    start = (
        (started or valid or authored)
        if status == "draft"
        else earliest([authored, started, valid])
    )
    end = latest([ended, bounds_end(start, dosages)])
    if end is None and not active:
        # It ran at least on the day it was written; nothing says for how much longer.
        stated = [
            record.when(validity.get("end")),
            lasting(start, supply.get("expectedSupplyDuration")),
        ]
        end = latest(stated) or start
    taken = status not in _NEVER_TAKEN
    return Usage(Truth.NO, taken=taken, ordered=taken, active=active, start=start, end=end)


def _dispense(resource: Resource, record: Record) -> Usage:
    """Supply, not a dose (R-128): it lasts for the days stated, else it only tells its own day."""
    supplied = text(resource.get("status")) in _SUPPLIED
    handed = record.when(resource.get("whenHandedOver")) or record.when(
        resource.get("whenPrepared")
    )
    days = obj(resource.get("daysSupply"))
    end = lasting(handed, {"unit": "d", **days}) or handed
    given = Truth.of(supplied)
    return Usage(given, taken=supplied, ordered=True, start=handed, end=end)


def _supply_counts(usage: Usage, dosages: list[Resource], drug: Drug) -> Truth:
    """Tablets handed out count as taken (ruling 26); an ampoule handed out was perhaps given."""
    if usage.given.is_no:
        return usage.given
    route = route_of(dosages, drug)
    return Truth.UNKNOWN if route.is_injection or route is Route.UNKNOWN else Truth.YES


_STATEMENTS = {
    "active": Truth.YES,
    "completed": Truth.YES,
    "stopped": Truth.YES,
    "intended": Truth.NO,
    "not-taken": Truth.NO,
}


def _statement(resource: Resource, record: Record) -> Usage:
    status = text(resource.get("status"))
    given = _STATEMENTS.get(status, Truth.UNKNOWN)
    start, end = _effective(resource, record)
    begun, until = bounds(dosages_of(resource), record)
    active = status in {"active", "on-hold", "unknown"}
    start = earliest([start, begun])
    end = latest([end, until]) or (None if active else start)
    return Usage(given, taken=not given.is_no, active=active, start=start, end=end)


_GIVEN = {"completed": Truth.YES, "not-done": Truth.NO}


def _administration(resource: Resource, record: Record) -> Usage:
    given = _GIVEN.get(text(resource.get("status")), Truth.UNKNOWN)
    start, end = _effective(resource, record)
    return Usage(given, taken=not given.is_no, start=start, end=end or start)


def _effective(resource: Resource, record: Record) -> tuple[When | None, When | None]:
    period = obj(resource.get("effectivePeriod"))
    start = record.when(resource.get("effectiveDateTime") or period.get("start"))
    return start, record.when(period.get("end"))


_USAGES: dict[str, Callable[[Resource, Record], Usage]] = {
    "MedicationRequest": _request,
    "MedicationDispense": _dispense,
    "MedicationStatement": _statement,
    "MedicationAdministration": _administration,
}

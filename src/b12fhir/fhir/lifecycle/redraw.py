"""A plan for another first day, before it is signed; and a later phase moved by some days.

The dates of a whole plan are never pushed about one by one: the engine plans it anew from the
agreed day, and what it says then takes the place of the drafts. A later phase stands alone, so its
own dates move, in structure and text alike or not at all.
"""

import re
from dataclasses import replace
from datetime import date
from typing import Any

from b12fhir.errors import ChangedError, SignOffError
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.lifecycle.entries import as_proposed
from b12fhir.fhir.lifecycle.held import Held, engine_of
from b12fhir.fhir.links import relinked
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import Owned
from b12fhir.kernel.dates import add_days
from b12fhir.ports import Resource

# What a server may lack (goals, issues) may be missing; a plan or a request may not.
_REQUESTS = frozenset({"CarePlan", "MedicationRequest", "ServiceRequest"})
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")


def redrawn(held: Held, bundle: Resource, site: Site) -> Held:
    """The same plan with the content of ``bundle``, under the stored ids and versions.

    Raises `ChangedError` if a draft was edited by hand, or the plan has other parts now.
    """
    live = [item for item in held.drafts if item.is_draft_proposal]
    as_proposed(live, site)
    author = text(engine_of(held).get("reference"))
    wanted = {_identity(entry): entry for entry in bundle["entry"]}
    places = {(item.kind, item.key): item.reference for item in live}
    engine = {
        entry["fullUrl"]: author
        for (kind, _), entry in wanted.items()
        if kind == "Device" and author
    }
    links = engine | {wanted[one]["fullUrl"]: at for one, at in places.items() if one in wanted}
    missing = {one for one in wanted if one[0] in _REQUESTS} - places.keys()
    if missing or places.keys() - wanted.keys():
        raise ChangedError(
            "The plan would have other parts today than those that were proposed.",
            hint="Run sync, look at the new proposal, then sign that one.",
        )
    return replace(
        held,
        drafts=tuple(
            _with(item, relinked(wanted[item.kind, item.key]["resource"], links))
            if item in live
            else item
            for item in held.drafts
        ),
    )


def moved(item: Owned, days: int) -> Owned:
    """The proposal of one phase, ``days`` later; raises `SignOffError` if its dates cannot move."""
    if not days:
        return item
    resource: dict[str, Any] = dict(item.resource)
    dosage = next(iter(items(resource.get("dosageInstruction"))), {})
    repeat = obj(obj(dosage.get("timing")).get("repeat"))
    old = obj(repeat.get("boundsPeriod"))
    new = _later(item, old, days)
    parts = dosage.get("text", "").split(" - ")
    if parts.count(_words(old)) != 1:
        raise _immovable(item)
    shown = " - ".join(_words(new) if part == _words(old) else part for part in parts)
    timing = {**dosage["timing"], "repeat": {**repeat, "boundsPeriod": new}}
    resource["dosageInstruction"] = [{**dosage, "text": shown, "timing": timing}]
    supply = resource.get("dispenseRequest", {})
    if "validityPeriod" in supply:
        period = _later(item, supply["validityPeriod"], days)
        resource["dispenseRequest"] = {**supply, "validityPeriod": period}
    if "div" in resource.get("text", {}):
        div = resource["text"]["div"].replace(_words(old), _words(new))
        resource["text"] = {**resource["text"], "div": div}
    return replace(item, resource=resource)


def _identity(entry: Resource) -> tuple[str, str]:
    resource = entry["resource"]
    return resource["resourceType"], resource.get("identifier", [{}])[0].get("value", "")


def _with(item: Owned, resource: Resource) -> Owned:
    stored = item.resource
    return replace(item, resource={**resource, "id": item.id, "meta": stored["meta"]})


def _later(item: Owned, period: Resource, days: int) -> dict[str, str]:
    if not all(isinstance(day, str) and _DAY.match(day) for day in period.values()):
        raise _immovable(item)
    return {
        name: add_days(date.fromisoformat(day), days).isoformat() for name, day in period.items()
    }


def _words(period: Resource) -> str:
    """The dates as they stand in a dosage line; see `b12fhir.fhir.dosage.bounds_text`."""
    end = f" to {period['end']}" if "end" in period else ""
    return f"from {period.get('start')}{end}"


def _immovable(item: Owned) -> SignOffError:
    return SignOffError(
        f"The dates of {item.reference} cannot be moved: its text and its timing do not say the "
        "same, or not in whole days.",
        hint="Sign it without --start, or withdraw the plan and have it proposed anew.",
    )

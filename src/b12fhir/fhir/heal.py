"""Several resources with one identity, put right: one keeps it, our own copies give it up.

They come about where a plain create races conditional ones, for example when a card is accepted.
The one that counts is the one with the most authority::

    order > plan > proposal, active > decided on by somebody > draft > withdrawn,
    then the oldest lastUpdated, then the lowest id

Only what is still as the engine left it is changed. A copy is withdrawn with the reason and moves
its key into a system of its own, so that no search takes it for the plan again; whatever of ours
led to it leads to the one that was kept. All else is left alone and named.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from b12fhir.fhir.digest import untouched
from b12fhir.fhir.extract.tree import obj
from b12fhir.fhir.identity import DUPLICATE
from b12fhir.fhir.lifecycle.held import SIGNED
from b12fhir.fhir.links import links_in, relinked
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS, Owned, owned_resources
from b12fhir.fhir.withdraw import entry_to_withdraw, rewritten
from b12fhir.kernel.dates import parse_when
from b12fhir.ports import Resource

_INTENTS = ("order", "plan", "proposal")
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Healing:
    """What is to be done about shared identities; both empty where there are none.

    ``problem`` names the resources that are not ours to change. ``entries`` are the changes, of
    which ``withdrawn`` are copies and ``relinked`` resources whose links were put right.
    """

    problem: str = ""
    entries: tuple[dict[str, Any], ...] = ()
    withdrawn: int = 0
    relinked: int = 0


def heal(stored: Sequence[Resource], site: Site) -> Healing:
    """Find the resources of one patient that share an identity, and say how to put that right."""
    drafts, signed = owned_resources(stored, site), owned_resources(stored, site, SIGNED)
    groups, orders = _groups(drafts), _groups(signed)
    if not (groups or orders):
        return Healing()
    kept = {group[0].reference: group[0] for group in groups}
    copies = {copy.reference: group[0] for group in groups for copy in group[1:]}
    ours = {item.reference for item in drafts if _is_ours(item, site)}
    lost = [group for group in groups if not _may_be_put_right(group, ours)]
    if stuck := [*orders, *lost]:
        return Healing(problem=_problem(stuck))
    rest = [item for item in (*drafts, *signed) if item.reference not in copies]
    misled = [item for item in rest if not copies.keys().isdisjoint(_links(item))]
    if foreign := [item for item in misled if item.reference not in ours]:
        return Healing(problem=_led_astray(foreign))
    changed = [item for item in drafts if item.reference in copies]
    guards = [item for item in rest if _guards(item, kept, changed) and item not in misled]
    if unversioned := [one for one in (*changed, *misled, *guards) if not one.version]:
        return Healing(problem=_unversioned(unversioned[0]))
    places = {reference: one.reference for reference, one in copies.items()}
    return Healing(
        "",
        (
            *(rewritten(one, relinked(one.resource, places), site) for one in misled),
            *(rewritten(one, one.resource, site) for one in guards),
            *(_given_up(one, copies[one.reference], site) for one in changed),
        ),
        len(changed),
        len(misled),
    )


def _groups(owned: Iterable[Owned]) -> list[list[Owned]]:
    """Those of one identity, where there is more than one, the one that counts first."""
    found: dict[tuple[str, str], list[Owned]] = {}
    for item in owned:
        found.setdefault((item.kind, item.key), []).append(item)
    return [sorted(group, key=_authority) for group in found.values() if len(group) > 1]


def _authority(item: Owned) -> tuple[int, int, datetime, str]:
    intent = _INTENTS.index(item.intent) if item.intent in _INTENTS else 0
    when = parse_when(obj(item.resource.get("meta")).get("lastUpdated"), UTC)
    moment = when.instant if when is not None and when.instant is not None else _LATEST
    return intent, _standing(item), moment, item.id


def _standing(item: Owned) -> int:
    if item.status == "active":
        return 0
    if item.is_draft_proposal:
        return 2
    return 3 if item.is_withdrawn else 1


def _may_be_put_right(group: Sequence[Owned], ours: Container[str]) -> bool:
    """Are all but the first still ours, and all of one patient?"""
    return len({one.patient for one in group}) == 1 and all(
        one.reference in ours for one in group[1:]
    )


def _links(item: Owned) -> Iterator[str]:
    """Where it leads; an order rests on its proposal even if that was withdrawn since."""
    return links_in({name: value for name, value in item.resource.items() if name != "basedOn"})


def _is_ours(item: Owned, site: Site) -> bool:
    """As the engine left it: a draft, or withdrawn by itself."""
    return (item.is_draft_proposal or item.is_withdrawn) and untouched(item.resource, site)


def _guards(item: Owned, kept: Mapping[str, Owned], changed: Iterable[Owned]) -> bool:
    """Does its version tell that somebody signs what is kept while its copies are withdrawn?"""
    plans = {one.plan_key for one in changed}
    concerned = item.reference in kept or (item.is_plan and item.plan_key in plans)
    return concerned and item.is_draft_proposal


def _given_up(copy: Owned, kept: Owned, site: Site) -> dict[str, Any]:
    """The copy withdrawn, under an identity that is its own alone."""
    own = f"{copy.key}:{copy.id}"
    system = site.system(KINDS[copy.kind])
    identifiers = [
        {"system": site.system(DUPLICATE), "value": own}
        if (one.get("system"), one.get("value")) == (system, copy.key)
        else one
        for one in copy.resource["identifier"]
    ]
    # The profile asks for the identifier that it gives up.
    meta = {k: v for k, v in copy.resource.get("meta", {}).items() if k != "profile"}
    moved = replace(copy, resource={**copy.resource, "identifier": identifiers, "meta": meta})
    why = f"It has the identity of {kept.reference}, which counts."
    if copy.is_withdrawn:
        return rewritten(moved, moved.resource, site)
    return entry_to_withdraw(moved, why, site)


def _problem(groups: Iterable[Sequence[Owned]]) -> str:
    told = "; ".join(" and ".join(item.reference for item in group) for group in groups)
    return (
        f"more than one resource has one and the same identity ({told}), and somebody signed or"
        " changed them: have all but one of each ended by hand"
    )


def _led_astray(items: Iterable[Owned]) -> str:
    told = ", ".join(item.reference for item in items)
    return f"{told} leads to one of several resources with one identity, and is not ours to change"


def _unversioned(item: Owned) -> str:
    return f"{item.reference} has no version, so it cannot be changed safely"

"""What to write, given what is wanted and what is stored: the whole write policy, and no network.

::

    stored                                   wanted        write
    ---------------------------------------  ------------  -----------------------------------------
    no open plan                             a plan        create: conditional on every identifier
    one draft proposal, same content         that plan     nothing
    one draft proposal, other content        a plan        update the same ids, if still unchanged
    one draft proposal                       no plan       withdraw: CarePlan revoked, children too
    anything signed, held or in doubt        a plan        blocked: never touched, reported
    a goal, finding or task somebody took    the same      nothing
      up, closed or changed                  another plan  blocked: never touched, reported
    a plan in force                          a notice      create or update the notice: what was
                                                             found, and a Task to look at the plan
    a proposal to replace a plan in force    to wait       nothing: it is the clinician's to decide
    copies of one identity, as we left them  any           heal: one is kept, the rest withdrawn,
                                                             then what the other rows say
    copies that somebody signed or changed   any           blocked: never touched, reported

A notice is a transaction without a plan: it is about one that was signed. Only resources that carry
our identifiers and are still ``draft`` + ``proposal`` are ever changed, and always by id with the
version that was read, never by a conditional update: a server looks only at the condition then and
overwrites what a clinician has changed since.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from b12fhir.facts.patient import Patient
from b12fhir.fhir.digest import stored_digest, untouched
from b12fhir.fhir.heal import Healing, heal
from b12fhir.fhir.identity import CLOSED
from b12fhir.fhir.links import links_in, relinked
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import OPTIONAL, Owned, owned_resources, patient_of
from b12fhir.fhir.withdraw import entry_to_withdraw, put
from b12fhir.ports import Resource

NO_LONGER = "The findings behind this proposal no longer hold."
SUPERSEDED = "No longer part of the proposed plan."


def why_withdrawn(patient: Patient) -> str:
    """The reason a proposal is withdrawn for, as far as the patient's own record gives one."""
    if patient.deceased:
        return "The patient is recorded as deceased."
    if patient.replaced:
        return "The patient record was merged into another one."
    return NO_LONGER if patient.active else "The patient record is no longer active."


@dataclass(frozen=True, slots=True)
class Write:
    """What is to be done for one patient.

    ``kind`` is ``create``, ``update``, ``withdraw``, ``nothing`` or ``blocked``. The counts are
    resources of the plan, without the Device. ``reason`` says why in one sentence. ``heals``: it
    puts right what bears one identity; read again and compare anew once it is done.
    """

    kind: str
    bundle: dict[str, Any] | None
    created: int
    updated: int
    withdrawn: int
    reason: str
    heals: bool = False


def reconcile(
    stored: Sequence[Resource],
    bundle: Resource | None,
    site: Site,
    *,
    why: str = NO_LONGER,
    keep: Container[str] = (),
) -> Write:
    """Compare what is wanted with what is stored.

    ``why`` goes into a withdrawn proposal. The plans whose keys are in ``keep`` are left as they
    are although nothing asks for them now.
    """
    healing = heal(stored, site)
    if healing.problem:
        return _blocked(healing.problem)
    if healing.entries:
        return _healed(healing)
    owned = [item for item in owned_resources(stored, site) if item.plan_key not in keep]
    if bundle is None:
        return _withdraw_all(owned, why, site)
    if problem := _obstacle(owned, bundle, site):
        return _blocked(problem)
    return _bring_about(owned, bundle, site, why)


def _healed(healing: Healing) -> Write:
    bundle, reason = _transaction([*healing.entries]), "several resources had one identity"
    return Write("update", bundle, 0, healing.relinked, healing.withdrawn, reason, heals=True)


def _withdraw_all(owned: Sequence[Owned], why: str, site: Site) -> Write:
    """Nothing is wanted: drafts go, what somebody signed or closed stays."""
    drafts = _disposable(owned)
    if unversioned := _unversioned(drafts):
        return _blocked(unversioned)
    if not drafts:
        in_force = any(item.is_plan and item.status not in CLOSED for item in owned)
        return _nothing(
            "a plan is in force and stays as it is" if in_force else "nothing to propose"
        )
    entries = [entry_to_withdraw(item, why, site) for item in drafts]
    return Write("withdraw", _transaction(entries), 0, 0, len(entries), why)


def _disposable(owned: Sequence[Owned]) -> list[Owned]:
    """Drafts that may be withdrawn: not the open later phases of a plan that was signed."""
    signed = {
        item.key
        for item in owned
        if item.is_plan and not item.is_draft_proposal and not item.is_withdrawn
    }
    return [item for item in owned if item.is_draft_proposal and item.plan_key not in signed]


def _unversioned(owned: Iterable[Owned]) -> str:
    """Without a version, a change that somebody makes meanwhile would be overwritten."""
    found = next((item for item in owned if not item.version), None)
    return f"{found.reference} has no version, so it cannot be changed safely" if found else ""


def _obstacle(owned: Sequence[Owned], bundle: Resource, site: Site) -> str:
    """Why the wanted plan may not be written; ``""`` if it may."""
    wanted = {_identity(entry) for entry in _entries(bundle)}
    has_plan = any(map(_is_plan, _entries(bundle)))
    subjects = {patient_of(entry["resource"]) for entry in _entries(bundle)}
    for item in owned:
        if item.patient not in subjects:
            return f"{item.reference} bears this plan's identity but is another patient's"
        if item.is_plan and item.is_draft_proposal and not has_plan:
            # A notice takes the place of what was proposed beside a plan in force.
            continue
        if problem := _standing(item, (item.kind, item.key) in wanted, site):
            return problem
    return ""


def _standing(item: Owned, is_wanted: bool, site: Site) -> str:  # noqa: FBT001 - a table column
    """What stands in the way of writing over, or beside, one stored resource."""
    if item.is_plan and item.status not in CLOSED:
        if not item.is_draft_proposal:
            return f"{item.reference} is {item.status} ({item.intent}) and is never changed"
        if not is_wanted:
            return f"{item.reference} is open under another identity: was the site key changed?"
    if not is_wanted or item.kind in OPTIONAL:
        # An accepted Goal or Task stands in nobody's way as long as the plan stays as it is.
        return ""
    if item.is_plan and item.status in CLOSED:
        return f"{item.reference} has this identity and is {item.status}"
    if _is_open(item, site):
        return ""
    return f"{item.reference} is {item.status} ({item.intent}) and is never changed"


def _is_open(item: Owned, site: Site) -> bool:
    """A draft, or one that we withdrew ourselves and may take up again."""
    return item.is_draft_proposal or (item.is_withdrawn and untouched(item.resource, site))


@dataclass(frozen=True, slots=True)
class _Difference:
    """What separates the stored plan from the wanted one.

    ``known`` are the wanted entries that are stored, by temporary address.
    """

    wanted: Sequence[Resource]
    known: Mapping[str, Owned]
    changed: Sequence[Resource]
    created: Sequence[Resource]
    obsolete: Sequence[Owned]


def _compare(owned: Sequence[Owned], wanted: Sequence[Resource], site: Site) -> _Difference:
    stored = {(item.kind, item.key): item for item in owned}
    identities = {_identity(entry) for entry in wanted}
    known = {e["fullUrl"]: stored[_identity(e)] for e in wanted if _identity(e) in stored}
    created = [entry for entry in wanted if entry["fullUrl"] not in known]
    new = {entry["fullUrl"] for entry in created}
    return _Difference(
        wanted,
        known,
        [
            e
            for e in wanted
            if e["fullUrl"] in known
            # A link to what is made only now still leads to something that is gone.
            and (not _same(known[e["fullUrl"]], e, site) or not new.isdisjoint(links_in(e)))
        ],
        created,
        [item for item in _disposable(owned) if (item.kind, item.key) not in identities],
    )


def _bring_about(owned: Sequence[Owned], bundle: Resource, site: Site, why: str) -> Write:
    diff = _compare(owned, _entries(bundle), site)
    if not (diff.changed or diff.created or diff.obsolete):
        return _nothing("the stored proposal says the same")
    if unversioned := _unversioned((*diff.known.values(), *diff.obsolete)):
        return _blocked(unversioned)
    if problem := _taken_up(diff, site):
        return _blocked(problem)
    return _update(bundle, diff, site, why)


def _taken_up(diff: _Difference, site: Site) -> str:
    """What somebody did to a draft that would have to be rewritten, or is about to do."""
    for entry in diff.changed:
        item = diff.known[entry["fullUrl"]]
        if not (item.is_draft_proposal or item.is_withdrawn):
            return f"{item.reference} is {item.status} and is never changed"
        if not untouched(item.resource, site):
            return f"{item.reference} was changed by someone else since it was proposed"
    tasks = (item for item in diff.known.values() if item.kind == "Task")
    taken = next((task for task in tasks if not _is_open(task, site)), None)
    return f"{taken.reference} is {taken.status}: somebody is deciding on it" if taken else ""


def _update(bundle: Resource, diff: _Difference, site: Site, why: str) -> Write:
    """One transaction: rewrite what changed, add what is new, withdraw what fell away.

    A stored CarePlan is always among the rewritten, even when it says the same: its version guards
    the whole transaction against somebody who signs it in the meantime.
    """
    links = {url: item.reference for url, item in diff.known.items()}
    has_plan = any(map(_is_plan, diff.wanted))
    rewritten = [
        entry
        for entry in diff.wanted
        if entry in diff.changed or (_is_plan(entry) and entry["fullUrl"] in links)
    ]
    entries = [
        *(entry for entry in bundle["entry"] if _is_device(entry)),
        *(put(diff.known[entry["fullUrl"]], relinked(entry, links)) for entry in rewritten),
        *(relinked(entry, links) for entry in diff.created),
        *(entry_to_withdraw(i, SUPERSEDED if has_plan else why, site) for i in diff.obsolete),
    ]
    is_new = has_plan and not (diff.known or diff.obsolete)
    return Write(
        "create" if is_new else "update",
        _transaction(entries),
        len(diff.created),
        len(diff.changed),
        len(diff.obsolete),
        _reason(is_new=is_new, has_plan=has_plan),
    )


def _reason(*, is_new: bool, has_plan: bool) -> str:
    if not has_plan:
        return "somebody has to look at the plan in force"
    return "no plan was stored" if is_new else "the facts or the protocol changed"


def _same(item: Owned, entry: Resource, site: Site) -> bool:
    """Need it not be written? What somebody accepted or closed still says what we wrote in it."""
    ours = item.is_draft_proposal or item.kind in OPTIONAL
    return ours and stored_digest(item.resource, site) == stored_digest(entry["resource"], site)


def _entries(bundle: Resource) -> list[Any]:
    """Entries of the plan itself, without the engine's Device."""
    return [entry for entry in bundle["entry"] if not _is_device(entry)]


def _is_device(entry: Resource) -> bool:
    return bool(entry["resource"]["resourceType"] == "Device")


def _is_plan(entry: Resource) -> bool:
    return bool(entry["resource"]["resourceType"] == "CarePlan")


def _identity(entry: Resource) -> tuple[str, str]:
    resource = entry["resource"]
    return resource["resourceType"], resource["identifier"][0]["value"]


def _transaction(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _nothing(reason: str) -> Write:
    return Write("nothing", None, 0, 0, 0, reason)


def _blocked(reason: str) -> Write:
    return Write("blocked", None, 0, 0, 0, reason)

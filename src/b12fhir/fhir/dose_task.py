"""The Task about a dose that is late: at most one open for a plan, closed when nothing is late.

Its first identifier is that of the slot, its second that of the plan's only open Task::

    a1b2c3d4e5f60718:e1:r1:dose-overdue:induction:3
    a1b2c3d4e5f60718:e1:r1:dose-overdue

A conditional create looks at the first: a Task that somebody closed is not opened again for the
same dose, and the next late dose has one of its own. All text holds dates only: it stands still.
"""

import html
from collections.abc import Iterable, Sequence
from typing import Any

from b12fhir.fhir.compose.device import device
from b12fhir.fhir.compose.entry import DEVICE_KEY, compact, create, identifier, meta
from b12fhir.fhir.digest import stored_digest, untouched
from b12fhir.fhir.identity import APPROVED_PLAN, DEVICE, DOSE_TASK, urn
from b12fhir.fhir.narrative import clean
from b12fhir.fhir.publish import Write
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import Owned, owned_resources
from b12fhir.fhir.withdraw import entry_to_withdraw, put
from b12fhir.plan.course import IN_FORCE, Course, CoursePhase
from b12fhir.plan.slot import DoseLog, Slot
from b12fhir.ports import Resource

GIVEN_SINCE = "The dose is on record, or no longer late."
NOT_IN_FORCE = "The plan or its order is no longer in force."
_OPEN = frozenset({"requested", "received", "accepted", "ready", "in-progress", "on-hold", "draft"})
# What concerns the late dose itself; remarks about records are for the list of doses.
_TOLD = ("dose-late", "restart-load", "dose-date", "dose-status")


def dose_task(course: Course, log: DoseLog, site: Site) -> dict[str, Any] | None:
    """The Task that the late dose asks for; ``None`` if none is late.

    Urgent where the order is: with nerve signs a loading dose does not wait (R-131).
    """
    late = log.late
    if late is None or late.overdue_from is None:
        return None
    phase = next(one for one in course.phases if one.id == late.phase)
    said = [one.text for name in _TOLD for one in log.remarks if one.id == name]
    return compact(
        {
            "resourceType": "Task",
            "meta": meta(site),
            "text": _narrative(said),
            "identifier": [
                identifier(site, DOSE_TASK, _slot_key(course, late)),
                identifier(site, DOSE_TASK, _key(course)),
            ],
            "basedOn": [{"reference": phase.order}],
            "groupIdentifier": identifier(site, APPROVED_PLAN, course.key),
            "status": "requested",
            "intent": "proposal",
            "priority": _priority(phase),
            "code": {
                "coding": [{"system": site.code_system("dose-status"), "code": "overdue"}],
                "text": "Vitamin B12 dose is late",
            },
            "description": said[0],
            "focus": {"reference": course.reference},
            "for": {"reference": course.patient},
            "authoredOn": late.overdue_from.isoformat(),
            "requester": {"reference": urn(site, DEVICE, DEVICE_KEY)},
            "performerType": [{"text": "Responsible clinician"}],
            "note": [{"text": text} for text in said[1:]],
        }
    )


def overdue_write(
    course: Course, log: DoseLog, tasks: Iterable[Resource], site: Site, *, why: str = ""
) -> Write:
    """What is to be done about the Tasks of this course that a server holds.

    ``tasks`` may be all resources of the patient. One that a person accepted, changed or closed is
    never touched. ``why`` is the reason to close ours for, where it is another than that the dose
    was given or the plan ended.
    """
    held = [
        one
        for one in owned_resources(tasks, site, {"Task": DOSE_TASK})
        if one.plan_key == course.key and one.patient == course.patient
    ]
    wanted = dose_task(course, log, site)
    entry = None if wanted is None else create(site, DOSE_TASK, wanted)
    key = "" if wanted is None else wanted["identifier"][0]["value"]
    stale = [one for one in held if one.status in _OPEN and one.key != key]
    ours = [one for one in stale if _is_ours(one, site)]
    known = next((one for one in held if one.key == key), None)
    if unversioned := [one for one in (*ours, known) if one is not None and not one.version]:
        return _nothing(f"{unversioned[0].reference} has no version: it cannot be changed safely")
    why = why or (GIVEN_SINCE if _is_in_force(course) else NOT_IN_FORCE)
    closed = [entry_to_withdraw(one, why, site) for one in ours]
    if entry is None:
        return _closing(closed, why if closed else "no dose is late")
    if len(ours) < len(stale):
        return _closing(closed, "somebody is at work on the Task about an earlier dose")
    return _opening(known, entry, closed, site)


def _opening(
    known: Owned | None, entry: dict[str, Any], closed: list[dict[str, Any]], site: Site
) -> Write:
    """Write the wanted Task, unless it stands there or somebody has dealt with it."""
    if known is None:
        return _write("create", entry, closed, site)
    if not _is_ours(known, site):
        return _closing(closed, f"{known.reference} was taken, changed or closed by somebody")
    if known.is_draft_proposal and stored_digest(known.resource, site) == _digest(entry, site):
        return _closing(closed, "the Task about the late dose stands there already")
    return _write("update", put(known, entry), closed, site)


def _slot_key(course: Course, slot: Slot) -> str:
    return f"{_key(course)}:{slot.phase}:{slot.ordinal}"


def _key(course: Course) -> str:
    return f"{course.key}:dose-overdue"


def _priority(phase: CoursePhase) -> str:
    is_load = phase.schedule is not None and phase.schedule.count > 0
    return "urgent" if phase.urgent and is_load else "routine"


def _narrative(lines: Sequence[str]) -> dict[str, str]:
    shown = "".join(f"<p>{html.escape(clean(line), quote=False)}</p>" for line in lines)
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{shown}</div>',
    }


def _is_in_force(course: Course) -> bool:
    return any(course.status_of(phase) == IN_FORCE for phase in course.phases)


def _is_ours(task: Owned, site: Site) -> bool:
    """As the engine left it: open, or withdrawn by itself."""
    return (task.is_draft_proposal or task.is_withdrawn) and untouched(task.resource, site)


def _digest(entry: Resource, site: Site) -> str:
    return stored_digest(entry["resource"], site)


def _write(kind: str, entry: dict[str, Any], closed: list[dict[str, Any]], site: Site) -> Write:
    engine = create(site, DEVICE, device(site))
    bundle = _transaction([engine, entry, *closed])
    created = int(kind == "create")
    return Write(kind, bundle, created, 1 - created, len(closed), "a dose is late")


def _closing(closed: list[dict[str, Any]], why: str) -> Write:
    if not closed:
        return _nothing(why)
    return Write("withdraw", _transaction(closed), 0, 0, len(closed), why)


def _transaction(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _nothing(reason: str) -> Write:
    return Write("nothing", None, 0, 0, 0, reason)

"""The Tasks that ask for a signature: how one is answered, and the next one asked (R-121)."""

from datetime import date
from typing import Any

from b12fhir.fhir.compose.entry import compact, create, identifier, meta
from b12fhir.fhir.identity import APPROVAL_TASK, PLAN
from b12fhir.fhir.lifecycle.entries import Entry, amend
from b12fhir.fhir.lifecycle.held import Held, engine_of
from b12fhir.fhir.lifecycle.phases import PhaseState
from b12fhir.fhir.lifecycle.signer import Signer
from b12fhir.fhir.narrative import PROPOSAL_NOTICE, short
from b12fhir.fhir.stored import Owned
from b12fhir.kernel.dates import add_days

_CODES = "http://hl7.org/fhir/CodeSystem/task-code"


def ask_for(held: Held, phase: PhaseState, current: PhaseState, plan: str, by: Signer) -> Entry:
    """Ask whoever signed ``current`` for the phase after it; ``plan`` is where the plan stands."""
    ends = f" ends on {current.end.isoformat()}" if current.end else " has no last day"
    begins = f"begins on {phase.start.isoformat()}" if phase.start else "has no first day"
    due = _due(phase, current, by.clock.day)
    text = (
        f"Phase {current.id}{ends}; phase {phase.id} {begins}. Look at the response and sign phase "
        f"{phase.id} by {due.isoformat()}, or withdraw the plan with the reason."
    )
    task: dict[str, Any] = {
        "resourceType": "Task",
        "meta": meta(by.site, "b12-approval-task"),
        "text": short(text, f"Signature asked for by {due.isoformat()}."),
        "identifier": [identifier(by.site, APPROVAL_TASK, f"{held.key}:{phase.id}")],
        "groupIdentifier": identifier(by.site, PLAN, held.key),
        "status": "requested",
        "intent": "proposal",
        "priority": "routine",
        "code": {"coding": [{"system": _CODES, "code": "approve"}]},
        "description": text,
        "focus": {"reference": plan},
        "for": held.shown.resource["subject"],
        "authoredOn": by.instant,
        "requester": engine_of(held),
        "owner": {"reference": by.practitioner},
        "note": [{"text": PROPOSAL_NOTICE}],
        "restriction": {"period": {"end": due.isoformat()}},
    }
    return create(by.site, APPROVAL_TASK, compact(task))


def _due(phase: PhaseState, current: PhaseState, day: date) -> date:
    """Some days before the current phase ends (R-121), in time for the next one.

    A short phase may end sooner than that: then it is its first day, and never before the Task is
    made, which nobody could keep.
    """
    asked = current.ask or current.start or day
    latest = add_days(phase.start, -1) if phase.start else asked
    return max(min(asked, latest), day)


def answered(task: Owned, what: str, url: str, by: Signer) -> Entry:
    """Complete the Task with what was made of it, at the address ``url``."""
    changes = {
        "status": "completed",
        "owner": {"reference": by.practitioner},
        "output": [{"type": {"text": what}, "valueReference": {"reference": url}}],
    }
    return amend(task, changes, by.site)

"""Ending what a signature began: the plan, its orders, and what still waits."""

from b12fhir.fhir.lifecycle.entries import Entry, amend, become, noted
from b12fhir.fhir.lifecycle.held import IN_FORCE, Held
from b12fhir.fhir.lifecycle.signer import Signer
from b12fhir.fhir.stored import Owned
from b12fhir.fhir.withdraw import entry_to_withdraw

# R4's words for an order that ends early.
_STOPPED = {"CarePlan": "revoked", "MedicationRequest": "stopped", "ServiceRequest": "revoked"}


def ended(held: Held, why: str, by: Signer) -> list[Entry]:
    """End a plan in force early: plan and tests revoked, medicine stopped, the rest cancelled.

    What is completed stays completed, and what somebody else ended stays as it was left.
    """
    running = [item for item in held.signed if item.status in IN_FORCE]
    return [*(_stopped(item, why, by) for item in running), *let_go(held, why, by)]


def let_go(held: Held, why: str, by: Signer) -> list[Entry]:
    """Cancel what was proposed and is still open: later phases, Tasks, goals."""
    entries = [entry_to_withdraw(i, why, by.site) for i in held.drafts if i.is_draft_proposal]
    taken = [task for task in held.tasks if not task.is_draft_proposal]
    entries += [entry_to_withdraw(task, why, by.site) for task in taken]
    goals = [goal for goal in held.of("Goal") if goal.status == "active"]
    return entries + [entry_to_withdraw(goal, why, by.site) for goal in goals]


def done(held: Held, by: Signer) -> list[Entry]:
    """Complete a plan: it, its orders and its goals; what still asks for a signature is void."""
    running = [item for item in held.signed if item.status in IN_FORCE]
    goals = [goal for goal in held.of("Goal") if goal.status == "active"]
    open_tasks = [entry_to_withdraw(task, "The plan is closed.", by.site) for task in held.tasks]
    return [
        *(become(item, "completed", by.site) for item in running),
        *(become(goal, "completed", by.site) for goal in goals),
        *open_tasks,
    ]


def _stopped(item: Owned, why: str, by: Signer) -> Entry:
    changes = {"status": _STOPPED[item.kind], **noted(item, f"Ended {by.words}: {why}")}
    if item.kind == "MedicationRequest":
        changes["statusReason"] = {"text": why}
    return amend(item, changes, by.site)

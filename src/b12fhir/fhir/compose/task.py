"""The Task that asks a clinician to read the proposal, and to sign or reject it, by a day."""

import re
from datetime import date
from typing import Any

from b12fhir.decision.model import Urgency
from b12fhir.fhir.compose.entry import Context, author, compact, group, identifier, meta
from b12fhir.fhir.identity import APPROVAL_TASK
from b12fhir.fhir.narrative import PROPOSAL_NOTICE, short, summary
from b12fhir.kernel.dates import add_days

_CODES = "http://hl7.org/fhir/CodeSystem/task-code"
# What an owner of a Task may be (R4), as far as it can sign.
_OWNER = re.compile(
    r"(Practitioner|PractitionerRole|CareTeam|Organization|HealthcareService)/[A-Za-z0-9\-.]{1,64}\Z"
)
# Days from d0: what is urgent, or concerns nerves, is signed within 24 hours, "soon" within
# 7 days. For the rest the site says how long.
_URGENT_DAYS = 1
_SOON_DAYS = 7


def approval_task(ctx: Context, plan: str) -> dict[str, Any]:
    """The request for a decision on the CarePlan at the address ``plan``."""
    text = f"Check and sign, or reject with the reason: {summary(ctx.decision)}"
    return compact(
        {
            "resourceType": "Task",
            "meta": meta(ctx.site, "b12-approval-task"),
            "text": short(text, asked(ctx)),
            "identifier": [identifier(ctx.site, APPROVAL_TASK, str(ctx.key))],
            "groupIdentifier": group(ctx),
            "status": "requested",
            "intent": "proposal",
            "priority": "urgent" if ctx.urgent else "routine",
            "code": {"coding": [{"system": _CODES, "code": "approve"}]},
            "description": text,
            "focus": {"reference": plan},
            "for": ctx.patient,
            "authoredOn": ctx.start,
            "requester": author(ctx),
            **approver(ctx),
            "note": [{"text": PROPOSAL_NOTICE}],
            "restriction": {"period": {"end": due(ctx).isoformat()}},
        }
    )


def asked(ctx: Context) -> str:
    """Who is asked, and until when: "Signature asked of: ..., by 2026-11-22"."""
    who = "the owner of the task" if _OWNER.match(ctx.site.approver) else ctx.site.approver
    return f"Signature asked of: {who}, by {due(ctx).isoformat()}."


def approver(ctx: Context) -> dict[str, Any]:
    """An owner where the site names one, else a kind of person in words."""
    who = ctx.site.approver
    return (
        {"owner": {"reference": who}} if _OWNER.match(who) else {"performerType": [{"text": who}]}
    )


def due(ctx: Context) -> date:
    """Until when an answer is wanted."""
    if ctx.urgent or ctx.decision.neuro:
        days = _URGENT_DAYS
    elif ctx.decision.urgency is Urgency.SOON:
        days = _SOON_DAYS
    else:
        days = ctx.site.approve_days
    return add_days(ctx.plan.start, days)

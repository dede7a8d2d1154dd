"""A notice about a plan in force: what has come up, and a Task that asks a person to look at it.

It proposes nothing and changes nothing: the plan is a clinician's. Its parts stand under the next
revision and have a name of their own, so that a proposal that follows never meets them.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from b12fhir.fhir.compose.assessment import risk_assessment
from b12fhir.fhir.compose.device import device
from b12fhir.fhir.compose.entry import (
    Context,
    author,
    compact,
    create,
    identifier,
    meta,
    references,
)
from b12fhir.fhir.compose.task import approver, due
from b12fhir.fhir.identity import APPROVAL_TASK, ASSESSMENT, DETECTED_ISSUE, DEVICE, PLAN
from b12fhir.fhir.narrative import PROPOSAL_NOTICE, short
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS
from b12fhir.ports import Resource

# What a DetectedIssue about a plan that somebody signed can be about.
STANDING_ISSUES = {
    "facts-changed": "Facts changed since approval",
    "record-closed": "A plan is in force in a record that is closed",
}
REVIEW = "review"
_LOOK = "Look at the plan in force: leave it as it is, or withdraw it with the reason."


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell about a plan in force.

    ``issue`` is one of `STANDING_ISSUES`, ``plan`` the reference of the signed CarePlan. ``text``
    holds no date of a run. ``records`` are those that show it. ``assessed``: is today's verdict
    part of what is told?
    """

    issue: str
    plan: str
    text: str
    records: tuple[str, ...] = ()
    assessed: bool = True


def notice_bundle(
    ctx: Context, notice: Notice, *, without: Container[str] = ()
) -> dict[str, Any] | None:
    """The transaction of a notice; ``None`` for a server that keeps no part of it."""
    key = ctx.key.child(REVIEW)
    by = {"patient": ctx.patient, "identifiedDateTime": ctx.start, "author": author(ctx)}
    resources = [
        *([_assessment(ctx, key)] if notice.assessed else []),
        standing_issue(notice, key, by, ctx.site),
        _task(ctx, notice, key),
    ]
    kept = [one for one in resources if one["resourceType"] not in without]
    if not kept:
        return None
    entries = [create(ctx, KINDS[one["resourceType"]], one) for one in kept]
    engine = create(ctx.site, DEVICE, device(ctx.site))
    return {"resourceType": "Bundle", "type": "transaction", "entry": [engine, *entries]}


def standing_issue(notice: Notice, key: str, by: Resource, site: Site) -> dict[str, Any]:
    """The DetectedIssue of a notice; ``by`` holds its patient, date and author."""
    code = {"system": site.code_system("issue"), "code": notice.issue}
    return compact(
        {
            "resourceType": "DetectedIssue",
            "meta": meta(site, "b12-detectedissue"),
            "text": short(notice.text, _LOOK),
            "identifier": [identifier(site, DETECTED_ISSUE, key)],
            "status": "preliminary",
            "code": {"coding": [code], "text": STANDING_ISSUES[notice.issue]},
            "severity": "moderate",
            **by,
            "implicated": references([notice.plan]),
            "evidence": _evidence(notice.records),
            "detail": notice.text,
            "mitigation": [{"action": {"text": _LOOK}}],
        }
    )


def _evidence(records: Iterable[str]) -> list[dict[str, Any]]:
    links = references(records)
    return [{"detail": links}] if links else []


def _assessment(ctx: Context, key: str) -> dict[str, Any]:
    """Today's verdict, as with a proposal."""
    found = risk_assessment(ctx)
    own = identifier(ctx.site, ASSESSMENT, key)
    return {**found, "identifier": [own, *found["identifier"][1:]]}


def _task(ctx: Context, notice: Notice, key: str) -> dict[str, Any]:
    until = due(ctx).isoformat()
    return {
        "resourceType": "Task",
        "meta": meta(ctx.site),
        "text": short(notice.text, f"{_LOOK} By {until}."),
        "identifier": [identifier(ctx.site, APPROVAL_TASK, key)],
        "groupIdentifier": identifier(ctx.site, PLAN, str(ctx.key)),
        "status": "requested",
        "intent": "proposal",
        "priority": "urgent" if ctx.urgent else "routine",
        "code": {
            "coding": [{"system": ctx.site.code_system("issue"), "code": notice.issue}],
            "text": "Look at a plan in force",
        },
        "description": f"{notice.text} {_LOOK}",
        "focus": {"reference": notice.plan},
        "for": ctx.patient,
        "authoredOn": ctx.start,
        "requester": author(ctx),
        **approver(ctx),
        "note": [{"text": PROPOSAL_NOTICE}],
        "restriction": {"period": {"end": until}},
    }

"""Reject a proposal with the reason: it does not come back while the decision stays the same."""

from collections.abc import Iterable
from dataclasses import replace

from b12fhir.errors import SignedError, SignOffError
from b12fhir.fhir.compose.entry import identifier
from b12fhir.fhir.digest import identifier_value
from b12fhir.fhir.identity import CLOSED, DECISION_DIGEST
from b12fhir.fhir.lifecycle.act import Act, Said, act
from b12fhir.fhir.lifecycle.end import let_go
from b12fhir.fhir.lifecycle.entries import Entry, amend, noted
from b12fhir.fhir.lifecycle.held import Held, the_plan
from b12fhir.fhir.lifecycle.mark import REJECTED_DIGEST
from b12fhir.fhir.lifecycle.signer import Signer
from b12fhir.fhir.narrative import clean
from b12fhir.fhir.stored import Owned
from b12fhir.ports import Resource


def reject(stored: Iterable[Resource], key: str, by: Signer, reason: str) -> Act:
    """The transaction that rejects an unsigned proposal: plan revoked, parts cancelled.

    The Task says rejected and why, and the CarePlan keeps its decision digest in a system of its
    own. Raises `SignedError` for a plan that is signed or closed, `SignOffError` without a reason.
    """
    held = the_plan(stored, key, by.site)
    told = in_words(reason)
    unsigned(held)
    plan = held.shown
    why = f"Rejected {by.words}: {told}"
    entries = [
        _refused(plan, why, by),
        *(_rejected(task, told, why, by) for task in held.tasks),
        *let_go(_without(held, plan), why, by),
    ]
    lines = (
        f"Plan {held.key} is rejected {by.words}.",
        "It is not proposed again while the decision stays the same.",
    )
    return act("reject", held, entries, by, Said(lines, told))


def in_words(reason: str) -> str:
    """The reason, on one line; raises `SignOffError` if there is none."""
    told = " ".join(clean(reason).split())
    if not told:
        raise SignOffError(
            "A reason is missing: the next reader of the plan would not know why.",
            hint="Give one with --reason TEXT.",
        )
    return told


def unsigned(held: Held) -> None:
    """Raise `SignedError` unless the plan is a proposal that is still open."""
    if held.signed:
        raise SignedError("The plan is signed.", hint="It can be withdrawn, not rejected.")
    if held.shown.status in CLOSED:
        raise SignedError(
            f"The proposal is {held.shown.status} already.", hint="There is nothing left to do."
        )


def _refused(plan: Owned, why: str, by: Signer) -> Entry:
    """The revoked plan, with the mark by which every later run knows the decision again."""
    digest = identifier_value(plan.resource, by.site.system(DECISION_DIGEST))
    own = plan.resource["identifier"]
    mark = [identifier(by.site, REJECTED_DIGEST, digest)] if digest else []
    changes = {"status": "revoked", "identifier": [*own, *mark], **noted(plan, why)}
    return amend(plan, changes, by.site)


def _rejected(task: Owned, told: str, why: str, by: Signer) -> Entry:
    changes = {
        "status": "rejected",
        "statusReason": {"text": told},
        "owner": {"reference": by.practitioner},
        **noted(task, why),
    }
    return amend(task, changes, by.site)


def _without(held: Held, plan: Owned) -> Held:
    """The parts that only follow: the plan and its Tasks have an answer of their own."""
    rest = tuple(i for i in held.drafts if i is not plan and i not in held.tasks)
    return replace(held, drafts=rest)

"""Draft orders for a card: what a record system makes of a proposal once a reader accepts it.

They are that system's orders, unsigned (``draft``, ``order``), and carry an identifier system of
their own, so that nobody takes one for what a signature made. Of a course only one phase is drafted
at a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from b12fhir.fhir.compose.dispense import dispense_request
from b12fhir.fhir.compose.entry import (
    Context,
    compact,
    group,
    identifier,
    meta,
    provenance,
    references,
)
from b12fhir.fhir.compose.medication import conditions, course_type, medicine, outpatient
from b12fhir.fhir.compose.orders import laboratory, test_code
from b12fhir.fhir.dosage import dosage
from b12fhir.fhir.identity import CARD_ORDER
from b12fhir.fhir.narrative import pack_notice
from b12fhir.fhir.timing import due_timing
from b12fhir.plan.model import Phase

_NOTICE = "Drafted by decision support. Check it against the patient before it is signed."


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for an order and on what day; each reference may be ``""``.

    ``based_on`` is the stored proposal that the order is made of.
    """

    day: date
    requester: str = ""
    encounter: str = ""
    based_on: str = ""


def draft_order(ctx: Context, phase: Phase, asked: Asked) -> dict[str, Any]:
    """The unsigned order of one phase, whole and valid, without an id."""
    return compact(
        {
            "resourceType": "MedicationRequest",
            "meta": meta(ctx.site),
            "identifier": [identifier(ctx.site, CARD_ORDER, ctx.key.child(phase.id))],
            "status": "draft",
            "intent": "order",
            "category": [outpatient()],
            "priority": "urgent" if ctx.urgent else "routine",
            "medicationCodeableConcept": medicine(phase.product, ctx.site),
            **_asked(ctx, asked),
            "supportingInformation": references(ctx.evidence),
            "groupIdentifier": group(ctx),
            "courseOfTherapyType": course_type(phase),
            "note": [{"text": text} for text in (_NOTICE, *conditions(ctx, phase))],
            "dosageInstruction": [dosage(phase)],
            "dispenseRequest": dispense_request(phase),
            "substitution": {"allowedBoolean": False},
        }
    )


def draft_test(
    ctx: Context, test: str, due: Iterable[date], rule: str, asked: Asked
) -> dict[str, Any]:
    """The unsigned order of one laboratory test on its days (none: at once)."""
    days = tuple(due)
    known = ctx.protocol.tests[test]
    return compact(
        {
            "resourceType": "ServiceRequest",
            "meta": meta(ctx.site),
            "identifier": [identifier(ctx.site, CARD_ORDER, ctx.key.child(known.id))],
            "status": "draft",
            "intent": "order",
            "category": [laboratory()],
            "priority": "urgent" if ctx.urgent else "routine",
            "code": test_code(ctx, known),
            **_asked(ctx, asked),
            "requisition": group(ctx),
            "occurrenceTiming": due_timing(days) if days else None,
            "note": [{"text": f"{_NOTICE} {pack_notice(ctx.protocol.pack)} Rule {rule}."}],
        }
    )


def _asked(ctx: Context, asked: Asked) -> dict[str, Any]:
    """Whom it is for, who asks, when, why, and by which protocol."""
    return {
        "subject": ctx.patient,
        "encounter": {"reference": asked.encounter} if asked.encounter else None,
        "authoredOn": asked.day.isoformat(),
        "requester": {"reference": asked.requester} if asked.requester else None,
        "reasonReference": references(ctx.conditions),
        "basedOn": references([asked.based_on] if asked.based_on else []),
        **provenance(ctx),
    }

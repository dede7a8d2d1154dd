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
    """Who asks for orders and on what day; each reference may be ``""``."""

    day: date
    requester: str = ""
    encounter: str = ""


class Drafting:
    """Drafts of one answer; what they share is put together once."""

    def __init__(self, ctx: Context, asked: Asked) -> None:
        self._ctx = ctx
        self._system = ctx.site.system(CARD_ORDER)
        self._group = group(ctx)
        self._notice = pack_notice(ctx.protocol.pack)
        self._shared = compact(
            {
                "meta": meta(ctx.site),
                "status": "draft",
                "intent": "order",
                "priority": "urgent" if ctx.urgent else "routine",
                "subject": ctx.patient,
                "encounter": {"reference": asked.encounter} if asked.encounter else None,
                "authoredOn": asked.day.isoformat(),
                "requester": {"reference": asked.requester} if asked.requester else None,
                "reasonReference": references(ctx.conditions),
                **provenance(ctx),
            }
        )

    def order(self, phase: Phase, based_on: str = "") -> dict[str, Any]:
        """The unsigned order of one phase, whole and valid, without an id.

        ``based_on`` is the stored proposal that it is made of.
        """
        ctx = self._ctx
        return self._draft("MedicationRequest", phase.id, based_on) | compact(
            {
                "category": [outpatient()],
                "medicationCodeableConcept": medicine(phase.product, ctx.site),
                "supportingInformation": references(ctx.evidence),
                "groupIdentifier": self._group,
                "courseOfTherapyType": course_type(phase),
                "note": [{"text": text} for text in (_NOTICE, *conditions(ctx, phase))],
                "dosageInstruction": [dosage(phase)],
                "dispenseRequest": dispense_request(phase),
                "substitution": {"allowedBoolean": False},
            }
        )

    def test(self, name: str, due: Iterable[date], rule: str, based_on: str = "") -> dict[str, Any]:
        """The unsigned order of one laboratory test on its days."""
        return self._draft("ServiceRequest", name, based_on) | {
            "category": [laboratory()],
            "code": test_code(self._ctx, self._ctx.protocol.tests[name]),
            "requisition": self._group,
            "occurrenceTiming": due_timing(due),
            "note": [{"text": f"{_NOTICE} {self._notice} Rule {rule}."}],
        }

    def _draft(self, kind: str, name: str, based_on: str) -> dict[str, Any]:
        key = {"system": self._system, "value": self._ctx.key.child(name)}
        head = {"resourceType": kind, "identifier": [key], **self._shared}
        return head | {"basedOn": references([based_on])} if based_on else head

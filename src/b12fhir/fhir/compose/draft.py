"""Draft orders for a card: what a record system makes of a proposal once a reader accepts it.

They are that system's orders, unsigned (``draft``, ``order``), and carry an identifier system of
their own, so that nobody takes one for what a signature made. Of a course only one phase is drafted
at a time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, NamedTuple

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
from b12fhir.fhir.formulary import LocalCoding
from b12fhir.fhir.identity import CARD_ORDER
from b12fhir.fhir.narrative import pack_notice
from b12fhir.fhir.timing import due_timing
from b12fhir.plan.model import Phase
from b12fhir.protocol.model import Protocol

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
        draft = self._draft("MedicationRequest", phase.id, based_on)
        what, how = _of_phase(self._ctx, phase, self._notice)
        draft |= what
        if self._ctx.evidence:
            draft["supportingInformation"] = references(self._ctx.evidence)
        draft["groupIdentifier"] = self._group
        return draft | how

    def test(self, name: str, due: Iterable[date], rule: str, based_on: str = "") -> dict[str, Any]:
        """The unsigned order of one laboratory test on its days."""
        draft = self._draft("ServiceRequest", name, based_on)
        asked = _Test(self._ctx.protocol, name, tuple(due), rule)
        what, how = _remembered(asked, partial(_write_test, self._ctx, asked, self._notice))
        draft |= what
        draft["requisition"] = self._group
        return draft | how

    def _draft(self, kind: str, name: str, based_on: str) -> dict[str, Any]:
        key = {"system": self._system, "value": self._ctx.key.child(name)}
        head = {"resourceType": kind, "identifier": [key], **self._shared}
        if based_on:
            head["basedOn"] = references([based_on])
        return head


class _Written(NamedTuple):
    """What an order says whoever the patient is: what is ordered, and how or when."""

    what: dict[str, Any]
    how: dict[str, Any]


@dataclass(frozen=True, eq=False, slots=True)
class _Test:
    """All that an order of a test is made of, beside the patient."""

    protocol: Protocol
    name: str
    due: tuple[date, ...]
    rule: str

    def __hash__(self) -> int:
        return hash((id(self.protocol), self.name, self.due, self.rule))

    def __eq__(self, other: object) -> bool:
        """By the very protocol: it holds mappings, and is never changed."""
        return (
            isinstance(other, _Test)
            and other.protocol is self.protocol
            and (other.name, other.due, other.rule) == (self.name, self.due, self.rule)
        )


_PhaseKey = tuple[Phase, tuple[LocalCoding, ...], str]
_KNOWN: dict[_PhaseKey | _Test, _Written] = {}
MOST = 512


def _of_phase(ctx: Context, phase: Phase, notice: str) -> _Written:
    """What one phase says.

    The key holds all that it is made of: the dated phase, the site's own codes of its product, and
    the pack's notice.
    """
    key = (phase, ctx.site.drugs.codings.get(phase.product.id, ()), notice)
    return _remembered(key, partial(_write, ctx, phase))


def _remembered(key: _PhaseKey | _Test, write: Callable[[], _Written]) -> _Written:
    """What was written under a key; not to be changed, since the next patient gets it.

    Kept, because on one day nearly all patients begin one of a few phases, with the same tests.
    """
    known = _KNOWN.get(key)
    if known is None:
        if len(_KNOWN) >= MOST:
            _KNOWN.clear()
        known = _KNOWN[key] = write()
    return known


def remembered() -> int:
    """How many phases and tests are kept; at most `MOST`."""
    return len(_KNOWN)


def _write_test(ctx: Context, asked: _Test, notice: str) -> _Written:
    what = {
        "category": [laboratory()],
        "code": test_code(ctx, ctx.protocol.tests[asked.name]),
    }
    how = {
        "occurrenceTiming": due_timing(asked.due),
        "note": [{"text": f"{_NOTICE} {notice} Rule {asked.rule}."}],
    }
    return _Written(what, how)


def _write(ctx: Context, phase: Phase) -> _Written:
    what = {
        "category": [outpatient()],
        "medicationCodeableConcept": medicine(phase.product, ctx.site),
    }
    how = {
        "courseOfTherapyType": course_type(phase),
        "note": [{"text": text} for text in (_NOTICE, *conditions(ctx, phase))],
        "dosageInstruction": [dosage(phase)],
        "dispenseRequest": dispense_request(phase),
        "substitution": {"allowedBoolean": False},
    }
    return _Written(what, how)

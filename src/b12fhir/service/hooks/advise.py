"""One call answered: the hook decides what is asked, the proposal what is true."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from b12fhir.ports import Resource
from b12fhir.service.hooks.appointment import appointment
from b12fhir.service.hooks.discharge import discharge
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Call, Card, Hook
from b12fhir.service.hooks.new_facts import new_facts
from b12fhir.service.hooks.order_cards import order_cards
from b12fhir.service.hooks.patient_view import patient_view
from b12fhir.service.hooks.refill import refill
from b12fhir.service.propose import Proposal

_HOOKS: Mapping[Hook, Callable[[Matter], tuple[Card, ...]]] = {
    Hook.PATIENT_VIEW: patient_view,
    Hook.ORDER_SELECT: order_cards,
    Hook.ORDER_SIGN: order_cards,
    Hook.ENCOUNTER_DISCHARGE: discharge,
    Hook.APPOINTMENT_BOOK: appointment,
    Hook.MEDICATION_REFILL: refill,
    Hook.PROBLEM_CREATE: new_facts,
    Hook.ALLERGY_CREATE: new_facts,
}


def advise(
    proposal: Proposal,
    call: Call,
    unchecked: Sequence[str] = (),
    record: Iterable[Resource] = (),
) -> tuple[Card, ...]:
    """The cards for one call; the same proposal and call give the same cards, the dead get none.

    ``proposal`` is made of the record and of what the call carries (drafts and context). What could
    not be read of the record is in ``unchecked``, in words; ``record`` are the resources it was
    made of, in which signed plans, stored proposals and earlier drafts are found.
    """
    if proposal.facts.patient.deceased:
        return ()
    return _HOOKS[call.hook](Matter(proposal, call, unchecked, record))

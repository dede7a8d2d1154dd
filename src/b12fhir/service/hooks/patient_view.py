"""patient-view: what is to be done now, if anything.

At most one card. A plan that is in force speaks by its doses: the assessment behind it is signed.
"""

from b12fhir.decision.model import Urgency
from b12fhir.service.hooks.dosing import Next, dose_card, in_force, next_dose
from b12fhir.service.hooks.finding import finding_card
from b12fhir.service.hooks.gaps import gap_card
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card

_STOPS = frozenset({"allergy", "hospital", "specialist"})


def patient_view(matter: Matter) -> tuple[Card, ...]:
    """The one card that matters most, or none."""
    card = _card(matter) or gap_card(matter)
    return () if card is None else (card,)


def _card(matter: Matter) -> Card | None:
    if matter.facts.patient.deceased:
        return None
    dose = next_dose(matter)
    if dose is not None and dose.is_late and not _is_forbidden(matter):
        return dose_card(matter, dose)
    if in_force(matter) and not _is_forbidden(matter) and not _presses(matter, dose):
        return dose_card(matter, dose) if dose is not None and _is_near(matter, dose) else None
    return finding_card(matter)


def _is_forbidden(matter: Matter) -> bool:
    """Is something in force that must not be? That goes before every dose."""
    return any(
        one.id.startswith("order-") or one.id in _STOPS for one in matter.decision.contraindications
    )


def _presses(matter: Matter, dose: Next | None) -> bool:
    """Does the assessment ask for today what the plan has for later, or for nobody any more?"""
    if matter.decision.urgency is not Urgency.URGENT:
        return False
    return dose is None or dose.last is not None or dose.due > matter.day


def _is_near(matter: Matter, dose: Next) -> bool:
    return dose.is_injection and dose.since <= matter.day

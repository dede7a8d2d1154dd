"""patient-view: what is to be done now, if anything.

At most one card. A plan that is in force speaks by its doses: the assessment behind it is signed.
"""

from b12fhir.service.hooks.dosing import dose_card, next_dose
from b12fhir.service.hooks.finding import finding_card
from b12fhir.service.hooks.gaps import gap_card
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card
from b12fhir.service.hooks.signing import signing_card

_STOPS = frozenset({"allergy", "hospital", "specialist"})


def patient_view(matter: Matter) -> tuple[Card, ...]:
    """The one card that matters most, or none."""
    card = _card(matter) or gap_card(matter)
    return () if card is None else (card,)


def _card(matter: Matter) -> Card | None:
    if _is_forbidden(matter):
        return finding_card(matter)
    dose = next_dose(matter)
    if dose is not None and dose.is_late:
        return dose_card(matter, dose)
    found = finding_card(matter)
    if found is not None or not matter.is_signed:
        return found
    near = dose is not None and dose.is_injection and dose.since <= matter.day
    return dose_card(matter, dose) if dose is not None and near else signing_card(matter)


def _is_forbidden(matter: Matter) -> bool:
    """Is something on order that must not be? That goes before every dose."""
    return any(one.about or one.id in _STOPS for one in matter.decision.contraindications)

"""A plan in force whose next phase somebody has to sign (R-121): else its doses just end."""

from b12fhir.fhir.lifecycle.state import State
from b12fhir.service.hooks.build import Said, card_of
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card, Indicator, Role
from b12fhir.service.hooks.picture import advice
from b12fhir.service.hooks.rows import basis, cautions, missing
from b12fhir.service.hooks.text import day_text, fitting

_DUE = State.NEXT_DUE


def signing_card(matter: Matter) -> Card | None:
    """The phase that waits, or ``None`` if none does; no matter for the patient."""
    waits = next((one for one in matter.states if one.state is _DUE), None)
    if waits is None or matter.role is Role.PATIENT:
        return None
    phase = next(one for one in waits.phases if one.state == "proposed")
    begins = f" from {day_text(phase.start)}" if phase.start is not None else ""
    asked = advice(matter.role, f"signing phase {phase.id}{begins}")
    text = fitting(
        (
            f"B12 plan in force: no phase is signed after the one that ends; {asked}",
            f"B12 plan in force: its next phase is not signed; {asked}",
            f"B12 plan in force: {advice(matter.role, 'signing its next phase')}",
        )
    )
    said = Said(f"sign:{waits.key}:{phase.id}", "R-121", Indicator.INFO, text, "follow-up")
    rows = [
        ("Plan", waits.next),
        ("Next phase", f"{phase.medicine}: {phase.dosage}"),
        ("Cautions", cautions(matter)),
        ("Missing", missing(matter)),
        ("Basis", basis(matter)),
    ]
    return card_of(matter, said, rows)

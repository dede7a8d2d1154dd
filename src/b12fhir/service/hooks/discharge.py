"""encounter-discharge: plan and follow-up must not be lost between two houses."""

from b12fhir.decision.model import RUNNING, Classification, Decision
from b12fhir.service.hooks.build import Said, card_of
from b12fhir.service.hooks.dosing import Next, due_text, next_dose, order_text, running
from b12fhir.service.hooks.finding import finding_card
from b12fhir.service.hooks.gaps import gap_card
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card, Indicator, Role
from b12fhir.service.hooks.picture import advice
from b12fhir.service.hooks.rows import basis, cautions, missing, why
from b12fhir.service.hooks.text import day_text, fitting, listed

_LEAD = "Discharge: "
_MOST_ORDERS = 3
# Its own matter: what was put off on the ward must be said again at the door.
_KEY = "discharge"
_HAND_OVER = (
    "Name in the letter: diagnosis and cause, product, dose, route and interval, doses given and"
    " the next one, tests that are due, and who is responsible from now on."
)


def discharge(matter: Matter) -> tuple[Card, ...]:
    """What is untreated, or what runs and has to go on."""
    card = _card(matter) or gap_card(matter)
    return () if card is None else (card,)


def _card(matter: Matter) -> Card | None:
    dose = next_dose(matter)
    orders = running(matter)
    if not matter.is_signed:
        found = finding_card(matter, lead=_LEAD, key=_KEY)
        if found is not None:
            return found
        if not orders and not _is_treated(matter.decision):
            return None
    return _handed_over(matter, dose)


def _is_treated(decision: Decision) -> bool:
    return decision.classification is Classification.ON_TREATMENT or RUNNING in decision.flags


def _handed_over(matter: Matter, dose: Next | None) -> Card:
    """B12 runs, or was given: who goes on with it?"""
    orders = running(matter)
    if dose is not None:
        state = "was due" if dose.is_late else "is due"
        what = f"the next B12 dose {state} on {day_text(dose.due)}"
    elif orders:
        what = "B12 is on order"
    else:
        what = "B12 was given and no order continues it"
    action = "naming plan, next dose and tests in the letter"
    text = fitting((f"{_LEAD}{what}; {advice(matter.role, action)}",))
    late = dose is not None and dose.is_late
    rule = dose.rule if dose is not None else "R-120"
    indicator = Indicator.WARNING if late or not orders else Indicator.INFO
    said = Said(_KEY, rule, indicator, text, "follow-up")
    rows = [
        ("Next dose", due_text(dose) if dose is not None else ""),
        ("Orders", listed((f"{order_text(one)}." for one in orders), _MOST_ORDERS)),
        ("Hand over", _HAND_OVER),
    ]
    if matter.role is not Role.PATIENT:
        told = f"{missing(matter)} {cautions(matter)}".strip()
        rows += [("Why", why(matter)), ("Open", told)]
    return card_of(matter, said, [*rows, ("Basis", basis(matter))])

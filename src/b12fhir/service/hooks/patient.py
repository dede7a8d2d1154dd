"""What a card says to the patient, or to a relative: plain words, and no order."""

from b12fhir.decision.model import Urgency
from b12fhir.service.hooks.build import Said, card_of
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card, Indicator
from b12fhir.service.hooks.picture import value_text
from b12fhir.service.hooks.rows import basis
from b12fhir.service.hooks.text import fitting, when_text

_WHEN = {
    Urgency.URGENT: "today",
    Urgency.SOON: "within a week",
    Urgency.ROUTINE: "at your next visit",
}
_HELP = (
    "New or worse numbness, weakness, trouble with balance, sight or memory: the same day. Wheeze,"
    " swelling of face or throat, or widespread hives: call an emergency service."
)


def patient_card(matter: Matter, said: Said) -> Card:
    """The same matter in plain words; ``said`` is what a clinician would read.

    A patient who is told that something is critical can only do one thing: ask for help in time.
    That stands in the words; the indicator is at most a warning.
    """
    # A forbidden order may be given today, however long the finding itself could wait.
    critical = said.indicator is Indicator.CRITICAL
    when = _WHEN[Urgency.URGENT if critical else matter.decision.urgency]
    _, result = matter.deciding
    shown = f" ({value_text(result)}, {when_text(result.when)})" if result is not None else ""
    told = fitting(
        (
            f"Your vitamin B12 result{shown}: please talk to your care team {when}",
            f"Your vitamin B12: please talk to your care team {when}",
        )
    )
    indicator = Indicator.INFO if said.indicator is Indicator.INFO else Indicator.WARNING
    rows = [
        ("What to do", f"Talk to your care team {when}. Do not start or stop a medicine yourself."),
        ("Get help at once", _HELP),
        ("Basis", basis(matter)),
    ]
    return card_of(matter, said._replace(summary=told, indicator=indicator), rows)

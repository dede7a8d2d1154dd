"""appointment-book: is an injection due by then, or does something wait that cannot?"""

from collections.abc import Iterator
from datetime import date

from b12fhir.decision.model import Urgency
from b12fhir.fhir.extract.tree import items, obj
from b12fhir.kernel.dates import add_days, parse_when
from b12fhir.service.hooks.dosing import Next, dose_card, next_dose
from b12fhir.service.hooks.finding import finding_card
from b12fhir.service.hooks.gaps import gap_card
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card
from b12fhir.service.hooks.text import day_text

# Without a day of the appointment: what falls due in the next four weeks is worth one visit.
_AHEAD_DAYS = 28
# Within how many days something is to happen (section 5 of the rule book).
_WITHIN = {Urgency.URGENT: 0, Urgency.SOON: 7}


def appointment(matter: Matter) -> tuple[Card, ...]:
    """The dose that this visit could give, else what must not wait for it."""
    card = _card(matter) or gap_card(matter)
    return () if card is None else (card,)


def _card(matter: Matter) -> Card | None:
    days = sorted(_days(matter))
    dose = next_dose(matter)
    if dose is not None and dose.is_injection and _falls_in(matter, dose, days):
        return dose_card(matter, dose, lead=_lead(days))
    within = _WITHIN.get(matter.decision.urgency)
    if within is None:
        return None
    first = days[0] if days else None
    late = first is not None and first > add_days(matter.day, within)
    lead = f"Before the visit of {day_text(first)}: " if late and first is not None else ""
    return finding_card(matter, lead=lead)


def _falls_in(matter: Matter, dose: Next, days: list[date]) -> bool:
    last = days[-1] if days else add_days(matter.day, _AHEAD_DAYS)
    return dose.is_late or dose.since <= last


def _lead(days: list[date]) -> str:
    return f"Visit of {day_text(days[0])}: " if days else ""


def _days(matter: Matter) -> Iterator[date]:
    """The days that the appointments have, or are asked for, from today on."""
    zone = matter.proposal.site.zone
    for one in matter.call.context:
        periods = [obj(period).get("start") for period in items(one.get("requestedPeriod"))]
        for start in (one.get("start"), *periods):
            when = parse_when(start, zone)
            if when is not None and when.is_exact and when.first >= matter.day:
                yield when.first

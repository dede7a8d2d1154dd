"""What a pharmacy is asked to supply: only what the plan itself says, never a guessed pack size.

An injection is counted in doses, not in ampoules: how much an ampoule holds stands in no plan, and
a dose of 0.1 mL still opens one of its own.
"""

from decimal import Decimal
from typing import Any

from b12fhir.fhir.dosage import number
from b12fhir.fhir.timing import bounds
from b12fhir.kernel.codes import UCUM
from b12fhir.kernel.dates import days_between
from b12fhir.kernel.quantities import plain
from b12fhir.plan.model import Phase
from b12fhir.protocol.model import Span

_UNIT_WORDS = {"d": "day", "wk": "week", "mo": "month"}
_DAYS = {"d": 1, "wk": 7}


def dispense_request(phase: Phase) -> dict[str, Any]:
    """The supply of one phase: the whole of a phase that ends, one dose of one that does not.

    How often the supply of an open phase may be repeated is the prescriber's to say.
    """
    request: dict[str, Any] = {"validityPeriod": bounds(phase)}
    doses, lasts = _supply(phase)
    quantity = _quantity(phase, doses)
    if quantity:
        if not _is_open(phase):
            request["numberOfRepeatsAllowed"] = 0
        request["quantity"] = quantity
        if lasts is not None:
            request["expectedSupplyDuration"] = _duration(lasts)
    return request


def _is_open(phase: Phase) -> bool:
    return not phase.count and phase.end is None


def _supply(phase: Phase) -> tuple[int, Span | None]:
    """How many doses, and how long they last; 0 doses where that cannot be told."""
    if phase.count:
        return phase.count, _of_counted(phase)
    if phase.end is not None:
        return _of_timed(phase, days_between(phase.start, phase.end))
    # One day's tablet is no supply; one injection is.
    once = phase.product.is_injection and not phase.days
    return (1, Span(phase.interval.value, phase.interval.unit)) if once else (0, None)


def _of_counted(phase: Phase) -> Span | None:
    """Until the dose after the last would be due; a range of intervals gives no one answer."""
    rounds, rest = divmod(phase.count, len(phase.days) or 1)
    if rest or phase.interval.max is not None:
        return None
    return Span(phase.interval.value * rounds, phase.interval.unit)


def _of_timed(phase: Phase, days: int) -> tuple[int, Span | None]:
    """The doses that fall before the end: months differ in length and are not counted in days."""
    interval = _DAYS.get(phase.interval.unit, 0) * phase.interval.value
    if not interval or phase.interval.max is not None or phase.days:
        return 0, None
    return -(-days // interval), Span(days, "d")


def _quantity(phase: Phase, doses: int) -> dict[str, Any]:
    """Doses of an injection, or tablets where a dose is a whole number of them."""
    if not doses:
        return {}
    if phase.volume_ml is not None:
        return {"value": doses, "unit": f"dose of {plain(phase.volume_ml)} mL"}
    each = phase.dose / phase.product.strength
    if each != each.to_integral_value():
        return {}
    return {"value": number(Decimal(doses) * each), "unit": phase.product.form}


def _duration(span: Span) -> dict[str, Any]:
    return {"value": span.value, "unit": _UNIT_WORDS[span.unit], "system": UCUM, "code": span.unit}

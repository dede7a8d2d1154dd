"""Phases with dates and the doses in them; every date hangs on d0 (sections 10 to 12, 27).

An injection's volume is its dose over the concentration (R-100).
"""

from datetime import date

from b12fhir.kernel.dates import add_days, shift
from b12fhir.plan.model import DoseSlot, Phase
from b12fhir.protocol.model import PhaseTemplate, Product, Span


def phases(
    templates: tuple[PhaseTemplate, ...], products: dict[str, Product], start: date
) -> tuple[Phase, ...]:
    """Give each phase its dates: the first on ``start``, each next after the one before it."""
    dated: list[Phase] = []
    for template in templates:
        begin = _begin(template, dated[-1] if dated else None, start)
        dated.append(_phase(template, products[template.product], begin, start))
    return tuple(dated)


def _begin(template: PhaseTemplate, previous: Phase | None, start: date) -> date:
    if previous is None:
        return start
    if previous.last is not None and template.after is not None:
        return shift(previous.last, template.after.value, template.after.unit)
    return previous.end or previous.last or previous.start


def _phase(template: PhaseTemplate, product: Product, begin: date, start: date) -> Phase:
    interval = template.interval
    last = _dose_day(begin, interval, template.days, template.count - 1)
    return Phase(
        id=template.id,
        product=product,
        route=template.route,
        dose=template.dose,
        dose_max=template.dose_max,
        volume_ml=template.dose / product.strength if product.is_injection else None,
        interval=interval,
        count=template.count,
        start=begin,
        last=last if template.count else None,
        end=_end(template.duration, begin) if not template.count else None,
        duration=template.duration,
        reviews=tuple(add_days(start, days) for days in template.reviews),
        gate=template.gate,
        stop_rule=template.stop_rule,
        alternative=template.alternative,
        rule=template.rule,
        days=template.days,
        step=template.step,
    )


def _end(duration: Span | None, begin: date) -> date | None:
    return shift(begin, duration.value, duration.unit) if duration is not None else None


def slots(planned: tuple[Phase, ...], until: date) -> tuple[DoseSlot, ...]:
    """Each dose of the phases that are not taken daily, open-ended ones up to ``until``."""
    return tuple(
        DoseSlot(f"{phase.id}:{number}", due)
        for phase in planned
        if not _daily(phase)
        for number, due in enumerate(_dates(phase, until), start=1)
    )


def _daily(phase: Phase) -> bool:
    return phase.interval.unit == "d" and phase.interval.value == 1


def _dates(phase: Phase, until: date) -> tuple[date, ...]:
    """Counted from the phase's start, not from dose to dose: months keep their day."""
    days: list[date] = []
    end = phase.last or until
    interval = phase.step or phase.interval
    due = phase.start
    while due <= end:
        days.append(due)
        due = _dose_day(phase.start, interval, phase.days, len(days))
    return tuple(days)


def _dose_day(start: date, interval: Span, days: tuple[int, ...], number: int) -> date:
    """Day of dose ``number`` (from 0): one an interval, or one on each of its ``days``."""
    if not days:
        return shift(start, interval.value * number, interval.unit)
    whole, place = divmod(number, len(days))
    return add_days(shift(start, interval.value * whole, interval.unit), days[place])

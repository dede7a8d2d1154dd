"""Intervals, counts and dates as FHIR Timing.

R4 constraints kept here: a period has its unit (tim-2), a maximum has its minimum (tim-6), and
``dayOfWeek`` never stands beside ``period`` (R4 comment on Timing.repeat, checked as our own
invariant). A counted phase has no end date: a late dose shifts the rest and the number of doses
stays (R-131), while an end date would cut the last dose off.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from b12fhir.kernel.dates import add_days
from b12fhir.plan.model import Phase
from b12fhir.protocol.model import Span

_ADVERB = {"d": "once a day", "wk": "once a week", "mo": "once a month"}
_PLURAL = {"d": "days", "wk": "weeks", "mo": "months"}
_SINGULAR = {"d": "day", "wk": "week", "mo": "month"}


def phase_timing(phase: Phase) -> dict[str, Any]:
    """Timing of one phase: bounds, then the number of doses, then how often."""
    repeat: dict[str, Any] = {"boundsPeriod": bounds(phase)}
    if phase.count:
        repeat["count"] = phase.count
    if phase.count != 1:
        repeat |= _every(phase)
    return {"repeat": repeat}


def bounds(phase: Phase) -> dict[str, str]:
    """From the first to the last day of a timed phase; open for counted and lifelong ones.

    ``phase.end`` is its start plus its length, the day on which the next phase may begin. A FHIR
    Period includes its end: that day itself would give two doses where two phases meet.
    """
    period = {"start": phase.start.isoformat()}
    if phase.end is not None and not phase.count:
        period["end"] = add_days(phase.end, -1).isoformat()
    return period


def due_timing(due: Iterable[date]) -> dict[str, Any]:
    """Timing of a test: the days themselves, in order, each once."""
    return {"event": [day.isoformat() for day in sorted(set(due))]}


def every_text(phase: Phase) -> str:
    """How often, in words: "every 2 days", "once a week", "every 2 to 3 months"."""
    return "once" if phase.count == 1 else often_text(phase.interval, len(phase.days) or 1)


def often_text(span: Span, doses: int) -> str:
    """So many doses in an interval, in words."""
    if doses > 1:
        return f"{doses} times {_per_text(span)}"
    if span.max is None and span.value == 1:
        return _ADVERB[span.unit]
    return f"every {span_text(span)}"


def span_text(span: Span) -> str:
    """A length of time in words: "1 week", "8 to 12 weeks"."""
    if span.max is not None and span.max != span.value:
        return f"{span.value} to {span.max} {_PLURAL[span.unit]}"
    unit = _SINGULAR if span.value == 1 else _PLURAL
    return f"{span.value} {unit[span.unit]}"


def _per_text(span: Span) -> str:
    return f"a {_SINGULAR[span.unit]}" if span.value == 1 else f"every {span_text(span)}"


def _every(phase: Phase) -> dict[str, Any]:
    """How often: three a week has no timing code and is frequency 3, period 1 week.

    On which days of the week they fall is a dated matter of the plan: ``dayOfWeek`` would need to
    stand without ``period``, and would lose the first dose's day.
    """
    span = phase.interval
    every: dict[str, Any] = {
        "frequency": len(phase.days) or 1,
        "period": span.value,
        "periodUnit": span.unit,
    }
    if span.max is not None and span.max != span.value:
        every["periodMax"] = span.max
    return every

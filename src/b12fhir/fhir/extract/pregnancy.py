"""Pregnancy and breast-feeding: dated statements, put together into what is known now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from b12fhir.facts.patient import Pregnancy
from b12fhir.kernel.dates import When, add_days
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.truth import Truth

# Days from the first day of the last period to the expected delivery (obstetric convention).
TERM_DAYS = 280
# No pregnancy is counted longer than 42 weeks: an old "pregnant" must not last for ever.
_LONGEST_DAYS = 294


@dataclass(frozen=True, slots=True)
class Statement:
    """One recorded statement: ``subject`` is ``pregnant``, ``breastfeeding`` or ``dating``.

    ``last_period`` is the span the pregnancy is counted from, if the statement tells it.
    """

    subject: str
    truth: Truth
    when: When | None
    fact: Input
    last_period: When | None = None


def combine(statements: Iterable[Statement]) -> Pregnancy:
    """The latest dated statement holds; statements that cannot be ordered and differ: unknown."""
    ordered = sorted(set(statements), key=_key)
    pregnant, at = _latest([one for one in ordered if one.subject == "pregnant"])
    breastfeeding, _ = _latest([one for one in ordered if one.subject == "breastfeeding"])
    return Pregnancy(
        pregnant=pregnant,
        breastfeeding=breastfeeding,
        last_period=_last_period(ordered, at) if pregnant.is_yes else None,
        inputs=tuple(one.fact for one in ordered),
    )


def counted_from(when: When, days: int, slack: int = 0) -> When:
    """The span of days that lies ``days`` (up to ``slack`` more) before a recorded time."""
    return When(add_days(when.first, -days - slack), add_days(when.last, -days))


def _key(statement: Statement) -> tuple[str, date, date, str, str, str]:
    first = statement.when.first if statement.when else date.min
    last = statement.when.last if statement.when else date.min
    fact = statement.fact
    return (statement.subject, last, first, fact.reference, fact.value, statement.truth.value)


def _latest(statements: list[Statement]) -> tuple[Truth, When | None]:
    dated = [(one.when, one.truth) for one in statements if one.when is not None]
    undated = {one.truth for one in statements if one.when is None}
    if not dated:
        return (undated.pop() if len(undated) == 1 else Truth.UNKNOWN), None
    newest = dated[-1][0]
    rivals = {truth for when, truth in dated if when.overlaps(newest)} | undated
    return (rivals.pop() if len(rivals) == 1 else Truth.UNKNOWN), newest


def _last_period(ordered: list[Statement], at: When | None) -> When | None:
    """The newest dating that fits the pregnancy; else all that a dated "pregnant" can mean."""
    if at is None:
        spans = [one.last_period for one in ordered if one.last_period is not None]
        return spans[-1] if spans else None
    whole = When(add_days(at.first, -_LONGEST_DAYS), at.last)
    fitting = [
        (one.when.last if one.when else date.min, one.last_period)
        for one in ordered
        if one.last_period is not None and one.last_period.overlaps(whole)
    ]
    return max(fitting, key=lambda pair: (pair[0], pair[1].first))[1] if fitting else whole

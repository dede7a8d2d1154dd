"""Which tests, and when: section 13, counted from d0."""

from datetime import date

from b12fhir.decision.model import Decision
from b12fhir.kernel.dates import add_each, add_months, weekly
from b12fhir.kernel.values import remembered
from b12fhir.plan.model import Monitor
from b12fhir.protocol.model import MonitoringItem, Protocol, Regimen

_BEFORE_DOSE_1 = {
    "mma": "R-48",
    "homocysteine": "R-48",
    "cbc": "R-10",
    "reticulocytes": "R-10",
    "folate": "R-10",
    "ferritin": "R-10",
    "intrinsic-factor-antibody": "R-81",
    "coeliac-serology": "R-81",
}
_ORDER_RULE = {
    "b12-active": "R-09",
    "thiamine": "R-181",
    "b12": "R-18",
    "cbc": "R-10",
    "urine-mma-creatinine": "R-42",
    "copper": "R-49",
    "tsh": "R-49",
    "folate": "R-49",
}


def monitoring(
    decision: Decision, protocol: Protocol, row: Regimen | None, start: date, horizon: date
) -> tuple[Monitor, ...]:
    """Every test of the plan with its days, each test once, in the order of first need.

    What is repeated without end has its days up to ``horizon``.
    """
    items = [item for name in _sets(decision, row) for item in protocol.pack.monitoring[name]]
    planned = [_dated(item, start, horizon) for item in items]
    ordered = [
        Monitor(test, (start,), _order_rule(decision, test)) for test in decision.intent.orders
    ]
    again = add_months(start, protocol.limits.recheck_months)
    rechecks = [Monitor(test, (again,), "R-39") for test in decision.intent.rechecks]
    return _merged([*ordered, *planned, *rechecks])


def _order_rule(decision: Decision, test: str) -> str:
    """The rule that asks for a test on d0."""
    rules = _BEFORE_DOSE_1 if decision.intent.kind == "treat" else _ORDER_RULE
    return rules.get(test, "R-35")


def _sets(decision: Decision, row: Regimen | None) -> tuple[str, ...]:
    """Names of the pack's monitoring sets that this decision needs."""
    kind, needs = decision.intent.kind, decision.needs
    if kind == "treat":
        own = row.monitoring if row is not None else ()
        return (*_early(decision), *_follow_up(decision), *own)
    if kind == "prophylaxis" and row is not None:
        return row.prophylaxis_monitoring
    if kind == "stop" and "hospital" in decision.flags and needs.potassium_course:
        return ("k-course", "response-early")
    return ("b12-yearly",) if decision.intent.yearly_b12 else ()


def _early(decision: Decision) -> tuple[str, ...]:
    needs = decision.needs
    if needs.potassium_course:
        return ("k-course",) if needs.hematocrit_normal else ("k-course", "response-early")
    return ("k-before",) if decision.route == "im" else ()


def _follow_up(decision: Decision) -> tuple[str, ...]:
    needs = decision.needs
    sets = ["follow-up"]
    if needs.raised:
        # MMA is the more specific of the two: homocysteine stands in only where MMA was not raised
        sets.append("follow-up-mma" if "mma" in needs.raised else "follow-up-hcy")
    sets.append("review-mother" if needs.mother else "review")
    if decision.neuro:
        sets.append("neuro")
    if needs.pernicious:
        sets.append("pernicious")
    if needs.polycythaemia:
        sets.append("polycythaemia")
    return tuple(sets)


@remembered
def _dated(item: MonitoringItem, start: date, horizon: date) -> Monitor:
    """The item with its days. Remembered: most plans of one day hold the same few items."""
    days = add_each(start, item.days)
    if item.weekly_until:
        days += weekly(days[-1] if days else start, item.weekly_until)
    if item.months:
        days += [add_months(start, offset) for offset in item.months]
    due = sorted(set(days))
    if due and due[-1] > horizon:
        due = [day for day in due if day <= horizon]
    return Monitor(item.test, tuple(due), item.rule, item.yearly)


def _merged(items: list[Monitor]) -> tuple[Monitor, ...]:
    """One entry a test; the first one's rule stands."""
    tests: dict[str, Monitor] = {}
    for item in items:
        known = tests.get(item.test)
        if known is not None:
            due = tuple(sorted({*known.due, *item.due}))
            item = Monitor(item.test, due, known.rule, known.open_ended or item.open_ended)  # noqa: PLW2901
        tests[item.test] = item
    return tuple(sorted(tests.values(), key=lambda item: (item.due[:1], item.test)))

"""One ServiceRequest for each laboratory test."""

from collections.abc import Iterable
from typing import Any

from b12fhir.facts.labs import Analyte
from b12fhir.fhir.compose.entry import (
    Context,
    author,
    compact,
    group,
    identifier,
    meta,
    provenance,
    references,
)
from b12fhir.fhir.identity import SERVICE_REQUEST
from b12fhir.fhir.narrative import PROPOSAL_NOTICE, short
from b12fhir.fhir.timing import due_timing
from b12fhir.kernel.codes import LOINC, SNOMED, Code
from b12fhir.plan.model import Monitor
from b12fhir.protocol.model import Test

_LABORATORY = {"system": SNOMED, "code": "108252007", "display": "Laboratory procedure"}


def by_test(monitoring: Iterable[Monitor]) -> tuple[Monitor, ...]:
    """One monitor for each test: a baseline and a follow-up of one test are one request."""
    merged: dict[str, Monitor] = {}
    for monitor in monitoring:
        known = merged.get(monitor.test)
        merged[monitor.test] = monitor if known is None else _merged(known, monitor)
    return tuple(merged.values())


def _merged(one: Monitor, other: Monitor) -> Monitor:
    due = tuple(sorted({*one.due, *other.due}))
    rules = dict.fromkeys((*one.rule.split(", "), *other.rule.split(", ")))
    return Monitor(one.test, due, ", ".join(rules), one.open_ended or other.open_ended)


def service_request(ctx: Context, monitor: Monitor) -> dict[str, Any]:
    """The proposal to do one test on its days."""
    test = ctx.protocol.tests[monitor.test]
    yearly = " Repeat yearly after the last day given." if monitor.open_ended else ""
    return compact(
        {
            "resourceType": "ServiceRequest",
            "meta": meta(ctx.site, "b12-monitoring"),
            "text": short(f"{test.label}: {_days(monitor)}{yearly}"),
            "identifier": [identifier(ctx.site, SERVICE_REQUEST, ctx.key.child(test.id))],
            **provenance(ctx),
            "requisition": group(ctx),
            "status": "draft",
            "intent": "proposal",
            "category": [laboratory()],
            "priority": "urgent" if ctx.urgent and _is_early(ctx, monitor) else "routine",
            "code": test_code(ctx, test),
            "subject": ctx.patient,
            "occurrenceTiming": due_timing(monitor.due) if monitor.due else None,
            "authoredOn": ctx.start,
            "requester": author(ctx),
            "reasonReference": references(ctx.conditions),
            "note": [{"text": f"{PROPOSAL_NOTICE} Rule {monitor.rule}.{yearly}"}],
        }
    )


def laboratory() -> dict[str, Any]:
    """Category: a laboratory does it."""
    return {"coding": [_LABORATORY], "text": "Laboratory procedure"}


def test_code(ctx: Context, test: Test) -> dict[str, Any]:
    """A test by its name and codes."""
    return compact({"coding": [_coding(ctx, c) for c in test.codes], "text": test.label})


def _days(monitor: Monitor) -> str:
    """The days in words, or that the clinician chooses them."""
    days = ", ".join(day.isoformat() for day in sorted(set(monitor.due)))
    return f"due on {days}." if days else "no day is set."


def _coding(ctx: Context, code: Code) -> dict[str, str]:
    known = ctx.protocol.analytes.codes.get(code.code) if code.system == LOINC else None
    coding = {"system": code.system, "code": code.code}
    if known is not None and known.display:
        coding["display"] = known.display
    return coding


def _is_early(ctx: Context, monitor: Monitor) -> bool:
    """Due before the first dose, or a potassium: it can fall within days of the first injection."""
    return ctx.plan.start in monitor.due or _is_potassium(ctx, ctx.protocol.tests[monitor.test])


def _is_potassium(ctx: Context, test: Test) -> bool:
    codes = ctx.protocol.analytes.codes
    known = (codes.get(code.code) for code in test.codes)
    return any(entry is not None and entry.analyte is Analyte.POTASSIUM for entry in known)

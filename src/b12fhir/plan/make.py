"""From the decision to a dated plan."""

from datetime import date

from b12fhir.decision.model import GIVEN, Decision
from b12fhir.kernel.dates import add_months
from b12fhir.plan.conduct import conduct
from b12fhir.plan.model import Plan, Rejected
from b12fhir.plan.monitoring import monitoring
from b12fhir.plan.regimen import choose, row_for
from b12fhir.plan.schedule import phases
from b12fhir.protocol.model import Protocol


def make_plan(decision: Decision, protocol: Protocol, start: date) -> Plan:
    """The plan that the decision asks for; every date hangs on ``start`` (d0).

    A pack without a row for the cause proposes no regimen: it says so in ``rejected``, and
    monitoring still stands (section 27).
    """
    pack = protocol.pack
    kind = decision.intent.kind
    chosen = choose(decision, pack) if kind in GIVEN else None
    row = chosen.row if chosen is not None else row_for(decision, pack)
    planned = phases(chosen.templates, pack.products, start) if chosen is not None else ()
    horizon = add_months(start, protocol.limits.horizon_months)
    return Plan(
        kind=kind,
        start=start,
        regimen=chosen.row.id if chosen is not None else "",
        phases=planned,
        monitoring=monitoring(decision, protocol, row, start, horizon),
        rejected=_rejected(decision, protocol, no_row=chosen is None and kind in GIVEN),
        advice=(*(row.advice if row is not None and kind in GIVEN else ()), *conduct(planned)),
        horizon=horizon,
    )


def _rejected(decision: Decision, protocol: Protocol, *, no_row: bool) -> tuple[Rejected, ...]:
    routes = tuple(map(Rejected._make, decision.intent.rejected_routes))
    if not no_row:
        return routes
    others = ", ".join(pack for pack in protocol.packs if pack != protocol.pack.id) or "none"
    reason = f"pack {protocol.pack.id} has no regimen for this cause; other packs: {others}"
    return (Rejected("any", reason, "R-202"), *routes)

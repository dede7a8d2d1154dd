"""``propose(resources, protocol, as_of) -> Proposal``: resources in, a proposal out.

The engine proposes and never orders (R-200).
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from b12fhir.decision.decide import decide
from b12fhir.decision.model import GIVEN, Decision
from b12fhir.errors import Defect
from b12fhir.facts.record import Facts
from b12fhir.fhir.compose import compose
from b12fhir.fhir.extract import extract
from b12fhir.fhir.site import Site
from b12fhir.kernel.evidence import Issue
from b12fhir.plan.make import make_plan
from b12fhir.plan.model import Plan
from b12fhir.protocol.model import Protocol

__all__ = ["Proposal", "decide_on", "extract", "propose"]

_OPEN = frozenset({"draft", "active", "on-hold"})


@dataclass(frozen=True, slots=True)
class Proposal:
    """The answer for one patient: facts, decision and plan, under one protocol at one site."""

    facts: Facts
    decision: Decision
    plan: Plan
    protocol: Protocol
    as_of: datetime
    site: Site

    @property
    def patient_reference(self) -> str:
        """``Patient/<id>``: the only thing a proposal says about who it is."""
        return self.facts.patient.reference

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What was set aside or doubted while reading."""
        return self.facts.issues

    def bundle(self, *, without: Container[str] = ()) -> dict[str, Any] | None:
        """The transaction that would write the proposal; ``None`` where nothing is to be written.

        Composed anew on each call: deterministic, and only for those who need it. ``without``
        names resource types that the server does not keep.
        """
        return compose(
            self.facts, self.decision, self.plan, self.protocol, self.site, without=without
        )


def decide_on(facts: Facts, protocol: Protocol, as_of: datetime, site: Site) -> Decision:
    """Decide on extracted facts; days are counted in the site's zone (ruling 4)."""
    return decide(facts, protocol, _day(as_of, site))


def propose(
    resources: Iterable[Mapping[str, Any]],
    protocol: Protocol,
    as_of: datetime,
    site: Site,
    patient: str | None = None,
) -> Proposal:
    """Read one patient's resources, decide, and plan.

    ``as_of`` is an instant with a zone. ``patient`` names whose resources count; without it the
    one Patient among the resources does. Raises `PatientError` if there is none or more than one,
    and `Defect` for an ``as_of`` without zone. Odd data do not raise: they become issues.
    """
    facts = extract(resources, protocol, site, patient)
    decision = decide_on(facts, protocol, as_of, site)
    plan = make_plan(decision, protocol, _start(facts, decision, _day(as_of, site)))
    return Proposal(facts, decision, plan, protocol, as_of, site)


def _day(as_of: datetime, site: Site) -> date:
    if as_of.tzinfo is None:
        message = "as_of has no zone: the day of the decision cannot be told."
        raise Defect(message, hint="Pass an instant with a zone.")
    return as_of.astimezone(site.zone).date()


def _start(facts: Facts, decision: Decision, today: date) -> date:
    """d0: that of the open plan proposed before, so that dates stand still; else today.

    A plan of tests lends no start to a treatment: its first doses would lie in the past.
    """
    treats = decision.intent.kind in GIVEN
    starts = [
        plan.start
        for plan in facts.own_plans
        if plan.status in _OPEN
        and plan.intent == "proposal"
        and plan.treats is treats
        and plan.start is not None
    ]
    return min(starts, default=today)

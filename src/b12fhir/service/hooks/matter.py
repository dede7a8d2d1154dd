"""One call with the proposal that answers it: what all cards of the call are made from."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from b12fhir.decision.bands import band_of
from b12fhir.decision.model import Classification, Decision, SeverityGrade, Urgency
from b12fhir.errors import InputError
from b12fhir.facts.labs import Analyte, LabResult
from b12fhir.facts.record import Facts
from b12fhir.fhir.compose.draft import Asked, Drafting
from b12fhir.fhir.compose.entry import Context, context
from b12fhir.fhir.digest import decision_digest
from b12fhir.fhir.extract.tree import text
from b12fhir.fhir.lifecycle.held import IN_FORCE
from b12fhir.fhir.lifecycle.mark import rejected_digests
from b12fhir.fhir.lifecycle.signer import Clock
from b12fhir.fhir.lifecycle.state import PlanState, plan_states
from b12fhir.fhir.stored import WHO
from b12fhir.kernel.evidence import Finding
from b12fhir.kernel.quantities import plain
from b12fhir.kernel.truth import Truth
from b12fhir.plan.make import make_plan
from b12fhir.plan.model import Plan
from b12fhir.ports import Resource
from b12fhir.protocol.model import Protocol
from b12fhir.service.follow import Followed, follow_proposed
from b12fhir.service.hooks.held import held
from b12fhir.service.hooks.model import Call, Grade, Role
from b12fhir.service.hooks.once import once
from b12fhir.service.propose import Proposal

# The rules that judge a B12 result by its band.
B12_RULES = ("R-28", "R-29", "R-30")
_PROPOSING, _REVOKED = "proposal", "revoked"
_REQUESTS = frozenset({"MedicationRequest", "ServiceRequest"})
_YES = Truth.YES
# The worse, the higher.
_CLASSES = {
    Classification.UNLIKELY: 0,
    Classification.NO_DATA: 1,
    Classification.ON_TREATMENT: 1,
    Classification.DATA_QUALITY: 1,
    Classification.INDETERMINATE: 2,
    Classification.FUNCTIONAL: 3,
    Classification.INDETERMINATE_CONFIRMED: 3,
    Classification.CONFIRMED: 3,
}
_SEVERITIES = {grade: place for place, grade in enumerate(SeverityGrade)}
_URGENCIES = {Urgency.ROUTINE: 0, Urgency.SOON: 1, Urgency.URGENT: 2}


class Matter:
    """A call and its proposal; what costs something is made when a card asks for it, and once.

    ``unchecked`` says in words what could not be read. ``record`` are the resources that the
    proposal was made from: signed plans, stored proposals and earlier drafts are looked up there.
    """

    def __init__(
        self,
        proposal: Proposal,
        call: Call,
        unchecked: Sequence[str] = (),
        record: Iterable[Resource] = (),
    ) -> None:
        self.proposal = proposal
        self.call = call
        self.unchecked = tuple(unchecked)
        self.record = held(record, proposal.patient_reference)
        self.facts: Facts = proposal.facts
        self.decision: Decision = proposal.decision
        self.protocol: Protocol = proposal.protocol
        self.day: date = proposal.as_of.astimezone(proposal.site.zone).date()

    @property
    def role(self) -> Role:
        """Who reads."""
        return self.call.role

    @property
    def may_order(self) -> bool:
        """Are drafts of orders of any use to the reader?

        Most clients name a Practitioner and nothing else, so an unknown role is offered them too:
        who may sign is the client's to know, and a draft is nothing without a signature.
        """
        return self.role in (Role.PRESCRIBER, Role.UNKNOWN)

    @once
    def plan(self) -> Plan:
        """The plan to begin today or later: one that was proposed earlier begins anew."""
        planned = self.proposal.plan
        if planned.start >= self.day:
            return planned
        return make_plan(self.decision, self.protocol, self.day)

    @once
    def digest(self) -> str:
        """Fingerprint of the decision and the facts it rests on."""
        return decision_digest(self.decision, self.proposal.plan, self.protocol.pack)

    @once
    def context(self) -> Context:
        """What orders are composed from."""
        return context(
            self.facts, self.decision, self.plan, self.protocol, self.proposal.site, self.digest
        )

    @once
    def drafting(self) -> Drafting:
        """Makes the drafts of this answer."""
        call = self.call
        user = call.user if call.role is Role.PRESCRIBER else ""
        place = call.encounter
        asked = Asked(
            day=self.day,
            requester="/".join(user.split("/")[-2:]),
            encounter=f"Encounter/{place}" if place and "/" not in place else place,
        )
        return Drafting(self.context, asked)

    @once
    def drafts(self) -> tuple[Resource, ...]:
        """Draft requests of the record, of whatever origin."""
        waiting = [one for one in self.record if one.get("status") == "draft"]
        return tuple([one for one in waiting if text(one.get("resourceType")) in _REQUESTS])

    @once
    def is_signed(self) -> bool:
        """Did somebody sign a plan of ours that still runs? Then its doses are the answer."""
        return any(one.own and one.active for one in self.facts.doses) or any(
            one.intent != _PROPOSING and one.status in IN_FORCE for one in self.facts.own_plans
        )

    @once
    def is_rejected(self) -> bool:
        """Did a practitioner reject this very decision?"""
        if all(one.status != _REVOKED for one in self.facts.own_plans):
            return False
        return self.digest in rejected_digests(self._sound, self.proposal.site)

    @once
    def _sound(self) -> list[Resource]:
        return [one for one in self.record if _sound(one)]

    @property
    def courses(self) -> tuple[Followed, ...]:
        """Plans that somebody signed, with their doses."""
        return self._followed[0]

    @property
    def unfollowed(self) -> str:
        """Why signed plans could not be followed; ``""`` where they could."""
        return self._followed[1]

    @once
    def _followed(self) -> tuple[tuple[Followed, ...], str]:
        if all(one.intent == _PROPOSING for one in self.facts.own_plans):
            return (), ""
        try:
            return follow_proposed(self.proposal, self._sound), ""
        except InputError as error:
            return (), f"A signed plan could not be followed: {error.message}"

    @once
    def states(self) -> tuple[PlanState, ...]:
        """Where the plans of ours stand."""
        notice = self.protocol.limits.next_phase_notice_days
        return plan_states(self._sound, Clock(self.proposal.as_of, self.proposal.site, notice))

    @once
    def _holds(self) -> Mapping[str, Finding]:
        """The rules that hold, each with the first that was said of it."""
        return {one.rule: one for one in reversed(self.decision.findings) if one.truth is _YES}

    def finding(self, *rules: str) -> Finding | None:
        """What the decision says of the first of these rules that holds."""
        known = self._holds
        return next((known[rule] for rule in rules if rule in known), None)

    @once
    def deciding(self) -> tuple[str, LabResult | None]:
        """Rule and B12 result that decide: of total and active B12 the one in the worse band."""
        limits = self.protocol.limits
        labs = [(rule, one) for rule in B12_RULES if (one := self.lab(rule)) is not None]
        ranked = [
            (band.rank, place)
            for place, (_, one) in enumerate(labs)
            if (band := band_of(limits, one)) is not None
        ]
        return labs[min(ranked)[1]] if ranked else ("", None)

    def lab(self, *rules: str) -> LabResult | None:
        """The first result that one of these rules rests on."""
        found = self.finding(*rules)
        facts = found.facts if found is not None else ()
        return next((fact for fact in facts if isinstance(fact, LabResult)), None)


def _sound(one: Resource) -> bool:
    """Can it be followed? What a client sends may say in words what FHIR wants as an object."""
    whose = (one.get(name, {}) for name in WHO)
    named = one.get("identifier", [])
    return (
        all(isinstance(who, dict) for who in whose)
        and isinstance(named, list)
        and all(isinstance(name, dict) for name in named)
    )


def grade_of(matter: Matter) -> Grade:
    """How bad it stands, in numbers that can be compared with those of an earlier card."""
    decision = matter.decision
    return Grade(
        classes=_CLASSES[decision.classification],
        severity=_SEVERITIES[decision.severity],
        urgency=_URGENCIES[decision.urgency],
        neuro=decision.neuro,
        b12=_newest_b12(matter),
        dangers=frozenset(one.id for one in decision.contraindications),
    )


def _newest_b12(matter: Matter) -> str:
    """The newest total B12 that counts, in ng/L; of an interval its number."""
    labs = [
        one
        for one in matter.facts.labs
        if one.analyte is Analyte.B12_TOTAL and not one.pending and one.when.last <= matter.day
    ]
    newest = max(labs, key=lambda one: (one.when.last, one.reference), default=None)
    if newest is None:
        return ""
    value, unit = newest.amount.value, newest.amount.unit
    scale = matter.protocol.analytes.info[newest.analyte].scales.get(unit)
    # To compare cards of two units.
    return plain(value if scale is None else value * scale[1] / scale[0])

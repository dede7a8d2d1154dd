"""Proposals for hand-built facts, with the pack that ships."""

from datetime import UTC, datetime, time

from b12fhir.decision.decide import decide
from b12fhir.facts.patient import Patient
from b12fhir.fhir.site import Site
from b12fhir.plan.make import make_plan
from b12fhir.protocol.load import load_protocol
from b12fhir.service import Proposal
from tests.support.facts import TODAY, WOMAN, record


def proposed(*parts: object, patient: Patient = WOMAN, **more: object) -> Proposal:
    """The proposal on the day of the tests."""
    facts, protocol = record(*parts, patient=patient, **more), load_protocol()
    decision = decide(facts, protocol, TODAY)
    plan = make_plan(decision, protocol, TODAY)
    return Proposal(facts, decision, plan, protocol, datetime.combine(TODAY, time(9), UTC), Site())

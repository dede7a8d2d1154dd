"""Three a week, ranges with a default date, and what everybody is told with the doses."""

from datetime import date

import pytest

from b12fhir.decision.decide import decide
from b12fhir.facts.labs import Analyte as A
from b12fhir.plan.make import make_plan
from b12fhir.plan.model import Plan
from b12fhir.protocol.load import load_protocol
from tests.support.facts import TODAY, concept, lab, record

PROTOCOL = load_protocol()
LOW, LEBER = lab(A.B12_TOTAL, "150"), concept("leber_optic_atrophy")


def planned(*facts: object) -> Plan:
    return make_plan(decide(record(*facts), PROTOCOL, TODAY), PROTOCOL, TODAY)


def offsets(plan: Plan, phase: str) -> list[int]:
    """Days of the doses of one phase, from d0."""
    slots = [dose for dose in plan.doses if dose.slot.startswith(f"{phase}:")]
    return [(dose.due - plan.start).days for dose in slots]


def test_three_a_week_for_two_weeks_then_every_two_to_three_months() -> None:
    plan = planned(LOW, LEBER)
    assert plan.regimen == "leber"
    assert offsets(plan, "induction") == [0, 2, 4, 7, 9, 11]
    assert plan.phases[0].last == date(2026, 12, 2)
    assert offsets(plan, "maintenance") == [95, 179, 263, 347]
    assert {phase.product.drug for phase in plan.phases} == {"hydroxocobalamin"}
    assert {phase.route for phase in plan.phases} == {"im"}


@pytest.mark.parametrize("cause", ["pernicious_anemia", "diet_vegan", "nitrous_oxide_use"])
def test_leber_holds_whatever_the_cause(cause: str) -> None:
    assert planned(LOW, LEBER, concept(cause)).regimen == "leber"


def test_with_nerves_every_other_day_then_every_two_months() -> None:
    plan = planned(LOW, LEBER, concept("paresthesia"))
    assert offsets(plan, "induction") == [0, 2, 4, 6, 8, 10, 12]
    assert plan.phases[1].interval.value == 2
    assert plan.phases[1].interval.max is None
    assert plan.phases[1].start == date(2027, 2, 3)
    assert plan.phases[0].reviews == (date(2026, 12, 5),)


def test_severe_without_nerves_keeps_three_a_week() -> None:
    plan = planned(LOW, LEBER, lab(A.HEMOGLOBIN, "75"), lab(A.POTASSIUM, "4"))
    assert offsets(plan, "induction") == [0, 2, 4, 7, 9, 11]
    assert plan.phases[1].interval.max is not None


def test_vision_is_watched_and_a_specialist_asked_before_dose_one() -> None:
    plan = planned(LOW, LEBER)
    assert "vision" in {one.test for one in plan.monitoring}
    assert plan.phases[0].gate.startswith("Specialist advice before dose 1")
    assert any("uk-nice-bnf" in said for said in plan.advice)
    assert "vision" not in {one.test for one in planned(LOW).monitoring}


def _told(plan: Plan) -> set[str]:
    return {rule for rule in ("R-96", "R-97", "R-98") for said in plan.advice if rule in said}


def test_conduct_is_told_with_the_doses_it_belongs_to() -> None:
    """R-96: nobody injects into their own muscle because a plan was silent about it."""
    assert _told(planned(LOW, concept("pernicious_anemia"))) == {"R-96", "R-97", "R-98"}
    assert _told(planned(LOW)) == {"R-97"}
    assert _told(planned(lab(A.B12_TOTAL, "400"))) == set()

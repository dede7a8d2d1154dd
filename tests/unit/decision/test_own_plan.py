"""An order signed from our own plan: it is compared with what would be proposed, never doubled.

Were it taken for somebody else's, a changed cause would no longer reach the clinician; were it not
seen at all, a stop would not reach the course it must end.
"""

import pytest

from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.medicines import B12Dose, Route
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, ids
from tests.support.facts import allergy, concept, days_ago, injection, lab, tablets

LOW = lab(A.B12_TOTAL, "150", ago=10)
PA = concept("pernicious_anemia")


def order(*, own: bool, route: Route = Route.IM) -> B12Dose:
    """An active order that began yesterday, nothing given yet."""
    return B12Dose(
        "MedicationRequest/o1",
        route,
        Truth.NO,
        "hydroxocobalamin",
        drug="hydroxocobalamin",
        when=on(days_ago(1)),
        ordered=True,
        active=True,
        order="active",
        own=own,
    )


@pytest.mark.parametrize(("own", "kind"), [(True, "treat"), (False, "none")])
def test_only_another_order_keeps_a_treatment_back(own: bool, kind: str) -> None:
    answer = decided(LOW, PA, doses=(order(own=own),))
    assert answer.intent.kind == kind
    assert ("b12-running" in ids(answer.cautions)) is not own


def test_a_dose_given_keeps_a_second_course_back_whoever_ordered_it() -> None:
    answer = decided(LOW, PA, doses=(order(own=True), injection(1)))
    assert answer.intent.kind == "none"
    assert "b12-already-given-or-ordered" in answer.flags


def test_tablets_of_ours_that_are_not_enough_are_told_by_the_plan_that_replaces_them() -> None:
    """R-95 is said of tablets somebody else ordered: ours are replaced as a plan."""
    ours = order(own=True, route=Route.ORAL)
    answer = decided(LOW, PA, doses=(ours,))
    assert (answer.intent.kind, answer.route) == ("treat", "im")
    assert "oral-running" not in ids(answer.contraindications)
    beside = decided(LOW, PA, doses=(ours, tablets("1000", start=5)))
    assert "oral-running" in ids(beside.contraindications)


def test_a_stop_reaches_our_own_course() -> None:
    """R-163 while our order runs: the plan to stop it, and urgent (R-61)."""
    answer = decided(LOW, PA, doses=(order(own=True),), allergies=(allergy(Truth.YES),))
    assert answer.intent.kind == "stop"
    assert answer.urgency.value == "urgent"


UNDER_WAY = [
    # B12 result, what is given or on order
    (lab(A.B12_TOTAL, "400", ago=10), order(own=False)),  # not deficient, an order that begins
    (LOW, injection(200)),  # under treatment by the last dose, no course running
]


@pytest.mark.parametrize(("result", "given"), UNDER_WAY)
def test_a_stop_reaches_whatever_is_under_way(result: object, given: B12Dose) -> None:
    """R-163 forbids every product, also where nothing new would be proposed."""
    answer = decided(result, given, allergies=(allergy(Truth.YES),))
    assert answer.intent.kind == "stop"

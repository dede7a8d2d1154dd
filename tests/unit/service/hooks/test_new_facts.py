"""A new problem or allergy: said only where it changes the answer, and then what it changes."""

from typing import Any

import pytest

from b12fhir.service.hooks.model import Hook, Indicator, Role
from tests.support.cards import call, cards, read, rows
from tests.support.courses import administered, monthly
from tests.support.hook_records import condition
from tests.unit.service.test_propose import b12, patient, proposed

LOW, NORMAL = b12(95, day="2026-11-18"), b12(500, day="2026-11-18")


def new(code: str, words: str, **more: Any) -> dict[str, Any]:
    return condition(code, words, "2026-11-23", **more) | {"id": "b12fhir-new-1"}


PERNICIOUS = new("84027009", "Pernicious anaemia")
ALLERGY = {
    "resourceType": "AllergyIntolerance",
    "id": "b12fhir-new-1",
    "patient": {"reference": "Patient/p1"},
    "verificationStatus": {"coding": [{"code": "confirmed"}]},
    "code": {"text": "Hydroxocobalamin"},
}


def problem(*record: dict[str, Any], entry: dict[str, Any] = PERNICIOUS, **more: Any) -> Any:
    return read(*record, hook=Hook.PROBLEM_CREATE, context=(entry,), **more)


def allergy(*record: dict[str, Any], entry: dict[str, Any] = ALLERGY, **more: Any) -> Any:
    return read(*record, hook=Hook.ALLERGY_CREATE, context=(entry,), **more)


def test_a_cause_that_lasts_turns_tablets_into_injections_for_life() -> None:
    """R-84, R-105, R-123."""
    (found,) = problem(LOW)
    assert found.summary == (
        "New problem: B12 95 ng/L (18 Nov 2026), deficiency: consider cyanocobalamin 1000"
        " microgram IM every 2 days"
    )
    told = rows(found)["Changes"]
    assert told.startswith("Pernicious anaemia, 23 Nov 2026. ")
    assert "route: im (was: oral)" in told
    assert "maintenance: life (was: until known)" in told
    assert "urgency: soon (was: routine)" in told
    assert len(found.suggestions) == 2


def test_a_problem_that_changes_nothing_is_silent() -> None:
    assert problem(LOW, entry=new("38341003", "Hypertension")) == ()
    assert problem(LOW, PERNICIOUS | {"id": "old"}) == ()


def test_a_problem_of_nothing_we_know_is_silent() -> None:
    assert problem(LOW, entry=new("999", "Something else")) == ()


def test_nerves_that_are_new_are_critical() -> None:
    (found,) = problem(LOW, entry=new("91019004", "Paresthesia"))
    assert found.indicator is Indicator.CRITICAL
    assert found.summary.endswith("from today")


def test_a_permanent_cause_with_a_normal_b12_asks_for_maintenance() -> None:
    (found,) = problem(NORMAL)
    assert (found.rule, found.indicator) == ("R-123", Indicator.INFO)
    assert "consider deciding on maintenance" in found.summary


def test_a_risk_without_any_b12_result_asks_for_the_test() -> None:
    (found,) = problem()
    assert (found.key, found.rule) == ("new-problem", "R-03")
    assert "it raises the risk of B12 deficiency; consider a B12 test" in found.summary
    assert found.suggestions[0].label.startswith("Draft Total vitamin B12")
    (nurse,) = problem(role=Role.NURSE)
    assert nurse.suggestions == ()


def test_another_change_is_told_as_it_is() -> None:
    """Crohn disease of the ileum with a normal B12: measured every year from now on (R-07)."""
    (found,) = problem(NORMAL, entry=new("56689002", "Crohn disease of small intestine"))
    assert found.indicator is Indicator.INFO
    assert found.key == "new-problem"


def test_leber_disease_forbids_cyanocobalamin_at_once() -> None:
    (found,) = problem(NORMAL, entry=new("58610003", "Leber hereditary optic atrophy"))
    assert found.rule == "R-165"
    assert "it forbids cyanocobalamin in every form" in found.summary


def test_an_allergy_stops_what_would_have_begun() -> None:
    (found,) = allergy(LOW)
    assert (found.rule, found.indicator, found.suggestions) == ("R-163", Indicator.WARNING, ())
    assert "action: no regimen, since a stop applies (was: treat)" in rows(found)["Changes"]


def test_an_allergy_against_what_runs_is_critical() -> None:
    given = administered("2026-11-21T10:00:00Z", request=None)
    (found,) = allergy(LOW, monthly(id="o9", identifier=None), given)
    assert (found.rule, found.indicator) == ("R-163", Indicator.CRITICAL)
    assert "on order although every B12 product is forbidden" in found.summary


def test_an_allergy_without_deficiency_is_noted() -> None:
    (found,) = allergy(NORMAL)
    assert (found.key, found.indicator) == ("new-allergy", Indicator.INFO)
    assert "it forbids every B12 product; consider allergy referral" in found.summary
    assert "forbidden: R-163 (was: nothing)" in rows(found)["Changes"]


@pytest.mark.parametrize("text", ["Penicillin", "Peanut"])
def test_an_allergy_to_something_else_is_no_matter_of_ours(text) -> None:
    assert allergy(LOW, entry=ALLERGY | {"code": {"text": text}}) == ()


def test_an_inborn_defect_is_sent_to_a_specialist_whatever_the_number() -> None:
    """R-76: B12 may be normal there."""
    entry = new("60504009", "Congenital deficiency of intrinsic factor")
    (found,) = problem(NORMAL, entry=entry)
    assert (found.rule, found.suggestions) == ("R-76", ())
    assert found.summary.endswith("an inborn defect of B12 handling; consider specialist referral")


def test_the_dead_have_no_new_problems() -> None:
    dead = patient(deceasedBoolean=True)
    asked = call(Hook.PROBLEM_CREATE, context=(PERNICIOUS,))
    assert cards(proposed(dead, LOW, PERNICIOUS), asked) == ()


def test_an_entry_that_could_not_be_read_is_said() -> None:
    (found,) = read(NORMAL, hook=Hook.PROBLEM_CREATE, unread=("context.conditions[0]",))
    assert found.key == "unchecked"

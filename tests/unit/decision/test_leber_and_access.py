"""Leber disease, and the facts of the project's own CodeSystem that move the route."""

from dataclasses import replace

import pytest

from b12fhir.facts.history import Standing
from b12fhir.facts.labs import Analyte as A
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, ids, rules
from tests.support.facts import allergy, concept, days_ago, drug, lab

LOW = lab(A.B12_TOTAL, "150")
MODERATE = lab(A.HEMOGLOBIN, "90")
LEBER = concept("leber_optic_atrophy")

POSSIBLE = [
    concept("hereditary_optic_atrophy"),
    concept("leber_optic_atrophy", standing=Standing.UNCONFIRMED),
]


@pytest.mark.parametrize("fact", [LEBER, *POSSIBLE])
def test_leber_leaves_hydroxocobalamin_by_injection(fact: object) -> None:
    """R-165: safe also where the disease turns out to be another one."""
    answer = decided(LOW, fact)
    assert (answer.intent.kind, answer.route, answer.intent.condition) == ("treat", "im", "leber")
    assert "leber" in ids(answer.contraindications)
    assert "R-82" in rules(answer)
    refused = {one.route: one.rule for one in answer.intent.rejected_routes}
    assert refused["oral"] == refused["sublingual"] == refused["nasal"] == "R-165"
    assert refused["sc"] == "R-91"


@pytest.mark.parametrize("fact", POSSIBLE)
def test_a_possible_leber_disease_is_asked_about(fact: object) -> None:
    answer = decided(LOW, fact)
    assert "leber" in ids(answer.gaps)
    assert "R-165" in rules(answer, "unknown")


def test_prevention_has_no_row_without_cyanocobalamin() -> None:
    answer = decided(lab(A.B12_TOTAL, "400"), LEBER, concept("gastrectomy_total"))
    assert (answer.intent.kind, answer.route) == ("stop", None)


def test_leber_without_anything_to_treat_proposes_nothing() -> None:
    answer = decided(lab(A.B12_TOTAL, "400"), LEBER)
    assert (answer.intent.kind, answer.intent.condition) == ("none", "")


def test_an_allergy_and_the_hospital_go_before_leber() -> None:
    assert decided(LOW, LEBER, allergy(Truth.YES)).intent.kind == "stop"
    severe = (lab(A.HEMOGLOBIN, "60"), lab(A.POTASSIUM, "3"))
    ill = decided(LOW, LEBER, *severe)
    assert (ill.intent.kind, ill.route, ill.intent.condition) == ("stop", "im", "")


def test_bleeding_leaves_no_other_route_under_leber() -> None:
    """R-94 may not offer subcutaneous cyanocobalamin to a patient it would blind."""
    cautions = decided(LOW, LEBER, drug("warfarin")).cautions
    said = next(remark.text for remark in cautions if remark.id == "bleeding")
    assert "cyanocobalamin" not in said


ROUTES = [
    # facts beside a low B12, route, deciding rule
    ((), "oral", "R-89"),
    ((concept("oral_b12_failed"),), "im", "R-85"),
    ((concept("oral_b12_failed", standing=Standing.PAST),), "im", "R-85"),
    ((concept("steady_intake_unlikely"),), "im", "R-85"),
    ((concept("steady_intake_unlikely", standing=Standing.PAST),), "oral", "R-89"),
    ((concept("gastric_bypass"), concept("oral_b12_failed")), "im", "R-85"),
    ((concept("monitoring_missing"),), "im", "R-87"),
    ((concept("monitoring_missing"), concept("gastric_bypass")), "im", "R-87"),
    ((concept("monitoring_missing"), concept("diet_vegan"), MODERATE), "im", "R-87"),
    ((concept("monitoring_missing"), concept("diet_vegan")), "oral", "R-89"),
    ((concept("monitoring_available"),), "oral", "R-89"),
    ((concept("monitoring_available"), concept("gastric_bypass")), "oral", "R-88"),
]


@pytest.mark.parametrize(("facts", "route", "rule"), ROUTES)
def test_route_by_tablets_and_monitoring(facts: tuple[object, ...], route: str, rule: str) -> None:
    answer = decided(LOW, *facts)
    assert answer.route == route
    assert rule in rules(answer)
    if rule in ("R-85", "R-87"):
        assert {one.rule for one in answer.intent.rejected_routes if one.route == "oral"} == {rule}


def test_a_mild_dietary_case_without_monitoring_is_offered_injections() -> None:
    answer = decided(LOW, concept("diet_vegan"), concept("monitoring_missing"))
    assert "im-offered" in ids(answer.cautions)
    assert "R-87" in rules(answer, "no")


def test_unknown_access_is_asked_where_it_would_change_the_route() -> None:
    """Absent means unknown, and unknown is never taken for yes."""
    assert "monitoring-access" in ids(decided(LOW).gaps)
    assert "R-87" in rules(decided(LOW), "unknown")
    assert "monitoring-access" not in ids(decided(LOW, concept("diet_vegan")).gaps)
    assert "monitoring-access" not in ids(decided(LOW, concept("monitoring_available")).gaps)
    assert "monitoring-access" not in ids(decided(LOW, concept("pernicious_anemia")).gaps)


def _said(name: str, ago: int) -> object:
    return replace(concept(name), onset=None, recorded=on(days_ago(ago)))


CONTRADICTIONS = [
    # available so many days ago, missing so many days ago, route
    (10, 20, "oral"),
    (20, 10, "im"),
    (10, 10, "oral"),
]


@pytest.mark.parametrize(("there", "missing", "route"), CONTRADICTIONS)
def test_the_newer_statement_about_monitoring_holds(there: int, missing: int, route: str) -> None:
    facts = _said("monitoring_available", there), _said("monitoring_missing", missing)
    answer = decided(LOW, *facts)
    assert answer.route == route
    assert ("monitoring-access" in ids(answer.gaps)) is (there == missing)


@pytest.mark.parametrize(("there", "missing"), [(None, None), (10, None), (None, 10)])
def test_undated_contradictions_stay_open(there: int | None, missing: int | None) -> None:
    """The one without a day may be the newer."""
    said = concept("monitoring_available", ago=there), concept("monitoring_missing", ago=missing)
    assert "monitoring-access" in ids(decided(LOW, *said).gaps)


def test_the_newest_of_several_statements_counts() -> None:
    answer = decided(
        LOW,
        _said("monitoring_available", 30),
        _said("monitoring_missing", 20),
        _said("monitoring_available", 10),
    )
    assert "R-87" not in rules(answer)

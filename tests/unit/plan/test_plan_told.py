"""A plan says which row it follows, what it refuses and why, and each test its rule."""

import re
from dataclasses import replace
from datetime import date

import pytest

from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.patient import Pregnancy
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from b12fhir.plan.make import make_plan
from b12fhir.plan.model import Plan
from b12fhir.protocol.load import load_protocol
from tests.support.decided import decided
from tests.support.facts import MAN, allergy, concept, drug, lab
from tests.support.telling import check_words

D0 = date(2026, 11, 21)
PROTOCOL = load_protocol()
LOW, MIDDLE, NORMAL = (lab(A.B12_TOTAL, value) for value in ("150", "240", "400"))
PA, TINGLING = concept("pernicious_anemia"), concept("paresthesia")
OLDER = replace(MAN, birth=on(date(1950, 1, 1)))
WATCHED = (MIDDLE, lab(A.MMA, "430"), lab(A.EGFR, "90"))

RECORDS = [
    (LOW,),
    (LOW, PA),
    (LOW, TINGLING),
    (LOW, concept("diet_vegan")),
    (LOW, concept("gastric_bypass")),
    (LOW, drug("metformin")),
    (LOW, allergy(Truth.YES)),
    (LOW, concept("leber_optic_atrophy")),
    (LOW, lab(A.HEMOGLOBIN, "60"), lab(A.POTASSIUM, "3")),
    (MIDDLE,),
    (NORMAL, concept("gastrectomy_total")),
    (NORMAL, concept("crohn_ileum")),
    (NORMAL, lab(A.MMA, "900"), lab(A.EGFR, "90")),
    (),
]


def planned(*facts: object, **more: object) -> Plan:
    return make_plan(decided(*facts, **more), PROTOCOL, D0)


@pytest.mark.parametrize("facts", RECORDS)
def test_everything_in_a_plan_has_its_rule_and_words(facts: tuple[object, ...]) -> None:
    decision = decided(*facts)
    plan = make_plan(decision, PROTOCOL, D0)
    for item in (*plan.phases, *plan.monitoring, *plan.rejected):
        assert re.match(r"R-\d{2,3}\Z", item.rule), item
        assert item.rule in PROTOCOL.rules
    for item in plan.monitoring:
        assert item.test in PROTOCOL.tests
        assert item.due == tuple(sorted(set(item.due)))
        assert all(day >= D0 for day in item.due)
    refused = [(r.regimen, r.reason, r.rule) for r in plan.rejected if r.rule != "R-202"]
    routes = [(r.route, r.reason, r.rule) for r in decision.intent.rejected_routes]
    assert refused[-len(routes) :] == routes if routes else True
    for one in plan.rejected:
        assert one.reason
        check_words(one.reason.replace(PROTOCOL.pack.id, "it"))
    assert all(isinstance(line, str) and line for line in plan.advice)
    assert (plan.kind, plan.start) == (decision.intent.kind, D0)


@pytest.mark.parametrize("facts", RECORDS)
def test_a_plan_names_its_row_if_it_has_one(facts: tuple[object, ...]) -> None:
    plan = planned(*facts)
    row = {row.id: row for row in PROTOCOL.pack.regimens}.get(plan.regimen)
    assert (row is not None) is bool(plan.phases)
    if row is None:
        assert plan.regimen == ""
    else:
        assert set(row.advice) <= set(plan.advice)
    assert "any" not in {one.regimen for one in plan.rejected}


def test_advice_on_a_regimen_is_given_with_the_regimen_only() -> None:
    life = "stopping brings the anaemia back"
    assert any(life in line for line in planned(LOW, PA).advice)
    assert not any(life in line for line in planned(LOW, PA, allergy(Truth.YES)).advice)


@pytest.mark.parametrize(
    ("packs", "others"), [(("seed-default",), "none"), (("x", "seed-default", "y"), "x, y")]
)
def test_a_missing_row_names_the_other_packs(packs: tuple[str, ...], others: str) -> None:
    bare = replace(PROTOCOL, pack=replace(PROTOCOL.pack, regimens=()), packs=packs)
    first, *rest = make_plan(decided(LOW), bare, D0).rejected
    assert (first.regimen, first.rule) == ("any", "R-202")
    assert first.reason.endswith(f"other packs: {others}")
    assert rest


ORDERED = [
    # facts, test, rule
    ((), "b12", "R-18"),
    ((MIDDLE,), "mma", "R-35"),
    ((MIDDLE, lab(A.MMA, "900"), lab(A.EGFR, "20")), "urine-mma-creatinine", "R-42"),
    ((), "cbc", "R-10"),
    ((NORMAL, TINGLING), "copper", "R-49"),
    ((NORMAL, TINGLING), "tsh", "R-49"),
    ((NORMAL, TINGLING), "folate", "R-49"),
    ((NORMAL, TINGLING, concept("gastric_bypass")), "thiamine", "R-181"),
    # before dose 1 of a treatment
    ((LOW,), "cbc", "R-10"),
    ((LOW,), "reticulocytes", "R-10"),
    ((LOW,), "folate", "R-10"),
    ((LOW,), "ferritin", "R-10"),
    ((LOW,), "intrinsic-factor-antibody", "R-81"),
    ((LOW,), "coeliac-serology", "R-81"),
    ((MIDDLE, TINGLING), "mma", "R-48"),
    ((MIDDLE, TINGLING), "homocysteine", "R-48"),
]


@pytest.mark.parametrize(("facts", "test", "rule"), ORDERED)
def test_what_is_ordered_now_stands_under_its_rule(
    facts: tuple[object, ...], test: str, rule: str
) -> None:
    (item,) = [one for one in planned(*facts).monitoring if one.test == test]
    assert item.due[0] == D0
    assert item.rule == rule


def test_the_first_test_in_pregnancy_stands_under_its_rule() -> None:
    plan = planned(pregnancy=Pregnancy(Truth.YES))
    assert [one.rule for one in plan.monitoring if one.test == "b12-active"] == ["R-09"]


def test_what_is_repeated_after_three_months_stands_under_its_rule() -> None:
    plan = planned(*WATCHED, patient=OLDER)
    assert {(one.test, one.due, one.rule) for one in plan.monitoring} == {
        ("b12", (date(2027, 2, 21),), "R-39"),
        ("mma", (date(2027, 2, 21),), "R-39"),
    }


def test_open_ended_tests_say_so() -> None:
    open_ended = {one.test for one in planned(LOW, PA).monitoring if one.open_ended}
    assert open_ended == {"b12"}


def test_a_merged_test_keeps_the_first_rule_and_stays_open_ended() -> None:
    """The recheck of R-39 and the yearly check of ileal disease are one order."""
    plan = planned(*WATCHED, concept("crohn_ileum"), patient=OLDER)
    (item,) = [one for one in plan.monitoring if one.test == "b12"]
    assert item.due == (date(2027, 2, 21), date(2027, 11, 21))
    assert item.rule == "R-07"
    assert item.open_ended


def test_tests_come_in_the_order_of_need() -> None:
    for facts in RECORDS:
        firsts = [(one.due[0], one.test) for one in planned(*facts).monitoring]
        assert firsts == sorted(firsts)


def test_weekly_tests_go_on_from_their_last_day() -> None:
    (early,) = [one for one in planned(LOW, PA).monitoring if one.test == "hematocrit"]
    days = [(day - D0).days for day in early.due if day > D0]
    assert days[:4] == [5, 6, 7, 14]
    assert days[-1] == 7 + 8 * 7
    (symptoms,) = [one for one in planned(LOW, PA).monitoring if one.test == "symptom-report"]
    assert [(day - D0).days for day in symptoms.due] == [7 * week for week in range(1, 9)]


def test_a_stop_outside_hospital_watches_no_potassium() -> None:
    assert "potassium" not in {one.test for one in planned(LOW, PA, allergy(Truth.YES)).monitoring}


def test_prophylaxis_is_watched_as_its_row_says() -> None:
    row = next(row for row in PROTOCOL.pack.regimens if "bariatric" in row.causes)
    wanted = {i.test for name in row.prophylaxis_monitoring for i in PROTOCOL.pack.monitoring[name]}
    assert wanted
    plan = planned(NORMAL, concept("gastric_bypass"))
    assert plan.kind == "prophylaxis"
    assert wanted <= {one.test for one in plan.monitoring}

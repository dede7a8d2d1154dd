"""Phases, doses and monitoring with dates that hang on the first dose and on nothing else."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

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

D0 = date(2026, 11, 21)
LOW = lab(A.B12_TOTAL, "150")
NORMAL = lab(A.B12_TOTAL, "400")
TINGLING = concept("paresthesia")
PA = concept("pernicious_anemia")


def planned(*parts: object, start: date = D0, **more: object) -> Plan:
    return make_plan(decided(*parts, **more), load_protocol(), start)


def days(plan: Plan, phase: str) -> list[int]:
    """Days from d0 on which a phase's doses are due."""
    return [(d.due - plan.start).days for d in plan.doses if d.slot.rpartition(":")[0] == phase]


def test_the_intramuscular_load() -> None:
    plan = planned(LOW, PA)
    assert [p.id for p in plan.phases] == ["induction", "induction-2", "maintenance"]
    assert days(plan, "induction") == [0, 2, 4, 6, 8, 10, 12]
    assert days(plan, "induction-2") == [19, 26, 33, 40]
    maintenance = [d.due for d in plan.doses if d.slot.startswith("maintenance")]
    assert maintenance[:2] == [date(2027, 1, 31), date(2027, 2, 28)]
    assert maintenance[2] == date(2027, 3, 31)


def test_the_load_with_nerve_signs() -> None:
    plan = planned(LOW, TINGLING)
    assert days(plan, "induction") == list(range(0, 21, 2))
    assert days(plan, "induction-2") == [27, 34, 41, 48]
    assert plan.phases[0].reviews == (date(2026, 12, 5), date(2026, 12, 12))
    assert plan.phases[0].stop_rule


REGIMENS = [
    # facts, route of induction, number of induction doses (0: timed), route of maintenance
    ((LOW, PA), "im", 7, "im"),
    ((LOW, concept("gastrectomy_total")), "im", 7, "im"),
    ((LOW, concept("gastrectomy_partial")), "im", 7, "im"),
    ((LOW, concept("celiac_disease")), "im", 7, "im"),
    ((LOW, concept("crohn_ileum")), "im", 7, "im"),
    ((LOW, concept("ileal_resection")), "im", 7, "im"),
    ((LOW, concept("nitrous_oxide_use")), "im", 7, "im"),
    ((LOW, concept("diet_vegan")), "oral", 0, "oral"),
    ((LOW, drug("metformin")), "oral", 0, "oral"),
    ((LOW,), "oral", 0, "oral"),
    ((LOW, TINGLING), "im", 11, "im"),
    ((LOW, lab(A.HEMOGLOBIN, "79")), "im", 7, "im"),
    ((LOW, concept("diet_vegan"), TINGLING), "im", 11, "im"),
    ((LOW, drug("metformin"), TINGLING), "im", 11, "im"),
    ((LOW, lab(A.FOLATE, "5"), lab(A.HEMOGLOBIN, "119")), "im", 7, "im"),
]


@pytest.mark.parametrize(("facts", "route", "count", "later"), REGIMENS)
def test_regimen_by_cause_and_severity(
    facts: tuple[object, ...], route: str, count: int, later: str
) -> None:
    plan = planned(*facts)
    first, last = plan.phases[0], plan.phases[-1]
    assert (first.id, first.route, first.count) == ("induction", route, count)
    assert (last.id, last.route, last.count) == ("maintenance", later, 0)


def _resected(length: str) -> object:
    return concept("ileal_resection", length_cm=Decimal(length))


def test_a_long_ileal_resection_has_a_short_load_when_deficient() -> None:
    plan = planned(LOW, _resected("25"))
    assert days(plan, "induction") == [0, 2, 4, 6]
    assert plan.phases[-1].start == date(2026, 12, 27)


PREVENTION = [
    (concept("gastrectomy_total"), "im", "mo"),
    (concept("gastric_bypass"), "oral", "d"),
    (concept("diet_vegan"), "oral", "wk"),
    (_resected("25"), "im", "mo"),
]


@pytest.mark.parametrize(("cause", "route", "unit"), PREVENTION)
def test_prophylaxis_starts_on_d0_without_a_load(cause: object, route: str, unit: str) -> None:
    plan = planned(NORMAL, cause)
    assert [(p.id, p.route, p.interval.unit) for p in plan.phases] == [("maintenance", route, unit)]
    assert plan.phases[0].start == D0


@pytest.mark.parametrize(
    "facts",
    [
        (LOW, PA),
        (LOW, TINGLING),
        (LOW,),
        (LOW, concept("diet_vegan")),
        (LOW, concept("gastric_bypass")),
        (LOW, drug("metformin")),
        (NORMAL, _resected("25")),
    ],
)
def test_every_phase_is_explicit(facts: tuple[object, ...]) -> None:
    """Drug, form, strength, dose, route, interval; an injection also its volume (R-99, R-100)."""
    for phase in planned(*facts).phases:
        product = phase.product
        assert product.drug
        assert product.form
        assert product.strength > 0
        assert phase.dose > 0
        assert phase.route in product.routes
        assert (phase.volume_ml is not None) is (phase.route == "im")
        assert phase.volume_ml is None or phase.volume_ml * product.strength == phase.dose
        assert phase.interval.value > 0


def test_doses_never_meet_on_one_day_and_daily_tablets_have_no_slots() -> None:
    for facts in ((LOW, PA), (LOW, TINGLING), (LOW, concept("diet_vegan"))):
        due = [d.due for d in planned(*facts).doses]
        assert all(earlier < later for earlier, later in pairwise(due))
    assert not planned(LOW).doses


def test_every_date_moves_with_the_start() -> None:
    now, later = planned(LOW, PA), planned(LOW, PA, start=date(2026, 11, 28))
    assert [p.start for p in later.phases[:2]] == [date(2026, 11, 28), date(2026, 12, 17)]
    assert [(d.due - later.start).days for d in later.doses[:11]] == [
        (d.due - now.start).days for d in now.doses[:11]
    ]


def due_by_test(plan: Plan) -> dict[str, list[int]]:
    return {m.test: [(day - plan.start).days for day in m.due] for m in plan.monitoring}


def after_d0(plan: Plan) -> dict[str, list[int]]:
    """What is due later than the baseline."""
    return {test: [day for day in days if day] for test, days in due_by_test(plan).items()}


def test_the_missing_baseline_is_ordered_for_d0() -> None:
    """What was not measured before dose 1 can never be measured again (R-10, R-19, R-81)."""
    bare = due_by_test(planned(LOW))
    looked_for = {"intrinsic-factor-antibody", "coeliac-serology"}
    assert {t for t, days in bare.items() if days[0] == 0} == looked_for | {
        *("cbc", "reticulocytes", "folate", "ferritin")
    }
    known = (
        lab(A.HEMOGLOBIN, "140"),
        lab(A.RETIC_PCT, "1"),
        lab(A.FOLATE, "20"),
        lab(A.FERRITIN, "90"),
        concept("diet_vegan"),
    )
    full = due_by_test(planned(LOW, *known))
    assert not [test for test, days in full.items() if days[0] == 0]


def test_polycythaemia_vera_has_weekly_counts() -> None:
    due = due_by_test(planned(LOW, concept("polycythemia_vera")))
    assert due["cbc"] == [0, *range(7, 57, 7)]


def test_potassium_over_48_hours_and_early_counts_in_pernicious_anaemia() -> None:
    due = after_d0(planned(LOW, PA))
    assert due_by_test(planned(LOW, PA))["potassium"] == [0, 1, 2]
    assert due["hematocrit"][:5] == [5, 6, 7, 14, 21]
    assert due["reticulocytes"][:5] == [5, 6, 7, 14, 21]


def test_no_early_counts_when_the_haematocrit_was_normal() -> None:
    assert "hematocrit" not in due_by_test(planned(LOW, PA, lab(A.HEMATOCRIT, "42")))
    assert "hematocrit" in due_by_test(planned(LOW, PA, lab(A.HEMATOCRIT, "35")))
    assert "hematocrit" in due_by_test(planned(LOW, PA, lab(A.HEMATOCRIT, "42", ago=31)))
    assert "hematocrit" in due_by_test(planned(LOW, PA, lab(A.HEMATOCRIT, "38", low="39")))


def test_other_injections_want_potassium_once_and_tablets_none() -> None:
    assert due_by_test(planned(LOW, concept("celiac_disease")))["potassium"] == [0]
    assert "potassium" not in due_by_test(planned(LOW))


def test_follow_up() -> None:
    due = after_d0(planned(LOW))
    assert due["cbc"] == [28, 56]
    assert due["b12"] == [92, 181, 365]
    assert due["clinical-review"] == [92]
    assert "neuro-exam" not in due
    assert "mma" not in due


METABOLITES = [
    ((lab(A.MMA, "900"), lab(A.HOMOCYSTEINE, "30")), {"mma"}),
    ((lab(A.MMA, "100"), lab(A.HOMOCYSTEINE, "30")), {"homocysteine"}),
    ((lab(A.MMA, "100"), lab(A.HOMOCYSTEINE, "10")), set()),
]


@pytest.mark.parametrize(("facts", "expected"), METABOLITES)
def test_a_raised_metabolite_is_repeated_in_week_8(
    facts: tuple[object, ...], expected: set[str]
) -> None:
    due = due_by_test(planned(LOW, *facts))
    assert {t for t in due if t in ("mma", "homocysteine")} == expected
    assert all(due[t] == [56] for t in expected)


def test_nerves_are_examined() -> None:
    assert due_by_test(planned(LOW, TINGLING))["neuro-exam"] == [14, 21, 28, 56, 92]


@pytest.mark.parametrize("pregnancy", [Pregnancy(Truth.YES), Pregnancy(breastfeeding=Truth.YES)])
def test_mothers_are_reviewed_after_one_month_and_take_1000(pregnancy: Pregnancy) -> None:
    plan = planned(LOW, pregnancy=pregnancy)
    assert due_by_test(plan)["clinical-review"] == [30]
    assert plan.phases[0].dose_max is None


def test_undecided_patients_have_tests_only() -> None:
    plan = planned(lab(A.B12_TOTAL, "240"))
    assert not plan.phases
    assert due_by_test(plan) == {"mma": [0]}


def test_the_recheck_after_three_months() -> None:

    older = replace(MAN, birth=on(date(1950, 1, 1)))
    facts = (lab(A.B12_TOTAL, "240"), lab(A.MMA, "430"), lab(A.EGFR, "90"))
    assert due_by_test(planned(*facts, patient=older)) == {"b12": [92], "mma": [92]}


def test_a_test_wanted_twice_stands_once_with_all_its_dates() -> None:
    """The recheck after three months and the yearly check of ileal disease are one B12 order."""
    older = replace(MAN, birth=on(date(1950, 1, 1)))
    facts = (lab(A.B12_TOTAL, "240"), lab(A.MMA, "430"), lab(A.EGFR, "90"), concept("crohn_ileum"))
    assert due_by_test(planned(*facts, patient=older)) == {"b12": [92, 365], "mma": [92]}


def test_a_stop_has_no_medicine() -> None:
    assert not planned(LOW, allergy(Truth.YES)).phases
    assert not planned(LOW, allergy(Truth.YES)).is_empty
    hospital = planned(LOW, lab(A.HEMOGLOBIN, "60"), lab(A.POTASSIUM, "3"))
    assert not hospital.phases
    assert due_by_test(hospital)["potassium"] == [0, 1, 2]


def test_ileal_disease_is_checked_every_year() -> None:
    assert due_by_test(planned(NORMAL, concept("crohn_ileum"))) == {"b12": [365]}


def test_nothing_is_planned_for_the_well() -> None:
    assert planned(NORMAL).is_empty


def test_a_pack_without_a_row_says_so() -> None:
    protocol = load_protocol()
    bare = replace(protocol, pack=replace(protocol.pack, regimens=()), packs=("a", "seed-default"))
    plan = make_plan(decided(LOW), bare, D0)
    assert not plan.phases
    assert "no regimen" in plan.rejected[0].reason
    assert "a" in plan.rejected[0].reason


def test_a_row_without_a_course_proposes_nothing() -> None:
    protocol = load_protocol()
    rows = tuple(replace(r, oral="", oral_maintenance="") for r in protocol.pack.regimens)
    bare = replace(protocol, pack=replace(protocol.pack, regimens=rows))
    assert not make_plan(decided(LOW), bare, D0).phases


def test_no_test_is_dated_beyond_the_horizon() -> None:
    """A pack may name a month that lies behind it: the days up to it stand, the later ones go."""
    protocol = load_protocol()
    follow_up = protocol.pack.monitoring["follow-up"]
    last = protocol.limits.horizon_months
    late = replace(follow_up[0], id="late", test="late", months=(last, last + 1), days=())
    sets = {**protocol.pack.monitoring, "follow-up": (*follow_up, late)}
    pack = replace(protocol.pack, monitoring=sets)
    plan = make_plan(decided(LOW, PA), replace(protocol, pack=pack), D0)
    (item,) = [one for one in plan.monitoring if one.test == "late"]
    assert item.due[-1] == plan.horizon == date(2027, 11, 21)

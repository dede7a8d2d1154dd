"""What holds for every decision and plan, whatever the record says.

Patients are made up at random with values around every limit; the seeds are fixed.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from b12fhir.decision.decide import decide
from b12fhir.decision.model import Classification as C
from b12fhir.decision.model import Decision
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.labs import LabResult
from b12fhir.facts.patient import Pregnancy
from b12fhir.facts.record import Facts
from b12fhir.kernel.dates import add_months, shift
from b12fhir.kernel.quantities import Comparator, Measure
from b12fhir.kernel.truth import Truth
from b12fhir.plan.make import make_plan
from b12fhir.plan.model import Phase, Plan
from b12fhir.protocol.model import PhaseTemplate
from tests.support.facts import TODAY, allergy, injection, lab, record, tablets
from tests.support.patients import NEAR_LIMITS, PROTOCOL, TOTAL, patients, pregnancies

always = settings(max_examples=80)
often = settings(max_examples=200)

# The worse, the lower; the three deficient classes differ in how the deficiency was shown.
RANK = {C.INDETERMINATE: 1, C.UNLIKELY: 2}
ANAEMIA = ("none", "mild", "moderate", "severe")
ONLY_TOTAL = frozenset({A.B12_TOTAL})
NO_B12 = frozenset({A.B12_TOTAL, A.B12_ACTIVE})


def answer(facts: Facts) -> Decision:
    return decide(facts, PROTOCOL, TODAY)


def planned(facts: Facts) -> Plan:
    return make_plan(answer(facts), PROTOCOL, TODAY)


def plus(facts: Facts, *results: LabResult) -> Facts:
    return replace(facts, labs=(*facts.labs, *results))


def less(facts: Facts, analyte: A) -> Facts:
    return replace(facts, labs=tuple(r for r in facts.labs if r.analyte is not analyte))


def told(decision: Decision) -> set[str]:
    """Every gap by its id, and every rule left open: the ways of saying that a thing is unknown."""
    return {gap.id for gap in decision.gaps} | {
        finding.rule for finding in decision.findings if finding.truth.is_unknown
    }


def holds(decision: Decision, rule: str, truth: str = "yes") -> bool:
    return any(f.rule == rule and f.truth.value == truth for f in decision.findings)


# --- the class ------------------------------------------------------------------------------------


def ranks_by_b12(rest: Facts, analyte: A, values: list[str]) -> list[int]:
    classes = (answer(plus(rest, lab(analyte, value))).classification for value in values)
    return [RANK.get(name, 0) for name in classes]


@given(patients(ONLY_TOTAL, treated=False), st.data())
@often
def test_a_lower_b12_never_gives_a_better_class(facts, data) -> None:
    """All else equal: a lower number must not look healthier."""
    analyte = data.draw(st.sampled_from([A.B12_TOTAL, A.B12_ACTIVE]))
    values = sorted((TOTAL if analyte is A.B12_TOTAL else NEAR_LIMITS[analyte]), key=Decimal)
    rest = less(facts, analyte)
    ranks = ranks_by_b12(rest, analyte, values)
    assert ranks == sorted(ranks), dict(zip(values, ranks, strict=True))


def test_a_lower_b12_never_gives_a_better_class_beside_a_normal_urine_mma() -> None:
    """R-42 and R-45 read a raised serum MMA in two ways, by the band of the vitamin."""
    rest = record(lab(A.MMA, "600"), lab(A.MMA_URINE, "1"), lab(A.EGFR, "90"))
    ranks = ranks_by_b12(rest, A.B12_TOTAL, ["250", "400"])
    assert ranks == sorted(ranks)


def points(amount: Measure, analyte: A) -> list[str]:
    """Values that the interval holds, from those around the limits."""
    inside = {
        Comparator.LT: lambda v: v < amount.value,
        Comparator.LE: lambda v: v <= amount.value,
        Comparator.GT: lambda v: v > amount.value,
        Comparator.GE: lambda v: v >= amount.value,
    }[amount.comparator]
    known = TOTAL if analyte is A.B12_TOTAL else NEAR_LIMITS[analyte]
    return [value for value in known if inside(Decimal(value))]


@given(patients(NO_B12 | {A.MMA}, treated=False), st.data())
@often
def test_an_interval_decides_only_what_all_its_values_decide(facts, data) -> None:
    """ "< 220" is not 100 and not 200: where they differ the answer is open, and says so."""
    analyte = data.draw(st.sampled_from([A.B12_TOTAL, A.B12_ACTIVE, A.MMA]))
    mark = data.draw(st.sampled_from(["<", "<=", ">", ">="]))
    limit = data.draw(st.sampled_from(TOTAL if analyte is A.B12_TOTAL else NEAR_LIMITS[analyte]))
    if analyte is A.MMA:
        facts = plus(facts, lab(A.B12_TOTAL, data.draw(st.sampled_from(TOTAL))))
    span = lab(analyte, f"{mark} {limit}", reference="Observation/span")
    each = {
        answer(plus(facts, lab(analyte, v))).classification for v in points(span.amount, analyte)
    }
    assume(each)
    vague = answer(plus(facts, span))
    if len({RANK.get(name, 0) for name in each}) > 1:
        assert vague.classification is C.INDETERMINATE or told(vague) & {"exact-b12", "mma", "R-36"}
        assert told(vague) & {"exact-b12", "mma", "R-36", "R-27"} or holds(vague, "R-27")
    else:
        assert RANK.get(vague.classification, 0) in {RANK.get(name, 0) for name in each} | {1}


# --- unknown is not no ----------------------------------------------------------------------------


@given(patients())
@often
def test_an_unknown_kidney_is_not_a_healthy_one(facts) -> None:
    """A raised metabolite that counts as proof without eGFR must name the eGFR."""
    decision = answer(less(facts, A.EGFR))
    assert not holds(decision, "R-40", "no")
    if holds(decision, "R-36") or holds(decision, "R-43"):
        assert holds(decision, "R-40") or "egfr" in told(decision)


@given(patients())
@often
def test_an_unknown_haemoglobin_is_not_a_normal_one(facts) -> None:
    decision = answer(less(facts, A.HEMOGLOBIN))
    assert decision.anaemia.value == "unknown"
    assert not holds(decision, "R-53", "no")
    assert not holds(decision, "R-14")
    if decision.severity.value in ("mild", "moderate"):
        assert "cbc" in told(decision)


@given(patients(), pregnancies())
@often
def test_an_unknown_pregnancy_never_makes_anaemia_milder(facts, pregnancy) -> None:
    """The limits of pregnancy are the lower ones: they must be known to apply."""
    open_question = answer(replace(facts, pregnancy=Pregnancy())).anaemia.value
    settled = answer(replace(facts, pregnancy=pregnancy)).anaemia.value
    if "unknown" not in (open_question, settled):
        assert ANAEMIA.index(open_question) >= ANAEMIA.index(settled)


@given(patients())
@always
def test_an_unknown_age_is_not_an_adult_one(facts) -> None:
    facts = replace(facts, patient=replace(facts.patient, birth=None))
    decision = answer(facts)
    assert "birth-date" in told(decision) or decision.flags
    assert not planned(facts).phases


@given(patients(NO_B12, treated=False))
@always
def test_no_b12_is_no_class(facts) -> None:
    """Metabolites, signs and causes alone never say that somebody is, or is not, deficient."""
    decision = answer(facts)
    assert decision.classification is C.NO_DATA
    assert "b12" in told(decision)
    assert not planned(facts).phases


@given(patients())
@always
def test_unknown_potassium_is_asked_for_where_it_matters(facts) -> None:
    plan = planned(less(facts, A.POTASSIUM))
    if plan.kind == "treat" and any(phase.route == "im" for phase in plan.phases):
        due = [day for item in plan.monitoring if item.test == "potassium" for day in item.due]
        assert plan.start in due


# --- what does not matter changes nothing ---------------------------------------------------------


@given(patients(), st.randoms(use_true_random=False))
@always
def test_the_same_facts_give_the_same_answer(facts, random) -> None:
    """Also in another order, up to the order in which reasons are told."""
    assert answer(facts) == answer(facts)
    shuffled = {}
    for name in ("labs", "concepts", "exposures", "doses", "allergies", "presences"):
        parts = list(getattr(facts, name))
        random.shuffle(parts)
        shuffled[name] = tuple(parts)
    one, two = answer(facts), answer(replace(facts, **shuffled))
    for name in ("classification", "severity", "neuro", "anaemia", "urgency", "intent", "flags"):
        assert getattr(one, name) == getattr(two, name)
    for name in ("gaps", "cautions", "contraindications", "mimics"):
        assert set(getattr(one, name)) == set(getattr(two, name))
    assert {(f.rule, f.truth) for f in one.findings} == {(f.rule, f.truth) for f in two.findings}
    assert planned(facts) == planned(replace(facts, **shuffled))


# --- the plan -------------------------------------------------------------------------------------

TEMPLATES: dict[tuple[str, str, str], list[PhaseTemplate]] = {}
for _course in PROTOCOL.pack.courses.values():
    for _phase in _course.phases:
        TEMPLATES.setdefault((_phase.id, _phase.product, _phase.rule), []).append(_phase)


def of_pack(phase: Phase) -> PhaseTemplate | None:
    """The phase of the pack that this one is, dose for dose."""
    for known in TEMPLATES.get((phase.id, phase.product.id, phase.rule), []):
        same = (known.dose, known.dose_max, known.route, known.count, known.interval)
        if same == (phase.dose, phase.dose_max, phase.route, phase.count, phase.interval):
            return known
    return None


def due(plan: Plan, phase: Phase) -> list[date]:
    return [dose.due for dose in plan.doses if dose.slot.rpartition(":")[0] == phase.id]


def daily(phase: Phase) -> bool:
    return (phase.interval.unit, phase.interval.value) == ("d", 1)


@given(patients())
@often
def test_a_plan_never_exceeds_its_pack(facts) -> None:
    """No dose, count or interval but those of the pack; no two doses on a day or too close."""
    plan = planned(facts)
    days = [dose.due for dose in plan.doses]
    assert days == sorted(set(days))
    assert len({dose.slot for dose in plan.doses}) == len(plan.doses)
    assert not days or (days[0] >= plan.start and days[-1] <= _horizon(plan))
    for phase in plan.phases:
        assert of_pack(phase) is not None, phase
        assert phase.dose <= PROTOCOL.limits.max_single_dose_ug
        when = due(plan, phase)
        assert len(when) == (0 if daily(phase) else phase.count or len(when))
        assert all(_apart(phase, one, two) for one, two in pairwise(when))
        assert not when or when[0] == phase.start


def _horizon(plan: Plan) -> date:
    counted = [phase.last for phase in plan.phases if phase.last is not None]
    return max([add_months(plan.start, PROTOCOL.limits.horizon_months), *counted])


def _apart(phase: Phase, one: date, two: date) -> bool:
    """Months keep their day, so 31 January to 28 February is one; hence the three days."""
    if phase.days:
        return (two - one).days >= min(b - a for a, b in pairwise(phase.days))
    interval = phase.step or phase.interval
    slack = 3 if interval.unit == "mo" else 0
    wanted = (shift(one, interval.value, interval.unit) - one).days
    return (two - one).days >= wanted - slack


@given(patients())
@often
def test_phases_follow_each_other(facts) -> None:
    """A phase that starts before the one before it is over would double the dose."""
    plan = planned(facts)
    for before, after in pairwise(plan.phases):
        over = before.last or before.end
        assert over is not None
        assert after.start >= over
        assert after.start > over or daily(before)
    assert not plan.phases or plan.phases[0].start == plan.start
    assert all(item.due == tuple(sorted(set(item.due))) for item in plan.monitoring)


@given(patients())
@often
def test_every_route_is_on_the_label(facts) -> None:
    """R-91, R-99: never into a vein, and no tablet through a needle."""
    decision = answer(facts)
    for phase in make_plan(decision, PROTOCOL, TODAY).phases:
        assert phase.route in phase.product.routes
        assert phase.product == PROTOCOL.pack.products[phase.product.id]
        is_liquid = phase.product.strength_unit.endswith("/mL")
        assert is_liquid == (phase.volume_ml is not None)
        if phase.volume_ml is not None:
            assert phase.volume_ml * phase.product.strength == phase.dose


@given(patients())
@often
def test_nothing_is_given_against_a_stop(facts) -> None:
    """An allergy, hospital care, an inborn defect, a child, the dead: tests, but no medicine."""
    decision, plan = answer(facts), planned(facts)
    forbidden = {remark.id for remark in decision.contraindications}
    if forbidden - {"leber"} or {"deceased", "record-not-active", "age-unknown"} & set(
        decision.flags
    ):
        assert not plan.phases
        assert not plan.doses
    if "leber" in forbidden:
        assert all(phase.product.drug != "cyanocobalamin" for phase in plan.phases)


@given(patients(treated=False), st.sampled_from(["yes", "unknown"]))
@always
def test_an_allergy_is_a_stop_or_a_question(facts, stops) -> None:
    facts = replace(facts, allergies=(allergy(Truth(stops)),))
    if stops == "yes":
        assert not planned(facts).phases
        assert "allergy" in {remark.id for remark in answer(facts).contraindications}
    else:
        assert "allergy" in told(answer(facts))


@given(patients(treated=False))
@always
def test_nothing_is_added_to_injections_that_run(facts) -> None:
    """A second course beside a running one is a double dose."""
    plan = planned(replace(facts, doses=(injection(5),)))
    assert not plan.phases
    assert not plan.doses


@given(patients(treated=False))
@always
def test_no_tablets_are_added_to_tablets(facts) -> None:
    """Injections may take their place where tablets are not enough (R-95), and it is said."""
    facts = replace(facts, doses=(tablets("1000"),))
    decision, plan = answer(facts), planned(facts)
    assert all(phase.route == "im" for phase in plan.phases)
    if plan.phases:
        assert holds(decision, "R-95")


# --- reasons --------------------------------------------------------------------------------------


def every_rule(decision: Decision) -> Iterator[str]:
    yield from (finding.rule for finding in decision.findings)
    remarks = (decision.gaps, decision.cautions, decision.contraindications, decision.mimics)
    yield from (remark.rule for several in remarks for remark in several)
    yield from (cause.rule for cause in decision.causes)


@given(patients())
@often
def test_every_reason_has_a_rule_of_the_catalogue(facts) -> None:
    """A reader must find the sentence and its source behind every number."""
    decision = answer(facts)
    plan = make_plan(decision, PROTOCOL, TODAY)
    for rule in every_rule(decision):
        assert PROTOCOL.rules[rule].state == "implemented", rule
    for item in (*plan.phases, *plan.monitoring, *plan.rejected):
        assert PROTOCOL.rules[item.rule].state != "not-covered", item.rule


@given(patients())
@often
def test_every_answer_is_whole(facts) -> None:
    """One cause governs, what is treated has a route or is stopped, and references are real."""
    decision = answer(facts)
    assert [cause.governs for cause in decision.causes].count(True) == 1
    known = {
        part.reference
        for parts in (
            facts.labs,
            facts.concepts,
            facts.exposures,
            facts.doses,
            facts.allergies,
            facts.presences,
        )
        for part in parts
    } | {facts.patient.reference}
    shown = {one.reference for finding in decision.findings for one in finding.inputs}
    assert shown <= known | {one.reference for one in facts.pregnancy.inputs}
    if decision.intent.kind in ("treat", "prophylaxis"):
        assert decision.route in ("im", "oral")
    if decision.classification.is_deficient is False and decision.severity.value != "none":
        assert "treat-now" in decision.flags

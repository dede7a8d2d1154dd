"""What would change the answer: true for every value named, the nearest first, nothing idle.

A clinician who reads "with MMA at or below 400: unlikely" may rely on it, so each is checked
against the decision itself.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from b12fhir.decision.case import Case as Case_
from b12fhir.decision.decide import decide
from b12fhir.decision.usable import usable
from b12fhir.facts.labs import Analyte
from b12fhir.facts.patient import Patient, Sex
from b12fhir.facts.record import Facts
from b12fhir.fhir.json import decode
from b12fhir.fhir.site import Site
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.load import load_protocol
from b12fhir.service import counterfactual, propose
from b12fhir.service.counterfactual import Counterfactual, Outcome, counterfactuals
from b12fhir.service.spans import Edge, Span, spans
from tests.spec.case import Case, case_params
from tests.support.facts import TODAY, WOMAN, antibody, concept, lab, record

PROTOCOL = load_protocol()
OLD = Patient("Patient/p1", Sex.FEMALE, on(date(1950, 1, 1)))
ALL = 99


def changes(*parts: object, most: int = ALL, patient: Patient = WOMAN) -> list[Counterfactual]:
    facts = record(*parts, patient=patient)
    decision = decide(facts, PROTOCOL, TODAY)
    return list(counterfactuals(facts, PROTOCOL, TODAY, decision, most))


def table(*parts: object, **more: object) -> dict[str, tuple[str, str, str | None]]:
    """Change -> class, action and route it leads to."""
    return {
        one.change: (one.becomes.classification.value, one.becomes.action, one.becomes.route)
        for one in changes(*parts, **more)
    }


TOTAL, MMA, EGFR = Analyte.B12_TOTAL, Analyte.MMA, Analyte.EGFR


@pytest.mark.parametrize(
    ("change", "becomes"),
    [
        ("total vitamin B12 below 180 ng/L", ("confirmed", "treat", "oral")),
        ("total vitamin B12 above 350 ng/L", ("unlikely", "none", None)),
        ("methylmalonic acid at or below 400 nmol/L", ("unlikely", "none", None)),
        (
            "methylmalonic acid above 400 nmol/L",
            ("indeterminate-confirmed", "treat", "oral"),
        ),
        ("a neurological sign, such as numbness", ("indeterminate", "treat", "im")),
    ],
)
def test_b12_at_its_lower_limit(change, becomes) -> None:
    """V04: 180.0 belongs to the middle band; anything less confirms, and MMA decides."""
    assert table(lab(TOTAL, "180.0"), lab(EGFR, 90))[change] == becomes


@pytest.mark.parametrize(
    ("change", "becomes"),
    [
        ("methylmalonic acid above 400 up to 460 nmol/L", ("indeterminate", "confirm", None)),
        ("methylmalonic acid at or below 400 nmol/L", ("unlikely", "none", None)),
        (
            "estimated glomerular filtration rate below 60 mL/min/1.73 m2",
            ("indeterminate", "confirm", None),
        ),
        ("total vitamin B12 above 350 ng/L", ("functional", "none", None)),
        ("total vitamin B12 below 180 ng/L", ("confirmed", "treat", "oral")),
    ],
)
def test_raised_mma_at_seventy(change, becomes) -> None:
    """V06: up to 460 the metabolite stays open at this age (R-39), up to 400 it is normal."""
    parts = (lab(TOTAL, 240), lab(MMA, 620), lab(EGFR, 85))
    assert table(*parts, patient=OLD)[change] == becomes


def test_the_nearest_comes_first() -> None:
    told = changes(lab(TOTAL, 240), lab(MMA, 620), lab(EGFR, 85), patient=OLD, most=4)
    assert told[0].change == "methylmalonic acid above 400 up to 460 nmol/L"
    assert [one.distance for one in told] == sorted(one.distance for one in told)


def test_another_name_for_the_same_treatment_comes_last() -> None:
    """ "Confirmed" instead of "confirmed by MMA" changes nothing that anybody does."""
    told = changes(lab(TOTAL, 240), lab(MMA, 620), lab(EGFR, 85), patient=OLD)
    assert told[-1].change == "total vitamin B12 below 180 ng/L"
    assert told[-1].was.acts_as(told[-1].becomes)


def test_the_test_that_decides_stands_first() -> None:
    """Without any B12, a B12 is what to do, and each of its bands is told."""
    told = changes(most=3)
    assert [one.change for one in told] == [
        "total vitamin B12 below 180 ng/L",
        "total vitamin B12 from 180 up to 350 ng/L",
        "total vitamin B12 above 350 ng/L",
    ]
    assert {one.now for one in told} == {"not measured"}
    assert all("active" not in one.change for one in changes())


def test_only_what_changes_class_action_route_or_urgency_is_told() -> None:
    told = changes(lab(TOTAL, 95), concept("numbness"), lab(Analyte.HEMOGLOBIN, 140))
    assert told
    assert all(one.was != one.becomes for one in told)
    assert len({one.was for one in told}) == 1


def test_never_more_than_asked_for() -> None:
    facts = record(lab(TOTAL, 160))
    decision = decide(facts, PROTOCOL, TODAY)
    assert len(counterfactuals(facts, PROTOCOL, TODAY, decision)) == 6
    assert counterfactuals(facts, PROTOCOL, TODAY, decision, 0) == ()


def test_without_the_neurological_signs() -> None:
    """Taking one of two signs away changes nothing; the question is whether there are any."""
    parts = (lab(TOTAL, 150), concept("numbness"), concept("paresthesia"))
    change = next(one for one in changes(*parts) if one.change == "no neurological sign")
    assert change.now == "now numbness, paresthesia"
    assert change.was.urgency.value == "urgent"
    assert (change.becomes.route, change.becomes.urgency.value) == ("oral", "routine")


def test_a_symptom_decides_where_only_mma_is_raised() -> None:
    """R-46 to R-45: with a symptom the same numbers are treated."""
    told = table(lab(TOTAL, 400), lab(MMA, 620), lab(EGFR, 90))
    assert told["a symptom, such as a sore tongue"][:2] == ("functional", "treat")
    shown = table(lab(TOTAL, 400), lab(MMA, 620), lab(EGFR, 90), concept("glossitis"))
    assert "a symptom, such as a sore tongue" not in shown


def test_a_positive_antibody_changes_the_route_unless_it_was_done() -> None:
    told = table(lab(TOTAL, 150))
    assert told["a positive intrinsic-factor antibody"] == ("confirmed", "treat", "im")
    done = table(lab(TOTAL, 150), antibody("intrinsic-factor-antibody", Truth.NO))
    assert "a positive intrinsic-factor antibody" not in done


def test_the_laboratory_s_own_limit_is_where_it_changes() -> None:
    """R-36: with a limit of its own, neither 400 nor 460 means anything."""
    parts = (lab(TOTAL, 240), lab(MMA, 500, high="370"), lab(EGFR, 90))
    told = table(*parts)
    assert told["methylmalonic acid at or below 370 nmol/L"] == ("unlikely", "none", None)
    assert not any("400" in change for change in told)


def test_a_result_with_a_comparator_is_asked_as_numbers() -> None:
    """ "< 220" reaches two bands: both ends of it are told."""
    told = table(lab(TOTAL, "< 220"))
    assert told["total vitamin B12 below 180 ng/L"][0] == "confirmed"
    change = next(one for one in changes(lab(TOTAL, "< 220")) if "below 180" in one.change)
    assert change.now == "now < 220"


def test_conflicting_results_of_one_time_do_not_hide_a_change() -> None:
    """R-17 takes the worse of two; changing one while the other stays would change nothing."""
    rivals = (
        lab(TOTAL, 150, reference="Observation/a"),
        lab(TOTAL, 400, reference="Observation/b"),
    )
    assert table(*rivals)["total vitamin B12 above 350 ng/L"][0] == "unlikely"


def test_an_older_result_stays_as_it_was_and_does_not_count() -> None:
    told = table(lab(TOTAL, 150, ago=300), lab(TOTAL, 160, ago=3))
    assert told["total vitamin B12 above 350 ng/L"][0] == "unlikely"


def test_both_units_have_their_own_limits() -> None:
    assert "total vitamin B12 above 258 pmol/L" in table(lab(TOTAL, 120, unit="pmol/L"))


def _supplied(facts: Facts, analyte: Analyte, value: str) -> Outcome:
    left = tuple(one for one in facts.labs if one.analyte is not analyte)
    changed = replace(facts, labs=(*left, lab(analyte, value, ago=0)))
    return Outcome.of(decide(changed, PROTOCOL, TODAY))


@pytest.mark.parametrize(
    ("values", "change"),
    [
        (("401", "460", "459.99"), "above 400 up to 460 nmol/L"),
        (("1", "399.9", "400"), "at or below 400 nmol/L"),
    ],
)
def test_what_is_told_holds_for_every_value_it_names(values, change) -> None:
    parts = (lab(TOTAL, 240), lab(MMA, 620), lab(EGFR, 85))
    told = {one.change: one.becomes for one in changes(*parts, patient=OLD)}
    facts = record(*parts, patient=OLD)
    outcomes = {_supplied(facts, MMA, value) for value in values}
    assert outcomes == {told[f"methylmalonic acid {change}"]}


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (None, ("180", False), "below 180"),
        (None, ("180", True), "at or below 180"),
        (("180", True), None, "at or above 180"),
        (("180", False), None, "above 180"),
        (("180", True), ("350", True), "from 180 up to 350"),
        (("180", False), ("350", False), "above 180 to below 350"),
        (("180", True), ("180", True), "exactly 180"),
        (None, None, "of any amount"),
    ],
)
def test_a_limit_is_said_to_belong_or_not(low, high, words) -> None:
    """ "Below 180" and "at or below 180" are two answers for the patient with 180."""
    ends = [None if end is None else Edge(Decimal(end[0]), inside=end[1]) for end in (low, high)]
    span = Span(*ends, Outcome.of(decide(record(), PROTOCOL, TODAY)))
    unit = "" if low is high is None else " ng/L"
    assert counterfactual._words(span, "ng/L") == f"{words}{unit}"


def _values(analyte: Analyte, unit: str) -> list[Decimal]:
    """Eight values over the plausible range, as far from each other in proportion."""
    low, high = PROTOCOL.analytes.info[analyte].plausible[unit]
    low = max(low, high / 1000)
    return [round(low * (high / low) ** (Decimal(step) / 7), 2) for step in range(8)]


@pytest.mark.parametrize("case", [one.values[0] for one in case_params()], ids=lambda one: one.id)
def test_the_limits_looked_at_are_all_there_are(case: Case) -> None:
    """A limit that a rule compares with and the explanation does not know makes a span untrue."""
    resources = [entry["resource"] for entry in decode(case.bundle)["entry"]]
    proposal = propose(resources, PROTOCOL, case.as_of, Site())
    day = case.as_of.date()
    asked = counterfactual._Asked(proposal.facts, PROTOCOL, day, proposal.decision)
    for result in usable(Case_(proposal.facts, PROTOCOL, day)).values():
        if result.analyte not in counterfactual._TESTS:
            continue
        one = result
        others = counterfactual._without(asked.facts, one)

        def answer(to: Decimal, one=one, others=others) -> Outcome:
            return asked.again(counterfactual._with(others, counterfactual._set(one, to)))

        found = spans(counterfactual._limits(PROTOCOL.limits, one), answer)
        for value in _values(one.analyte, one.amount.unit):
            told = [span.answer for span in found if span.holds(value)]
            assert told == [answer(value)], (one.analyte, value)


def test_a_number_at_zero_is_no_trouble() -> None:
    """A laboratory's limit of 0 is nonsense, and nonsense must not stop the explanation."""
    told = changes(lab(TOTAL, 240), lab(MMA, 0, high="0"), lab(EGFR, 90))
    assert all(Decimal(0) <= one.distance <= Decimal(1) for one in told)

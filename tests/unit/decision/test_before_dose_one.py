"""What must be measured before dose 1, how old it may be, and what the course is watched with.

R-10 names the tests; R-19 how long each counts: potassium 7 days, blood count and reticulocytes 30,
folate and iron 90.
"""

import pytest

from b12fhir.decision.model import Decision
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.patient import Pregnancy
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, rules
from tests.support.facts import antibody, concept, lab

LOW = lab(A.B12_TOTAL, "150")
PA = concept("pernicious_anemia")
VALUES = {A.HEMOGLOBIN: "140", A.RETIC_PCT: "1", A.POTASSIUM: "4", A.FOLATE: "20", A.FERRITIN: "90"}


def baseline(**ages: int | None) -> tuple[object, ...]:
    """The whole baseline of today, but for the analytes named: so many days old, or not there."""
    by_name = {analyte.name.lower(): analyte for analyte in VALUES}
    asked = {by_name[name]: ago for name, ago in ages.items()}
    return tuple(
        lab(analyte, value, ago=ago)
        for analyte, value in VALUES.items()
        if (ago := asked.get(analyte, 0)) is not None
    )


def named(answer: Decision) -> str:
    """The tests that the finding of R-10 names."""
    return "; ".join(one.note for one in answer.findings if one.rule == "R-10")


MISSING = [
    # analyte, the last day on which it counts, what it is called, the test ordered
    ("hemoglobin", 30, "blood count", ("cbc",)),
    ("retic_pct", 30, "reticulocytes", ("reticulocytes",)),
    ("potassium", 7, "potassium", ()),  # its own place is the monitoring of the load
    ("folate", 90, "folate", ("folate",)),
    ("ferritin", 90, "ferritin", ("ferritin",)),
]


@pytest.mark.parametrize(("analyte", "days", "name", "ordered"), MISSING)
def test_how_old_a_test_before_dose_1_may_be(
    analyte: str, days: int, name: str, ordered: tuple[str, ...]
) -> None:
    still = decided(LOW, PA, *baseline(**{analyte: days}))
    assert (named(still), still.intent.orders) == ("", ())
    for ago in (days + 1, None):
        answer = decided(LOW, PA, *baseline(**{analyte: ago}))
        assert (named(answer), answer.intent.orders) == (name, ordered)
        (ask,) = [one for one in answer.gaps if one.id == "baseline"]
        assert ask.rule == "R-10"
        assert f"missing or too old: {name}. " in ask.text
        assert "does not wait" in ask.text


def test_all_that_is_missing_is_named_and_ordered_once() -> None:
    answer = decided(LOW, PA)
    assert named(answer) == "blood count, reticulocytes, potassium, folate, ferritin"
    assert answer.intent.orders == ("cbc", "reticulocytes", "folate", "ferritin")


@pytest.mark.parametrize("analyte", [A.RETIC_PCT, A.RETIC_COUNT])
def test_reticulocytes_count_as_share_or_as_number(analyte: A) -> None:
    unit = "%" if analyte is A.RETIC_PCT else "10*9/L"
    answer = decided(LOW, PA, *baseline(retic_pct=None), lab(analyte, "1", unit=unit))
    assert named(answer) == ""


def test_nothing_is_asked_for_where_nothing_is_given() -> None:
    answer = decided(lab(A.B12_TOTAL, "400"))
    assert "R-10" not in rules(answer)


@pytest.mark.parametrize(
    ("known", "looked_for"),
    [
        ((), ("intrinsic-factor-antibody", "coeliac-serology")),
        ((antibody("intrinsic-factor-antibody", Truth.NO),), ("coeliac-serology",)),
        ((antibody("coeliac-serology", Truth.NO),), ("intrinsic-factor-antibody",)),
    ],
)
def test_an_unknown_cause_is_looked_for_before_dose_1(
    known: tuple[object, ...], looked_for: tuple[str, ...]
) -> None:
    """R-81: some antibody tests read falsely positive after B12."""
    assert decided(LOW, *baseline(), *known).intent.orders == looked_for


def test_a_known_cause_is_not_looked_for() -> None:
    assert decided(LOW, concept("diet_vegan"), *baseline()).intent.orders == ()


HEMATOCRIT = [
    # result of the haematocrit (%), days old, haemoglobin, is it normal?
    ("40", 30, "140", True),
    ("40", 31, "140", False),
    ("30", 0, "140", False),
    ("40", 0, "110", False),  # anaemic all the same
]


@pytest.mark.parametrize(("value", "ago", "hemoglobin", "normal"), HEMATOCRIT)
def test_a_normal_haematocrit_spares_the_early_counts(
    value: str, ago: int, hemoglobin: str, *, normal: bool
) -> None:
    answer = decided(LOW, PA, lab(A.HEMATOCRIT, value, ago=ago), lab(A.HEMOGLOBIN, hemoglobin))
    assert answer.needs.hematocrit_normal is normal


def test_without_a_haematocrit_it_is_not_normal() -> None:
    assert not decided(LOW, PA, lab(A.HEMOGLOBIN, "140")).needs.hematocrit_normal


NEEDS = [
    # facts beside a low B12, what the monitoring has to know
    ((), (False, (), False, False, False)),
    ((PA,), (True, (), False, True, False)),
    # a possible pernicious anaemia is none (R-137: confirmed or probable)
    ((antibody("parietal-cell-antibody"),), (False, (), False, False, False)),
    ((concept("atrophic_gastritis"),), (False, (), False, True, False)),
    ((lab(A.HEMOGLOBIN, "79"),), (True, (), False, False, False)),
    ((lab(A.HEMOGLOBIN, "80"),), (False, (), False, False, False)),
    ((lab(A.MMA, "900"), lab(A.EGFR, "90")), (False, ("mma",), False, False, False)),
    ((lab(A.HOMOCYSTEINE, "30"),), (False, ("homocysteine",), False, False, False)),
    ((concept("polycythemia_vera"),), (False, (), False, False, True)),
]


@pytest.mark.parametrize(("facts", "expected"), NEEDS)
def test_what_the_monitoring_has_to_know(
    facts: tuple[object, ...], expected: tuple[object, ...]
) -> None:
    """R-137 (potassium: pernicious anaemia or severe anaemia), R-139, R-142, R-171."""
    needs = decided(LOW, *facts).needs
    assert expected == (
        needs.potassium_course,
        needs.raised,
        needs.mother,
        needs.pernicious,
        needs.polycythaemia,
    )


@pytest.mark.parametrize(
    ("pregnancy", "mother"),
    [
        (Pregnancy(Truth.YES), True),
        (Pregnancy(breastfeeding=Truth.YES), True),
        (Pregnancy(Truth.NO, breastfeeding=Truth.NO), False),
        (Pregnancy(), False),
    ],
)
def test_a_mother_is_reviewed_sooner(pregnancy: Pregnancy, *, mother: bool) -> None:
    assert decided(LOW, pregnancy=pregnancy).needs.mother is mother

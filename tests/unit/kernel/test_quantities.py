"""A comparator read as a number, or a prefix lost, moves a patient into another class."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b12fhir.kernel.quantities import Comparator, Measure, normal_unit, parse_measure, plain
from b12fhir.kernel.truth import Truth

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
LIMIT = Decimal(180)
TENTHS = st.integers(0, 60).map(lambda tenth: Decimal(tenth) / 10)


@pytest.mark.parametrize(
    ("sign", "value", "below", "above"),
    [
        ("", "179.9", YES, NO),
        ("", "180", NO, NO),
        ("", "180.0000000000000000001", NO, YES),
        ("<", "150", YES, NO),
        ("<", "180", YES, NO),
        ("<", "180.1", UNKNOWN, UNKNOWN),
        ("<=", "179.9", YES, NO),
        ("<=", "180", UNKNOWN, NO),
        ("<=", "181", UNKNOWN, UNKNOWN),
        (">", "179", UNKNOWN, UNKNOWN),
        (">", "180", NO, YES),
        (">=", "180", NO, UNKNOWN),
        (">=", "180.1", NO, YES),
    ],
)
def test_at_the_edge(sign: str, value: str, below: Truth, above: Truth) -> None:
    amount = Measure(Decimal(value), "ng/L", Comparator(sign))
    assert amount.below(LIMIT) is below
    assert amount.above(LIMIT) is above


def _held(value: Decimal, comparator: Comparator) -> list[Decimal]:
    """Values on a fine grid that a result with this comparator can stand for."""
    grid = [Decimal(step) / 20 for step in range(-20, 160)]
    tests = {
        Comparator.EQ: lambda one: one == value,
        Comparator.LT: lambda one: one < value,
        Comparator.LE: lambda one: one <= value,
        Comparator.GT: lambda one: one > value,
        Comparator.GE: lambda one: one >= value,
    }
    return [one for one in grid if tests[comparator](one)]


@settings(max_examples=300)
@given(TENTHS, TENTHS, st.sampled_from(list(Comparator)))
def test_an_answer_holds_for_every_value_it_stands_for(
    value: Decimal, limit: Decimal, comparator: Comparator
) -> None:
    amount = Measure(value, "x", comparator)
    held = _held(value, comparator)
    for answer, truths in (
        (amount.below(limit), {one < limit for one in held}),
        (amount.above(limit), {one > limit for one in held}),
    ):
        expected = UNKNOWN if len(truths) == 2 else Truth.of(truths.pop())
        assert answer is expected


@given(TENTHS, TENTHS, st.sampled_from(list(Comparator)))
def test_nothing_is_below_and_above_at_once(
    value: Decimal, limit: Decimal, comparator: Comparator
) -> None:
    amount = Measure(value, "x", comparator)
    assert not (amount.below(limit).is_yes and amount.above(limit).is_yes)


def test_only_a_comparator_makes_an_interval() -> None:
    spans = {sign for sign in Comparator if Measure(LIMIT, "ng/L", sign).is_interval}
    assert spans == set(Comparator) - {Comparator.EQ}


@pytest.mark.parametrize(
    ("number", "text"),
    [("1E+3", "1000"), ("180.0", "180"), ("100", "100"), ("0.50", "0.5"), ("1E-7", "0.0000001")],
)
def test_numbers_as_a_person_writes_them(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


def test_the_text_of_a_measure() -> None:
    assert Measure(Decimal("150.0"), "ng/L", Comparator.LT).text() == "< 150 ng/L"
    assert Measure(Decimal(7), "").text() == "7"


@pytest.mark.parametrize(
    ("sent", "normal"),
    [
        ("pg/ml", "pg/mL"),
        ("ng/l", "ng/L"),
        ("µmol/l", "umol/L"),
        ("μmol/L", "umol/L"),
        ("mcg/dl", "ug/dL"),
        ("10*3/µl", "10*3/uL"),
        ("mL/min/1.73 m²", "mL/min/1.73m2"),
        ("µm³", "um3"),
        ("mcU/mL", "uU/mL"),
        ("fl", "fl"),
        ("mmol/l", "mmol/L"),
        ("MMOL/L", "MMOL/L"),
        ("10⁰", "100"),
    ],
)
def test_spellings_of_one_unit(sent: str, normal: str) -> None:
    assert normal_unit(sent) == normal
    assert normal_unit(normal) == normal


def test_milli_and_mega_stay_apart() -> None:
    assert normal_unit("mg/L") != normal_unit("Mg/L")


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("162 pg/mL", Measure(Decimal(162), "pg/mL")),
        (">1500 pg/mL", Measure(Decimal(1500), "pg/mL", Comparator.GT)),
        ("<= 0.5", Measure(Decimal("0.5"), "", Comparator.LE)),
        ("150,5", Measure(Decimal("150.5"), "")),
        ("  < 150 ng/L ", Measure(Decimal(150), "ng/L", Comparator.LT)),
        ("-3", Measure(Decimal(-3), "")),
        ("162 pg/mL (low)", Measure(Decimal(162), "pg/mL (low)")),
    ],
)
def test_text_that_is_one_number(text: str, measure: Measure) -> None:
    assert parse_measure(text) == measure


@pytest.mark.parametrize(
    "text",
    [
        "see comment",
        "",
        "1,500",
        "< > 3",
        "about 150",
        "1" * 25,
        "< 1,500 pg/mL",
        "1,500,000",
        "21.11.2026",
    ],
)
def test_text_that_is_not_read(text: str) -> None:
    assert parse_measure(text) is None

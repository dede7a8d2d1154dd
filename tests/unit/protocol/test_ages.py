"""Which rows of the tables by age hold for somebody: WHO 2024 haemoglobin groups, MMA cut-offs."""

from datetime import date
from decimal import Decimal

import pytest

from b12fhir.kernel.dates import whole_months
from b12fhir.protocol.load import load_protocol

AGES = load_protocol().ages


@pytest.mark.parametrize(
    ("sex", "months", "groups"),
    [
        # The first group begins at six months and the last child's group ends at 15 years.
        ("female", (5, 5), ()),
        ("female", (6, 6), ("infant-6-23m",)),
        ("female", (23, 23), ("infant-6-23m",)),
        ("female", (24, 24), ("child-24-59m",)),
        ("female", (179, 179), ("child-12-14y",)),
        ("female", (180, 180), ("women",)),
        ("male", (180, 180), ("men",)),
        # Of an unknown sex it can be either, and a birth year alone can mean two groups.
        ("unknown", (180, 180), ("women", "men")),
        ("female", (175, 186), ("child-12-14y", "women")),
    ],
)
def test_haemoglobin_groups_of_an_age(
    sex: str, months: tuple[int, int], groups: tuple[str, ...]
) -> None:
    assert AGES.anaemia(sex, months) == groups


def test_of_an_unknown_age_every_group_of_the_sex_outside_pregnancy_is_possible() -> None:
    children = ("infant-6-23m", "child-24-59m", "child-5-11y", "child-12-14y")
    assert AGES.anaemia("male", None) == (*children, "men")


@pytest.mark.parametrize(
    ("years", "cutoffs"),
    [
        ((11, 11), (300,)),
        ((12, 12), (350,)),
        ((17, 18), (350, 400)),
        ((64, 64), (400,)),
        ((65, 65), (460,)),
        # Adults begin at 16, inside the row of 12 to 17 years, which therefore counts.
        (None, (350, 400, 460)),
        # Not born yet on the day: no row says anything.
        ((-1, -1), ()),
    ],
)
def test_mma_cutoffs_of_an_age(years: tuple[int, int] | None, cutoffs: tuple[int, ...]) -> None:
    assert AGES.mma(years) == tuple(map(Decimal, cutoffs))


@pytest.mark.parametrize(
    ("birth", "day", "months"),
    [
        # A month is complete on the same day of the next one, not a day before.
        (date(2026, 5, 21), date(2026, 11, 20), 5),
        (date(2026, 5, 21), date(2026, 11, 21), 6),
        (date(2025, 12, 31), date(2026, 1, 1), 0),
        (date(1980, 1, 1), date(2026, 1, 1), 46 * 12),
    ],
)
def test_completed_months(birth: date, day: date, months: int) -> None:
    assert whole_months(birth, day) == months

"""Spans between limits: "above 400 up to 460" must hold for every value that it names."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b12fhir.service.spans import Edge, Span, spans


def D(text: str) -> Decimal:  # noqa: N802 - short on purpose, for tables
    return Decimal(text)


def test_below_at_and_above_are_three_answers() -> None:
    """A limit that belongs to neither side would be told wrongly on the one day it is measured."""
    found = spans([D("180")], lambda v: (v > 180) - (v < 180))
    assert found == (
        Span(None, Edge(D("180"), inside=False), -1),
        Span(Edge(D("180"), inside=True), Edge(D("180"), inside=True), 0),
        Span(Edge(D("180"), inside=False), None, 1),
    )


def test_neighbours_with_one_answer_are_one_span() -> None:
    """The limits 180 and 350 themselves belong to the middle band (R-28)."""
    found = spans([D("350"), D("180"), D("180")], lambda v: 180 <= v <= 350)
    assert [(one.low, one.high, one.answer) for one in found] == [
        (None, Edge(D("180"), inside=False), False),
        (Edge(D("180"), inside=True), Edge(D("350"), inside=True), True),
        (Edge(D("350"), inside=False), None, False),
    ]


def test_a_limit_that_changes_nothing_is_not_told() -> None:
    assert spans([D("60"), D("50")], lambda _: "same") == (Span(None, None, "same"),)


def test_no_limit_no_span() -> None:
    assert spans([], lambda _: "any") == ()


@pytest.mark.parametrize(
    ("value", "held", "nearest"),
    [("179.9", False, "180"), ("180", True, "180"), ("200", True, "200"), ("350", False, "350")],
)
def test_a_span_knows_its_values_and_its_nearest_limit(value, held, nearest) -> None:
    span = Span(Edge(D("180"), inside=True), Edge(D("350"), inside=False), "middle")
    assert span.holds(D(value)) is held
    assert span.nearest(D(value)) == D(nearest)


@given(
    limits=st.lists(st.decimals("0.1", "999", places=1), min_size=1, max_size=5),
    value=st.decimals("0", "1200", places=3),
)
def test_a_span_holds_for_every_value_in_it(limits: list[Decimal], value: Decimal) -> None:
    """Only places just beside a limit are asked; the answer must hold everywhere between."""

    def answer(number: Decimal) -> int:
        return sum(number > limit for limit in limits[::2]) + sum(
            number >= limit for limit in limits[1::2]
        )

    held = [one for one in spans(limits, answer) if one.holds(value)]
    assert [one.answer for one in held] == [answer(value)]

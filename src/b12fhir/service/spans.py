"""Spans of a measured amount between decision limits, each with the answer that holds in it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edge:
    """One end of a span; ``inside`` says whether the limit itself belongs to it."""

    limit: Decimal
    inside: bool


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """Values from ``low`` to ``high`` (``None``: no end) that all lead to ``answer``."""

    low: Edge | None
    high: Edge | None
    answer: T

    def holds(self, value: Decimal) -> bool:
        """Does the value lie in the span?"""
        above = self.low is None or value > self.low.limit or self._on(self.low, value)
        below = self.high is None or value < self.high.limit or self._on(self.high, value)
        return above and below

    def nearest(self, value: Decimal) -> Decimal:
        """The limit nearest to ``value`` where the span begins; ``value`` itself inside."""
        if self.low is not None and value <= self.low.limit:
            return self.low.limit
        if self.high is not None and value >= self.high.limit:
            return self.high.limit
        return value

    @staticmethod
    def _on(edge: Edge, value: Decimal) -> bool:
        return edge.inside and value == edge.limit


def spans(limits: Iterable[Decimal], ask: Callable[[Decimal], T]) -> tuple[Span[T], ...]:
    """Ask just below, at and just above every limit; neighbours with one answer are one span."""
    ordered = sorted(set(limits))
    cells = [(low, high, ask(probe)) for low, high, probe in _cells(ordered)]
    merged = (list(group) for _, group in groupby(cells, key=lambda cell: cell[2]))
    return tuple(Span(group[0][0], group[-1][1], group[0][2]) for group in merged)


def _cells(ordered: list[Decimal]) -> Iterator[tuple[Edge | None, Edge | None, Decimal]]:
    """Each limit and each gap beside it, with a value that stands for it."""
    low: Edge | None = None
    probe = None
    for limit in ordered:
        step = _step(limit)
        yield low, Edge(limit, inside=False), limit - step if probe is None else probe
        yield Edge(limit, inside=True), Edge(limit, inside=True), limit
        low, probe = Edge(limit, inside=False), limit + step
    if probe is not None:
        yield low, None, probe


def _step(limit: Decimal) -> Decimal:
    """A tenth of the limit's last digit: nearer to it than any other limit."""
    return Decimal(1).scaleb(int(limit.as_tuple().exponent) - 1)

"""Of many proposals what a report needs: all are counted, and the most urgent kept."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from b12fhir.decision.model import Classification, SeverityGrade, Urgency
from b12fhir.service.propose import Proposal
from b12fhir.service.wording import CLASSES

Kept = TypeVar("Kept")
Rank = tuple[Any, ...]

_URGENCIES = tuple(Urgency)
_SEVERITIES = (
    SeverityGrade.SEVERE,
    SeverityGrade.MODERATE,
    SeverityGrade.MILD,
    SeverityGrade.NONE,
)
_CLASSES = tuple(CLASSES)


class Foremost(Generic[Kept]):
    """The first ``most`` of many by their rank, in little memory; all of them without a limit."""

    def __init__(self, rank: Callable[[Kept], Rank], most: int | None = None) -> None:
        self._rank = rank
        self._most = most
        self._held: list[Kept] = []
        self.total = 0

    def add(self, one: Kept) -> None:
        """Take one more into account."""
        self.total += 1
        self._held.append(one)
        if self._most is not None and len(self._held) > 2 * self._most:
            self._held = self._first()

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._first())

    @property
    def left_out(self) -> int:
        """How many are not among the first."""
        return 0 if self._most is None else max(0, self.total - self._most)

    def _first(self) -> list[Kept]:
        return sorted(self._held, key=self._rank)[: self._most]


class Gist:
    """Counts of proposals by class, how many are urgent, and the foremost of them in full."""

    def __init__(self, most: int | None = None) -> None:
        self.kept = Foremost(order, most)
        self.classes: Counter[Classification] = Counter()
        self.urgent = 0

    def add(self, proposal: Proposal) -> None:
        """Count one."""
        self.kept.add(proposal)
        self.classes[proposal.decision.classification] += 1
        self.urgent += proposal.decision.urgency is Urgency.URGENT

    @property
    def total(self) -> int:
        """How many there were."""
        return self.kept.total

    @classmethod
    def of(cls, proposals: Iterable[Proposal]) -> "Gist":
        """Of a few, all of which are kept."""
        gist = cls()
        for one in proposals:
            gist.add(one)
        return gist


def order(proposal: Proposal) -> Rank:
    """What puts the most urgent first, then the most severe, then by class and reference."""
    decision = proposal.decision
    return (
        _URGENCIES.index(decision.urgency),
        _SEVERITIES.index(decision.severity),
        _CLASSES.index(decision.classification),
        proposal.patient_reference,
    )

"""Who is next: turns from the place, a few at a time, or those of the patients who were named."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from b12fhir.ports import Place, Turn

_QUICK_S, _SLOW_S = 0.5, 2.0
_MOST = 64


class Turns(Protocol):
    """Where turns come from."""

    def next(self) -> Turn | None:
        """The next turn; ``None`` if there is none now."""
        ...

    def give_back(self) -> int:
        """Free whatever was taken and not handed out; how many that were."""
        ...

    @property
    def may_come(self) -> bool:
        """Is it worth asking again?"""
        ...

    @property
    def missed(self) -> Sequence[str]:
        """Patients who were asked for and whose turn was not to be had."""
        ...


class Waiting:
    """The turns of all who wait.

    So many are claimed at once as are worked off in a second or so: claiming each by itself would
    cost a transaction, and what one run holds another one with nothing to do cannot take.
    """

    may_come = False
    missed = ()

    def __init__(self, place: Place, least: int, clock: Callable[[], float]) -> None:
        self._place = place
        self._clock = clock
        self._least = self._size = least
        self._held: deque[Turn] = deque()
        self._since = clock()

    def next(self) -> Turn | None:
        """The next turn."""
        if not self._held:
            self._held.extend(self._place.claim(self._fitting()))
        return self._held.popleft() if self._held else None

    def give_back(self) -> int:
        """Free what is left of the last claim."""
        count = len(self._held)
        while self._held:
            self._place.give_back(self._held.popleft())
        return count

    def _fitting(self) -> int:
        took, self._since = self._clock() - self._since, self._clock()
        if took < _QUICK_S:
            self._size = min(2 * self._size, _MOST)
        elif took > _SLOW_S:
            self._size = max(self._size // 2, self._least)
        return self._size


class Named:
    """The turns of some patients, waiting or not; those whom another run has are waited for."""

    def __init__(
        self, place: Place, patients: Iterable[str], wait_s: float, clock: Callable[[], float]
    ) -> None:
        self._place = place
        self._left = deque(dict.fromkeys(patients))
        self._clock = clock
        self._until = clock() + wait_s

    @property
    def may_come(self) -> bool:
        """Is somebody left, and time?"""
        return bool(self._left) and self._clock() < self._until

    @property
    def missed(self) -> Sequence[str]:
        """Whom somebody else kept all the time, or who had no turn before the run ended."""
        return tuple(self._left)

    def next(self) -> Turn | None:
        """The turn of whoever can be had now."""
        for _ in range(len(self._left)):
            turn = self._place.claim_only(self._left[0])
            if turn is not None:
                self._left.popleft()
                return turn
            self._left.rotate(-1)
        return None

    def give_back(self) -> int:
        """Nothing is claimed ahead."""
        return 0

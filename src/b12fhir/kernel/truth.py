"""Three-valued truth: a thing not known is neither so nor not so."""

from collections.abc import Iterable
from enum import Enum


class Truth(Enum):
    """Yes, no or unknown (Kleene logic). ``unknown`` never acts as ``no``."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @staticmethod
    def of(value: bool | None) -> "Truth":  # noqa: FBT001 - lifting a boolean is what it is for
        """Lift a boolean; ``None`` is unknown."""
        if value is None:
            return Truth.UNKNOWN
        return Truth.YES if value else Truth.NO

    def __invert__(self) -> "Truth":
        return _NOT[self]

    def __and__(self, other: "Truth") -> "Truth":
        return all_of((self, other))

    def __or__(self, other: "Truth") -> "Truth":
        return any_of((self, other))

    @property
    def is_yes(self) -> bool:
        """Known to be so."""
        return self is Truth.YES

    @property
    def is_no(self) -> bool:
        """Known not to be so."""
        return self is Truth.NO

    @property
    def is_unknown(self) -> bool:
        """Not known either way."""
        return self is Truth.UNKNOWN


_NOT = {Truth.YES: Truth.NO, Truth.NO: Truth.YES, Truth.UNKNOWN: Truth.UNKNOWN}


def all_of(truths: Iterable[Truth]) -> Truth:
    """Conjunction: no if any is no, else unknown if any is unknown, else yes."""
    seen = set(truths)
    if Truth.NO in seen:
        return Truth.NO
    return Truth.UNKNOWN if Truth.UNKNOWN in seen else Truth.YES


def any_of(truths: Iterable[Truth]) -> Truth:
    """Disjunction: yes if any is yes, else unknown if any is unknown, else no."""
    seen = set(truths)
    if Truth.YES in seen:
        return Truth.YES
    return Truth.UNKNOWN if Truth.UNKNOWN in seen else Truth.NO

"""Small values that are made by the dozen in each decision, and those that are kept."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, dataclass_transform

_Value = TypeVar("_Value")

# For a function of a day that the decisions and plans of one day ask for the same few values. Many
# more days are met only where plans of long ago are read, and those that came last are kept.
remembered = lru_cache(maxsize=4096)


@dataclass_transform(frozen_default=True)
def value(cls: type[_Value]) -> type[_Value]:
    """A class of small values with slots, which nobody changes once they are made.

    The type checker holds that. ``dataclass(frozen=True)`` holds it when the program runs, which
    makes a value four times as dear; a named tuple takes three times as long to read. For what
    stays inside one room; what leaves it, such as a decision, is frozen.
    """
    return dataclass(slots=True)(cls)

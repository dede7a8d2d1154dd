"""What is worked out when it is first asked for, and kept.

The standard library's `cached_property` takes a lock each time up to Python 3.11, which was a tenth
of a call. What is kept here belongs to one call, and one call to one thread.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a type checker knows what a property gives
    once = property
else:

    class once:  # noqa: N801 - it stands where `property` would
        """A property whose method is called once for each object."""

        def __init__(self, make: Callable[[object], object]) -> None:
            self._make = make
            self._name = make.__name__
            self.__doc__ = make.__doc__

        def __get__(self, owner: object, kind: type) -> object:
            """The value. It then stands in the object itself, where Python looks first."""
            if owner is None:
                return self
            value = owner.__dict__[self._name] = self._make(owner)
            return value

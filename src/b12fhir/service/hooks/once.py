"""What is worked out when it is first asked for, and kept.

The standard library's `cached_property` takes a lock each time up to Python 3.11, which was a tenth
of a call. What is kept here belongs to one call, and one call to one thread.
"""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

_Owner = TypeVar("_Owner")
_Value = TypeVar("_Value")


class once(Generic[_Owner, _Value]):  # noqa: N801 - it stands where `property` would
    """A property whose method is called once for each object."""

    def __init__(self, make: Callable[[_Owner], _Value]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...

    @overload
    def __get__(self, owner: _Owner, kind: type) -> _Value: ...

    def __get__(self, owner: Any, kind: type) -> Any:
        """The value. It then stands in the object itself, where Python looks first."""
        if owner is None:
            return self
        value = owner.__dict__[self._name] = self._make(owner)
        return value

"""The base of every closed list of words.

A `Word` is an `Enum` in all that is used of one. It is made here because a decision asks for some
four hundred members and values, and up to Python 3.11 `Enum` answers each in Python: ``Truth.YES``
takes five times, ``.value`` ten times as long as a plain attribute. That was a sixth of a decision.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:  # a type checker knows what an `Enum` is, and each member's type
    from enum import Enum

    class Word(Enum):
        """A member of a closed list."""

        @property
        def value(self) -> str:
            """What stands for it in data."""

else:

    class _Words(type):
        """Turns each ``NAME = "value"`` of a class body into the one member with that value."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            values = {key: value for key, value in body.items() if _names_a_member(key, value)}
            rest = {key: value for key, value in body.items() if key not in values}
            made = super().__new__(cls, name, bases, rest)
            members = {}
            for key, value in values.items():
                member = object.__new__(made)
                member.name, member.value = key, value
                member.__init__(value)
                members[value] = member
                type.__setattr__(made, key, member)
            type.__setattr__(made, "_members", members)
            return made

        def __call__(cls, value: object) -> object:
            """The member with this value; `ValueError` if there is none."""
            if not isinstance(value, str) or value not in cls._members:
                raise ValueError(f"{value!r} is none of the words of {cls.__name__}.")
            return cls._members[value]

        def __getitem__(cls, name: str) -> object:
            """The member of this name; `KeyError` if there is none."""
            return {member.name: member for member in cls}[name]

        def __iter__(cls) -> Iterator[object]:
            return iter(cls._members.values())

        def __len__(cls) -> int:
            return len(cls._members)

        def __contains__(cls, member: object) -> bool:
            return isinstance(member, cls)

        def __setattr__(cls, name: str, value: object) -> None:
            raise AttributeError(f"{cls.__name__} is a closed list: {name} cannot be set.")

    def _names_a_member(key: str, value: object) -> bool:
        return not key.startswith("_") and isinstance(value, str)

    class Word(metaclass=_Words):
        """A member of a closed list.

        It is the only one of its kind, so it equals itself alone, and a copy of it is itself.
        """

        name: str
        value: str

        def __init__(self, value: str) -> None:
            """For a list whose members carry more than their value.

            It runs while the class is made, before a tool for mutations could wrap it.
            """

        def __copy__(self) -> Self:
            return self

        def __deepcopy__(self, memo: object) -> Self:
            return self

        def __reduce__(self) -> tuple[type, tuple[str]]:
            return type(self), (self.value,)

        def __repr__(self) -> str:
            return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

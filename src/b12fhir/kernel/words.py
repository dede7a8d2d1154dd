"""The base of every closed list of words."""

from enum import Enum


class Word(Enum):
    """A member of a closed list; looked up by the hundred in each decision.

    `Enum` hashes a member by its name, in Python. A member is the only one of its kind, so its
    identity serves as well, and costs a tenth.
    """

    __hash__ = object.__hash__

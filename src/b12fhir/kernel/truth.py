"""Three-valued truth: a thing not known is neither so nor not so."""

from b12fhir.kernel.words import Word


class Truth(Word):
    """Yes, no or unknown (Kleene logic). ``unknown`` never acts as ``no``.

    ``is_yes``: known to be so; ``is_no``: known not to be so; ``is_unknown``: not known either way.
    They are plain attributes, since every decision asks for them by the hundred.
    """

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    is_yes: bool
    is_no: bool
    is_unknown: bool

    def __init__(self, word: str) -> None:
        self.is_yes = word == "yes"
        self.is_no = word == "no"
        self.is_unknown = word == "unknown"

    @staticmethod
    def of(value: bool | None) -> "Truth":  # noqa: FBT001 - lifting a boolean is what it is for
        """Lift a boolean; ``None`` is unknown."""
        if value is None:
            return Truth.UNKNOWN
        return Truth.YES if value else Truth.NO

    def __invert__(self) -> "Truth":
        return _NOT[self]

    def __and__(self, other: "Truth") -> "Truth":
        if self.is_no or other.is_no:
            return Truth.NO
        return other if self.is_yes else self

    def __or__(self, other: "Truth") -> "Truth":
        if self.is_yes or other.is_yes:
            return Truth.YES
        return other if self.is_no else self


_NOT = {Truth.YES: Truth.NO, Truth.NO: Truth.YES, Truth.UNKNOWN: Truth.UNKNOWN}

"""What a database is used for: one may serve several uses, each with its own words and error."""

from dataclasses import dataclass

from b12fhir.errors import UserError


@dataclass(frozen=True, slots=True)
class Use:
    """The words in which its errors speak.

    ``what`` begins a sentence ("The book"); ``setting`` names the database; ``example`` is an
    address for it; ``loss`` says what it means to begin with an empty one, and ``away`` what to do
    while it cannot be used. ``wait_s``: how long a call waits for one that is locked or far away.
    """

    what: str
    setting: str
    example: str
    error: type[UserError]
    loss: str
    away: str
    wait_s: int

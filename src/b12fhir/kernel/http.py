"""One HTTP exchange in words: what is asked, what came back, and who asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. ``doing`` says it in words that name no patient, for errors.

    Headers and body may hold what proves who we are, so they are not shown.
    """

    method: str
    url: str
    doing: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, read to its end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """Content type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Web(Protocol):
    """Asks what is no FHIR server, and sends no token along."""

    def ask(self, where: str, make: Callable[[], Request]) -> Answer:
        """The answer of ``where``, the address that errors name; redirects are not followed.

        ``make`` is called for each try. Raises `TemporaryServerError` when 429, 5xx or a broken
        connection outlast the patience, and `ServerError` where no secure connection can be had.
        """
        ...

"""The database of the book."""

from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.use import Use
from b12fhir.errors import BookError

# Feedback waits no longer for a database that is locked or far away.
BOOK_USE = Use(
    what="The book",
    setting="B12FHIR_HOOKS_STORE",
    example="sqlite:///state/hooks.sqlite3",
    error=BookError,
    loss="what was answered before is then not known, so every card is shown",
    away="Cards are shown all the same. Check that it is there, can be written and is not locked; "
    "then send the feedback again.",
    wait_s=2,
)


def book_store(url: str, *, wait_s: int | None = None) -> Store:
    """The database that ``url`` names, for the book. Raises `ConfigError`."""
    return Store(url, BOOK_USE, wait_s=wait_s)

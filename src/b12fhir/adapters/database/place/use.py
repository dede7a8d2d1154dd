"""The database of the place."""

from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.use import Use
from b12fhir.errors import StoreError

PLACE_USE = Use(
    what="The state of the sync",
    setting="B12FHIR_SYNC_STORE",
    example="sqlite:///state/sync.sqlite3",
    error=StoreError,
    loss="the next run then reads every patient, and nothing else is lost",
    away="Nothing is lost: what was written stands on the server, and the next run goes on from "
    "there. Check that it is there, has room, can be written and is not locked; then run again.",
    wait_s=30,
)


def place_store(url: str, *, wait_s: int | None = None) -> Store:
    """The database that ``url`` names, for places. Raises `ConfigError`.

    If power fails its last moments may be lost, in their order: that costs time and nothing else.
    """
    return Store(url, PLACE_USE, wait_s=wait_s, is_durable=False)

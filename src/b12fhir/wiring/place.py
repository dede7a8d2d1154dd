"""Where a sync keeps how far it has come. Nothing of the extra `server` is needed without it."""

from collections.abc import Iterator
from contextlib import contextmanager

from b12fhir.fhir.site import Site
from b12fhir.ports import Place
from b12fhir.wiring.extra import INSTALL, not_installed
from b12fhir.wiring.house import House

_NOT_KEPT = "It is not kept how far this run comes, so the next one reads every patient again"


@contextmanager
def opened_place(house: House, site: Site, *, writes: bool = True) -> Iterator[Place | None]:
    """The place of one run on one server; none where nothing is kept.

    Without ``writes`` none is made where there is none. Raises `ConfigError`, `StoreError`.
    """
    url = house.settings.sync_place()
    if not url:
        yield None
        return
    try:
        from b12fhir.adapters.database.place import SqlPlace, place_store  # noqa: PLC0415 - extra
    except ModuleNotFoundError as error:
        if house.settings.sync_store:
            raise not_installed(error, "sync_store cannot be used") from None
        house.say(f"{_NOT_KEPT}: {error.name} is not installed. {INSTALL}, or set it off.")
        yield None
        return
    store = place_store(url)
    try:
        if not (writes or store.exists):
            yield None
            return
        place = SqlPlace(store, site.server_id)
        try:
            yield place
        finally:
            place.close()
    finally:
        store.close()

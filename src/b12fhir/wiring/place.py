"""Where a sync keeps how far it has come. Nothing of the extra `server` is needed without it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import ModuleType

from b12fhir.fhir.site import Site
from b12fhir.ports import Place
from b12fhir.wiring.extra import INSTALL, not_installed
from b12fhir.wiring.house import House

_NOT_KEPT = "It is not kept how far this run comes, so the next one reads every patient again"
_NOT_MADE = (
    "{store} has not the tables of this program, and a dry run makes none: every patient is read."
)


def check_place(house: House) -> None:
    """Raise `ConfigError` where it is named badly; nobody is asked anything."""
    url = house.settings.sync_place()
    if url and (database := _database(house)):
        database.place_store(url).close()


@contextmanager
def opened_place(house: House, site: Site, *, writes: bool = True) -> Iterator[Place | None]:
    """The place of one run on one server; none where nothing is kept.

    Without ``writes`` no database, table or step is made where there is none. Raises `ConfigError`,
    `StoreError`.
    """
    url = house.settings.sync_place()
    database = _database(house) if url else None
    if database is None:
        yield None
        return
    with closing(database.place_store(url)) as store:
        if not (writes or store.is_ready()):
            if store.exists:
                house.say(_NOT_MADE.format(store=store.title))
            yield None
            return
        with closing(database.SqlPlace(store, site.server_id)) as place:
            yield place


def _database(house: House) -> ModuleType | None:
    """The adapter; nothing where its libraries are not installed and nobody asked for it."""
    try:
        from b12fhir.adapters.database import place  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        if house.settings.sync_store:
            raise not_installed(error, "sync_store cannot be used") from None
        house.say(f"{_NOT_KEPT}: {error.name} is not installed. {INSTALL}, or set it off.")
        return None
    return place

"""The databases of the settings, for those who run them. They need what the extra installs."""

from contextlib import closing

from b12fhir.adapters import cli
from b12fhir.errors import OK
from b12fhir.wiring.extra import not_installed
from b12fhir.wiring.house import House


def store(house: House, action: str) -> cli.Diagnosis:
    """Show the databases or bring their tables up to date.

    Raises `ConfigError`, `BookError` or `StoreError` for the first that cannot be used.
    """
    try:
        from b12fhir.adapters.database.book import book_store  # noqa: PLC0415 - needs the extra
        from b12fhir.adapters.database.place import place_store  # noqa: PLC0415 - as above
        from b12fhir.adapters.database.shown import shown, upgraded  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise not_installed(error, "no database can be used") from None
    stores = [book_store(house.settings.hooks_store)]
    if url := house.settings.sync_place():
        stores.append(place_store(url))
    do = upgraded if action == "upgrade" else shown
    lines = []
    for one in stores:
        with closing(one):
            lines += do(one)
    return cli.Diagnosis(lines, OK)

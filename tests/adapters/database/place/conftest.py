"""A place on each thing it can live in, and the runs of several programs on one database."""

from collections.abc import Callable, Iterator

import pytest

from b12fhir.adapters.database.place import SqlPlace, place_store
from b12fhir.adapters.sync.place import PlaceInMemory
from b12fhir.ports import Place

SERVER = "https://fhir.example.org/r4"


@pytest.fixture
def run(url, clock) -> Iterator[Callable[..., SqlPlace]]:
    """Makes a place on the one database: each is the run of another program."""
    made = []

    def make(server: str = SERVER, **options) -> SqlPlace:
        made.append(SqlPlace(place_store(url), server, **{"clock": clock} | options))
        return made[-1]

    yield make
    for place in made:
        place.close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def place(request, clock) -> Iterator[Place]:
    """The same place by each of its makers."""
    if request.param == "memory":
        yield PlaceInMemory()
        return
    url = request.getfixturevalue(f"{request.param}_url")
    made = SqlPlace(place_store(url), SERVER, clock=clock)
    yield made
    made.close()

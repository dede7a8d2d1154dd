"""A book on each database it can live in."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

import psycopg
import pytest

from b12fhir.adapters.database.book import SqlBook, book_store
from b12fhir.adapters.database.store import Store
from tests.adapters.database.book.samples import T0

_NUMBERS = count(1)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = T0

    def __call__(self) -> datetime:
        return self.time

    def move(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sqlite_url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/state/hooks.sqlite3"


@pytest.fixture
def postgres_url(postgres) -> str:
    """A database of its own for each test."""
    name = f"book{next(_NUMBERS)}"
    with psycopg.connect(postgres.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.format(name)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request) -> str:
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def store(url) -> Iterator[Store]:
    store = book_store(url)
    yield store
    store.close()


@pytest.fixture
def book(store, clock) -> Iterator[SqlBook]:
    book = SqlBook(store, clock)
    yield book
    book.close()


@pytest.fixture
def other(url, clock) -> Iterator[SqlBook]:
    """The book of another worker on the same database."""
    book = SqlBook(book_store(url), clock)
    yield book
    book.close()

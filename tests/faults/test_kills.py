"""A run that is killed at any instruction, and started again, ends like one that was left alone."""

import os
from collections.abc import Callable
from itertools import count

import psycopg
import pytest

from tests.faults.kills import torture
from tests.faults.ward import Ward

pytestmark = [pytest.mark.hapi, pytest.mark.slow, pytest.mark.timeout(7200)]
# `make torture` asks for more, from a point of chance that it prints.
KILLS, SEED = int(os.environ.get("KILLS", "20")), int(os.environ.get("SEED", "12"))


@pytest.fixture
def make_any(make_ward: Callable[..., Ward], postgres: str) -> Callable[[], Ward]:
    """Wards whose state is in a file and in PostgreSQL, by turns."""
    numbers = count(1)

    def make() -> Ward:
        number = next(numbers)
        if number % 2:
            return make_ward()
        with psycopg.connect(postgres.format("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE killed{number}")
        return make_ward(B12FHIR_SYNC_STORE=postgres.format(f"killed{number}"))

    return make


def test_killed_runs_end_like_one_that_was_left_alone(quiet, make_any) -> None:
    told = torture(make_any, KILLS, SEED, quiet.check)
    print(f"seed {SEED}: {told}")
    assert told.kills == KILLS
    # Both sides of a commit were among them, and both kinds of state.
    assert told.by_point.keys() >= {"transaction before", "transaction after", "time"}
    assert told.stories > 1

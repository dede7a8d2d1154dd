"""A run that is killed at any instruction, and started again, ends like one that was left alone."""

import os

import pytest

from tests.faults.kills import begin, torture
from tests.faults.ward import untold

pytestmark = [pytest.mark.hapi, pytest.mark.slow, pytest.mark.timeout(7200)]
# `make torture` asks for more, from a point of chance that it prints.
KILLS, SEED = int(os.environ.get("KILLS", "20")), int(os.environ.get("SEED", "12"))


def test_killed_runs_end_like_one_that_was_left_alone(make_ward) -> None:
    quiet = make_ward()
    begin(quiet)
    assert quiet.sync().code == 0
    true_state, true_accounts = quiet.end()

    def check(ward) -> None:
        state, accounts = ward.end()
        assert state == true_state
        assert not untold(accounts, true_accounts)
        assert ward.audit() == []
        assert ward.sync().written == 0

    told = torture(make_ward, KILLS, SEED, check)
    print(f"seed {SEED}: {told}")
    assert told.kills == KILLS
    # Both sides of a commit were among them.
    assert told.by_point.keys() >= {"transaction before", "transaction after", "time"}

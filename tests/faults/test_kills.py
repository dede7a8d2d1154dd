"""A run that is killed at any instruction, and started again, ends like one that was left alone."""

import pytest

from tests.faults.kills import begin, torture

pytestmark = [pytest.mark.hapi, pytest.mark.slow, pytest.mark.timeout(300)]
KILLS, SEED = 20, 12


def test_killed_runs_end_like_one_that_was_left_alone(make_ward) -> None:
    quiet = make_ward()
    begin(quiet)
    assert quiet.sync().code == 0
    state, accounts = quiet.state(), quiet.accounts()

    def check(ward) -> None:
        assert ward.state() == state
        assert not ward.accounts() - accounts
        assert ward.audit() == []
        assert ward.sync().written == 0

    told = torture(make_ward, KILLS, SEED, check)
    print(told)
    assert told.kills == KILLS
    # Both sides of a commit were among them.
    assert told.by_point.keys() >= {"transaction before", "transaction after", "time"}

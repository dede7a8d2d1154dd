"""One caller's calls are limited, others' are not, and memory is not filled by many."""

import pytest

from b12fhir.adapters.cds_hooks import rates
from b12fhir.adapters.cds_hooks.rates import Rates


def test_as_many_as_allowed_pass_then_one_waits():
    """60 a minute: the 61st of one moment may come one second later, and then passes."""
    limit = Rates(60)
    assert [limit.wait("a", 0.0) for _ in range(60)] == [0] * 60
    assert limit.wait("a", 0.0) == pytest.approx(1.0)
    assert limit.wait("a", 0.5) == pytest.approx(0.5)
    assert limit.wait("a", 1.0) == 0
    assert limit.wait("a", 1.0) == pytest.approx(1.0)


def test_what_is_saved_up_is_no_more_than_a_minute():
    limit = Rates(2)
    assert limit.wait("a", 0.0) == 0
    assert [limit.wait("a", 3600.0) > 0 for _ in range(3)] == [False, False, True]


def test_callers_do_not_slow_each_other():
    limit = Rates(1)
    assert limit.wait("a", 0.0) == 0
    assert limit.wait("a", 0.0) > 0
    assert limit.wait("b", 0.0) == 0


def test_no_limit():
    assert not any(Rates(0).wait("a", 0.0) for _ in range(1000))


def test_the_longest_silent_caller_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(rates, "_MOST_CALLERS", 2)
    limit = Rates(1)
    for caller in ("a", "b", "c"):
        assert limit.wait(caller, 0.0) == 0
    assert limit.wait("c", 0.0) > 0
    assert limit.wait("a", 0.0) == 0

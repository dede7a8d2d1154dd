"""Several programs on one database: what one held is taken over when it is gone, and never before.

`run()` makes a place as another program has it. The clock stands until it is moved: a run that says
nothing for a minute is taken for dead.
"""

from dataclasses import replace
from datetime import date, timedelta
from threading import enumerate as enumerate_threads

import pytest

from b12fhir.adapters.database.place import place_store, runs, sqlplace
from b12fhir.adapters.database.place.process import this_process
from b12fhir.adapters.database.tables.place import RUN
from b12fhir.errors import StoreError
from b12fhir.ports import Found, FullRead, Version
from tests.adapters.database.book.samples import T0, eventually

ANNA, BEN, CARL = (f"Patient/{name}" for name in ("anna", "ben", "carl"))
SATURDAY = date(2026, 11, 21)


def names(turns) -> list[str]:
    return [turn.patient for turn in turns]


def note(place, *patients) -> None:
    place.note(Found(patients=patients))


def count(place, table) -> int:
    with place._store.begin() as connection:
        return len(connection.execute(table.select()).all())


def emptied(url, statement: str) -> None:
    """What an operator may do meanwhile."""
    store = place_store(url)
    with store.begin(writes=True) as connection:
        connection.exec_driver_sql(statement)
    store.close()


@pytest.fixture
def elsewhere(monkeypatch) -> None:
    """Runs are of another machine: whether their process lives cannot be seen from here."""
    there = replace(this_process(), boot="another start of another machine")
    monkeypatch.setattr(runs, "this_process", lambda: there)


def test_two_runs_share_the_queue(run):
    first, second = run(), run()
    note(first, ANNA, BEN, CARL)
    assert names(first.claim(1)) == [ANNA]
    assert names(second.claim(5)) == [BEN, CARL]
    assert second.claim_only(ANNA) is None
    assert (first.waiting(), second.waiting()) == (0, 0)


def test_servers_know_nothing_of_each_other(run):
    """One database for many: a patient of one server is nobody on another."""
    here, there = run("https://a.example.org"), run("https://b.example.org")
    note(here, ANNA)
    here.note(Found(marks={"Goal": T0}, seen=[Version("Goal", "g", "1", T0)]))
    assert there.waiting() == 0
    assert there.claim_only(ANNA).patient == ANNA
    assert (there.marks(), there.seen("Goal")) == ({}, frozenset())
    assert names(here.claim(1)) == [ANNA]
    with here.finding(0) as one, there.finding(0) as other:
        assert one
        assert other


def test_only_one_run_at_a_time_looks_for_changes(run):
    first, second = run(), run()
    with first.finding(0) as has_it:
        assert has_it
        with second.finding(0.3) as other:
            assert not other
    with second.finding(0) as has_it:
        assert has_it


@pytest.mark.usefixtures("elsewhere")
def test_what_a_silent_run_held_is_taken_over_after_a_minute(run, clock):
    first, second = run(), run()
    note(first, ANNA)
    [lost] = first.claim(1)
    lease = first.finding(0)
    assert lease.__enter__()
    clock.move(seconds=60)
    assert list(second.claim(1)) == []
    clock.move(seconds=1)
    [taken] = second.claim(1)
    assert taken.patient == ANNA
    with second.finding(0) as has_it:
        assert has_it
        # It comes back, and what it ends is not its own any more.
        first.end(lost, [Version("Goal", "g", "1", T0)], SATURDAY)
        first.give_back(lost)
        lease.__exit__(None, None, None)
        with run().finding(0) as third:
            assert not third
    assert first.seen("Goal") == frozenset()
    assert first.claim_only(ANNA) is None
    second.end(taken)
    assert first.waiting() == 0
    # And it goes on as a new run.
    note(first, BEN)
    assert names(first.claim(1)) == [BEN]
    assert second.claim_only(BEN) is None


@pytest.mark.usefixtures("elsewhere")
def test_a_run_that_speaks_is_not_taken_over(run, clock):
    first, second = run(), run()
    note(first, ANNA, BEN)
    first.claim(1)
    clock.move(seconds=50)
    assert names(first.claim(1)) == [BEN]
    clock.move(seconds=50)
    assert list(second.claim(2)) == []


@pytest.mark.usefixtures("elsewhere")
def test_a_run_speaks_by_itself_while_it_works(run, clock, monkeypatch):
    """A patient may take longer than a minute to read."""
    monkeypatch.setattr(sqlplace, "BEAT_S", 0.02)
    first, second = run(), run()
    note(first, ANNA)
    first.claim(1)
    clock.move(seconds=50)

    def spoken() -> bool:
        with first._store.begin() as connection:
            until = max(row.until for row in connection.execute(RUN.select()))
        return until == int(T0.timestamp() * 1000) + 110_000

    assert eventually(spoken)
    clock.move(seconds=50)
    assert list(second.claim(1)) == []


def test_a_run_whose_process_is_gone_is_taken_over_at_once(run, monkeypatch):
    gone = replace(this_process(), started="long before")
    with monkeypatch.context() as patch:
        patch.setattr(runs, "this_process", lambda: gone)
        first = run()
        note(first, ANNA)
        first.claim(1)
        lease = first.finding(0)
        assert lease.__enter__()
    second = run()
    assert list(second.peek(SATURDAY)) == [ANNA]
    assert names(second.claim(1)) == [ANNA]
    with second.finding(0) as has_it:
        assert has_it
    lease.__exit__(None, None, None)


@pytest.mark.usefixtures("elsewhere")
def test_a_full_read_that_lost_its_lease_does_not_count(run, clock):
    """Others have read all by other rules since, and ended turns nobody would look at again."""
    first, second = run(), run()
    with first.finding(0):
        note(first, ANNA)
        clock.move(seconds=61)
        with second.finding(0) as has_it:
            assert has_it
            note(second, ANNA)
            second.note(Found(marks={"Goal": T0}), FullRead(T0, "pack 2"))
        [anna] = second.claim(1)
        first.note(Found([BEN], {"Goal": T0 - timedelta(days=1)}), FullRead(T0, "pack 1"))
        second.end(anna, rules="pack 2")
    assert second.full_read() == FullRead(T0, "pack 2")
    assert second.marks() == {"Goal": T0}
    assert second.waiting() == 0
    # What it finds after that counts.
    first.note(Found([BEN]), FullRead(T0, "pack 1"))
    assert second.full_read() == FullRead(T0, "pack 1")


def test_what_one_run_gave_back_another_that_begins_later_tries(run):
    """And the first does not try again for it: two would hand a patient to and fro for ever."""
    first, second = run(), run()
    note(first, ANNA, BEN)
    assert second.waiting() == 2
    [anna] = first.claim(1)
    first.give_back(anna)
    assert names(second.claim(5)) == [BEN]
    third = run()
    assert third.waiting() == 1
    assert list(first.claim(5)) == []
    fourth = run()
    note(fourth, CARL)
    assert names(first.claim(1)) == [CARL]
    fifth = run()
    assert names(fifth.claim(5)) == [ANNA]


@pytest.mark.usefixtures("elsewhere")
def test_a_record_that_kills_each_run_keeps_nobody_from_a_turn(run, clock):
    """What a dead run held comes after all others, also to a dry run; an ended one gives back."""
    first, second = run(), run()
    note(first, ANNA, BEN)
    first.claim(1)
    clock.move(seconds=61)
    assert list(second.peek(SATURDAY)) == [BEN, ANNA]
    assert names(second.claim(2)) == [BEN, ANNA]
    second.close()
    assert names(run().claim(2)) == [ANNA, BEN]


def test_a_run_that_ended_leaves_no_row(run):
    place, other = run(), run()
    note(place, ANNA)
    assert count(other, RUN) == 1
    place.close()
    assert count(other, RUN) == 0
    place.close()


def test_a_turn_that_ends_after_its_run_opens_nothing(run):
    """A thread that was not waited for: the turn is free, and the connections stay closed."""
    place, other = run(), run()
    note(place, ANNA, BEN)
    late, later = place.claim(2)
    place.close()
    place.end(late, [Version("Goal", "g", "1", T0)], SATURDAY)
    place.give_back(later)
    assert place._store._engine is None
    assert names(other.claim(5)) == [ANNA, BEN]
    assert other.seen("Goal") == frozenset()


def test_the_last_beat_does_not_come_after_the_end(run, monkeypatch):
    """It was due while the run was being closed."""
    monkeypatch.setattr(sqlplace, "BEAT_S", 0.01)
    place = run()
    note(place, ANNA)
    (beat,) = (one for one in enumerate_threads() if one.name == "b12fhir-sync-beat")
    with place._lock:
        # Long enough for it to wait for the lock.
        beat.join(0.2)
        place._over.set()
        place._store.close()
    beat.join(20)
    assert not beat.is_alive()
    assert place._store._engine is None


def test_by_the_clock_of_the_database(run, url, monkeypatch):
    """Machines whose clocks differ agree on who is silent."""
    first, second = run(clock=None), run(clock=None)
    note(first, ANNA)
    first.claim(1)
    assert list(second.claim(1)) == []
    # As the process runs on another machine, and has been silent since before this very moment.
    there = replace(this_process(), boot="another start of another machine")
    monkeypatch.setattr(runs, "this_process", lambda: there)
    assert list(run(clock=None).claim(1)) == []
    emptied(url, "UPDATE sync_run SET until = until - 60001")
    assert names(run(clock=None).claim(1)) == [ANNA]


@pytest.mark.parametrize("what", ["DELETE FROM sync_place", "DELETE FROM sync_run"])
def test_a_place_that_was_emptied_says_so(run, url, what):
    """Without the run alone, it was taken for dead; without the server, nothing is known."""
    place = run()
    note(place, ANNA)
    emptied(url, "DELETE FROM sync_run")
    emptied(url, what)
    if what == "DELETE FROM sync_run":
        assert names(place.claim(1)) == [ANNA]
        return
    with pytest.raises(StoreError, match="taken away or emptied") as caught:
        place.claim(1)
    assert caught.value.exit_code == 15
    assert "every patient is then read" in str(caught.value)
    place.close()
    assert run().full_read() is None

"""What a place promises, in memory and in each database: nobody is lost, and nobody held twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Event, Thread

import pytest

from b12fhir.ports import Expected, Found, FullRead, Reader, Version, begun

# Stamps as servers give them; in another zone than UTC, to the microsecond.
NOON = datetime.fromisoformat("2026-11-21T17:45:00.123456+05:45")
ANNA, BEN, CARL, DORA = (f"Patient/{name}" for name in ("anna", "ben", "carl", "dora"))
FRIDAY, SATURDAY = date(2026, 11, 20), date(2026, 11, 21)


def names(turns) -> list[str]:
    return [turn.patient for turn in turns]


def note(place, *patients) -> None:
    place.note(Found(patients=patients))


def end_all(place, **options) -> list[str]:
    """Work off what waits, one by one."""
    done = []
    while turns := place.claim(1):
        place.end(turns[0], **options)
        done += names(turns)
    return done


# The queue


def test_a_new_place_knows_nothing(place):
    assert place.full_read() is None
    assert place.marks() == {}
    assert place.seen("Observation") == frozenset()
    assert place.waiting() == 0
    assert list(place.peek(SATURDAY)) == []
    assert list(place.claim(5)) == []


def test_patients_come_in_the_order_of_their_notes_each_once(place):
    note(place, BEN, ANNA, BEN)
    note(place, CARL, ANNA)
    assert place.waiting() == 3
    assert list(place.peek(SATURDAY)) == [BEN, ANNA, CARL]
    assert names(place.claim(2)) == [BEN, ANNA]
    assert place.waiting() == 1
    assert names(place.claim(2)) == [CARL]
    assert list(place.claim(2)) == []


def test_who_is_done_waits_no_more_and_goes_last_when_noted_again(place):
    note(place, ANNA, BEN)
    [anna] = place.claim(1)
    place.end(anna)
    note(place, ANNA)
    assert end_all(place) == [BEN, ANNA]
    assert place.waiting() == 0


def test_a_note_during_a_turn_is_another_wait(place):
    """What changed after the patient was read was not considered."""
    note(place, ANNA, BEN)
    [anna] = place.claim(1)
    note(place, ANNA)
    assert place.waiting() == 1
    place.end(anna)
    assert place.waiting() == 2
    assert end_all(place) == [BEN, ANNA]


def test_who_is_given_back_waits_for_the_next_run(place):
    note(place, ANNA, BEN)
    [anna] = place.claim(1)
    place.give_back(anna)
    assert place.waiting() == 1
    assert end_all(place) == [BEN]
    assert list(place.claim(1)) == []
    assert list(place.peek(SATURDAY)) == [ANNA]
    place.close()
    assert end_all(place) == [ANNA]


def test_who_is_given_back_and_noted_again_is_tried_again(place):
    note(place, ANNA)
    [anna] = place.claim(1)
    place.give_back(anna)
    note(place, ANNA)
    assert names(place.claim(1)) == [ANNA]


def tried_in_vain(place, *patients) -> None:
    """Noted, claimed and given back by a run that is over."""
    note(place, *patients)
    for turn in place.claim(len(patients)):
        place.give_back(turn, tried=True)
    place.close()


def test_who_was_tried_in_vain_comes_after_all_who_were_not(place):
    """A record that cannot be read would else have the first turn of each run."""
    tried_in_vain(place, ANNA, BEN)
    note(place, CARL)
    [carl] = place.claim(1)
    place.give_back(carl)
    place.close()
    note(place, DORA)
    assert place.waiting() == 4
    assert list(place.peek(SATURDAY)) == [CARL, DORA, ANNA, BEN]
    assert names(place.claim(1)) == [CARL]
    assert names(place.claim(2)) == [DORA, ANNA]
    assert names(place.claim(9)) == [BEN]


def test_who_was_tried_in_vain_and_is_noted_again_waits_like_everybody(place):
    """What is new may mend it; so nobody is put off beyond the next full read, which notes all."""
    tried_in_vain(place, ANNA, BEN)
    note(place, CARL, ANNA)
    note(place, DORA)
    assert list(place.peek(SATURDAY)) == [CARL, ANNA, DORA, BEN]
    assert end_all(place) == [CARL, ANNA, DORA, BEN]


def test_who_was_tried_in_vain_and_whose_day_has_come_waits_like_everybody(place):
    note(place, ANNA, BEN)
    for turn in place.claim(2):
        place.end(turn, again_on=SATURDAY)
    tried_in_vain(place, ANNA)
    note(place, CARL)
    assert list(place.peek(SATURDAY)) == [CARL, BEN, ANNA]
    place.wake(SATURDAY)
    assert set(end_all(place)) == {CARL, BEN, ANNA}


def test_one_turn_in_vain_is_forgotten_with_the_next(place):
    tried_in_vain(place, ANNA)
    [anna] = place.claim(1)
    place.give_back(anna)
    place.close()
    note(place, BEN)
    assert end_all(place) == [ANNA, BEN]


def test_a_note_during_a_turn_outlasts_that_it_is_given_back(place):
    note(place, ANNA)
    [anna] = place.claim(1)
    note(place, ANNA)
    place.give_back(anna)
    assert place.waiting() == 1
    assert end_all(place) == [ANNA]


def test_a_turn_that_is_over_is_over(place):
    """Ending twice, or giving back what was ended, must not touch whoever has it now."""
    note(place, ANNA)
    [first] = place.claim(1)
    place.end(first)
    note(place, ANNA)
    [second] = place.claim(1)
    place.end(first, [Version("Observation", "o1", "1", NOON)], SATURDAY)
    place.give_back(first)
    assert place.claim_only(ANNA) is None
    assert place.seen("Observation") == frozenset()
    place.end(second)
    assert place.waiting() == 0


def test_the_turn_of_one_patient_can_be_asked_for(place):
    note(place, BEN, ANNA)
    anna = place.claim_only(ANNA)
    assert anna.patient == ANNA
    assert place.claim_only(ANNA) is None
    assert names(place.claim(5)) == [BEN]
    place.end(anna)
    # Known no more than by this: waits nowhere, and comes when asked for.
    carl = place.claim_only(CARL)
    place.end(carl)
    assert place.waiting() == 0
    assert place.claim_only(ANNA).patient == ANNA


def test_who_was_asked_for_and_could_not_be_done_is_not_lost(place):
    place.give_back(place.claim_only(ANNA))
    assert list(place.claim(1)) == []
    place.close()
    assert end_all(place) == [ANNA]


def test_a_day_wakes_who_is_due_in_the_order_of_the_notes(place):
    note(place, CARL, ANNA, BEN, DORA)
    for turn in place.claim(4):
        due = {CARL: FRIDAY, ANNA: SATURDAY, BEN: SATURDAY + timedelta(days=1), DORA: None}
        place.end(turn, again_on=due[turn.patient])
    note(place, DORA)
    assert list(place.peek(SATURDAY)) == [DORA, CARL, ANNA]
    place.wake(SATURDAY)
    assert end_all(place) == [DORA, CARL, ANNA]
    place.wake(SATURDAY)
    assert place.waiting() == 0


def test_who_is_woken_while_waiting_or_held_is_asked_once_more(place):
    note(place, ANNA, BEN, CARL)
    assert end_all(place, again_on=FRIDAY) == [ANNA, BEN, CARL]
    note(place, CARL, BEN)
    [carl] = place.claim(1)
    place.wake(FRIDAY)
    place.end(carl)
    # Ben keeps his place; Anna and Carl were woken in the order of their notes: Anna's is older.
    assert end_all(place) == [BEN, ANNA, CARL]
    # To be ended without a day is not to be woken.
    place.wake(SATURDAY)
    assert place.waiting() == 0


def test_who_has_a_turn_is_not_peeked_at(place):
    note(place, ANNA, BEN)
    place.claim(1)
    assert list(place.peek(SATURDAY)) == [BEN]
    assert names(place.claim(1)) == [BEN]


def test_what_a_run_holds_at_its_end_is_free_for_the_next(place):
    note(place, ANNA, BEN)
    place.claim(1)
    place.close()
    assert place.waiting() == 2
    assert end_all(place) == [ANNA, BEN]


# Changes


def test_marks_move_by_type_in_the_servers_own_time(place):
    place.note(Found(marks={"Observation": NOON, "Condition": NOON}))
    later = NOON + timedelta(microseconds=1)
    place.note(Found(marks={"Observation": later}))
    assert place.marks() == {"Observation": later, "Condition": NOON}
    # A server that was restored is behind what it was.
    place.note(Found(marks={"Condition": NOON - timedelta(days=3)}))
    assert place.marks()["Condition"] == NOON - timedelta(days=3)


def test_versions_are_seen_by_type_until_they_are_forgotten(place):
    old, new = NOON - timedelta(hours=1), NOON
    note(place, ANNA)
    [anna] = place.claim(1)
    place.note(
        Found(seen=[Version("Observation", "o1", "1", old), Version("Goal", "o1", "1", old)])
    )
    place.end(anna, [Version("Observation", "o2", "7", new)])
    assert place.seen("Observation") == {("o1", "1"), ("o2", "7")}
    place.note(Found(forget={"Observation": new}))
    assert place.seen("Observation") == {("o2", "7")}
    assert place.seen("Goal") == {("o1", "1")}


def test_a_version_that_is_seen_again_is_kept_for_its_newer_moment(place):
    """A server may give one version twice; it is forgotten by its later stamp."""
    one = Version("Observation", "o1", "1", NOON)
    place.note(Found(seen=[one]))
    place.note(Found(seen=[Version("Observation", "o1", "1", NOON + timedelta(hours=1))]))
    place.note(Found(forget={"Observation": NOON + timedelta(minutes=1)}))
    assert place.seen("Observation") == {("o1", "1")}


def test_the_last_full_read_is_kept_with_what_decided_then(place):
    place.note(Found(), FullRead(NOON, "pack 1"))
    assert place.full_read() == FullRead(NOON, "pack 1")
    note(place, ANNA)
    assert place.full_read() == FullRead(NOON, "pack 1")
    place.note(Found(), FullRead(NOON.astimezone(UTC), "pack 2"))
    assert place.full_read().fingerprint == "pack 2"


@pytest.mark.parametrize(
    ("last", "is_done"),
    [
        ("pack 1", False),
        ("pack 2", True),
        # While all are noted because of a pack, only what it decides counts.
        (begun("pack 1"), False),
        (begun("pack 2"), True),
    ],
)
def test_who_was_judged_by_other_rules_than_all_others_waits(place, last, is_done):
    place.note(Found([ANNA, BEN]), FullRead(NOON, "pack 0"))
    anna, ben = place.claim(2)
    place.note(Found(), FullRead(NOON, last))
    place.end(anna, [Version("Goal", "g", "1", NOON)], SATURDAY, "pack 2")
    place.end(ben, rules="")  # a run that goes by nobody's rules
    assert place.claim(5) == []  # and not in this run: it would judge the same
    assert list(place.peek(FRIDAY)) == ([] if is_done else [ANNA])
    assert place.seen("Goal") == ({("g", "1")} if is_done else frozenset())


def test_where_nothing_was_read_yet_any_rules_count(place):
    note(place, ANNA)
    place.end(*place.claim(1), rules="pack 1")
    assert list(place.peek(FRIDAY)) == []


def test_what_is_known_outlasts_a_run(place):
    place.note(
        Found([ANNA], {"Goal": NOON}, [Version("Goal", "g", "1", NOON)]), FullRead(NOON, "pack")
    )
    place.close()
    assert place.marks() == {"Goal": NOON}
    assert place.seen("Goal") == {("g", "1")}
    assert place.full_read() == FullRead(NOON, "pack")
    assert place.waiting() == 1


# Several at once


def test_threads_never_hold_a_patient_twice_and_lose_nobody(place):
    everybody = [f"Patient/{number}" for number in range(60)]
    note(place, *everybody)

    def work(_) -> list[str]:
        done = []
        while turns := place.claim(3):
            for turn in turns:
                done.append(turn.patient)
                place.end(turn)
        return done

    with ThreadPoolExecutor(4) as pool:
        done = [name for part in pool.map(work, range(4)) for name in part]
    assert sorted(done) == sorted(everybody)


def test_one_thread_at_a_time_looks_for_changes(place):
    with place.finding(0) as first:
        assert first
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: _has_lease(place, 0)).result() is False
    assert _has_lease(place, 0)


def test_who_waits_for_the_lease_gets_it_when_it_is_free(place):
    has_it, got = Event(), []

    def wait() -> None:
        has_it.set()
        got.append(_has_lease(place, 20))

    with place.finding(0) as first:
        assert first
        waiter = Thread(target=wait)
        waiter.start()
        has_it.wait()
        note(place, ANNA)
    waiter.join()
    assert got == [True]


def test_the_lease_is_free_after_a_failure(place):
    with pytest.raises(RuntimeError, match="in mid-look"), place.finding(0):
        raise RuntimeError("in mid-look")
    assert _has_lease(place, 0)


def _has_lease(place, wait_s: float) -> bool:
    with place.finding(wait_s) as has_it:
        return has_it


# What the next turn must show


def version(number: int, *, id_: str = "o1", minutes: int = 0) -> Version:
    return Version("Observation", id_, str(number), NOON + timedelta(minutes=minutes))


def test_what_a_record_must_show_comes_with_the_turn(place):
    anna = [Expected(ANNA, version(2), NOON), Expected(ANNA, version(1, id_="o2"), NOON)]
    ben = Expected(BEN, version(2), NOON, is_there=False)
    place.note(Found([ANNA, BEN, CARL], expected=[*anna, ben]))
    assert sorted(place.expected(), key=str) == sorted([*anna, ben], key=str)
    turns = place.claim(9)
    assert [set(turn.expects) for turn in turns] == [set(anna), {ben}, set()]


def test_a_turn_that_is_ended_has_seen_it_and_one_given_back_has_not(place):
    expected = [Expected(ANNA, version(2), NOON), Expected(BEN, version(2), NOON)]
    place.note(Found([ANNA, BEN], expected=expected))
    anna, ben = place.claim(2)
    place.end(anna)
    place.give_back(ben)
    assert place.expected() == [expected[1]]
    place.close()
    [again] = place.claim(2)
    assert again.expects == (expected[1],)


def test_of_one_resource_the_newest_is_expected_however_late_the_older_is_heard_of(place):
    """A copy that lags behind tells of it a second time; what is as late was heard later."""
    newest = Expected(ANNA, version(3, minutes=3), NOON)
    place.note(Found([ANNA], expected=[Expected(ANNA, version(2, minutes=2), NOON), newest]))
    place.note(Found([ANNA], expected=[Expected(ANNA, version(1, minutes=1), NOON)]))
    assert place.expected() == [newest]
    gone = Expected(ANNA, version(4, minutes=3), NOON, is_there=False)
    place.note(Found(expected=[gone]))
    assert place.expected() == [gone]


def test_what_is_heard_during_a_turn_is_for_the_next(place):
    place.note(Found([ANNA], expected=[Expected(ANNA, version(1), NOON)]))
    [turn] = place.claim(1)
    more = [Expected(ANNA, version(2, minutes=1), NOON), Expected(ANNA, version(1, id_="x"), NOON)]
    place.note(Found([ANNA], expected=more))
    place.end(turn)
    assert sorted(place.expected(), key=str) == sorted(more, key=str)
    assert set(place.claim_only(ANNA).expects) == set(more)


def test_a_turn_that_somebody_else_took_over_has_seen_nothing(place):
    expected = Expected(ANNA, version(1), NOON)
    place.note(Found([ANNA], expected=[expected]))
    [turn] = place.claim(1)
    place.end(replace(turn, by="somebody else"))
    assert place.expected() == [expected]


# What decides


def test_what_decides_is_known_by_its_first_and_last_look(place):
    later = NOON + timedelta(hours=1)
    assert list(place.readers()) == []
    place.appear("old", NOON, anew=False)
    place.appear("new", later, anew=False)
    place.appear("old", later, anew=False)
    assert set(place.readers()) == {Reader("old", NOON, later), Reader("new", later, later)}
    place.appear("old", later, anew=True)
    assert set(place.readers()) == {Reader("old", later, later), Reader("new", later, later)}

"""What holds for any course, any doses and any day: nothing is doubled, lost or late by mistake."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b12fhir.fhir.calendar import calendar, sequence
from b12fhir.fhir.course import dose_records, read_courses
from b12fhir.fhir.extract import extract
from b12fhir.fhir.stored_timing import read_timing
from b12fhir.fhir.timing import phase_timing
from b12fhir.kernel.dates import add_days, shift
from b12fhir.kernel.truth import Truth
from b12fhir.plan.run import runs_of
from b12fhir.plan.schedule import Schedule, due_days, schedule_of, slots
from b12fhir.plan.slots import dose_log
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import Span
from tests.support.builders import build_phase
from tests.support.courses import (
    D0,
    EVERY_OTHER_DAY,
    LIMITS,
    PATIENT,
    SITE,
    administered,
    course,
    dose,
    log,
    maintenance,
    monthly,
    order,
    phase,
    signed_plan,
)

PROTOCOL = load_protocol()
SPANS = st.builds(Span, st.integers(1, 12), st.sampled_from(["d", "wk", "mo"]))
STARTS = st.dates(date(2024, 1, 1), date(2032, 12, 31))
PLANS = st.sampled_from(
    [
        course(),
        course(phase(), maintenance()),
        course(phase(Schedule(D0, interval=Span(1, "wk"), count=4))),
        course(phase(Schedule(D0, interval=Span(1, "wk"), days=(0, 2, 4), count=6))),
        course(phase(Schedule(D0, weekdays=(0, 2, 4), count=6))),
        course(maintenance(Schedule(D0, interval=Span(1, "mo")))),
        course(phase(changed=add_days(D0, 5)), maintenance()),
    ]
)
RECORDS = st.lists(
    st.builds(
        lambda number, given_, rank, declined: dose(
            number,
            reference=f"Record/{number}-{rank}",
            given=Truth.NO if declined else given_,
            rank=rank,
            declined=declined,
        ),
        st.integers(0, 120),
        st.sampled_from([Truth.YES, Truth.YES, Truth.YES, Truth.UNKNOWN]),
        st.integers(0, 2),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=12,
    unique_by=lambda one: one.reference,
)
DAYS = st.integers(0, 150)
always = settings(max_examples=100)


@st.composite
def planned(draw: st.DrawFn):
    """A phase as a plan has them: counted, timed or open."""
    kind = draw(st.sampled_from(["counted", "timed", "open"]))
    start = draw(STARTS)
    length = draw(st.integers(1, 400))
    return build_phase(
        interval=draw(SPANS),
        count=draw(st.integers(1, 30)) if kind == "counted" else 0,
        start=start,
        last=None,
        end=add_days(start, length) if kind == "timed" else None,
    )


@always
@given(planned())
def test_what_is_written_is_read_back_with_its_own_days(phase_) -> None:
    until = shift(phase_.start, 18, "mo")
    found = read_timing(phase_timing(phase_), UTC)
    assert found.schedule == schedule_of(phase_)
    days = due_days(found.schedule, until)
    assert days[0] == phase_.start
    if not found.schedule.is_daily:
        assert [slot.due for slot in slots((phase_,), until)] == list(days)
    if phase_.count:
        assert len(days) == phase_.count
    if phase_.end is not None and not phase_.count:
        assert days[-1] < phase_.end


@always
@given(PLANS, RECORDS, DAYS)
def test_nothing_is_doubled(plan, records, as_of) -> None:
    """No two slots of a phase on days closer than the least gap, and at most one late at a time."""
    found = log(*records, plan=plan, as_of=as_of)
    for run in runs_of(plan, LIMITS):
        open_ = [slot.due for slot in found.slots if slot.phase == run.phase.id and slot.is_open]
        gaps = [(later - earlier).days for earlier, later in pairwise(open_)]
        assert all(gap >= run.window.least_gap for gap in gaps)
    assert sum(slot.is_late for slot in found.slots) <= 1


@always
@given(PLANS, RECORDS, DAYS)
def test_the_number_of_doses_stays(plan, records, as_of) -> None:
    """Given and still to give make the count; slots are numbered through and none is lost."""
    found = log(*records, plan=plan, as_of=as_of)
    for one in plan.phases:
        mine = [slot for slot in found.slots if slot.phase == one.id]
        assert [slot.ordinal for slot in mine] == list(range(1, len(mine) + 1))
        if one.schedule.count:
            doses = [slot for slot in mine if slot.status.value != "skipped"]
            assert len(doses) == one.schedule.count


@always
@given(PLANS, RECORDS, DAYS)
def test_each_day_gives_one_dose_and_each_dose_is_told_once(plan, records, as_of) -> None:
    found = log(*records, plan=plan, as_of=as_of)
    given_on = [s.given for s in (*found.slots, *found.beside) if s.given is not None]
    assert len(set(given_on)) == len(given_on)
    known = {one.day for one in records if one.given.is_yes and one.day <= add_days(D0, as_of)}
    assert set(given_on) == known


@always
@given(PLANS, RECORDS, DAYS)
def test_the_order_of_the_records_does_not_matter(plan, records, as_of) -> None:
    """But for what is asked, which keeps the order of the records."""
    found, other = (log(*rows, plan=plan, as_of=as_of) for rows in (records, records[::-1]))
    assert (found.slots, found.beside) == (other.slots, other.beside)


@always
@given(RECORDS, DAYS, SPANS)
def test_no_change_of_the_order_makes_a_missed_dose(records, as_of, interval) -> None:
    """On the very day of the change nothing is late, whatever went before (R-136)."""
    today = add_days(D0, as_of)
    edited = replace(EVERY_OTHER_DAY, interval=interval)
    found = log(*records, plan=course(phase(edited, changed=today)), as_of=as_of)
    assert found.late is None


@always
@given(PLANS, RECORDS, DAYS, st.integers(0, 60))
def test_the_calendar_does_not_change_while_nothing_happens(plan, records, as_of, later) -> None:
    """Only an open-ended phase is written out further."""
    counted = replace(plan, phases=tuple(one for one in plan.phases if one.schedule.count))
    known = [one for one in records if one.day <= add_days(D0, as_of)]
    first, second = (
        calendar([(counted, dose_log(counted, known, LIMITS, add_days(D0, day)))])
        for day in (as_of, as_of + later)
    )
    assert first == second


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["move", "hold", "release", "dose", "withdraw", "plan"]),
        st.integers(1, 60 * 60 * 24 * 3),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.slow
@settings(always, max_examples=30)
@given(WRITES)
def test_the_sequence_grows_with_every_write(writes) -> None:
    """Whatever is done on the server, in any order: the number of the events only grows."""
    clock = datetime(2026, 11, 21, 9, tzinfo=UTC)
    plan, load, doses, seen = signed_plan(), order(), [], []
    for kind, seconds in writes:
        clock += timedelta(seconds=seconds)
        meta = {"meta": {"lastUpdated": clock.isoformat().replace("+00:00", "Z")}}
        if kind == "dose":
            when = f"{clock.date()}"
            doses.append({**administered(when), "id": f"d{len(doses)}", **meta})
        elif kind == "withdraw" and doses:
            doses[-1] = {**doses[-1], "status": "entered-in-error", **meta}
        elif kind == "plan":
            plan = {**plan, **meta}
        else:
            load = {**load, "status": "on-hold" if kind == "hold" else "active", **meta}
        everything = [PATIENT, plan, load, monthly(), *doses]
        facts = extract(everything, PROTOCOL, SITE)
        (found,) = read_courses(everything, facts, PROTOCOL.pack, SITE)
        dose_records(everything, facts, found, SITE)
        seen.append(sequence(found))
    assert seen == sorted(set(seen))

"""The run works off its queue: nobody is lost, nobody is seen to twice, a stop costs only time.

On the place in memory, on SQLite and on PostgreSQL. The decision is the simple one
of `test_sync`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier, Event, Thread, Timer, current_thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest

from b12fhir.adapters.database.place import SqlPlace, place_store
from b12fhir.adapters.sync import SyncReport, SyncSettings, sync
from b12fhir.adapters.sync import patient as patient_module
from b12fhir.adapters.sync import run as run_module
from b12fhir.adapters.sync.crew import NAME
from b12fhir.adapters.sync.finding import Wish
from b12fhir.adapters.sync.place import PlaceInMemory
from b12fhir.errors import StoreError, TemporaryServerError
from b12fhir.fhir.site import Site
from b12fhir.ports import AuditEntry, Found, FullRead, Place, Recalled, Turn, begun
from tests.adapters.test_sync import AS_OF, PROTOCOL, SITE, Server, b12, fake_propose, person, ward

DAY = timedelta(days=1)
TODAY = AS_OF.date()

pytestmark = pytest.mark.usefixtures("simple_decision")


@pytest.fixture
def simple_decision(monkeypatch) -> None:
    monkeypatch.setattr(patient_module, "propose", fake_propose)
    monkeypatch.setattr(patient_module, "turns_on", lambda *_: None)


Opener = Callable[[], Place]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def opened(request, tmp_path) -> Iterator[Opener]:
    """Opens the place of one more run."""
    if request.param == "memory":
        place = PlaceInMemory()
        yield lambda: place
        return
    url = f"sqlite:///{tmp_path}/sync.sqlite3"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").format("postgres")
    server, places = request.node.name, []

    def another() -> SqlPlace:
        # A store of its own, as each run has: whoever closes one closes nobody else's connections.
        places.append(SqlPlace(place_store(url), server))
        return places[-1]

    yield another
    for place in places:
        place.close()


def run(server: Server, opened: Opener, **more: Any) -> SyncReport:
    """One run with a place of its own, closed at its end."""
    given = {
        name: more.pop(name) for name in ("wish", "as_of", "done", "begin", "audit") if name in more
    }
    site = more.pop("site", SITE)
    chosen = SyncSettings(**{"workers": 2, "pause": lambda _: None, "jitter": float} | more)
    place = opened()
    try:
        as_of = given.pop("as_of", AS_OF)
        given.setdefault("wish", Wish(now=as_of))
        return sync(server, PROTOCOL, site, as_of, chosen, place=place, **given)
    finally:
        place.close()


def kinds(report: SyncReport) -> dict[str, str]:
    return {result.patient.removeprefix("Patient/"): result.kind for result in report.results}


def read(server: Server) -> set[str]:
    """Whose record was asked for since the last time."""
    asked = {params["patient"] for kind, params in server.asked if "patient" in params}
    server.asked.clear()
    return asked


def test_every_patient_has_one_turn_however_many_work(opened):
    names = [f"p{number}" for number in range(12)]
    server = ward(*names)
    report = run(server, opened, workers=4)
    assert kinds(report) == dict.fromkeys(names, "create")
    assert len(report.results) == len(server.all("CarePlan")) == 12
    assert (report.undone, report.partial) == (0, False)


def test_who_could_not_be_read_waits_for_the_next_run(opened):
    server = ward("a", "b")
    server.search_fails["Condition", "a"] = TemporaryServerError("Silent.")
    first = run(server, opened)
    assert kinds(first) == {"a": "undecided", "b": "create"}
    assert (first.undone, first.partial) == (1, True)
    assert "Waiting for the next run: 1 patients." in first.lines()
    place = opened()
    assert list(place.peek(TODAY)) == ["Patient/a"]
    place.close()
    server.search_fails.clear()
    assert kinds(run(server, opened))["a"] == "create"


def test_who_could_not_be_read_comes_after_those_not_tried_yet(opened):
    """However often: records that cost minutes each must not keep the others from their turn."""
    server = ward("a", "b")
    server.search_fails["Condition", "a"] = TemporaryServerError("Silent.")
    run(server, opened)
    for name in "cd":
        server.put(person(name))
        report = run(server, opened, workers=1)
        assert list(kinds(report)) == [name, "a"]


def test_a_note_during_a_turn_gives_another_turn(opened):
    """What changes while a patient is being decided on must not be lost."""
    server = ward("a")
    other = opened()
    noted: list[str] = []

    def note() -> None:
        if not noted:
            noted.append("a")
            other.note(Found(patients=["Patient/a"]))

    server.before_write = note
    report = run(server, opened)
    assert [result.kind for result in report.results] == ["create", "nothing"]


def test_who_is_noted_by_others_is_taken_too(opened):
    server = ward("a")
    server.put(person("late"))
    other = opened()
    server.before_write = lambda: other.note(Found(patients=["Patient/late"]))
    assert kinds(run(server, opened))["late"] == "nothing"


@pytest.mark.parametrize("opened", ["sqlite", "postgres"], indirect=True)
def test_two_runs_at_once_share_the_work_and_double_nothing(opened):
    """The second comes while the first is at work, and waits for nobody who is being seen to."""
    names = [f"p{number}" for number in range(8)]
    server = ward(*names)
    meet, reports = Barrier(2, timeout=20), []
    begun: list[bool] = []

    def begin() -> None:
        if len(begun) < 2:
            begun.append(True)
            meet.wait()

    server.before_write = begin
    threads = [
        Thread(target=lambda: reports.append(run(server, opened, workers=1, wait_s=20)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 2
    # Whom the second look noted while the first was at work had another turn, and stood unchanged.
    done = [result for one in reports for result in one.results]
    created = [result.patient.partition("/")[2] for result in done if result.kind == "create"]
    assert sorted(created) == sorted(names)
    assert {result.kind for result in done} <= {"create", "nothing"}
    assert len(server.all("CarePlan")) == 8


def test_where_another_run_is_looking_this_one_works_on_who_waits(opened):
    server = ward("a", "b")
    other = opened()
    other.note(Found(patients=["Patient/b"]))
    with other.finding(0) as has_it:
        assert has_it
        report = run(server, opened, wait_s=0)
    assert kinds(report) == {"b": "create"}
    assert "Another run is looking for changes" in report.notes[0]
    assert report.looked == ""


def test_a_named_patient_is_seen_to_whether_waiting_or_not(opened):
    server = ward("a", "b")
    run(server, opened)
    read(server)
    report = run(server, opened, patients=("Patient/b", "Patient/b"))
    assert kinds(report) == {"b": "nothing"}
    assert len(report.results) == 1
    assert read(server) == {"b"}


def test_a_named_patient_whom_another_run_has_is_waited_for_and_then_said(opened):
    server = ward("a", "b")
    other = opened()
    turn = other.claim_only("Patient/a")
    waits: list[float] = []
    seconds = iter(range(1000))
    report = run(
        server,
        opened,
        patients=("Patient/a", "Patient/b"),
        wait_s=20,
        pause=waits.append,
        clock=lambda: next(seconds),
    )
    assert kinds(report) == {"a": "not-tried", "b": "create"}
    assert waits
    assert report.partial
    other.end(turn)
    assert kinds(run(server, opened, patients=("Patient/a",))) == {"a": "create"}


def test_a_named_patient_who_is_not_there_is_a_failure_and_one_who_waited_is_gone(opened):
    server = ward("a")
    assert kinds(run(server, opened, patients=("Patient/x",))) == {"x": "failed"}
    report = run(server, opened)
    assert kinds(report)["x"] == "gone"
    assert "no such patient any more" in report.problems()[0]
    assert kinds(run(server, opened)).get("x") is None


def test_a_plan_that_outlives_its_patient_is_told(opened):
    server = ward("a")
    run(server, opened)
    server.delete("Patient", "a")
    report = run(server, opened, patients=())
    place = opened()
    place.note(Found(patients=["Patient/a"]))
    place.close()
    report = run(server, opened)
    assert kinds(report) == {"a": "gone"}
    assert "a plan of ours is still there: withdraw it" in report.problems()[0]


# Time


def test_whoever_has_a_plan_is_looked_at_again_on_the_next_day(opened):
    server = ward("a")
    server.put(person("b"))
    run(server, opened)
    for days, woken in ((0, []), (1, ["Patient/a"])):
        place = opened()
        place.wake(TODAY + days * DAY)
        turns = place.claim(9)
        assert [turn.patient for turn in turns] == woken
        place.close()


# Stopping


def all_have_left() -> None:
    """Until no thread of a run is left."""
    for thread in enumerate_threads():
        if thread.name == NAME:
            thread.join(20)
            assert not thread.is_alive()


class Noted:
    """An audit record in memory."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def record(self, entry: AuditEntry) -> str:
        self.entries.append(entry)
        return str(len(self.entries))

    def recall(self, _patient: str) -> Recalled:
        return Recalled()


def test_a_stop_lets_those_under_way_finish_and_the_rest_wait(opened):
    server = ward(*(f"p{number}" for number in range(6)))
    stop = Event()
    server.before_write = stop.set
    report = run(server, opened, workers=1, stop=stop.is_set)
    assert list(kinds(report).values()) == ["create"]
    assert (report.interrupted, report.undone) == (True, 5)
    assert list(kinds(run(server, opened)).values()) == ["create"] * 5
    assert len(server.all("CarePlan")) == 6


def test_a_stop_does_not_wait_for_ever(opened):
    """A server that hangs holds one patient; the run ends all the same, and says so."""
    server = ward("a", "b")
    stop, hang = Event(), Event()

    def hold() -> None:
        stop.set()
        hang.wait(20)

    server.before_write = hold
    report = run(server, opened, workers=1, grace_s=0, stop=stop.is_set)
    hang.set()
    all_have_left()
    assert (kinds(report), report.undone, report.interrupted) == ({}, 2, True)
    # What was on its way was stored. Nobody was told of it, so the next run looks again.
    assert kinds(run(server, opened)) == {"a": "nothing", "b": "create"}
    assert len(server.all("CarePlan")) == 2


class Slow(Server):
    """A server that begins to answer and goes on when it is let."""

    def __init__(self, *resources: dict) -> None:
        super().__init__(*resources)
        self.asked_for, self.goes_on = Event(), Event()

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator:
        if params.get("patient"):
            self.asked_for.set()
            assert self.goes_on.wait(20)
        yield from super().search(kind, params)


def test_who_was_not_waited_for_begins_nothing_any_more(opened):
    """Another run may have the patient by then: the late one neither records nor sends."""
    server, audit = Slow(person("a"), b12("a", 120)), Noted()
    report = run(server, opened, grace_s=0, stop=server.asked_for.is_set, audit=audit)
    told = len(audit.entries)
    server.goes_on.set()
    all_have_left()
    assert (kinds(report), report.undone, server.transactions) == ({}, 1, 0)
    assert len(audit.entries) == told == 1
    assert kinds(run(server, opened)) == {"a": "create"}


def test_a_result_that_comes_with_the_end_of_the_grace_is_told(opened, monkeypatch):
    """And looked at again: whether it was told in time, its thread cannot know."""
    monkeypatch.setattr(run_module, "_LISTEN_S", 20)
    server, wanted = ward("a"), count()
    writing, goes_on = Event(), Event()

    def write() -> None:
        writing.set()
        assert goes_on.wait(20)

    def stop() -> bool:
        """Once the main thread has handed the patient out, and that is being written."""
        if current_thread().name == NAME or not next(wanted):
            return False
        if writing.wait(20) and not goes_on.is_set():
            Timer(0.2, goes_on.set).start()
        return True

    server.before_write = write
    report = run(server, opened, workers=1, grace_s=0, stop=stop)
    assert (kinds(report), report.waiting) == ({"a": "create"}, 0)
    assert kinds(run(server, opened)) == {"a": "nothing"}


def test_who_was_done_before_the_stop_was_heard_is_no_interruption(opened):
    stop = Event()
    server = ward("a")
    server.before_write = stop.set
    report = run(server, opened, stop=stop.is_set)
    assert (kinds(report), report.interrupted) == ({"a": "create"}, False)


class Killed(BaseException):
    """The process ends here."""


def test_killed_between_write_and_end_the_next_run_finds_it_done(opened, monkeypatch):
    """The turn was not ended: the patient is read again, and nothing is written twice."""
    server = ward("a", "b")

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(PlaceInMemory, "end", die)
        patch.setattr(SqlPlace, "end", die)
        with pytest.raises(Killed):
            run(server, opened, workers=1)
    report = run(server, opened)
    assert sorted(kinds(report).items()) == [("a", "nothing"), ("b", "create")]
    assert len(server.all("CarePlan")) == 2


# The place fails


class Failing(PlaceInMemory):
    """A place whose database goes away at a call."""

    def __init__(self, call: str) -> None:
        super().__init__()
        self._call = call

    def claim(self, most: int) -> Any:
        self._fail("claim")
        return super().claim(most)

    def end(self, turn: Turn, *more: Any) -> None:
        self._fail("end")
        super().end(turn, *more)

    def waiting(self) -> int:
        if self._queue or self._call != "waiting" or not self._patients:
            return super().waiting()
        raise StoreError("The state is away.", hint="Run again.")

    def _fail(self, call: str) -> None:
        if call == self._call:
            raise StoreError("The state is away.", hint="Run again.")


@pytest.mark.parametrize(
    ("call", "done"),
    [
        ("claim", {}),
        ("end", {"a": "create"}),
        # When all is done it is asked how many wait.
        ("waiting", dict.fromkeys("abc", "create")),
    ],
)
def test_a_place_that_fails_ends_the_run_with_its_report(call, done):
    server, place = ward("a", "b", "c"), Failing(call)
    report = run(server, lambda: place, workers=1)
    assert kinds(report) == done
    assert isinstance(report.error, StoreError)
    assert "The state is away" in report.problems()[0]


def test_a_place_that_fails_later_loses_no_result(opened, monkeypatch):
    """Somebody is being written while the next turns are asked for: what comes of it is told."""
    server = ward("a", "b")
    place = opened()
    claim, claims = place.claim, count()
    writing, goes_on = Event(), Event()

    def write() -> None:
        writing.set()
        assert goes_on.wait(20)

    def fail_next(most: int) -> Sequence[Turn]:
        if next(claims):
            assert writing.wait(20)
            Timer(0.1, goes_on.set).start()
            raise StoreError("The state is away.", hint="Run again.")
        return claim(min(most, 1))

    server.before_write = write
    monkeypatch.setattr(place, "claim", fail_next)
    report = run(server, lambda: place, workers=1)
    assert kinds(report) == {"a": "create"}
    assert isinstance(report.error, StoreError)
    assert (report.waiting, len(server.all("CarePlan"))) == (1, 1)


# Runs that judge by other things than the place stands for


def named_as_of_another_day(server: Server, opened: Opener) -> SyncReport:
    wish = Wish(now=AS_OF, fingerprint="another day")
    return run(server, opened, patients=("Patient/a",), wish=wish, as_of=AS_OF + 300 * DAY)


def test_a_patient_who_was_judged_as_of_another_day_is_looked_at_again(opened):
    """A result came and nobody has looked yet: it must not count as seen, nor as due in a year."""
    server = ward("a", "b")
    run(server, opened)
    run(server, opened)
    server.put({**b12("a", 500), "id": "newer"})
    read(server)
    assert kinds(named_as_of_another_day(server, opened)).keys() == {"a"}
    read(server)
    assert set(kinds(run(server, opened))) == {"a"}


def test_a_run_with_another_pack_ends_no_turn_that_the_new_one_noted(opened):
    """The service still runs with the old pack while a first run with the new one lists all."""
    server = ward("a")
    run(server, opened)
    new = opened()
    new.note(Found(["Patient/a"]), FullRead(AS_OF, "the new pack"))
    # It does not look for changes, as where the new one is about it.
    old = Wish(now=AS_OF, since=AS_OF + DAY)
    assert set(kinds(run(server, opened, wish=old))) == {"a"}
    assert list(new.peek(TODAY)) == ["Patient/a"]
    new.close()


def test_a_run_beside_the_first_full_read_by_another_pack_ends_no_turn_that_it_noted(opened):
    """Nothing was read to its end yet: the new one has announced itself and noted some."""
    server = ward("a")
    new = opened()
    new.note(Found(), FullRead(AS_OF, begun("the new pack")))
    new.note(Found(["Patient/a"]))
    old = Wish(now=AS_OF, since=AS_OF + DAY)
    assert set(kinds(run(server, opened, wish=old))) == {"a"}
    assert list(new.peek(TODAY)) == ["Patient/a"]
    new.close()


# A dry run


def test_a_dry_run_leaves_the_place_as_it_was(opened):
    server = ward("a", "b")
    server.search_fails["Condition", "a"] = TemporaryServerError("Silent.")
    run(server, opened)
    server.search_fails.clear()
    place = opened()
    before = (place.full_read(), dict(place.marks()), list(place.peek(TODAY)))
    place.close()
    report = run(server, opened, dry_run=True)
    assert kinds(report)["a"] == "create"
    place = opened()
    assert (place.full_read(), dict(place.marks()), list(place.peek(TODAY))) == before
    place.close()
    assert server.all("CarePlan")[0]["subject"] == {"reference": "Patient/b"}


# What need not be looked at again


def test_versions_of_others_are_never_taken_as_seen(opened):
    """A result in a later version may have been another patient's, who must be looked at too."""
    server = ward("a")
    server.put({"resourceType": "Medication", "id": "m1", "code": {"text": "B12"}})
    server.put(
        {
            "resourceType": "MedicationRequest",
            "id": "r1",
            "subject": {"reference": "Patient/a"},
            "medicationReference": {"reference": "Medication/m1"},
        }
    )
    # A second version: who had the first is not known here.
    server.put(b12("a", 110))
    place = opened()
    moment = datetime(2000, 1, 1, tzinfo=UTC)
    place.note(Found(marks={"Observation": moment, "MedicationRequest": moment}))
    place.close()
    run(server, opened)
    place = opened()
    assert place.seen("Observation") == frozenset()
    assert ("r1", "1") in place.seen("MedicationRequest")
    # What the run wrote itself.
    (plan,) = server.all("CarePlan")
    assert (plan["id"], plan["meta"]["versionId"]) in place.seen("CarePlan")
    place.close()


# An old and a new program side by side

OLD, NEW = SITE, replace(SITE, approver="Somebody new")


def side(opened: Opener, server: Server, site: Site, minutes: int, **more: Any) -> SyncReport:
    """A run with these settings, so many minutes after the first."""
    at = AS_OF + timedelta(minutes=minutes)
    return run(server, opened, site=site, wish=Wish(now=at, **more), as_of=AS_OF)


def test_of_two_that_decide_otherwise_the_newer_stays_and_the_older_gives_way(opened):
    """Else each would find that the other had decided last, and read every patient each time."""
    server = ward("a")
    assert side(opened, server, OLD, 0).looked == "all"
    assert side(opened, server, NEW, 10).looked == "all"
    server.put(person("b"))
    read(server)
    old = side(opened, server, OLD, 20)
    assert (old.patients, old.partial, read(server)) == (0, True, set())
    assert "A newer pack, program or settings keep this server in sync" in old.problems()[0]
    assert "2026-11-21 10:10 UTC" in old.problems()[0]
    new = side(opened, server, NEW, 30)
    assert (new.looked, kinds(new)) == ("changes", {"b": "nothing"})


def test_the_older_goes_on_once_the_newer_is_switched_off(opened):
    """Such as after a rollback."""
    server = ward("a")
    side(opened, server, OLD, 0)
    side(opened, server, NEW, 10)
    assert side(opened, server, OLD, 39).patients == 0
    assert side(opened, server, OLD, 40).looked == "all"
    assert side(opened, server, OLD, 50).looked == "changes"


def test_a_full_read_that_is_asked_for_makes_it_the_newer(opened):
    server = ward("a")
    side(opened, server, OLD, 0)
    side(opened, server, NEW, 10)
    assert side(opened, server, OLD, 20, full=True).looked == "all"
    assert side(opened, server, NEW, 25).patients == 0
    assert side(opened, server, OLD, 30).looked == "changes"


def test_a_dry_run_gives_way_too_and_takes_nothing_over(opened):
    server = ward("a")
    side(opened, server, OLD, 0)
    side(opened, server, NEW, 10)
    place = opened()
    before = set(place.readers())
    place.close()
    report = run(
        server, opened, site=OLD, dry_run=True, wish=Wish(now=AS_OF + timedelta(minutes=20))
    )
    assert report.patients == 0
    place = opened()
    assert set(place.readers()) == before


def test_a_run_as_of_another_day_keeps_nobody_from_going_on(opened):
    """It decides otherwise, but once."""
    server = ward("a")
    side(opened, server, OLD, 0)
    assert side(opened, server, OLD, 10, fingerprint="2026-01-01").looked == "all"
    assert side(opened, server, OLD, 20).looked == "all"

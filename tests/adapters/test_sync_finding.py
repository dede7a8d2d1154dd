"""A look for changes on servers that cannot tell all of them, and one that is broken off."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.sync import changes
from b12fhir.adapters.sync.finding import Look, Wish, look
from b12fhir.adapters.sync.place import PlaceInMemory
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.errors import RefusedError, StoreError, TemporaryServerError
from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.fhir.site import Site
from b12fhir.ports import Found, FullRead, Resource
from b12fhir.ports import begun as changing_to

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
DAY = date(2026, 11, 21)


class Odd(MemoryServer):
    """A server whose searches by ``_lastUpdated`` are as a test says."""

    fault: Any = None
    kind = "Observation"

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator[Resource]:
        found = super().search(kind, params)
        return self.fault(found, params) if self.fault and kind == self.kind else found


def person(id_: str) -> dict:
    return {"resourceType": "Patient", "id": id_}


def result(id_: str, owner: str, **more: object) -> dict:
    subject = {"reference": f"Patient/{owner}"}
    return {"resourceType": "Observation", "id": id_, "subject": subject, **more}


@pytest.fixture
def place() -> PlaceInMemory:
    return PlaceInMemory()


def server(**options: Any) -> Odd:
    return Odd([person("a"), person("b"), result("o1", "a")], **options)


def find(odd: Odd, place: PlaceInMemory, **wish: Any) -> Look:
    can = read_capabilities(odd.capabilities())
    reader = PatientReader(odd, can, 200, Site(zone=UTC))
    return look(odd, reader, can, place, Wish(**({"now": NOW} | wish)))


def waiting(place: PlaceInMemory) -> list[str]:
    found = sorted(place.peek(DAY))
    for turn in place.claim(1000):
        place.end(turn)
    return found


def begun(odd: Odd, place: PlaceInMemory) -> None:
    """The first look, and one after which nothing recent is new any more."""
    assert find(odd, place) == Look(is_full=True)
    assert waiting(place) == ["Patient/a", "Patient/b"]
    find(odd, place)
    waiting(place)


EVERYBODY = ["Patient/a", "Patient/b"]


@pytest.mark.parametrize(
    ("wish", "is_full"),
    [
        ({}, False),
        ({"now": NOW + timedelta(days=7) - timedelta(seconds=1)}, False),
        ({"now": NOW + timedelta(days=7)}, True),
        # Our clock was set back: how old the last full read is, nobody knows.
        ({"now": NOW - timedelta(seconds=1)}, True),
        ({"fingerprint": "another pack"}, True),
        ({"full": True}, True),
        ({"full": True, "since": NOW}, True),
        ({"fingerprint": "another pack", "since": NOW}, False),
        ({"follows": False}, True),
    ],
)
def test_when_every_patient_is_read(place, wish, is_full):
    odd = server()
    begun(odd, place)
    assert find(odd, place, **wish).is_full is is_full
    assert waiting(place) == (EVERYBODY if is_full else [])


def test_a_type_of_which_nothing_is_known_needs_a_full_read(place):
    """Such as one that the server offers since yesterday."""
    odd = server()
    begun(odd, place)
    known = place.marks()
    fresh = PlaceInMemory()
    del known["Condition"]
    fresh.note(Found(marks=known), FullRead(NOW, ""))
    assert find(odd, fresh).is_full


def test_without_later_looks_no_marks_are_taken(place):
    odd = server()
    find(odd, place, follows=False)
    assert place.marks() == {}
    assert odd.searches == 1


def test_an_empty_server_is_read_whole_until_somebody_is_there(place):
    odd = Odd()
    assert find(odd, place) == Look(is_full=True)
    odd.put(person("a"))
    assert find(odd, place) == Look(is_full=True)
    assert waiting(place) == ["Patient/a"]


def test_what_comes_first_into_an_empty_type_is_found(place):
    odd = server()
    begun(odd, place)
    odd.put({**result("c1", "b"), "resourceType": "Condition"})
    assert not find(odd, place).is_full
    assert waiting(place) == ["Patient/b"]


def refuses(parameter: str) -> Any:
    def fault(found: Iterator[Resource], params: Mapping[str, str]) -> Iterator[Resource]:
        if parameter in params:
            raise RefusedError("Unknown parameter.", status=400)
        return found

    return fault


def empty(found: Iterator[Resource], params: Mapping[str, str]) -> Iterator[Resource]:
    return iter(()) if "_lastUpdated" in params else found


def unstamped(found: Iterator[Resource], params: Mapping[str, str]) -> Iterator[Resource]:
    return ({**one, "meta": {}} for one in found) if "_lastUpdated" in params else found


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (refuses("_lastUpdated"), "refuses to search Observation"),
        (empty, "does not find what is there"),
        (unstamped, "does not say when a Observation"),
    ],
)
def test_a_server_that_cannot_tell_changes_has_every_patient_read(place, fault, why):
    odd = server()
    begun(odd, place)
    odd.fault = fault
    for _ in range(2):
        found = find(odd, place)
        assert found.is_full
        assert why in found.notes[0]
        assert waiting(place) == EVERYBODY


def test_a_server_that_passes_over_the_moment_is_noticed(place):
    """It answers with what is older than asked for: here, than ten minutes before the mark."""
    odd = server(lacks={"_lastUpdated"})
    for minute in range(700):
        odd.put(result("o2", "b", note=str(minute)))
    assert find(odd, place).is_full
    found = find(odd, place)
    assert found.is_full
    assert "older" in found.notes[0]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (refuses("_sort"), "refuses to sort"),
        (
            lambda found, _: ({**one, "meta": {}} for one in found),
            "does not say when a resource was last updated",
        ),
    ],
)
def test_a_server_without_stamps_gets_no_marks(place, fault, why):
    odd = server()
    odd.fault = fault
    for _ in range(2):
        found = find(odd, place)
        assert found.is_full
        assert why in found.notes[0]
        assert place.marks() == {}
        assert waiting(place) == EVERYBODY


class Broken(PlaceInMemory):
    """Cannot be written after some notes: as if the program had been killed there."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 10**6

    def note(self, found: Found, full: FullRead | None = None) -> None:
        self.left -= 1
        if self.left < 0:
            raise StoreError("Gone.")
        super().note(found, full)


@pytest.mark.parametrize("lacks", [set(), {"_sort"}])
@pytest.mark.parametrize("notes", range(9))
def test_a_look_that_is_broken_off_anywhere_loses_nobody(monkeypatch, lacks, notes):
    """Also where the server does not sort: the mark must not move before all has come."""
    monkeypatch.setattr(changes, "_AT_ONCE", 1)
    odd, place = server(lacks=lacks), Broken()
    begun(odd, place)
    # Stored first and changed last: unsorted, the newest comes first.
    for owner in ("a", "b"):
        odd.put(result("o1" if owner == "a" else "o2", owner, note="new"))
    odd.put(result("o3", "b"))
    odd.put(result("o1", "a", note="newest"))
    odd.delete("Observation", "o3")
    place.left = notes
    with pytest.raises(StoreError):
        find(odd, place)
    place.left = 10**6
    assert not find(odd, place).is_full
    assert waiting(place) == EVERYBODY
    find(odd, place)
    assert waiting(place) == []


def test_a_type_that_cannot_be_had_waits_and_the_others_do_not(place):
    odd = server()
    begun(odd, place)
    before = place.marks()["Observation"]

    def down(*_: object) -> Iterator[Resource]:
        raise TemporaryServerError("The server is busy.", status=503)

    odd.fault = down
    odd.put(result("o2", "a"))
    odd.put({**result("c1", "b"), "resourceType": "Condition"})
    found = find(odd, place)
    assert not found.is_full
    assert found.problems == (
        "Changes of Observation could not be had, and wait for the next run: The server is busy.",
    )
    assert waiting(place) == ["Patient/b"]
    assert place.marks()["Observation"] == before
    odd.fault = None
    assert find(odd, place).problems == ()
    assert waiting(place) == ["Patient/a"]


def down_for_changes(found: Iterator[Resource], params: Mapping[str, str]) -> Iterator[Resource]:
    """A search that always fails for one type, while the rest of the server is well."""
    if "ge" in params.get("_lastUpdated", ""):
        raise TemporaryServerError("It takes too long.", status=503)
    return found


def test_a_type_whose_changes_are_never_to_be_had_has_every_patient_read_in_their_place(place):
    """After six hours, and each six hours again: nothing freezes until the next full read."""
    odd = server()
    begun(odd, place)
    odd.fault = down_for_changes
    looks = {hour: find(odd, place, now=NOW + timedelta(hours=hour)) for hour in range(14)}
    assert [hour for hour, found in looks.items() if found.is_full] == [6, 12]
    assert all(
        "Changes of Observation could not be had" in one.problems[0] for one in looks.values()
    )
    assert "for 6 hours or more, so every patient was read" in looks[6].notes[-1]
    assert waiting(place) == EVERYBODY
    odd.fault = None
    assert find(odd, place, now=NOW + timedelta(hours=14)) == Look(is_full=False)
    odd.fault = down_for_changes
    assert not find(odd, place, now=NOW + timedelta(hours=19)).is_full
    assert not find(odd, place, now=NOW + timedelta(hours=20)).is_full


def test_where_the_patients_cannot_be_listed_either_that_is_told_and_tried_again(place):
    odd = server()
    begun(odd, place)
    odd.fault = down_for_changes
    find(odd, place)
    later = NOW + timedelta(hours=6)
    refuse, odd.fault = odd.fault, lambda *_: refuse_all()
    found = find(odd, place, now=later)
    assert not found.is_full
    assert "Not every patient could be listed" in found.problems[-1]
    odd.fault = refuse
    assert find(odd, place, now=later).is_full


def refuse_all() -> Iterator[Resource]:
    raise TemporaryServerError("Down.", status=503)


def test_without_histories_what_cannot_be_seen_is_told(place):
    odd = server(lacks={"history"})
    find(odd, place)
    waiting(place)
    odd.put(result("o1", "b"))
    found = find(odd, place)
    deletions, moves = found.notes
    assert deletions.startswith("The server does not tell deletions of Patient, Observation,")
    assert "moved from one patient to another" in moves
    assert "Patient/b" in waiting(place)


def test_a_history_that_is_declared_and_refused_is_told(place):
    odd = server()
    begun(odd, place)

    def refused(*_: object) -> Iterator[Any]:
        raise RefusedError("No.", status=501)

    odd.deleted = refused  # type: ignore[method-assign]
    assert "does not tell deletions of Patient" in find(odd, place).notes[0]


@pytest.mark.parametrize("change", ["moved", "deleted"])
@pytest.mark.parametrize("kept", ["nothing", "refused", "the newest only"])
def test_whose_it_was_is_not_kept_so_every_patient_is_read_once(place, change, kept):
    odd = server()
    begun(odd, place)
    odd.put(result("o1", "b"))
    if change == "deleted":
        odd.delete("Observation", "o1")
    tell = odd.history

    def purged(kind: str, id_: str) -> Iterator[Resource]:
        if kept == "refused":
            raise RefusedError("Unknown.", status=404)
        newest = next(iter(tell(kind, id_)))
        return iter([newest] if kept == "the newest only" else [])

    odd.history = purged  # type: ignore[method-assign]
    found = find(odd, place)
    assert found.is_full
    assert "cannot be told" in found.notes[-1]
    assert waiting(place) == EVERYBODY
    assert not find(odd, place).is_full, "the same change is no reason twice"


def test_a_deleted_or_changed_medicine_of_unknown_orders_has_every_patient_read(place):
    """A server that cannot search orders by the medicine they refer to."""
    odd = server()
    odd.put({"resourceType": "Medication", "id": "m"})
    begun(odd, place)
    tell = odd.capabilities

    def without() -> Resource:
        statement: Any = tell()
        for row in statement["rest"][0]["resource"]:
            row["searchParam"] = [p for p in row["searchParam"] if p["name"] != "medication"]
        return statement

    odd.capabilities = without  # type: ignore[method-assign]
    odd.put({"resourceType": "Medication", "id": "m", "status": "inactive"})
    assert find(odd, place).is_full
    waiting(place)
    odd.delete("Medication", "m")
    assert find(odd, place).is_full
    waiting(place)
    assert not find(odd, place).is_full


def test_a_medicine_whose_order_is_about_nobody_here_concerns_nobody(place):
    odd = server()
    odd.put({"resourceType": "Medication", "id": "m"})
    link = {"medicationReference": {"reference": "Medication/m"}}
    odd.put({"resourceType": "MedicationRequest", "id": "r", **link})
    begun(odd, place)
    odd.put({"resourceType": "Medication", "id": "m", "status": "inactive"})
    assert not find(odd, place).is_full
    assert waiting(place) == []


def test_versions_without_numbers_are_told_apart_by_their_stamp(place):
    odd = server()
    begun(odd, place)

    def bare(found: Iterator[Resource], _: object) -> Iterator[Resource]:
        stamps = ((one, one["meta"]["lastUpdated"]) for one in found)
        return ({**one, "meta": {"lastUpdated": at}} for one, at in stamps)

    odd.fault = bare
    find(odd, place)
    waiting(place)
    assert find(odd, place) == Look(is_full=False)
    assert waiting(place) == []
    odd.put(result("o1", "b"))
    find(odd, place)
    assert waiting(place) == EVERYBODY


def test_a_new_result_about_nobody_is_told(place):
    odd = server()
    begun(odd, place)
    odd.put({"resourceType": "Observation", "id": "n"})
    assert "1 Observation" in find(odd, place).notes[0]
    odd.delete("Observation", "n")
    assert "1 Observation" in find(odd, place).notes[0]
    assert waiting(place) == []
    assert find(odd, place).notes == ()


def test_a_patient_who_is_deleted_is_looked_at_again(place):
    odd = server()
    begun(odd, place)
    odd.delete("Patient", "b")
    assert not find(odd, place).is_full
    assert waiting(place) == ["Patient/b"]


def test_who_lost_a_result_long_ago_is_not_looked_at_again(place):
    """Only whose it was at the last look, and since: the history ends there."""
    odd = Odd([person("a"), person("b"), person("c"), result("o1", "c")])
    odd.put(result("o1", "a"))
    for second in range(601):  # the overlap is ten minutes, and each version takes a second
        odd.put(result("o2", "c", note=str(second)))
    find(odd, place)
    waiting(place)
    find(odd, place)
    waiting(place)
    odd.put(result("o1", "b"))
    assert not find(odd, place).is_full
    assert waiting(place) == EVERYBODY


# Odd clocks, and lists that break off


def test_a_stamp_from_years_ahead_hides_nothing_that_comes_after_it(place):
    """An import kept the stamp of a record, or the server's clock was wrong for a day."""
    odd = server()
    begun(odd, place)
    minutes = (f"2026-11-21T03:{minute:02}:00Z" for minute in range(60))
    stamps = iter(["2199-01-01T00:00:00Z"])
    odd._clock = lambda: next(stamps, "") or next(minutes)
    odd.put(result("far", "a"))
    find(odd, place)
    assert waiting(place) == ["Patient/a"]
    odd.put(result("o9", "b"))
    assert not find(odd, place).is_full
    assert waiting(place) == ["Patient/b"]
    # Nor where it was there before the first full read.
    find(odd, place, full=True)
    waiting(place)
    odd.put(result("o8", "b"))
    assert not find(odd, place).is_full
    assert waiting(place) == ["Patient/b"]


def test_marks_that_were_kept_ahead_of_time_are_drawn_back(place):
    odd = server()
    begun(odd, place)
    ahead = dict.fromkeys(place.marks(), NOW + timedelta(days=900))
    place.note(Found(marks=ahead))
    odd.put(result("o9", "b"))
    find(odd, place, now=datetime(2026, 1, 1, 0, 1, tzinfo=UTC), full_every=timedelta.max)
    find(odd, place)
    assert "Patient/b" in waiting(place)


def test_an_index_that_finds_nothing_new_is_noticed(place):
    """The newest result came after the mark, and no search by its stamp finds it."""
    odd = server()
    begun(odd, place)
    odd.fault = empty
    odd.put(result("o9", "b"))
    found = find(odd, place)
    assert found.is_full
    assert "does not find what is there" in found.notes[0]
    assert waiting(place) == EVERYBODY


def test_what_comes_between_a_search_and_the_doubt_of_it_is_no_fault(place):
    """The mark's own result was deleted; another comes right after the search."""
    odd = server()
    begun(odd, place)
    odd.delete("Observation", "o1")
    late = iter([result("o9", "b")])

    def comes_after(found: Iterator[Resource], params: Mapping[str, str]) -> Iterator[Resource]:
        rows = list(found)
        for one in late:
            odd.fault = None
            odd.put(one)
        return iter(rows)

    odd.fault = comes_after
    assert not find(odd, place).is_full
    waiting(place)
    assert not find(odd, place).is_full
    assert waiting(place) == ["Patient/b"]


def test_deletions_that_were_not_told_for_a_while_are_told_then(place):
    """A gateway refused histories for a day; what was deleted that day must not count for ever."""
    odd = server()
    begun(odd, place)
    tell = odd.deleted

    def refused(*_: object) -> Iterator[Any]:
        raise RefusedError("No.", status=501)

    odd.deleted = refused  # type: ignore[method-assign]
    odd.delete("Observation", "o1")
    for number in range(15 * 60):
        odd._clock()
        del number
    odd.put(result("o2", "b"))
    find(odd, place)
    assert waiting(place) == ["Patient/b"]
    odd.deleted = tell  # type: ignore[method-assign]
    find(odd, place)
    assert waiting(place) == ["Patient/a"]


def breaks(found: Iterator[Resource], params: Mapping[str, str]) -> Iterator[Resource]:
    """One Patient cannot be put on its page."""
    if "_lastUpdated" in params or "_sort" in params or params["_count"] == "1":
        return found
    raise TemporaryServerError("The server has a problem.", status=500)


def test_a_list_of_patients_that_breaks_off_does_not_stop_changes_from_being_seen(place):
    odd = server()
    begun(odd, place)
    odd.kind, odd.fault = "Patient", breaks
    odd.put(result("o9", "b"))
    found = find(odd, place, now=NOW + timedelta(days=8))
    assert not found.is_full
    listed = "Not every patient could be listed, so only changes were looked for: "
    assert found.problems == (f"{listed}The server has a problem.",)
    assert waiting(place) == ["Patient/b"]
    # The full read is still due.
    assert place.full_read() == FullRead(NOW, "")
    odd.fault = None
    assert find(odd, place, now=NOW + timedelta(days=8)).is_full


def test_a_first_list_that_breaks_off_is_an_error(place):
    odd = server()
    odd.kind, odd.fault = "Patient", breaks
    with pytest.raises(TemporaryServerError):
        find(odd, place)


def test_a_server_that_is_away_is_an_error_whatever_is_known(place):
    odd = server()
    begun(odd, place)

    def down(*_: object) -> Iterator[Resource]:
        raise TemporaryServerError("The server is away.")

    odd.kind, odd.fault = "Patient", down
    with pytest.raises(TemporaryServerError):
        find(odd, place, now=NOW + timedelta(days=8))


@pytest.mark.parametrize("is_first", [True, False])
def test_a_pack_is_announced_before_the_patients_are_noted(place, is_first):
    """A run of another one that is at work beside it must not end the turns that this one noted."""
    odd = server()
    if not is_first:
        begun(odd, place)
    said: list[FullRead | None] = []

    def listens(found: Iterator[Resource], params: Mapping[str, str]) -> Iterator[Resource]:
        if "_sort" not in params:
            said.append(place.full_read())
        return found

    odd.kind, odd.fault = "Patient", listens
    find(odd, place, fingerprint="another pack")
    assert said == [FullRead(NOW, changing_to("another pack"))]
    assert place.full_read() == FullRead(NOW, "another pack")


def test_a_list_that_only_seems_sorted_may_break_off_anywhere(place, monkeypatch):
    """The server passes over the sort: the first page ends with the newest by chance.

    What is older than the overlap and stands on the next page would never be asked for again.
    """
    monkeypatch.setattr(changes, "_AT_ONCE", 1)
    odd = server(lacks={"_sort"})
    begun(odd, place)
    stamps = iter(["2026-01-01T05:00:00Z", "2026-01-01T02:00:00Z"])
    odd._clock = lambda: next(stamps)
    odd.put(result("new", "a"))
    odd.put(result("old", "b"))

    def breaks_off(found: Iterator[Resource], params: Mapping[str, str]) -> Iterator[Resource]:
        rows = list(found)
        if rows[-1]["id"] != "old":
            return iter(rows)

        def some() -> Iterator[Resource]:
            yield from rows[:-1]
            raise TemporaryServerError("The server is away.")

        return some()

    odd.fault = breaks_off
    find(odd, place)
    assert waiting(place) == ["Patient/a"]
    odd.fault = None
    find(odd, place)
    assert waiting(place) == ["Patient/b"]

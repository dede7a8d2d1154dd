"""A server whose records come from a copy behind what it tells of changes: nothing is lost.

On the place in memory, on SQLite and on PostgreSQL. The decision is the simple one of `test_sync`.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.sync.behind import MOST, behind, is_over
from b12fhir.adapters.sync.finding import Wish
from b12fhir.ports import Expected, Resource, Version
from tests.adapters.test_sync import AS_OF, b12, person
from tests.adapters.test_sync_queue import kinds, opened, run, simple_decision

__all__ = ["opened", "simple_decision"]

pytestmark = pytest.mark.usefixtures("simple_decision")
A_MINUTE = timedelta(minutes=1)


class Lagging(MemoryServer):
    """Lists changes from what is stored now, and gives records as they were at `freeze`."""

    def __init__(self, *resources: dict, software: str = "some") -> None:
        super().__init__(resources, software=software)
        self._copy: dict | None = None

    def freeze(self) -> None:
        self._copy = copy.deepcopy(self._store)

    def thaw(self) -> None:
        self._copy = None

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator[Resource]:
        is_of_changes = params.keys().isdisjoint({"patient", "_id"})
        yield from self._late(is_of_changes, lambda: super(Lagging, self).search(kind, params))

    def everything(self, patient: str, kinds: Sequence[str], count: int) -> Iterator[Resource]:
        late = super().everything
        yield from self._late(False, lambda: late(patient, kinds, count))

    def _late(self, is_of_changes: bool, ask: Any) -> list[Resource]:
        if is_of_changes or self._copy is None:
            return list(ask())
        with self._lock:
            now, self._store = self._store, self._copy
            try:
                return list(ask())
            finally:
                self._store = now


@pytest.fixture(params=["some", "HAPI FHIR Server"])
def server(request) -> Lagging:
    """Two patients with a plan and one without; by parts, and whole records in one request."""
    named = [person(name) for name in "abc"]
    return Lagging(*named, b12("a", 120), b12("b", 120), software=request.param)


def later(minutes: int) -> Wish:
    return Wish(now=AS_OF + minutes * A_MINUTE)


@pytest.fixture
def begun(server, opened) -> Lagging:
    """All decided, looked at once more, and from now on records are given as they are here."""
    assert kinds(run(server, opened)) == {"a": "create", "b": "create", "c": "nothing"}
    run(server, opened)
    assert kinds(run(server, opened)) == {}
    server.freeze()
    return server


def changed(server: MemoryServer) -> None:
    server.put(b12("a", 500))


def added(server: MemoryServer) -> None:
    server.put({**b12("a", 90), "id": "b12-second"})


def deleted(server: MemoryServer) -> None:
    server.delete("Observation", "b12-a")


@pytest.mark.parametrize(
    ("change", "after"), [(changed, "withdraw"), (deleted, "withdraw"), (added, "nothing")]
)
def test_a_change_that_the_record_does_not_show_yet_is_not_counted_as_done(
    begun, opened, change, after
):
    """The first run hears of it and cannot read it; the next one hears nothing and must."""
    change(begun)
    first = run(begun, opened)
    assert kinds(first) == {"a": "undecided"}
    assert (first.partial, first.undone) == (True, 1)
    assert "Observation" in first.problems()[0]
    assert "copy that lags behind" in first.problems()[0]
    begun.thaw()
    assert kinds(run(begun, opened)) == {"a": after}
    assert kinds(run(begun, opened)) == {}


def test_a_copy_that_catches_up_within_the_run_costs_no_more_than_a_moment(begun, opened):
    changed(begun)
    assert kinds(run(begun, opened, pause=lambda _: begun.thaw())) == {"a": "withdraw"}


def test_what_a_run_that_was_killed_had_heard_is_known_to_the_next(begun, opened):
    """It noted the change; who reads the record is another process."""
    changed(begun)
    run(begun, opened, stop=lambda: True)
    assert kinds(run(begun, opened)) == {"a": "undecided"}


def test_a_patient_who_is_not_in_the_copy_yet_is_not_gone(begun, opened):
    begun.put(person("d"))
    assert kinds(run(begun, opened)) == {"d": "undecided"}
    begun.thaw()
    assert kinds(run(begun, opened)) == {"d": "nothing"}


def test_a_patient_who_was_deleted_is_gone_once_the_copy_says_so(begun, opened):
    begun.delete("Observation", "b12-b")
    begun.delete("Patient", "c")
    assert kinds(run(begun, opened)) == {"b": "undecided", "c": "undecided"}
    begun.thaw()
    assert kinds(run(begun, opened)) == {"b": "withdraw", "c": "gone"}


def test_a_result_that_was_moved_is_waited_for_on_both_sides(begun, opened):
    """The one still has it, the other not yet."""
    begun.put({**b12("c", 120), "id": "b12-a"})
    assert kinds(run(begun, opened)) == {"a": "undecided", "c": "undecided"}
    begun.thaw()
    assert kinds(run(begun, opened)) == {"a": "withdraw", "c": "create"}


def drug(text: str) -> dict:
    return {"resourceType": "Medication", "id": "drug", "code": {"text": text}}


def order(owner: str) -> dict:
    asked = {"resourceType": "MedicationRequest", "id": "order", "status": "active"}
    subject = {"reference": f"Patient/{owner}"}
    return {**asked, "subject": subject, "medicationReference": {"reference": "Medication/drug"}}


def test_a_medicine_that_was_changed_is_waited_for_by_whoever_uses_it(server, opened):
    server.put(drug("metformin"))
    server.put(order("c"))
    for _ in range(3):
        run(server, opened)
    server.freeze()
    server.put(drug("omeprazole"))
    assert kinds(run(server, opened)) == {"c": "undecided"}
    server.thaw()
    assert kinds(run(server, opened)) == {"c": "nothing"}


def test_what_changed_just_before_a_full_read_is_waited_for_as_well(server, opened):
    """Such as everything, where the server was filled a moment ago."""
    server.put(drug("metformin"))
    server.put(order("c"))
    server.freeze()
    server.put(drug("omeprazole"))
    server.put({**person("b"), "deceasedBoolean": True})
    assert kinds(run(server, opened)) == {"a": "create", "b": "undecided", "c": "undecided"}


def test_what_does_not_show_for_an_hour_is_told_and_the_rest_decided(begun, opened):
    """No copy lags so long: the server does not give it for this patient, and urgent is urgent."""
    added(begun)
    assert kinds(run(begun, opened, wish=later(0))) == {"a": "undecided"}
    assert kinds(run(begun, opened, wish=later(59))) == {"a": "undecided"}
    told = run(begun, opened, wish=later(60))
    assert kinds(told) == {"a": "nothing"}
    assert not told.partial
    assert "told of a change (Observation) an hour ago" in told.problems()[0]
    assert run(begun, opened, wish=later(61)).patients == 0


def test_the_task_of_somebody_else_is_not_asked_for_and_not_waited_for(begun, opened):
    """The parts of a plan are read where there is a plan; this patient has none."""
    begun.put({"resourceType": "Task", "id": "call", "for": {"reference": "Patient/c"}})
    assert kinds(run(begun, opened)) == {"c": "nothing"}


def test_a_dry_run_waits_for_it_too_and_leaves_it_to_the_next(begun, opened):
    changed(begun)
    assert kinds(run(begun, opened)) == {"a": "undecided"}
    assert kinds(run(begun, opened, dry_run=True)) == {"a": "undecided"}
    assert kinds(run(begun, opened)) == {"a": "undecided"}


# What is as late as what was listed

STAMP = datetime(2026, 11, 21, 9, tzinfo=UTC)


def stored(version: str | None, at: datetime = STAMP) -> dict:
    meta = {"lastUpdated": at.isoformat(), **({"versionId": version} if version else {})}
    return {"resourceType": "Observation", "id": "o", "meta": meta}


@pytest.mark.parametrize(
    ("held", "listed", "is_behind"),
    [
        (stored("2"), "2", False),
        # Numbers count where there are some: of equal stamps the lower is the older.
        (stored("9"), "10", True),
        (stored("10"), "9", False),
        # Elsewhere the stamps do.
        (stored("x", STAMP - A_MINUTE), "y", True),
        (stored("x", STAMP), "y", False),
        (stored("x", STAMP + A_MINUTE), "y", False),
        # Who does not say when it came about cannot be doubted.
        ({"resourceType": "Observation", "id": "o"}, "2", False),
    ],
)
def test_which_version_is_older(held, listed, is_behind):
    expected = Expected("Patient/a", Version("Observation", "o", listed, STAMP), STAMP)
    assert list(behind([held], [expected], {"Observation"})) == [expected] * is_behind


@pytest.mark.parametrize(
    ("passed", "over"), [(0 * MOST, False), (MOST - A_MINUTE, False), (MOST, True)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_how_long_it_is_waited_for(passed, over, sign):
    """Also where our clock was set back: nobody knows how long that would be.

    A little ahead is what a run heard that began after this one.
    """
    expected = Expected("Patient/a", Version("Observation", "o", "1", STAMP), STAMP)
    assert is_over(expected, STAMP + sign * passed) is over

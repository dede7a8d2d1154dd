"""Any order of notes, claims, ends and deaths: nobody is lost, and nobody is held twice."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from b12fhir.adapters.database.place import SqlPlace, place_store
from b12fhir.adapters.sync.place import PlaceInMemory
from b12fhir.ports import Found
from tests.adapters.database.book.samples import T0

PATIENTS = st.sampled_from([f"Patient/{name}" for name in "abcdef"])
DAYS = st.sampled_from([None, *(date(2026, 11, 20) + timedelta(days=n) for n in range(3))])


class Queued(RuleBasedStateMachine):
    """Beside the place a model: who must still be looked at, and the turns that are held.

    ``places``: the runs of several programs on one state.
    """

    def __init__(self) -> None:
        super().__init__()
        self.places = self.make()
        self.owed: set[str] = set()
        self.due: dict[str, date] = {}
        self.held: dict[str, tuple[int, object]] = {}
        self.noted_since: set[str] = set()

    def make(self) -> list:
        return [PlaceInMemory()]

    def asked(self, patient: str) -> None:
        if patient in self.held:
            self.noted_since.add(patient)
        else:
            self.owed.add(patient)

    @rule(patients=st.lists(PATIENTS, max_size=4), at=st.integers(0, 2))
    def note(self, patients, at) -> None:
        self.place(at).note(Found(patients))
        for patient in patients:
            self.asked(patient)

    @rule(day=DAYS.filter(bool), at=st.integers(0, 2))
    def wake(self, day, at) -> None:
        self.place(at).wake(day)
        for patient in [one for one, due in self.due.items() if due <= day]:
            del self.due[patient]
            self.asked(patient)

    @rule(most=st.integers(1, 3), at=st.integers(0, 2))
    def claim(self, most, at) -> None:
        for turn in self.place(at).claim(most):
            assert turn.patient in self.owed, "claimed, and nobody asked for it"
            self.take(turn, at)

    @rule(patient=PATIENTS, at=st.integers(0, 2))
    def claim_only(self, patient, at) -> None:
        turn = self.place(at).claim_only(patient)
        assert (turn is None) == (patient in self.held)
        if turn:
            self.take(turn, at)

    def take(self, turn, at) -> None:
        assert turn.patient not in self.held, "held twice"
        self.held[turn.patient] = (at % len(self.places), turn)
        self.owed.discard(turn.patient)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), again_on=DAYS)
    def end(self, data, again_on) -> None:
        patient, turn, place = self.drawn(data)
        place.end(turn, again_on=again_on)
        self.due.pop(patient, None)
        if again_on:
            self.due[patient] = again_on
        self.over(patient, lost=False)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), tried=st.booleans())
    def give_back(self, data, tried) -> None:
        patient, turn, place = self.drawn(data)
        place.give_back(turn, tried=tried)
        self.over(patient, lost=True)

    def drawn(self, data):
        patient = data.draw(st.sampled_from(sorted(self.held)))
        at, turn = self.held.pop(patient)
        return patient, turn, self.places[at]

    def over(self, patient, *, lost) -> None:
        if lost or patient in self.noted_since:
            self.owed.add(patient)
        self.noted_since.discard(patient)

    @rule(at=st.integers(0, 2))
    def close(self, at) -> None:
        """A run ends in the midst of its work; the next use is another."""
        at %= len(self.places)
        self.places[at].close()
        for patient in [one for one, (by, _) in self.held.items() if by == at]:
            del self.held[patient]
            self.over(patient, lost=True)

    @invariant()
    def nobody_is_lost(self) -> None:
        """Who must still be looked at would be, by the run that comes next."""
        before_all = date(2000, 1, 1)
        assert set(self.places[0].peek(before_all)) == self.owed

    def place(self, at):
        return self.places[at % len(self.places)]


class QueuedInSql(Queued):
    """Two programs on one file."""

    def make(self) -> list:
        self.folder = TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name) / 'sync.sqlite3'}"
        return [SqlPlace(place_store(url), "server", clock=lambda: T0) for _ in range(2)]

    def teardown(self) -> None:
        for place in self.places:
            place.close()
        self.folder.cleanup()


@pytest.mark.parametrize("machine", [Queued, QueuedInSql])
def test_any_order_of_calls(machine):
    case = machine.TestCase
    case.settings = settings(
        max_examples=60 if machine is Queued else 12, stateful_step_count=30, deadline=None
    )
    case("runTest").runTest()

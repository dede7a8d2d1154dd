"""A signed plan followed on a server: doses, the one Task about a late one, and the calendar."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256

import pytest
import requests
from icalendar import Calendar

from b12fhir.adapters.follow import owner_of
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.errors import PatientError
from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.fhir.dose_task import overdue_write
from b12fhir.fhir.json import encode
from b12fhir.fhir.publish import Write
from b12fhir.fhir.validate import validate
from b12fhir.protocol.load import load_protocol
from b12fhir.service import Followed, calendar_of, follow
from tests.support.courses import D0, PATIENT, SITE, administered, order, signed_plan

PROTOCOL = load_protocol()


class Ward:
    """One patient with a signed load of 7 doses, each on the day of this test or later."""

    def __init__(self, server, store, fresh: str) -> None:
        self.server, self._store, self.id = server, store, fresh
        self.key = f"{sha256(fresh.encode()).hexdigest()[:16]}:e1:r1"
        load = order(**self._mine("induction", "order", f"{self.key}:induction"))
        plan = signed_plan(**self._mine("plan", "approved-plan", self.key))
        del load["meta"], plan["meta"]
        self._load = load
        store({**PATIENT, "id": fresh}, plan, load)
        changed = self.follow(D0).course.phases[0].changed
        # A server that runs after d0 took the order in later: its first dose is due on that day.
        self.first = max(changed, D0)

    def _mine(self, name: str, system: str, value: str) -> dict:
        return {
            "id": f"{self.id}-{name}",
            "subject": {"reference": f"Patient/{self.id}"},
            "identifier": [{"system": SITE.system(system), "value": value}],
        }

    def write(self, start: date, every: int) -> None:
        """The order as somebody has it on the server: from that day, every so many days."""
        (dosage,) = self._load["dosageInstruction"]
        repeat = {**dosage["timing"]["repeat"], "period": every}
        repeat["boundsPeriod"] = {"start": start.isoformat()}
        edited = {**dosage, "timing": {"repeat": repeat}, "text": f"every {every} days"}
        authored = f"{start.isoformat()}T08:00:00Z"
        self._store({**self._load, "authoredOn": authored, "dosageInstruction": [edited]})

    def give(self, number: int) -> None:
        day = (self.first + timedelta(days=number)).isoformat()
        record = administered(
            day,
            id=f"{self.id}-{day}",
            subject={"reference": f"Patient/{self.id}"},
            request={"reference": f"MedicationRequest/{self.id}-induction"},
            meta=None,
        )
        self._store(record)

    def read(self) -> list:
        can = read_capabilities(self.server.capabilities())
        return PatientReader(self.server, can, 200, SITE).everything(f"Patient/{self.id}")

    def follow(self, day) -> Followed:
        as_of = datetime.combine(day, time(12), UTC)
        (found,) = follow(self.read(), PROTOCOL, as_of, SITE, f"Patient/{self.id}")
        return found

    def on(self, number: int) -> Followed:
        return self.follow(self.first + timedelta(days=number))

    def tasks(self) -> list:
        return list(self.server.search("Task", {"patient": self.id}))

    def ask(self, number: int) -> Write:
        found = self.on(number)
        write = overdue_write(found.course, found.log, self.tasks(), SITE)
        if write.bundle is not None:
            assert validate(write.bundle) == []
            self.server.transaction(write.bundle)
        return write


@pytest.fixture
def ward(server, store, fresh) -> Ward:
    return Ward(server, store, fresh)


def statuses(found: Followed) -> list[str]:
    return [slot.status.value for slot in found.log.slots[:3]]


def test_doses_as_the_server_has_them(ward) -> None:
    assert statuses(ward.on(0)) == ["due", "scheduled", "scheduled"]
    ward.give(0)
    assert statuses(ward.on(1)) == ["given", "due", "scheduled"]
    assert statuses(ward.on(5)) == ["given", "missed", "scheduled"]


@pytest.mark.parametrize(("every", "third"), [(7, "scheduled"), (3, "due")])
def test_an_edit_of_the_schedule_makes_no_missed_dose(ward, every: int, third: str) -> None:
    """Two doses of six and four days ago, given before anybody touched the order: they count.

    The next is counted from the second one (weekly: in three days; every three days: yesterday),
    and is late on no day before the edit.
    """
    ward.first = ward.follow(D0).course.phases[0].changed
    ward.write(ward.first - timedelta(days=6), 2)
    ward.give(-6)
    ward.give(-4)
    assert statuses(ward.on(0)) == ["given", "given", "due"]
    ward.write(ward.first - timedelta(days=6), every)
    assert statuses(ward.on(0)) == ["given", "given", third]
    told = [slot.status.value for slot in ward.on(0).log.slots]
    assert {"missed", "overdue", "too-soon"}.isdisjoint(told)
    assert len(told) == 7


def test_a_late_dose_asks_once_and_is_silent_when_it_was_given(ward) -> None:
    ward.give(0)
    assert ward.ask(5).kind == "create"
    assert ward.ask(6).kind == "nothing"
    assert ward.ask(8).kind == "update"
    ward.give(8)
    assert ward.ask(8).kind == "withdraw"
    assert ward.ask(8).kind == "nothing"
    (task,) = ward.tasks()
    assert (task["status"], task["intent"]) == ("cancelled", "proposal")


def test_two_runs_at_once_make_one_task(ward) -> None:
    found = ward.on(5)
    write = overdue_write(found.course, found.log, [], SITE)
    assert write.bundle is not None
    for _ in range(2):
        ward.server.transaction(write.bundle)
    assert len(ward.tasks()) == 1


def test_the_calendar_grows_its_number_with_each_dose(ward) -> None:
    ward.give(0)
    before = calendar_of([ward.on(1)])
    assert calendar_of([ward.on(2)]) == before
    numbers = {int(one["SEQUENCE"]) for one in Calendar.from_ical(before).walk("VEVENT")}
    found = ward.on(1)
    later = replace(found.course, touched=found.course.touched + timedelta(seconds=1))
    after = Calendar.from_ical(calendar_of([replace(found, course=later)])).walk("VEVENT")
    assert len(numbers) == 1
    assert {int(one["SEQUENCE"]) for one in after} == {max(numbers) + 1}


def test_a_plan_is_found_by_its_key(ward) -> None:
    assert owner_of(ward.server, SITE, ward.key) == f"Patient/{ward.id}"
    with pytest.raises(PatientError, match="no signed plan with this key"):
        owner_of(ward.server, SITE, ward.key.replace(":r1", ":r2"))


@pytest.mark.hapi
def test_the_servers_validator_finds_nothing_wrong_with_the_task(hapi, ward) -> None:
    found = ward.on(8)
    write = overdue_write(found.course, found.log, [], SITE)
    assert write.bundle is not None
    task = next(
        entry["resource"]
        for entry in write.bundle["entry"]
        if entry["resource"]["resourceType"] == "Task"
    )
    answer = requests.post(
        f"{hapi}/Task/$validate",
        data=encode({**task, "requester": {"display": "engine"}}),
        headers={"Content-Type": "application/fhir+json"},
        timeout=60,
    ).json()
    errors = [i for i in answer["issue"] if i["severity"] in {"error", "fatal"}]
    assert errors == []

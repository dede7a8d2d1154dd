"""The Task about a late dose: one open for a plan, closed when none is late, never fought over."""

from dataclasses import replace
from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.fhir.dose_task import GIVEN_SINCE, NOT_IN_FORCE, dose_task, overdue_write
from b12fhir.fhir.publish import Write
from b12fhir.fhir.validate import structure, validate
from b12fhir.plan.course import Course
from tests.support.courses import KEY, SITE, course, day, dose, log, maintenance, phase

LATE = 5  # dose 2 was due on day 2 and is missed on day 5
Resource = dict[str, Any]


def wanted(*doses, plan: Course | None = None, as_of: Any = LATE) -> Resource:
    plan = plan or course()
    made = dose_task(plan, log(*doses, plan=plan, as_of=as_of), SITE)
    assert made is not None
    return made


class Ward:
    """The Tasks of one patient on a server."""

    def __init__(self) -> None:
        self.server = MemoryServer()

    def tasks(self) -> list[Resource]:
        return self.server.all("Task")

    def run(self, *doses, plan: Course | None = None, as_of: int = LATE) -> Write:
        plan = plan or course()
        write = overdue_write(plan, log(*doses, plan=plan, as_of=as_of), self.tasks(), SITE)
        if write.bundle is not None:
            assert validate(write.bundle) == []
            self.server.transaction(write.bundle)
        return write

    def statuses(self) -> list[str]:
        return [task["status"] for task in self.tasks()]

    def change(self, **changes: Any) -> None:
        (task,) = self.tasks()
        self.server.put({**task, **changes})


@pytest.fixture
def ward() -> Ward:
    return Ward()


def test_a_task_in_full() -> None:
    """Due on day 2 (23 November), on time for one day more: late from the 25th."""
    task = wanted(dose(0))
    assert structure(task) == []
    assert [one["value"] for one in task["identifier"]] == [
        f"{KEY}:dose-overdue:induction:2",
        f"{KEY}:dose-overdue",
    ]
    assert {one["system"] for one in task["identifier"]} == {SITE.system("dose-task")}
    assert (task["status"], task["intent"], task["priority"]) == (
        "requested",
        "proposal",
        "routine",
    )
    assert task["focus"] == {"reference": "CarePlan/plan"}
    assert task["basedOn"] == [{"reference": "MedicationRequest/induction"}]
    assert task["for"] == {"reference": "Patient/p1"}
    assert task["authoredOn"] == "2026-11-25"
    assert task["description"].startswith("Dose 2 of 7 of induction was due on 2026-11-23")
    assert "note" not in task


def test_after_more_than_7_days_it_also_asks_about_a_restart() -> None:
    task = wanted(dose(0), as_of=8)
    assert "should the load be restarted?" in task["note"][0]["text"]
    assert "should the load be restarted?" in task["text"]["div"]


def test_a_record_that_may_be_the_dose_is_named_in_it() -> None:
    """Else somebody gives what was given already."""
    unsure = replace(dose(2), given=type(dose(2).given).UNKNOWN)
    (note,) = wanted(dose(0), unsure)["note"]
    assert "ask before the next one is given" in note["text"]


@pytest.mark.parametrize(
    ("plan", "as_of", "priority"),
    [
        (course(phase(urgent=True)), LATE, "urgent"),  # nerves: a load does not wait
        (course(maintenance(urgent=True)), day(120), "routine"),
    ],
)
def test_only_an_urgent_load_is_urgent(plan, as_of, priority) -> None:
    assert wanted(plan=plan, as_of=as_of)["priority"] == priority


@pytest.mark.parametrize(
    "plan", [course(status="on-hold"), course(phase(status="stopped"))], ids=["held", "stopped"]
)
def test_what_is_not_in_force_is_not_late(plan) -> None:
    assert dose_task(plan, log(dose(0), plan=plan, as_of=30), SITE) is None


def test_it_stands_still_while_nothing_changes(ward) -> None:
    """No day of the run in it: a second run writes nothing."""
    assert ward.run(dose(0)).kind == "create"
    again = ward.run(dose(0), as_of=LATE + 1)
    assert (again.kind, again.bundle) == ("nothing", None)
    assert "stands there already" in again.reason
    assert ward.statuses() == ["requested"]


def test_it_says_more_when_more_is_to_be_asked(ward) -> None:
    ward.run(dose(0))
    assert ward.run(dose(0), as_of=8).kind == "update"
    (task,) = ward.tasks()
    assert "restarted" in task["note"][0]["text"]
    assert task["meta"]["versionId"] == "2"


def test_it_is_closed_when_the_dose_is_on_record(ward) -> None:
    ward.run(dose(0))
    write = ward.run(dose(0), dose(5))
    assert (write.kind, write.withdrawn, write.reason) == ("withdraw", 1, GIVEN_SINCE)
    (task,) = ward.tasks()
    assert (task["status"], task["statusReason"]) == ("cancelled", {"text": GIVEN_SINCE})
    assert ward.run(dose(0), dose(5)).kind == "nothing"


def test_it_is_closed_when_the_plan_is_stopped(ward) -> None:
    ward.run(dose(0))
    stopped = course(phase(status="stopped", changed=day(5)))
    assert ward.run(dose(0), plan=stopped, as_of=6).reason == NOT_IN_FORCE


def test_nothing_late_and_no_task_is_nothing_to_do(ward) -> None:
    write = ward.run(dose(0), as_of=1)
    assert (write.kind, write.reason) == ("nothing", "no dose is late")


def test_the_next_late_dose_has_a_task_of_its_own_and_one_is_open(ward) -> None:
    """Dose 2 comes on day 5, dose 3 is then due on day 7 and late on day 9."""
    ward.run(dose(0))
    write = ward.run(dose(0), dose(5), as_of=9)
    assert (write.kind, write.created, write.withdrawn) == ("create", 1, 1)
    assert sorted(ward.statuses()) == ["cancelled", "requested"]


def test_a_dose_taken_back_opens_its_task_again(ward) -> None:
    ward.run(dose(0))
    ward.run(dose(0), dose(5))
    assert ward.run(dose(0), as_of=6).kind == "update"
    assert ward.statuses() == ["requested"]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "completed"},
        {"status": "accepted"},
        {"status": "cancelled"},
        {"priority": "stat"},
    ],
)
def test_a_task_that_somebody_dealt_with_is_left_alone(ward, change) -> None:
    ward.run(dose(0))
    ward.change(**change)
    write = ward.run(dose(0), as_of=8)
    assert (write.kind, write.bundle) == ("nothing", None)
    assert "was taken, changed or closed by somebody" in write.reason


def test_somebody_at_work_on_an_earlier_dose_is_not_given_a_second_task(ward) -> None:
    ward.run(dose(0))
    ward.change(status="in-progress")
    write = ward.run(dose(0), dose(5), as_of=9)
    assert (write.kind, ward.statuses()) == ("nothing", ["in-progress"])
    assert "somebody is at work" in write.reason


def test_without_a_version_nothing_is_changed(ward) -> None:
    ward.run(dose(0))
    (task,) = ward.tasks()
    bare = {**task, "meta": {}}
    for doses in ((dose(0),), (dose(0), dose(5))):
        write = overdue_write(course(), log(*doses, as_of=8), [bare], SITE)
        assert write.kind == "nothing"
        assert "has no version" in write.reason


@pytest.mark.parametrize(
    "plan",
    [course(key="a1b2c3d4e5f60718:e2:r1"), course(patient="Patient/p2")],
    ids=["another plan", "another patient"],
)
def test_tasks_of_others_are_not_touched(ward, plan) -> None:
    ward.run(dose(0))
    write = ward.run(dose(0), plan=plan, as_of=1)
    assert (write.kind, ward.statuses()) == ("nothing", ["requested"])


def test_two_runs_at_once_make_one_task(ward) -> None:
    """The second finds the first's Task by the identifier its create is conditional on."""
    plan = course()
    write = overdue_write(plan, log(dose(0), as_of=LATE), [], SITE)
    assert write.bundle is not None
    for _ in range(2):
        ward.server.transaction(write.bundle)
    assert ward.statuses() == ["requested"]


def test_text_cannot_break_out_of_the_narrative() -> None:
    odd = course(phase(id="a<b>&c"))
    assert "a&lt;b&gt;&amp;c" in wanted(plan=odd)["text"]["div"]

"""Whom a change concerns: the right patients and nobody else, on HAPI and in memory alike."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.sync.finding import Look, Wish, look
from b12fhir.adapters.sync.place import PlaceInMemory
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.fhir.site import Site
from b12fhir.ports import Found, Version

# Hours from any server's: nothing may be compared with a clock of ours.
NOW = datetime(2031, 5, 6, 3, tzinfo=UTC)
ANY_DAY = date(2031, 5, 6)
CODE = {"text": "vitamin B12"}


@dataclass
class Watch:
    """Looks for changes again and again, and does nothing about them."""

    server: Any
    place: PlaceInMemory = field(default_factory=PlaceInMemory)

    def look(self, **wish: Any) -> Look:
        can = read_capabilities(self.server.capabilities())
        reader = PatientReader(self.server, can, 200, Site(zone=UTC))
        return look(self.server, reader, can, self.place, Wish(**({"now": NOW} | wish)))

    def changed(self, **wish: Any) -> set[str]:
        """Who waits after a look by changes; nobody does afterwards."""
        assert self.look(**wish) == Look(is_full=False)
        return self.waiting()

    def waiting(self) -> set[str]:
        found = set(self.place.peek(ANY_DAY))
        for turn in self.place.claim(100_000):
            self.place.end(turn)
        return found


@pytest.fixture
def watch(server) -> Watch:
    """Every patient known, and whatever other tests wrote a moment ago seen."""
    if isinstance(server, MemoryServer):
        server.put({"resourceType": "Patient", "id": "somebody"})
    watch = Watch(server)
    assert watch.look().is_full
    watch.look()
    watch.waiting()
    return watch


def person(id_: str, **elements: object) -> dict:
    return {"resourceType": "Patient", "id": id_, **elements}


def result(id_: str, owner: str, **elements: object) -> dict:
    return about("Observation", id_, owner, **{"status": "final", "code": CODE, **elements})


def about(kind: str, id_: str, owner: str, element: str = "subject", **elements: object) -> dict:
    who = {element: {"reference": f"Patient/{owner}"}}
    return {"resourceType": kind, "id": id_, **who, **elements}


def order(id_: str, owner: str, **elements: object) -> dict:
    asked = {"status": "active", "intent": "order", **elements}
    if "medicationReference" not in asked:
        asked["medicationCodeableConcept"] = {"text": "metformin"}
    return about("MedicationRequest", id_, owner, **asked)


@pytest.fixture
def two(store, fresh) -> tuple[str, str]:
    """Two patients of this test, who were there before the first look."""
    a, b = f"{fresh}-a", f"{fresh}-b"
    store(person(a), person(b))
    return a, b


@pytest.fixture
def a_result(two, store, fresh) -> str:
    """A result of the first of them, from before the first look."""
    store(result(fresh, two[0]))
    return fresh


@pytest.fixture
def begun(two, a_result, watch) -> Watch:
    """A watch that knows two patients and a result of one."""
    return watch


def test_a_second_look_finds_nobody(begun):
    assert begun.changed() == set()


def test_a_new_patient(begun, store, fresh):
    store(person(f"{fresh}-c"))
    assert begun.changed() == {f"Patient/{fresh}-c"}
    assert begun.changed() == set()


KINDS = {
    "Observation": {"status": "final", "code": CODE},
    "Condition": {"code": CODE},
    "Procedure": {"status": "completed"},
    "MedicationRequest": {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "metformin"},
    },
    "MedicationStatement": {"status": "active", "medicationCodeableConcept": CODE},
    "MedicationAdministration": {
        "status": "completed",
        "medicationCodeableConcept": CODE,
        "effectiveDateTime": "2026-11-01",
    },
    "MedicationDispense": {"status": "completed", "medicationCodeableConcept": CODE},
    "AllergyIntolerance": {"element": "patient"},
    "FamilyMemberHistory": {"element": "patient", "status": "completed", "relationship": CODE},
    "CarePlan": {"status": "active", "intent": "plan"},
    "ServiceRequest": {"status": "active", "intent": "order", "code": CODE},
    "Goal": {"lifecycleStatus": "active", "description": CODE},
    "RiskAssessment": {"status": "final"},
    "DetectedIssue": {"element": "patient", "status": "final"},
    "Task": {"element": "for", "status": "requested", "intent": "order"},
}


def test_a_new_resource_of_each_type_that_is_read(begun, store, fresh):
    """Not results only: an order of metformin, an allergy, a plan of somebody else."""
    owners = {kind: f"{fresh}-{kind.lower()}"[:64] for kind in KINDS}
    store(*(person(one) for one in owners.values()))
    begun.look()
    begun.waiting()
    store(*(about(kind, owners[kind], owners[kind], **more) for kind, more in KINDS.items()))
    assert begun.changed() == {f"Patient/{one}" for one in owners.values()}
    assert begun.changed() == set()


@pytest.mark.parametrize("status", ["amended", "entered-in-error"])
def test_a_result_that_is_changed_or_taken_back(begun, two, a_result, store, status):
    store(result(a_result, two[0], status=status))
    assert begun.changed() == {f"Patient/{two[0]}"}
    assert begun.changed() == set()


def test_a_result_that_is_deleted(begun, two, a_result, delete):
    """It vanishes from searches: only the history of the type tells."""
    delete("Observation", a_result)
    assert begun.changed() == {f"Patient/{two[0]}"}
    assert begun.changed() == set()


def test_a_result_that_is_moved_to_another_patient(begun, two, a_result, store):
    """The correction of a swap: both must be decided anew, above all the one who loses it."""
    store(result(a_result, two[1]))
    assert begun.changed() == {f"Patient/{two[0]}", f"Patient/{two[1]}"}
    assert begun.changed() == set()


def test_a_result_that_is_moved_on_and_deleted_between_two_looks(
    begun, two, a_result, store, delete, fresh
):
    store(person(f"{fresh}-c"))
    begun.changed()
    store(result(a_result, two[1]))
    store(result(a_result, f"{fresh}-c"))
    delete("Observation", a_result)
    assert begun.changed() == {f"Patient/{two[0]}", f"Patient/{two[1]}", f"Patient/{fresh}-c"}


def test_a_result_that_comes_back_after_its_deletion(begun, two, a_result, store, delete):
    delete("Observation", a_result)
    assert begun.changed() == {f"Patient/{two[0]}"}
    store(result(a_result, two[1]))
    assert begun.changed() >= {f"Patient/{two[1]}"}
    assert begun.changed() == set()


def test_an_order_that_is_stopped(begun, two, store, fresh):
    store(order(fresh, two[0]))
    begun.changed()
    store(order(fresh, two[0], status="stopped"))
    assert begun.changed() == {f"Patient/{two[0]}"}


def test_a_medicine_that_several_orders_share(begun, two, store, fresh):
    """What an order is about may change without the order."""
    drug = {"resourceType": "Medication", "id": fresh, "code": {"text": "metformin"}}
    link = {"medicationReference": {"reference": f"Medication/{fresh}"}}
    store(drug)
    assert begun.changed() == set()
    store(order(f"{fresh}-1", two[0], **link), order(f"{fresh}-2", two[1], **link))
    begun.changed()
    store({**drug, "code": {"text": "cyanocobalamin"}})
    assert begun.changed() == {f"Patient/{two[0]}", f"Patient/{two[1]}"}
    assert begun.changed() == set()


def test_a_merge_concerns_both_sides(begun, two, store):
    link = [{"other": {"reference": f"Patient/{two[1]}"}, "type": "replaced-by"}]
    store(person(two[0], active=False, link=link))
    assert begun.changed() == {f"Patient/{two[0]}", f"Patient/{two[1]}"}
    assert begun.changed() == set()


def test_a_patient_who_dies_or_is_deleted(begun, two, store, delete):
    store(person(two[1], deceasedBoolean=True))
    assert begun.changed() == {f"Patient/{two[1]}"}
    delete("Patient", two[1])
    assert begun.changed() == {f"Patient/{two[1]}"}
    assert begun.changed() == set()


def test_what_names_no_patient_is_told(begun, store, fresh):
    store({"resourceType": "Device", "id": fresh}, {"resourceType": "Location", "id": fresh})
    nobody = {"resourceType": "Observation", "id": f"{fresh}-n", "status": "final", "code": CODE}
    device = {**nobody, "id": f"{fresh}-d", "subject": {"reference": f"Device/{fresh}"}}
    store(nobody, device)
    found = begun.look()
    (note,) = found.notes
    assert "name no patient of this server: 2 Observation." in note
    assert begun.waiting() == set()


def test_what_we_wrote_ourselves_is_no_change(begun, two, server, fresh):
    plan = about("CarePlan", f"{fresh}-p", two[0], status="draft", intent="proposal")
    entry = {
        "fullUrl": f"http://example.org/fhir/CarePlan/{fresh}-p",
        "resource": plan,
        "request": {"method": "PUT", "url": f"CarePlan/{fresh}-p"},
    }
    server.transaction({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    turn = begun.place.claim_only(f"Patient/{two[0]}")
    begun.place.end(turn, [Version("CarePlan", f"{fresh}-p", "1", NOW)])
    assert begun.changed() == set()


def test_a_clinician_edits_our_draft(begun, two, store, fresh):
    plan = about("CarePlan", f"{fresh}-p", two[0], status="draft", intent="proposal")
    store(plan)
    turn = begun.place.claim_only(f"Patient/{two[0]}")
    begun.place.end(turn, [Version("CarePlan", f"{fresh}-p", "1", NOW)])
    store({**plan, "title": "as I want it"})
    assert begun.changed() == {f"Patient/{two[0]}"}


def test_what_is_committed_late_within_the_overlap_is_found(begun, two, store, fresh):
    """Its stamp is from before the mark: another transaction was faster to be seen."""
    store(result(f"{fresh}-late", two[1]))
    marks = begun.place.marks()
    ahead = {kind: at + timedelta(minutes=9) for kind, at in marks.items()}
    begun.place.note(Found(marks=ahead))
    assert begun.changed() == {f"Patient/{two[1]}"}


def test_all_that_one_transaction_wrote_is_found_over_several_looks(begun, two, store, fresh):
    """All of it bears one stamp: a mark at that stamp must not hide what was not seen yet."""
    store(result(f"{fresh}-1", two[0]), result(f"{fresh}-2", two[1]))
    (first,) = begun.server.search("Observation", {"_id": f"{fresh}-1"})
    assert first["meta"]["versionId"] == "1"
    begun.place.note(Found(seen=[Version("Observation", f"{fresh}-1", "1", NOW)]))
    assert begun.changed() == {f"Patient/{two[1]}"}


def test_a_look_from_a_moment_on_leaves_the_marks_alone(begun, two, store, fresh):
    marks = begun.place.marks()
    store(result(f"{fresh}-1", two[1]))
    (row,) = begun.server.search("Observation", {"_id": f"{fresh}-1"})
    since = datetime.fromisoformat(row["meta"]["lastUpdated"])
    assert begun.changed(since=since) == {f"Patient/{two[1]}"}
    assert begun.place.marks() == marks
    assert begun.changed() == {f"Patient/{two[1]}"}

"""Signed plans and doses as a server holds them, edited by anybody, read as values or said."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from b12fhir.errors import InputError
from b12fhir.facts.medicines import Route
from b12fhir.fhir.course import dose_records, read_courses
from b12fhir.fhir.extract import extract
from b12fhir.kernel.truth import Truth
from b12fhir.plan.course import Course, DoseRecord
from b12fhir.protocol.load import load_protocol
from tests.support.courses import (
    EVERY_OTHER_DAY,
    KEY,
    MONTHLY,
    PATIENT,
    SITE,
    administered,
    monthly,
    order,
    signed_plan,
)

PROTOCOL = load_protocol()
Resource = dict[str, Any]


def courses(*resources: Resource) -> tuple[Course, ...]:
    everything = [PATIENT, *resources]
    facts = extract(everything, PROTOCOL, SITE)
    return read_courses(everything, facts, PROTOCOL.pack, SITE)


def the_course(*resources: Resource) -> Course:
    (found,) = courses(*(resources or (signed_plan(), order())))
    return found


def records(*resources: Resource) -> tuple[DoseRecord, ...]:
    everything = [PATIENT, signed_plan(), order(), *resources]
    facts = extract(everything, PROTOCOL, SITE)
    (course,) = read_courses(everything, facts, PROTOCOL.pack, SITE)
    return dose_records(everything, facts, course, SITE)


def test_a_signed_plan_is_read_whole() -> None:
    found = the_course(monthly(), order(priority="urgent"), signed_plan())
    assert (found.key, found.reference, found.patient, found.status) == (
        KEY,
        "CarePlan/plan",
        "Patient/p1",
        "active",
    )
    load, after = found.phases
    assert (load.id, load.order, load.key) == (
        "induction",
        "MedicationRequest/induction",
        f"{KEY}:induction",
    )
    assert (load.schedule, after.schedule) == (EVERY_OTHER_DAY, MONTHLY)
    assert (load.drug, load.route, load.dose_ug) == ("hydroxocobalamin", Route.IM, 1000)
    assert (load.urgent, after.urgent) == (True, False)
    assert (load.since, load.changed) == (date(2026, 11, 21), date(2026, 11, 21))
    assert found.problems == ()


def test_proposals_and_other_peoples_plans_are_none() -> None:
    proposal = signed_plan(
        status="draft",
        intent="proposal",
        identifier=[{"system": SITE.system("plan"), "value": KEY}],
    )
    stranger = signed_plan(id="x", subject={"reference": "Patient/p2"})
    assert courses(proposal, stranger, order()) == ()


def test_an_order_of_somebody_else_under_our_key_is_not_this_patients() -> None:
    """A swapped patient is the worst defect there is."""
    assert the_course(signed_plan(), order(subject={"reference": "Patient/p2"})).phases == ()


def test_laboratory_orders_share_the_system_and_are_no_phases() -> None:
    test = {**order("b12"), "resourceType": "ServiceRequest"}
    assert the_course(signed_plan(), test).phases == ()


def test_the_last_change_of_the_order_and_its_signature() -> None:
    moved = {"versionId": "3", "lastUpdated": "2026-11-24T23:00:00Z"}
    (phase,) = the_course(signed_plan(), order(meta=moved)).phases
    assert (phase.since, phase.changed) == (date(2026, 11, 21), date(2026, 11, 24))
    (unsigned,) = the_course(signed_plan(), order(meta=moved, authoredOn=None)).phases
    assert unsigned.since == date(2026, 11, 24)


def test_the_latest_change_of_anything_the_doses_are_counted_from() -> None:
    found = the_course(signed_plan(), order(), administered("2026-11-23"))
    assert found.updated == datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert found.touched == datetime(2026, 11, 23, 10, tzinfo=UTC)
    undated = administered("2026-11-23", meta=None)
    assert the_course(signed_plan(), order(), undated).touched == found.updated


@pytest.mark.parametrize("spoiled", ["CarePlan", "MedicationRequest"])
def test_without_the_day_of_the_last_change_nothing_can_be_counted(spoiled) -> None:
    everything = [signed_plan(), order()]
    next(one for one in everything if one["resourceType"] == spoiled)["meta"] = {"versionId": "1"}
    with pytest.raises(InputError, match=f"{spoiled}/.* has no meta.lastUpdated"):
        the_course(*everything)


UNREAD = {
    "edited timing": (
        {"dosageInstruction": [{"timing": {"repeat": {"frequency": 1}}}]},
        "boundsPeriod.start is missing: the first day is not stated",
    ),
    "as needed": (
        {"dosageInstruction": [{"asNeededBoolean": True}]},
        "it is to be given as needed",
    ),
    "as needed for something": (
        {"dosageInstruction": [{"asNeededCodeableConcept": {"text": "fatigue"}}]},
        "it is to be given as needed",
    ),
    "two dosages": ({"dosageInstruction": [{}, {}]}, "it has 2 dosage instructions, not one"),
    "no dosage": ({"dosageInstruction": None}, "it has 0 dosage instructions, not one"),
    "another medicine": (
        {"medicationCodeableConcept": {"text": "paracetamol"}},
        "it could not be read as an order of vitamin B12",
    ),
}


@pytest.mark.parametrize(("change", "said"), UNREAD.values(), ids=UNREAD)
def test_an_order_that_cannot_be_read_says_why(change, said) -> None:
    (phase,) = the_course(signed_plan(), order(**change)).phases
    assert phase.schedule is None
    assert phase.problem == said


def test_an_order_in_error_keeps_its_days_so_that_they_can_be_cancelled() -> None:
    (phase,) = the_course(signed_plan(), order(status="entered-in-error")).phases
    assert phase.schedule == EVERY_OTHER_DAY
    assert (phase.drug, phase.route, phase.dose_ug) == ("", Route.UNKNOWN, None)


@pytest.mark.parametrize("status", ["draft", None])
def test_an_order_that_nobody_activated_gives_no_slots_and_is_said(status) -> None:
    found = the_course(signed_plan(), order(status=status))
    assert found.phases == ()
    assert found.problems == (
        f"MedicationRequest/induction is {status or 'without status'}: not in force.",
    )


def test_two_orders_with_one_identity_are_said_and_counted_once() -> None:
    older = order(id="a-stopped", status="stopped")
    found = the_course(signed_plan(), older, order())
    assert [phase.order for phase in found.phases] == ["MedicationRequest/induction"]
    (problem,) = found.problems
    assert problem == (
        "MedicationRequest/a-stopped and MedicationRequest/induction have one and the same"
        " identity: are doses ordered twice?"
    )


def test_two_plans_with_one_identity_are_said() -> None:
    found = the_course(signed_plan(), signed_plan(id="twin"), order())
    assert found.reference == "CarePlan/plan"
    assert "CarePlan/plan and CarePlan/twin" in found.problems[0]


def test_several_plans_of_one_patient_each_with_its_own_orders() -> None:
    later = f"{KEY[:-1]}2"
    own = [{"system": SITE.system("approved-plan"), "value": later}]
    mine = [{"system": SITE.system("order"), "value": f"{later}:induction"}]
    found = courses(
        signed_plan(status="revoked"),
        order(status="stopped"),
        signed_plan(id="second", identifier=own),
        order(id="second", identifier=mine),
    )
    assert [(one.key, one.phases[0].order) for one in found] == [
        (KEY, "MedicationRequest/induction"),
        (later, "MedicationRequest/second"),
    ]


# --- doses ----------------------------------------------------------------------------------------


def test_an_administration_of_our_order() -> None:
    (found,) = records(administered("2026-11-23T10:00:00Z"))
    assert found.reference == "MedicationAdministration/dose-2026-11-23"
    assert (found.rank, found.day, found.given) == (0, date(2026, 11, 23), Truth.YES)
    assert (found.drug, found.route) == ("hydroxocobalamin", Route.IM)
    assert found.order == "MedicationRequest/induction"


@pytest.mark.parametrize(
    ("link", "order_"),
    [
        ({"reference": "MedicationRequest/induction/_history/2"}, "MedicationRequest/induction"),
        (
            {"reference": "https://ehr.test/fhir/MedicationRequest/induction"},
            "MedicationRequest/induction",
        ),
        (
            {"identifier": {"system": SITE.system("order"), "value": f"{KEY}:induction"}},
            f"{KEY}:induction",
        ),
        ({"identifier": {"system": "https://other", "value": f"{KEY}:induction"}}, ""),
        ({"reference": "MedicationRequest/of-another"}, ""),
        (None, ""),
    ],
)
def test_how_a_dose_names_its_order(link, order_) -> None:
    (found,) = records(administered("2026-11-23", request=link))
    assert found.order == order_


@pytest.mark.parametrize(
    ("change", "given", "declined"),
    [
        ({"status": "in-progress"}, Truth.UNKNOWN, False),
        ({"status": "unknown"}, Truth.UNKNOWN, False),
        ({"status": "not-done"}, Truth.NO, False),
        ({"status": "not-done", "statusReason": [{"text": "refused"}]}, Truth.NO, True),
    ],
)
@pytest.mark.parametrize("medicine", ["hydroxocobalamin injection", "injection"])
def test_what_was_not_completed(change, given, declined, medicine) -> None:
    """Also where the record does not name the medicine, but our order."""
    said = {"medicationCodeableConcept": {"text": medicine}}
    (found,) = records(administered("2026-11-23", **change, **said))
    assert (found.given, found.declined) == (given, declined)


def test_a_record_that_names_our_order_but_no_medicine_we_know_counts() -> None:
    """Not to count it would give the dose twice."""
    blank = administered("2026-11-23", medicationCodeableConcept={"text": "depot injection"})
    (found,) = records(blank)
    assert (found.given, found.day, found.route) == (
        Truth.YES,
        date(2026, 11, 23),
        Route.UNKNOWN,
    )
    span = {"effectiveDateTime": None, "effectivePeriod": {"start": "2026-11-23"}}
    (spanned,) = records({**blank, **span})
    assert spanned.day == date(2026, 11, 23)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "entered-in-error"},
        {"subject": {"reference": "Patient/p2"}},
        {"request": None, "medicationCodeableConcept": {"text": "depot injection"}},
    ],
    ids=["withdrawn", "another patient's", "another medicine"],
)
def test_what_is_no_dose_of_this_course(change) -> None:
    assert records(administered("2026-11-23", **change)) == ()


def test_an_injection_recorded_as_a_procedure() -> None:
    procedure = {
        "resourceType": "Procedure",
        "id": "shot",
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "code": {"text": "Injection of hydroxocobalamin 1000 ug intramuscular"},
        "performedDateTime": "2026-11-23",
        "basedOn": [{"reference": "MedicationRequest/induction"}],
    }
    (found,) = records(procedure)
    assert (found.rank, found.day, found.order) == (
        1,
        date(2026, 11, 23),
        "MedicationRequest/induction",
    )


def statement(**changes: Any) -> Resource:
    """What the patient says to have had."""
    return {
        "resourceType": "MedicationStatement",
        "id": "own",
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "hydroxocobalamin injection 1000 microgram"},
        **changes,
    }


def test_a_patients_statement_of_one_day_is_a_dose() -> None:
    (found,) = records(statement(effectiveDateTime="2026-11-23"))
    assert (found.rank, found.day, found.given) == (2, date(2026, 11, 23), Truth.YES)


@pytest.mark.parametrize(
    "change",
    [
        {"effectivePeriod": {"start": "2026-11-21", "end": "2026-12-21"}},
        {"effectiveDateTime": "2026-11-21", "status": "active"},
        {},
    ],
    ids=["a stretch of time", "still going on", "no day"],
)
def test_a_statement_of_a_course_is_no_single_dose(change) -> None:
    assert records(statement(**change)) == ()


def test_supply_is_no_dose() -> None:
    dispense = {**statement(), "resourceType": "MedicationDispense", "whenHandedOver": "2026-11-23"}
    assert records(dispense) == ()

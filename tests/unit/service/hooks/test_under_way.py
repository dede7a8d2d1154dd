"""B12 under way: late and coming doses, phases to sign, and what cannot be followed."""

from typing import Any

import pytest

from b12fhir.fhir.dosage import dosage
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import SNOMED
from b12fhir.service.hooks.model import Hook, Indicator, Role
from tests.support.builders import build_maintenance, build_oral
from tests.support.cards import read, rows
from tests.support.courses import administered, monthly, order, signed_plan
from tests.support.hook_records import condition, proposal_of, signed
from tests.unit.service.test_propose import b12

LOW = b12(95, day="2026-11-18")
FIRST, SECOND = administered("2026-11-21T10:00:00Z"), administered("2026-11-23T10:00:00Z")
PLAN = (LOW, signed_plan(), order())


NUMB = condition("91019004", "Paresthesia")


def foreign(**more: Any) -> dict[str, Any]:
    """A monthly injection that an EHR ordered by itself."""
    plain = monthly(id="o9", identifier=None)
    return plain | more


def test_a_late_dose_is_a_warning_with_its_number_and_day() -> None:
    """Alternate days, late after one day: dose 3 was due on the 25th, on the 28th it is missed."""
    (found,) = read(*PLAN, FIRST, SECOND, day="2026-11-28")
    assert (found.indicator, found.rule, found.key) == (
        Indicator.WARNING,
        "R-131",
        "dose:induction:3",
    )
    assert found.summary == (
        "B12 dose 3 of 7 was due on 25 Nov 2026 and none is on record: consider giving"
        " hydroxocobalamin 1000 microgram IM now"
    )
    assert found.suggestions == ()
    told = rows(found)
    assert "The dose before it: 23 Nov 2026. Order: MedicationRequest/induction." in told["Due"]
    assert "Never give two to catch up" in told["Before giving"]


def test_each_late_dose_is_a_matter_of_its_own() -> None:
    """Whoever answers one must still hear of the next."""
    first = read(*PLAN, day="2026-11-28")[0]
    third = read(*PLAN, FIRST, SECOND, day="2026-11-28")[0]
    assert first.key != third.key


def test_a_loading_dose_that_nerves_wait_for_is_critical() -> None:
    urgent = (LOW, NUMB, signed_plan(), order(priority="urgent"))
    (found,) = read(*urgent, FIRST, SECOND, day="2026-11-28")
    assert found.indicator is Indicator.CRITICAL
    (to_patient,) = read(
        *urgent, FIRST, SECOND, day="2026-11-28", role=Role.PATIENT, user="Patient/p1"
    )
    assert to_patient.indicator is Indicator.WARNING


def test_a_dose_in_its_window_is_information_and_one_outside_is_silent() -> None:
    (found,) = read(*PLAN, FIRST, SECOND, day="2026-11-25")
    assert found.indicator is Indicator.INFO
    assert "is due on 25 Nov 2026: consider giving hydroxocobalamin" in found.summary
    # Monthly: from 7 days before its day. The next one is due on 3 January.
    given = administered("2026-12-03T10:00:00Z", request={"reference": "MedicationRequest/x"})
    plan = (LOW, signed_plan(), monthly())
    assert read(*plan, given, day="2026-12-20") == ()
    assert len(read(*plan, given, day="2026-12-30")) == 1


@pytest.mark.parametrize(
    ("role", "words"),
    [
        (Role.NURSE, "consider giving hydroxocobalamin 1000 microgram IM now"),
        (Role.PHARMACIST, "consider checking the supply of hydroxocobalamin"),
        (Role.PATIENT, "please ask your care team about hydroxocobalamin"),
    ],
)
def test_a_dose_is_told_in_the_words_of_who_reads(role, words) -> None:
    (found,) = read(*PLAN, FIRST, SECOND, day="2026-11-28", role=role)
    assert words in found.summary
    assert ("MedicationRequest" in found.detail) is (role is not Role.PATIENT)


def test_nothing_is_started_beside_a_signed_plan() -> None:
    """The first dose is due tomorrow: no card, and above all no second course."""
    later = order(dosageInstruction=[dosage(build_maintenance())])
    assert read(LOW, signed_plan(), later, day="2026-11-22") == ()


def test_nerves_do_not_wait_for_the_first_day_of_a_plan() -> None:
    later = order(dosageInstruction=[dosage(build_maintenance())])
    (found,) = read(LOW, NUMB, signed_plan(), later, day="2026-11-22")
    assert "no dose on record: consider giving the first dose today" in found.summary
    assert found.suggestions == ()


def test_tablets_are_no_dose_to_come_in_for() -> None:
    daily = order(
        "oral",
        medicationCodeableConcept={"text": "cyanocobalamin 1000 microgram tablet"},
        dosageInstruction=[dosage(build_oral())],
    )
    assert read(LOW, signed_plan(), daily, day="2026-11-22") == ()


def test_a_plan_that_cannot_be_followed_says_so_and_starts_nothing() -> None:
    """Without the day of its last change a missed dose cannot be told from a moved one."""
    (found,) = read(LOW, signed_plan(meta={}), order(), day="2026-11-28")
    assert found.key == "unchecked"
    assert "A signed plan could not be followed" in rows(found)["Missing"]
    # Its order is then followed like anybody else's: by the doses on record.
    (late,) = read(LOW, signed_plan(meta={}), order(), FIRST, SECOND, day="2026-11-28")
    assert late.key == "dose:MedicationRequest/induction:2026-11-25"
    assert "could not be followed" in rows(late)["Missing"]


def test_a_record_in_an_odd_shape_does_not_stop_it() -> None:
    odd = [
        {"resourceType": "Observation", "id": "x", "subject": "Patient/p1"},
        {"resourceType": "Observation", "id": "y", "identifier": "z"},
        {"resourceType": "Observation", "id": "w", "identifier": ["z"]},
    ]
    assert len(read(*PLAN, *odd, day="2026-11-28")) == 1


def test_an_order_of_somebody_else_is_late_by_its_own_interval() -> None:
    """Monthly (30 days), given on 21 November: due on 21 December, late after 14 more days."""
    given = administered("2026-11-21T10:00:00Z", request=None)
    assert read(LOW, foreign(), given, day="2027-01-04") == ()
    (found,) = read(LOW, foreign(), given, day="2027-01-05")
    assert (found.indicator, found.rule) == (Indicator.WARNING, "R-133")
    assert found.summary.startswith("B12 injection was due on 21 Dec 2026")


@pytest.mark.parametrize(
    "changes",
    [
        # No dose on record: nobody knows what the interval is counted from.
        {"given": ()},
        # No structured timing, a daily one, or one that is over.
        {"timing": {}},
        {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}},
        {"timing": {"repeat": {"boundsPeriod": {"end": "2026-11-30"}}}},
    ],
)
def test_without_dose_or_interval_nobody_can_tell_that_one_is_late(changes) -> None:
    given = changes.get("given", (administered("2026-11-21T10:00:00Z", request=None),))
    one = foreign()
    timing = one["dosageInstruction"][0]["timing"]
    if "timing" in changes:
        repeat = changes["timing"].get("repeat", {})
        merged = {**timing["repeat"], **repeat} if "boundsPeriod" in repeat else repeat
        one["dosageInstruction"][0]["timing"] = {"repeat": merged} if merged else {}
    assert read(LOW, one, *given, day="2027-01-20") == ()


PERNICIOUS = condition("84027009", "Pernicious anaemia", "2026-10-01")


def test_a_phase_that_nobody_signed_is_asked_for_before_the_doses_end() -> None:
    """R-121: the load ends on 3 December; two weeks before, the next phase is to be signed."""
    site = Site()
    stored = signed(proposal_of(LOW, PERNICIOUS, site=site), site, "induction")
    given = [
        administered(f"2026-11-{day}T10:00:00Z", request={"reference": "MedicationRequest/ordered"})
        for day in ("21", "23")
    ]
    # On the 24th dose 3 is in its window: that goes first.
    (dose,) = read(LOW, PERNICIOUS, *stored, *given, day="2026-11-24")
    assert dose.key == "dose:induction:3"
    more = [
        administered(f"2026-{day}T10:00:00Z", request={"reference": "MedicationRequest/ordered"})
        for day in ("11-25", "11-27", "11-29", "12-01", "12-03")
    ]
    record = (LOW, PERNICIOUS, *stored, *given, *more)
    (found,) = read(*record, day="2026-12-05")
    assert (found.rule, found.indicator) == ("R-121", Indicator.INFO)
    assert found.key.endswith(":induction-2")
    assert "consider signing phase induction-2 from 10 Dec 2026" in found.summary
    assert "cyanocobalamin" in rows(found)["Next phase"]
    assert read(*record, day="2026-12-05", role=Role.PATIENT) == ()
    (nurse,) = read(*record, day="2026-12-05", role=Role.NURSE)
    assert "ask the prescriber about signing" in nurse.summary


def rejected(stored: list[dict[str, Any]], site: Site) -> list[dict[str, Any]]:
    """The same after a rejection: the plan is revoked and marked."""
    digest = site.system("decision-digest")
    for one in stored:
        if one["resourceType"] == "CarePlan":
            mark = next(i["value"] for i in one["identifier"] if i["system"] == digest)
            one["identifier"].append({"system": site.system("rejected-digest"), "value": mark})
            one["status"] = "revoked"
    return [one for one in stored if one["resourceType"] == "CarePlan"]


def test_what_a_practitioner_rejected_is_not_said_again_while_it_can_wait() -> None:
    site = Site()
    stored = rejected(proposal_of(LOW, site=site), site)
    assert read(LOW, *stored) == ()
    # It became worse: another decision.
    assert len(read(LOW, NUMB, *stored)) == 1


def test_what_is_urgent_is_said_after_a_rejection_too_and_drafts_nothing() -> None:
    site = Site()
    stored = rejected(proposal_of(LOW, NUMB, site=site), site)
    (found,) = read(LOW, NUMB, *stored)
    assert found.indicator is Indicator.CRITICAL
    assert found.suggestions == ()


def test_a_forbidden_order_is_told_whatever_was_rejected() -> None:
    """Who rejects a plan says nothing about an intravenous order that lies beside it."""
    site = Site()
    wrong = foreign(id="iv", status="draft")
    wrong["dosageInstruction"][0]["route"] = {"coding": [{"system": SNOMED, "code": "47625008"}]}
    stored = rejected(proposal_of(LOW, wrong, site=site), site)
    assert stored
    (found,) = read(LOW, wrong, *stored)
    assert (found.rule, found.indicator) == ("R-93", Indicator.CRITICAL)


def test_a_plan_that_was_withdrawn_is_no_rejection() -> None:
    site = Site()
    stored = proposal_of(LOW, site=site)
    plan = next(one for one in stored if one["resourceType"] == "CarePlan")
    assert len(read(LOW, {**plan, "status": "revoked"})) == 1


def test_at_discharge_the_next_dose_is_handed_over() -> None:
    (found,) = read(*PLAN, FIRST, SECOND, day="2026-11-24", hook=Hook.ENCOUNTER_DISCHARGE)
    assert (found.key, found.indicator) == ("discharge", Indicator.INFO)
    assert "Discharge: the next B12 dose is due on 25 Nov 2026" in found.summary
    told = rows(found)
    assert "MedicationRequest/induction" in told["Orders"]
    assert "who is responsible from now on" in told["Hand over"]


def test_at_discharge_a_late_dose_is_a_warning() -> None:
    (found,) = read(*PLAN, FIRST, SECOND, day="2026-11-28", hook=Hook.ENCOUNTER_DISCHARGE)
    assert found.indicator is Indicator.WARNING
    assert "the next B12 dose was due on 25 Nov 2026" in found.summary


def test_at_discharge_doses_without_any_order_are_a_warning() -> None:
    (found,) = read(LOW, FIRST, SECOND, hook=Hook.ENCOUNTER_DISCHARGE)
    assert found.indicator is Indicator.WARNING
    assert "B12 was given and no order continues it" in found.summary


def test_at_discharge_an_order_of_the_ward_is_handed_over() -> None:
    (found,) = read(LOW, foreign(), hook=Hook.ENCOUNTER_DISCHARGE)
    assert found.indicator is Indicator.INFO
    assert "Discharge: B12 is on order" in found.summary
    (to_patient,) = read(LOW, foreign(), hook=Hook.ENCOUNTER_DISCHARGE, role=Role.PATIENT)
    assert "Why" not in rows(to_patient)


def test_at_discharge_what_is_untreated_is_a_matter_of_its_own() -> None:
    """Put off on the ward, it is said again at the door."""
    (found,) = read(LOW, hook=Hook.ENCOUNTER_DISCHARGE)
    assert (found.key, found.rule) == ("discharge", "R-28")
    assert found.summary.startswith("Discharge: B12 95 ng/L")
    assert len(found.suggestions) == 2


def test_at_discharge_a_normal_patient_goes_home_in_silence() -> None:
    assert read(b12(500), hook=Hook.ENCOUNTER_DISCHARGE) == ()

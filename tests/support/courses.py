"""A signed plan and doses given for it, built by hand: a test names only what it is about."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from b12fhir.facts.medicines import Route
from b12fhir.fhir.dosage import dosage
from b12fhir.fhir.site import Site
from b12fhir.kernel.dates import When, on
from b12fhir.kernel.truth import Truth
from b12fhir.plan.course import Course, CoursePhase, DoseRecord
from b12fhir.plan.schedule import Schedule
from b12fhir.plan.slot import DoseLog
from b12fhir.plan.slots import dose_log
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import Span
from tests.support.builders import build_maintenance, build_phase
from tests.support.telling import check_log

SITE = Site()
LIMITS = load_protocol().limits
KEY = "a1b2c3d4e5f60718:e1:r1"
# A Saturday. The plan was signed that morning.
D0 = date(2026, 11, 21)
SIGNED = datetime(2026, 11, 21, 9, tzinfo=UTC)
EVERY_OTHER_DAY = Schedule(D0, interval=Span(2, "d"), count=7)
MONTHLY = Schedule(date(2027, 1, 3), interval=Span(1, "mo"))


def day(number: int) -> date:
    """So many days after d0."""
    return D0 + timedelta(days=number)


def phase(schedule: Schedule | None = EVERY_OTHER_DAY, **changes: Any) -> CoursePhase:
    """Seven injections, one every other day, signed on d0."""
    name = changes.get("id", "induction")
    plain = CoursePhase(
        id=name,
        order=f"MedicationRequest/{name}",
        key=f"{KEY}:{name}",
        status="active",
        schedule=schedule,
        problem="",
        drug="hydroxocobalamin",
        route=Route.IM,
        dose_ug=Decimal(1000),
        since=D0,
        changed=D0,
    )
    return replace(plain, **changes)


def maintenance(schedule: Schedule = MONTHLY, **changes: Any) -> CoursePhase:
    """Monthly injections without end, one month after the last of the load."""
    return phase(schedule, **({"id": "maintenance"} | changes))


def course(*phases: CoursePhase, **changes: Any) -> Course:
    """One plan in force."""
    plain = Course(
        key=KEY,
        reference="CarePlan/plan",
        patient="Patient/p1",
        status="active",
        updated=SIGNED,
        touched=SIGNED,
        phases=phases or (phase(),),
    )
    return replace(plain, **changes)


def dose(when: int | date | When | None, **changes: Any) -> DoseRecord:
    """An injection that a nurse recorded, so many days after d0 or on a day."""
    moment = day(when) if isinstance(when, int) else when
    moment = on(moment) if isinstance(moment, date) else moment
    plain = DoseRecord(
        reference=f"MedicationAdministration/{moment.text if moment else 'undated'}",
        rank=0,
        when=moment,
        given=Truth.YES,
        drug="hydroxocobalamin",
        route=Route.IM,
    )
    return replace(plain, **changes)


def log(*doses: DoseRecord, plan: Course | None = None, as_of: int | date = 0) -> DoseLog:
    """The slots on a day; however they fall, they must be told well."""
    until = day(as_of) if isinstance(as_of, int) else as_of
    found = dose_log(plan or course(), doses, LIMITS, until)
    check_log(found)
    return found


def told(found: DoseLog) -> list[tuple[str, int, str]]:
    """Each slot in short: phase:ordinal, days from d0 to its day, status."""
    return [
        (f"{slot.phase}:{slot.ordinal}", (slot.due - D0).days, slot.status.value)
        for slot in found.slots
        if slot.due is not None
    ]


def short(found: DoseLog) -> list[str]:
    """As `told`, in words like "3 given-late 4->5": ordinal, status, day due and day given."""
    words = []
    for slot in found.slots:
        due = (slot.due - D0).days
        on_day = f"->{(slot.given - D0).days}" if slot.given else ""
        words.append(f"{slot.ordinal} {slot.status.value} {due}{on_day}")
    return words


def asked(found: DoseLog) -> list[str]:
    """Ids of what must be asked."""
    return [remark.id for remark in found.remarks]


def order(name: str = "induction", /, **changes: Any) -> dict[str, Any]:
    """A signed order as it stands on a server: 1000 microgram IM on alternate days, 7 doses."""
    plain = {
        "resourceType": "MedicationRequest",
        "id": name,
        "meta": {"versionId": "1", "lastUpdated": "2026-11-21T09:00:00Z"},
        "identifier": [{"system": SITE.system("order"), "value": f"{KEY}:{name}"}],
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2026-11-21",
        "medicationCodeableConcept": {
            "text": "hydroxocobalamin 1000 microgram/mL solution for injection"
        },
        "dosageInstruction": [dosage(build_phase())],
    }
    return {key: held for key, held in (plain | changes).items() if held is not None}


def monthly(**changes: Any) -> dict[str, Any]:
    """The signed order of the maintenance."""
    return order("maintenance", **({"dosageInstruction": [dosage(build_maintenance())]} | changes))


def signed_plan(**changes: Any) -> dict[str, Any]:
    """The plan that the orders belong to."""
    plain = {
        "resourceType": "CarePlan",
        "id": "plan",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-21T09:00:00Z"},
        "identifier": [{"system": SITE.system("approved-plan"), "value": KEY}],
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/p1"},
    }
    return plain | changes


def administered(when: str, /, **changes: Any) -> dict[str, Any]:
    """A nurse's record of one injection."""
    plain = {
        "resourceType": "MedicationAdministration",
        "id": f"dose-{when[:10]}",
        "meta": {"versionId": "1", "lastUpdated": f"{when[:10]}T10:00:00Z"},
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": when,
        "medicationCodeableConcept": {"text": "hydroxocobalamin injection 1000 microgram"},
        "dosage": {"route": {"text": "intramuscular"}},
        "request": {"reference": "MedicationRequest/induction"},
    }
    return {key: held for key, held in (plain | changes).items() if held is not None}


PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1960-05-04"}

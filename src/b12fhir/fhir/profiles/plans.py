"""Profiles of a plan and what holds it together: the plan, its tests, its goals, its sign-off."""

from b12fhir.fhir.profiles.element import Element, Invariant, Profile
from b12fhir.fhir.profiles.shared import (
    PROTOCOL,
    SUBJECT,
    identified,
    key_in,
    origin,
    proposed,
    says_no_proposal,
    says_proposal,
    status_in,
)
from b12fhir.kernel.codes import LOINC, SNOMED

CARE_PLAN = Profile(
    "b12-careplan",
    "CarePlan",
    "the plan, proposed",
    "A proposed plan: its reasons as text, its requests as activities. It is active only as a new"
    " resource, made by a named practitioner.",
    (
        Element("text", 1, why="Every reason, for any reader"),
        *identified("plan"),
        *PROTOCOL,
        Element("intent", pattern={"Code": "proposal"}),
        Element("category", 1),
        Element("title", 1),
        Element("description", 1),
        SUBJECT,
        Element("period", 1),
        Element("period.start", 1, why="d0: every date of the plan is counted from it"),
        Element("created", 1),
        Element("author", 1, targets=("Device",)),
        Element("activity.reference", targets=("MedicationRequest", "ServiceRequest")),
    ),
    (
        proposed("b12-cp", "CarePlan"),
        Invariant(
            "b12-cp-2",
            "Its category is ours.",
            "category.coding.where(system = '{canonical}/CodeSystem/plan-category'"
            " and code = 'b12-deficiency').exists()",
        ),
        key_in("b12-cp", "plan"),
        Invariant(
            "b12-cp-digest",
            "It carries the digest of the decision behind it.",
            "identifier.where(system = '{canonical}/sid/decision-digest').exists()",
        ),
        says_proposal("b12-cp"),
        origin("b12-cp"),
    ),
)

MONITORING = Profile(
    "b12-monitoring",
    "ServiceRequest",
    "a test to do, proposed",
    "One laboratory test of a plan with the days it is due.",
    (
        *identified("service-request"),
        *PROTOCOL,
        Element("requisition", 1, why="The plan it belongs to"),
        Element("intent", pattern={"Code": "proposal"}),
        Element(
            "category",
            1,
            pattern={"CodeableConcept": {"coding": [{"system": SNOMED, "code": "108252007"}]}},
        ),
        Element("doNotPerform", most="0"),
        Element("code", 1, binding="b12-tests"),
        Element("code.text", 1),
        SUBJECT,
        Element("occurrence[x]", 1, types=("Timing",)),
        Element("authoredOn", 1),
        Element("requester", 1, targets=("Device",)),
    ),
    (
        proposed("b12-sr", "ServiceRequest"),
        Invariant(
            "b12-sr-2",
            "Its days are given one by one.",
            "occurrence.event.exists() and occurrence.event.isDistinct()",
        ),
        key_in("b12-sr", "service-request"),
        says_proposal("b12-sr"),
        origin("b12-sr"),
    ),
)

# The type is in the reference itself: a validator without a server follows none.
_PERSON = "reference.matches('^(.*/)?Practitioner(Role)?/[^/]+(/_history/.+)?$')"

SIGNED_PLAN = Profile(
    "b12-plan",
    "CarePlan",
    "the plan, signed",
    "The plan that a named practitioner put in force: its orders, and the phases that are still"
    " proposals and wait for a signature of their own.",
    (
        Element("text", 1, why="Every reason, for any reader"),
        *identified("approved-plan"),
        *PROTOCOL,
        Element("basedOn", 1, targets=("CarePlan",), why="The proposal it was made of"),
        Element("intent", pattern={"Code": "plan"}),
        Element("category", 1),
        Element("title", 1),
        SUBJECT,
        Element("period", 1),
        Element("period.start", 1, why="d0: every date of the plan is counted from it"),
        Element("created", 1),
        Element("author", 1, targets=("Practitioner", "PractitionerRole")),
        Element("activity.reference", targets=("MedicationRequest", "ServiceRequest")),
    ),
    (
        status_in(
            "b12-plan", ("active", "on-hold", "completed", "revoked", "entered-in-error", "unknown")
        ),
        Invariant("b12-plan-2", "A practitioner answers for it.", f"author.{_PERSON}"),
        key_in("b12-plan", "approved-plan"),
        # Else the next run would take it for the proposal, and change it.
        Invariant(
            "b12-plan-3",
            "It does not bear the proposal's identifier.",
            "identifier.where(system = '{canonical}/sid/plan').empty()",
        ),
        says_no_proposal("b12-plan"),
        origin("b12-plan"),
    ),
)

TEST_ORDER = Profile(
    "b12-test-order",
    "ServiceRequest",
    "a test to do, ordered",
    "The order that a named practitioner made of a proposed test.",
    (
        *identified("order"),
        Element("basedOn", 1, targets=("ServiceRequest",), why="The proposal it was made of"),
        Element("requisition", 1, why="The plan it belongs to"),
        Element("intent", pattern={"Code": "order"}),
        Element("doNotPerform", most="0"),
        Element("code", 1, binding="b12-tests"),
        Element("code.text", 1),
        SUBJECT,
        Element("occurrence[x]", 1, types=("Timing",)),
        Element("authoredOn", 1),
        Element("requester", 1, targets=("Practitioner", "PractitionerRole")),
    ),
    (
        status_in(
            "b12-test-order",
            ("active", "on-hold", "completed", "revoked", "entered-in-error", "unknown"),
        ),
        Invariant(
            "b12-test-order-2",
            "Its days are given one by one.",
            "occurrence.event.exists() and occurrence.event.isDistinct()",
        ),
        Invariant("b12-test-order-3", "A practitioner asks for it.", f"requester.{_PERSON}"),
        key_in("b12-test-order", "order"),
        says_no_proposal("b12-test-order"),
        origin("b12-test-order"),
    ),
)

GOAL = Profile(
    "b12-goal",
    "Goal",
    "a goal of the plan",
    "What the treatment should reach, by which day, and how that is measured.",
    (
        *identified("goal"),
        Element("description.text", 1),
        SUBJECT,
        Element("start[x]", 1, types=("date",)),
        Element("target", 1),
        Element("target.measure", 1),
        Element("target.due[x]", 1, types=("date",)),
    ),
    (
        Invariant(
            "b12-goal-1",
            "It is proposed until a clinician agrees.",
            "lifecycleStatus in ('proposed' | 'accepted' | 'active' | 'on-hold' | 'completed'"
            " | 'cancelled' | 'rejected' | 'entered-in-error')",
        ),
        Invariant(
            "b12-goal-2",
            "What is measured is coded in LOINC.",
            f"target.measure.all(coding.where(system = '{LOINC}').exists())",
        ),
        key_in("b12-goal", "goal"),
        origin("b12-goal"),
    ),
)

APPROVAL_TASK = Profile(
    "b12-approval-task",
    "Task",
    "sign-off of a plan",
    "Asks a clinician to read the proposed plan and to sign or reject it, by a date.",
    (
        *identified("approval-task"),
        Element("groupIdentifier", 1, why="The plan it belongs to"),
        Element("intent", pattern={"Code": "proposal"}),
        Element("priority", 1),
        Element(
            "code",
            1,
            pattern={
                "CodeableConcept": {
                    "coding": [
                        {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "approve"}
                    ]
                }
            },
        ),
        Element("description", 1),
        Element("focus", 1, targets=("CarePlan",)),
        Element("for", 1, targets=("Patient",)),
        Element("authoredOn", 1),
        Element("requester", 1, targets=("Device",)),
        Element("restriction", 1),
        Element("restriction.period", 1),
        Element("restriction.period.end", 1, why="Sign-off is due by then"),
    ),
    (
        Invariant(
            "b12-task-1",
            "A rejection says why.",
            "status != 'rejected' or statusReason.exists()",
        ),
        key_in("b12-task", "approval-task"),
        origin("b12-task"),
    ),
)

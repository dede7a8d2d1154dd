"""Profiles of what is given: the proposal of a phase, the order made of it, and a dose given."""

from b12fhir.fhir.dosage import ROUTES
from b12fhir.fhir.profiles.element import Element, Invariant, Profile
from b12fhir.fhir.profiles.shared import (
    PROTOCOL,
    SUBJECT,
    identified,
    key_in,
    micrograms,
    origin,
    proposed,
    says_no_proposal,
    says_proposal,
    status_in,
)
from b12fhir.protocol.names import INJECTED

_DOSAGE = (
    Element("dosageInstruction", 1, "1", why="One phase is one line of dosage"),
    Element("dosageInstruction.sequence", 1),
    Element("dosageInstruction.text", 1, why="The whole dosage: many readers show nothing else"),
    Element("dosageInstruction.timing", 1),
    Element("dosageInstruction.timing.repeat", 1),
    Element("dosageInstruction.timing.repeat.bounds[x]", 1),
    Element("dosageInstruction.route", 1, binding="b12-route", why="Never intravenous"),
    Element("dosageInstruction.doseAndRate", 1, "1"),
    Element("dosageInstruction.doseAndRate.dose[x]", 1, types=("Quantity",)),
    Element("dosageInstruction.maxDosePerPeriod", 1, why="Guards against a doubled dose"),
)
_NOTHING_ELSE = (
    Element("substitution", 1),
    Element("substitution.allowed[x]", pattern={"Boolean": False}, types=("boolean",)),
)
_MEDICINE = (
    Element("medication[x]", types=("CodeableConcept",)),
    Element("medication[x].text", 1, why="Drug, strength and form"),
    SUBJECT,
)


def _rules(prefix: str) -> tuple[Invariant, ...]:
    """What no dosage of ours breaks, proposed or ordered."""
    return (
        Invariant(
            f"{prefix}-2",
            "A dose is a positive number of UCUM microgram.",
            f"dosageInstruction.doseAndRate.dose.all({micrograms()})",
        ),
        Invariant(
            f"{prefix}-3",
            "dayOfWeek does not stand beside frequency or period.",
            "dosageInstruction.timing.repeat.all(dayOfWeek.empty()"
            " or (frequency.empty() and period.empty()))",
        ),
        Invariant(
            f"{prefix}-4",
            "The most that is given in a day is in microgram, and no less than one dose.",
            f"dosageInstruction.maxDosePerPeriod.all(numerator.all({micrograms()})"
            " and denominator.value = 1 and denominator.code = 'd')"
            " and dosageInstruction.all(doseAndRate.dose.value <= maxDosePerPeriod.numerator.value"
            " or doseAndRate.empty())",
        ),
    )


PROPOSAL = Profile(
    "b12-medicationrequest",
    "MedicationRequest",
    "one phase of treatment, proposed",
    "One phase of a proposed treatment: product, dose, route, interval and dates, all explicit. It"
    " is no order; an order is made of it by a named practitioner.",
    (
        *identified("medication-request"),
        Element("intent", pattern={"Code": "proposal"}),
        Element("doNotPerform", most="0"),
        *_MEDICINE,
        Element("authoredOn", 1),
        Element("requester", 1, targets=("Device",)),
        *PROTOCOL,
        Element("groupIdentifier", 1, why="The plan it belongs to"),
        Element("courseOfTherapyType", 1),
        *_DOSAGE,
        *_NOTHING_ELSE,
    ),
    (
        proposed("b12-mr", "MedicationRequest"),
        *_rules("b12-mr"),
        key_in("b12-mr", "medication-request"),
        says_proposal("b12-mr"),
        origin("b12-mr"),
    ),
)

ORDER = Profile(
    "b12-order",
    "MedicationRequest",
    "one phase of treatment, ordered",
    "The order that a named practitioner made of a proposed phase.",
    (
        *identified("order"),
        Element("intent", pattern={"Code": "order"}),
        Element("doNotPerform", most="0"),
        *_MEDICINE,
        Element("authoredOn", 1),
        Element("requester", 1, targets=("Practitioner", "PractitionerRole")),
        Element("basedOn", 1, targets=("MedicationRequest",), why="The proposal it was made of"),
        Element("groupIdentifier", 1, why="The plan it belongs to"),
        *_DOSAGE,
        *_NOTHING_ELSE,
    ),
    (
        status_in(
            "b12-order",
            ("active", "on-hold", "completed", "stopped", "cancelled", "entered-in-error"),
        ),
        *_rules("b12-order"),
        # The type is in the reference itself: a validator without a server follows none.
        Invariant(
            "b12-order-5",
            "A practitioner asks for it.",
            "requester.reference.matches('^(.*/)?Practitioner(Role)?/[^/]+(/_history/.+)?$')",
        ),
        key_in("b12-order", "order"),
        says_no_proposal("b12-order"),
    ),
)

_INJECTED_ROUTES = " | ".join(f"'{ROUTES[route][0]}'" for route in sorted(INJECTED))
_TOLD = "status = 'not-done' or status = 'entered-in-error'"

DOSE = Profile(
    "b12-dose",
    "MedicationAdministration",
    "a dose given",
    "A dose as this program expects it from whoever gives it: which request, when, by which route,"
    " where, and how much.",
    (
        Element("medication[x]", types=("CodeableConcept",)),
        SUBJECT,
        Element("effective[x]", types=("dateTime",), why="With the time of day"),
        Element("request", 1, targets=("MedicationRequest",)),
        Element("dosage.route", 1, binding="b12-route"),
        Element("dosage.dose", 1),
    ),
    (
        Invariant(
            "b12-dose-1",
            "The moment of the dose has a time of day.",
            "effective.toString().length() > 10",
        ),
        Invariant(
            "b12-dose-2",
            "The dose is a positive number of UCUM microgram, unless none was given.",
            f"{_TOLD} or dosage.dose.all({micrograms()})",
        ),
        Invariant(
            "b12-dose-3",
            "An injection says where it was given.",
            f"dosage.where(route.coding.where(code in ({_INJECTED_ROUTES})).exists()"
            " and site.empty()).empty()",
        ),
        Invariant(
            "b12-dose-4",
            "A dose not given says why.",
            "status != 'not-done' or statusReason.exists()",
        ),
    ),
)

"""Calls as they come: what is required is asked for, a mix-up is refused, the rest is borne."""

from typing import Any

import pytest

from b12fhir.errors import CallError
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service import extract
from b12fhir.service.hooks.call import read_call
from b12fhir.service.hooks.model import Call, Hook, Role
from tests.support import calls
from tests.support.calls import bundle, call, order, order_select, order_sign

EHR = "https://ehr.example/fhir"
WHOLE: dict[Hook, dict[str, Any]] = {
    Hook.PATIENT_VIEW: {},
    Hook.ORDER_SELECT: {"selections": [], "draftOrders": bundle()},
    Hook.ORDER_SIGN: {"draftOrders": bundle()},
    Hook.ENCOUNTER_DISCHARGE: {"encounterId": "e1"},
    Hook.APPOINTMENT_BOOK: {"appointments": bundle()},
    Hook.MEDICATION_REFILL: {"medications": bundle()},
    Hook.PROBLEM_CREATE: {"conditions": bundle()},
    Hook.ALLERGY_CREATE: {"allergyIntolerance": {"resourceType": "AllergyIntolerance"}},
}


def refused(hook: Hook, body: object) -> str:
    """Where the call is at fault; the message must name it and must not repeat the call."""
    with pytest.raises(CallError) as caught:
        read_call(hook, body)
    assert caught.value.where in str(caught.value)
    assert "p2" not in str(caught.value)
    return caught.value.where


@pytest.mark.parametrize("hook", Hook, ids=lambda hook: hook.value)
def test_a_call_with_what_its_hook_requires_is_understood(hook: Hook) -> None:
    read = read_call(hook, call(hook.value, WHOLE[hook]))
    assert (read.hook, read.patient, read.user) == (hook, "Patient/p1", "Practitioner/dr1")
    assert (read.drafts, read.unread) == ((), ())


@pytest.mark.parametrize(
    ("hook", "member"),
    [
        (hook, member)
        for hook, context in WHOLE.items()
        for member in ("userId", "patientId", *context)
        # The one hook that may come without a user.
        if (hook, member) != (Hook.MEDICATION_REFILL, "userId")
    ],
)
def test_a_member_that_the_hook_requires_is_asked_for(hook: Hook, member: str) -> None:
    assert refused(hook, call(hook.value, {**WHOLE[hook], member: None})) == f"context.{member}"


def test_a_refill_may_come_without_a_user() -> None:
    read = read_call(
        Hook.MEDICATION_REFILL, call("medication-refill", {"userId": None, "medications": bundle()})
    )
    assert (read.user, read.role) == ("", Role.UNKNOWN)


ODD: list[tuple[object, str]] = [
    ([], ""),
    ("text", ""),
    (None, ""),
    (call("patient-view", {}, hook=None), "hook"),
    (call("patient-view", {}, hook=7), "hook"),
    (call("order-sign", {}), "hook"),
    (call("patient-view", {}, hookInstance=None), "hookInstance"),
    (call("patient-view", {}, hookInstance=12), "hookInstance"),
    (call("patient-view", {}, hookInstance=" "), "hookInstance"),
    (call("patient-view", {}, hookInstance="x" * 301), "hookInstance"),
    (call("patient-view", {}, context=None), "context"),
    (call("patient-view", {}, context=[]), "context"),
    (call("patient-view", {}, extension=[]), "extension"),
    (call("patient-view", {}, extension="x"), "extension"),
    (call("patient-view", {"patientId": 7}), "context.patientId"),
    (call("patient-view", {"patientId": ""}), "context.patientId"),
    (call("patient-view", {"patientId": "../Practitioner/x"}), "context.patientId"),
    (call("patient-view", {"patientId": "1&_count=1"}), "context.patientId"),
    (call("patient-view", {"patientId": "Patient/1"}), "context.patientId"),
    (call("patient-view", {"patientId": "p" * 65}), "context.patientId"),
    (call("patient-view", {"userId": 7}), "context.userId"),
    (call("patient-view", {"encounterId": "e/1"}), "context.encounterId"),
    (call("patient-view", {"encounterId": 7}), "context.encounterId"),
    (call("order-sign", {"draftOrders": "x"}), "context.draftOrders"),
]


@pytest.mark.parametrize(("body", "where"), ODD)
def test_what_is_no_call_is_refused_with_the_place(body: object, where: str) -> None:
    hook = Hook.ORDER_SIGN if where == "context.draftOrders" else Hook.PATIENT_VIEW
    assert refused(hook, body) == where


def test_blanks_around_an_id_make_no_other_id() -> None:
    read = read_call(Hook.PATIENT_VIEW, call("patient-view", {"patientId": " p1\n"}))
    assert read.patient == "Patient/p1"


def test_what_the_standard_does_not_know_is_borne() -> None:
    """Unknown members, an instance that is no UUID, an encounter that is null."""
    body = call(
        "patient-view",
        {"encounterId": "e1", "more": 1},
        hookInstance="42",
        extension={"org.example": {"x": [1]}},
        surprise=[None],
    )
    assert read_call(Hook.PATIENT_VIEW, body).encounter == "e1"
    null = call("patient-view", {})
    null["context"]["encounterId"] = None
    assert read_call(Hook.PATIENT_VIEW, null).encounter == ""


@pytest.mark.parametrize(
    ("user", "role"),
    [
        ("Practitioner/1", Role.PRESCRIBER),
        ("PractitionerRole/1", Role.PRESCRIBER),
        ("https://ehr.example/fhir/Practitioner/1", Role.PRESCRIBER),
        ("Patient/p1", Role.PATIENT),
        ("RelatedPerson/1", Role.PATIENT),
        # whoever is not known to be a patient is offered orders: no spelling may hide one
        ("https://ehr.example/fhir/Patient/p1/_history/2", Role.PATIENT),
        ("patient/p1", Role.PATIENT),
        ("Patient/p1/", Role.PATIENT),
        ("Device/1", Role.UNKNOWN),
        ("123", Role.UNKNOWN),
    ],
)
def test_the_role_of_whoever_reads(user: str, role: Role) -> None:
    read = read_call(Hook.PATIENT_VIEW, call("patient-view", {"userId": user}))
    assert (read.user, read.role) == (user, role)


def signed(*orders: Any, **more: Any) -> Call:
    return read_call(Hook.ORDER_SIGN, order_sign(*orders, **more))


def test_an_order_is_read_as_a_draft_under_a_name_of_its_own() -> None:
    given = order(status="active", intent="plan")
    (draft,) = signed(given).drafts
    assert draft.given is given
    assert draft.selected
    assert draft.reference == f"MedicationRequest/{draft.resource['id']}"
    assert draft.resource["id"] != given["id"]
    assert (draft.resource["status"], draft.resource["intent"]) == ("draft", "order")


def drugs(read: Call) -> list[tuple[str, str]]:
    """What `extract` makes of the drafts: the form of B12 and the route of each."""
    patient = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-01-01"}
    resources = [patient, *(draft.resource for draft in read.drafts)]
    facts = extract(resources, load_protocol(), Site(), "p1")
    return [(dose.drug, dose.route.value) for dose in facts.doses]


RIGHT = ("cyanocobalamin", "im")


@pytest.mark.parametrize(
    "given",
    [
        order(),
        order(intent=None, status=None, subject=None),
        order(category={"coding": [{"code": "outpatient"}]}),
        order(category="outpatient"),
        order(subject={"display": "somebody"}),
        order(subject={"reference": f"{EHR}/Patient/p1"}),
        order(subject={"reference": "Patient/p1/_history/3"}),
        order(id=None),
        order(id=["x"]),
        order(dosageInstruction=calls.dosage()),
        order(medicationCodeableConcept=calls.AMPOULE),
        order(
            medicationCodeableConcept=None,
            medication={"concept": {"coding": [calls.CYANO], "text": calls.AMPOULE}},
        ),
    ],
)
def test_half_an_order_is_still_understood(given: dict[str, Any]) -> None:
    read = signed(given, fhirServer=EHR)
    assert read.unread == ()
    assert drugs(read) == [RIGHT]


MEDICATION = {
    "resourceType": "Medication",
    "id": "m1",
    "code": {"coding": [calls.CYANO], "text": calls.AMPOULE},
}


@pytest.mark.parametrize("link", ["Medication/m1", "urn:uuid:m1", "Medication/m1/_history/2"])
def test_a_medication_sent_beside_the_order_is_looked_up(link: str) -> None:
    given = order(medicationCodeableConcept=None, medicationReference={"reference": link})
    assert drugs(signed(given, MEDICATION)) == [RIGHT]
    assert drugs(signed(MEDICATION, given)) == [RIGHT]


def test_a_medication_is_looked_up_by_the_address_of_its_entry() -> None:
    address = "urn:uuid:11111111-2222-3333-4444-555555555555"
    given = order(medicationCodeableConcept=None, medicationReference={"reference": address})
    body = order_sign(given)
    beside = {"fullUrl": address, "resource": {**MEDICATION, "id": "else"}}
    body["context"]["draftOrders"]["entry"].append(beside)
    assert drugs(read_call(Hook.ORDER_SIGN, body)) == [RIGHT]


def test_a_contained_medication_and_a_named_one_are_read() -> None:
    contained = order(
        medicationCodeableConcept=None,
        contained=[MEDICATION],
        medicationReference={"reference": "#m1"},
    )
    named = order(
        medicationCodeableConcept=None,
        medicationReference={"reference": "Medication/gone", "display": calls.AMPOULE},
    )
    assert drugs(signed(contained)) == [RIGHT]
    # Only its name is known, which does not say which form of B12 the product holds: it does here.
    assert drugs(signed(named)) == [RIGHT]


SHAPES = [
    bundle(order()),
    bundle(order(), kind=None),
    {"entry": [{"resource": order()}]},
    {"resourceType": "Bundle", "entry": [order()]},
    [order()],
    [{"resource": order()}],
    {"resource": order()},
    order(),
]


@pytest.mark.parametrize("packed", SHAPES)
def test_however_orders_are_packed(packed: object) -> None:
    read = read_call(Hook.ORDER_SIGN, call("order-sign", {"draftOrders": packed}))
    assert [draft.given["id"] for draft in read.drafts] == ["o1"]
    assert read.unread == ()


@pytest.mark.parametrize(
    "empty", [{}, {"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": None}, []]
)
def test_no_orders_at_all_are_no_error(empty: object) -> None:
    assert read_call(Hook.ORDER_SIGN, call("order-sign", {"draftOrders": empty})).drafts == ()


UNREAD = [
    (calls.sandbox_first_order(), "context.draftOrders.entry[0] names no medicine"),
    (order(medicationCodeableConcept={}), "names no medicine"),
    (order(medicationCodeableConcept=None, medicationReference="x"), "names no medicine"),
    (order(medicationCodeableConcept={"coding": []}), "names no medicine"),
    ({"resourceType": "MedicationOrder"}, "of a type that is not read"),
    ({"resourceType": {"x": 1}}, "is no resource"),
    ({"resourceType": ""}, "is no resource"),
    ("text", "is no resource"),
    (None, "is no resource"),
    (order(subject={"reference": "#p"}), "clearly whose"),
    (order(subject={"reference": "urn:uuid:nobody"}), "clearly whose"),
    (order(subject={"reference": "Group/g1"}), "clearly whose"),
]


@pytest.mark.parametrize(("given", "said"), UNREAD)
def test_what_cannot_be_read_is_left_out_and_named(given: object, said: str) -> None:
    body = call(
        "order-sign", {"draftOrders": {"entry": [{"resource": given}, {"resource": order()}]}}
    )
    read = read_call(Hook.ORDER_SIGN, body)
    assert len(read.drafts) == 1
    (words,) = read.unread
    assert words.startswith("context.draftOrders.entry[0] ")
    assert said in words


def test_an_entry_that_is_no_object_is_named() -> None:
    body = call("order-sign", {"draftOrders": {"resourceType": "Bundle", "entry": ["x", 7]}})
    assert len(read_call(Hook.ORDER_SIGN, body).unread) == 2


@pytest.mark.parametrize("kind", ["NutritionOrder", "ServiceRequest", "DeviceRequest"])
def test_other_orders_are_passed_over_in_silence(kind: str) -> None:
    read = signed({"resourceType": kind, "subject": {"reference": "Patient/p1"}})
    assert (read.drafts, read.unread) == ((), ())


OTHERS = [
    order(subject={"reference": "Patient/p2"}),
    order(subject={"reference": "https://else.example/fhir/Patient/p1"}),
    {"resourceType": "ServiceRequest", "subject": {"reference": "Patient/p2"}},
    {"resourceType": "Encounter", "patient": {"reference": "Patient/p2"}},
    order(patient={"reference": "Patient/p2"}),
]


@pytest.mark.parametrize("given", OTHERS)
def test_orders_of_another_patient_are_refused(given: dict[str, Any]) -> None:
    body = order_sign(order(), given, fhirServer=f"{EHR}/")
    assert refused(Hook.ORDER_SIGN, body) == "context.draftOrders.entry[1]"


@pytest.mark.parametrize(("own", "error"), [("p1", False), ("p2", True)])
def test_a_patient_sent_beside_the_order_tells_whose_it_is(own: str, error: bool) -> None:
    given = order(subject={"reference": "urn:uuid:someone"})
    body = order_sign(given)
    person = {"fullUrl": "urn:uuid:someone", "resource": {"resourceType": "Patient", "id": own}}
    body["context"]["draftOrders"]["entry"].append(person)
    if error:
        assert refused(Hook.ORDER_SIGN, body) == "context.draftOrders.entry[0]"
    else:
        assert len(read_call(Hook.ORDER_SIGN, body).drafts) == 1


@pytest.mark.parametrize(
    ("selections", "expected"),
    [
        (["MedicationRequest/o1"], [True, False]),
        (["o2"], [False, True]),
        ([f"{EHR}/MedicationRequest/o2/_history/1"], [False, True]),
        (["urn:uuid:o1", "MedicationRequest/o2"], [True, True]),
        (["MedicationRequest/gone"], [False, False]),
        ([], [False, False]),
        ([7, None, {"reference": "x"}], [False, False]),
        ("MedicationRequest/o1", [True, True]),
    ],
)
def test_what_is_selected(selections: object, expected: list[bool]) -> None:
    body = order_select(order(), order(id="o2"))
    body["context"]["selections"] = selections
    read = read_call(Hook.ORDER_SELECT, body)
    assert [draft.selected for draft in read.drafts] == expected


@pytest.mark.parametrize(
    ("selections", "expected"), [(["MedicationRequest/x"], True), (["MedicationRequest/o2"], False)]
)
def test_a_draft_without_id_may_be_what_a_selection_means(
    selections: list[str], expected: bool
) -> None:
    body = order_select(order(id=None), order(id="o2"), selections=selections)
    assert read_call(Hook.ORDER_SELECT, body).drafts[0].selected is expected


def carried(hook: Hook, member: str, value: object) -> Call:
    return read_call(hook, call(hook.value, {member: value}))


def test_an_allergy_as_the_standard_wraps_it_becomes_one_of_r4() -> None:
    given = {
        "resource": {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": "Active",
            "category": ["medication"],
            "code": {"coding": [{"system": calls.RXNORM, "code": "5514"}]},
            "patient": {"reference": "Patient/p1"},
        }
    }
    read = carried(Hook.ALLERGY_CREATE, "allergyIntolerance", given)
    (allergy,) = read.context
    patient = {"resourceType": "Patient", "id": "p1"}
    facts = extract([patient, allergy], load_protocol(), Site(), "p1")
    assert [one.substance for one in facts.allergies]
    assert facts.allergies[0].reference == "AllergyIntolerance/b12fhir-new-1"


def test_a_problem_with_words_where_codes_belong_is_still_a_condition() -> None:
    given = {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": "active",
        "verificationStatus": "confirmed",
        "category": "problem-list-item",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "84027009"}]},
    }
    (condition,) = carried(Hook.PROBLEM_CREATE, "conditions", bundle(given)).context
    patient = {"resourceType": "Patient", "id": "p1"}
    facts = extract([patient, condition], load_protocol(), Site(), "p1")
    assert [one.concept for one in facts.concepts] == ["pernicious_anemia"]


def test_a_medicine_to_refill_is_an_order_that_is_being_written() -> None:
    (refill,) = carried(Hook.MEDICATION_REFILL, "medications", bundle(order())).context
    assert refill["status"] == "draft"
    assert refill["priorPrescription"] == {"reference": "MedicationRequest/o1"}


def appointment(*people: str) -> dict[str, Any]:
    actors = [{"actor": {"reference": one}} for one in people]
    return {"resourceType": "Appointment", "participant": [*actors, {}, "x"]}


@pytest.mark.parametrize(
    "people", [(), ("Patient/p1", "Practitioner/1"), ("Patient/p2", "Patient/p1"), ("Location/1",)]
)
def test_an_appointment_of_the_patient_is_carried(people: tuple[str, ...]) -> None:
    read = carried(Hook.APPOINTMENT_BOOK, "appointments", bundle(appointment(*people)))
    assert [one["resourceType"] for one in read.context] == ["Appointment"]
    assert read.context[0]["id"]


def test_an_appointment_of_somebody_else_is_refused() -> None:
    body = call(
        "appointment-book", {"appointments": bundle(appointment("Practitioner/1", "Patient/p2"))}
    )
    assert refused(Hook.APPOINTMENT_BOOK, body) == "context.appointments.entry[0]"


def test_what_else_of_a_context_cannot_be_read_is_named() -> None:
    read = carried(Hook.PROBLEM_CREATE, "conditions", {"entry": [{"resource": {}}]})
    assert read.unread == ("context.conditions.entry[0] is no resource",)

"""What must not pass in silence: records that were not used, and orders whose harm hides."""

import pytest

from b12fhir.errors import CallError
from b12fhir.fhir.extract import issues
from b12fhir.fhir.extract.issues import Kind
from b12fhir.service.hooks.call import read_call
from b12fhir.service.hooks.model import Call, Hook, Indicator, Role
from b12fhir.service.wording import FAULTS, in_words
from tests.support.calls import dosage, order, order_sign
from tests.unit.service.hooks.test_order_cards import (
    BETWEEN,
    LOW,
    NORMAL,
    PERNICIOUS,
    TABLETS,
    TINGLING,
    folic_acid,
    judged,
    lab,
    signed,
)

VIEW = Call(Hook.PATIENT_VIEW, "Patient/p1", "Practitioner/dr1", Role.PRESCRIBER)
IV = "47625008"
FOREIGN = {"subject": {"reference": "Patient/p2"}}
MODIFIED = {"modifierExtension": [{"url": "https://ehr.example/not", "valueBoolean": True}]}


def at(base: str, one: dict) -> dict:
    """The resource as a searchset of a server has it."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one}],
    }


@pytest.mark.parametrize(
    "record",
    [
        # somebody else's, nobody's, and one whose meaning something may turn round
        (LOW | FOREIGN,),
        ({key: value for key, value in LOW.items() if key != "subject"},),
        (NORMAL, TINGLING | MODIFIED),
        # a code of the laboratory's own, under which B12 was measured
        (
            LOW
            | {"code": {"coding": [{"system": "urn:lab", "code": "B12"}], "text": "Vitamin B12"}},
        ),
    ],
)
def test_no_silence_where_a_record_that_matters_was_not_used(record) -> None:
    (card,) = judged(record, VIEW)
    assert (card.key, card.indicator, card.suggestions) == ("unchecked", Indicator.INFO, ())
    assert card.summary == (
        "Vitamin B12 not fully checked: one record sent could not be used; see the detail"
    )


@pytest.mark.parametrize(
    "record",
    [
        # what no rule needs, whosever it is
        (NORMAL, lab(4, code="718-0") | FOREIGN),
        (NORMAL, {"resourceType": "Immunization", "id": "i1", "patient": FOREIGN["subject"]}),
        # an unknown code beside a result that decides
        (NORMAL, LOW | {"id": "x", "code": {"text": "Vitamin B12"}}),
    ],
)
def test_what_changes_nothing_raises_no_card(record) -> None:
    assert judged(record, VIEW) == ()


OLD = NORMAL | {"id": "old", "effectiveDateTime": "2026-06-01"}


def test_a_newer_low_result_that_is_preliminary_is_not_missed() -> None:
    """It decides nothing (R-15), yet nobody may rest on the normal one of June."""
    (card,) = judged((OLD, LOW | {"id": "new", "status": "preliminary"}), VIEW)
    assert (card.key, card.indicator) == ("data", Indicator.INFO)
    assert card.summary == (
        "B12 132 ng/L (18 Nov 2026) is preliminary and lower: consider waiting for the final result"
    )


@pytest.mark.parametrize(
    "other",
    [
        # normal as well, or older than what decides
        NORMAL | {"status": "preliminary"},
        LOW | {"status": "preliminary", "effectiveDateTime": "2026-05-01"},
    ],
)
def test_a_preliminary_result_that_changes_nothing_is_silent(other) -> None:
    assert judged((OLD, other | {"id": "new"}), VIEW) == ()


def test_a_result_without_a_day_may_be_the_newest() -> None:
    undated = {key: value for key, value in LOW.items() if key != "effectiveDateTime"}
    (card,) = judged((OLD, undated), VIEW)
    assert (card.key, card.suggestions) == ("unchecked", ())


@pytest.mark.parametrize(
    ("day", "why"), [("2027-11-18", "in the future"), ("1925-11-18", "before birth")]
)
@pytest.mark.parametrize("beside", [(), (OLD,)], ids=["alone", "beside a normal one"])
def test_a_low_result_on_a_day_that_cannot_be_is_not_passed_over(day, why, beside) -> None:
    """Most often a slip in the year: the newest result there is, and nobody else would look."""
    (card,) = judged((*beside, LOW | {"effectiveDateTime": day}), VIEW)
    assert (card.key, card.suggestions) == ("unchecked", ())
    assert card.summary == (
        "Vitamin B12 not fully checked: one record sent could not be used; see the detail"
    )
    assert f"lies {why} and was not used; correct its date, or repeat the test (R-20)." in (
        card.detail
    )


def test_another_result_on_a_day_that_cannot_be_is_no_matter_of_its_own() -> None:
    hemoglobin = lab(90, "718-7", "g/L") | {"effectiveDateTime": "2027-11-18"}
    assert judged((OLD, hemoglobin), VIEW) == ()


def test_a_finding_speaks_in_the_place_of_the_gap_and_names_it() -> None:
    other = LOW | FOREIGN | {"id": "other"}
    (card,) = judged((LOW, other), VIEW)
    assert card.key == "finding"
    assert "someone else than the patient" in card.detail


def test_a_patient_is_not_told_of_gaps_that_only_the_hospital_can_close() -> None:
    reader = Call(Hook.PATIENT_VIEW, "Patient/p1", "Patient/p1", Role.PATIENT)
    assert judged((LOW | FOREIGN,), reader) == ()


def test_a_patient_with_a_forbidden_order_on_record_is_told_to_ask_today() -> None:
    reader = Call(Hook.PATIENT_VIEW, "Patient/p1", "Patient/p1", Role.PATIENT)
    running = order(
        id="old",
        status="active",
        authoredOn="2026-11-19",
        dosageInstruction=[dosage(route=IV)],
    )
    (card,) = judged((LOW, running), reader)
    assert card.summary.endswith("please talk to your care team today")
    assert (card.indicator, card.suggestions) == (Indicator.WARNING, ())


HIDDEN = [
    # the second line, the words, or the name tells the harm
    (order(dosageInstruction=[dosage(), dosage(10, "mg")]), "order-dose"),
    (order(dosageInstruction=[dosage(), dosage(route=IV)]), "order-iv"),
    (order(dosageInstruction=[dosage(text="1 mg intravenously")]), "order-iv"),
    (order(dosageInstruction=[dosage(text="10 mg IM")]), "order-two-amounts"),
    (order(dosageInstruction=[{"text": "1000 mcg IM daily"}]), "order-too-often"),
    (
        order(
            medicationCodeableConcept={"text": "cyanocobalamin 50 mcg"},
            dosageInstruction=[{"text": "one od"}],
        ),
        "order-route",
    ),
    (folic_acid(medicationCodeableConcept={"text": "Folate 5 mg"}), "order-folic-acid"),
]


@pytest.mark.parametrize(("draft", "key"), HIDDEN)
def test_what_one_part_of_an_order_hides_is_told(draft, key) -> None:
    (card,) = signed((LOW, PERNICIOUS), draft)
    assert card.key == f"draft:{key}"


@pytest.mark.parametrize("every", [(1, 1, "wk"), (1, 1, "mo")])
def test_tablets_at_the_interval_of_injections_do_not_treat(every) -> None:
    """R-109 gives a weekly tablet to maintain; an untreated deficiency needs it daily (R-116)."""
    line = dosage(route="26643006", every=every)
    (card,) = signed((LOW,), order(**(TABLETS | {"dosageInstruction": [line]})))
    assert (card.key, card.indicator) == ("draft:order-too-rarely", Indicator.WARNING)


@pytest.mark.parametrize(
    ("record", "line"),
    [
        # every other day is within what is acknowledged without a word (R-102: half)
        ((LOW,), dosage(route="26643006", every=(1, 2, "d"))),
        # nothing is to be treated, so nothing is too little
        ((NORMAL,), dosage(route="26643006", every=(1, 1, "wk"))),
        ((LOW,), dosage(route="26643006", every=None, text="as told")),
    ],
)
def test_tablets_that_may_be_taken_so_are_silent(record, line) -> None:
    assert signed(record, order(**(TABLETS | {"dosageInstruction": [line]}))) == ()


@pytest.mark.parametrize(
    "line",
    [dosage(text="1000 microgram deep IM. Never give IV."), dosage(text="1 mg IM, alternate days")],
)
def test_a_right_order_in_careful_words_is_silent(line) -> None:
    assert signed((LOW, PERNICIOUS), order(dosageInstruction=[line])) == ()


@pytest.mark.parametrize("status", ["cancelled", "completed", "entered-in-error", "stopped"])
def test_an_order_that_is_signed_to_end_is_left_to_end(status) -> None:
    """A suggestion to change it would bring it back to life."""
    assert signed((LOW,), order(status=status, dosageInstruction=[dosage(route=IV)])) == ()


def test_a_draft_that_something_may_turn_round_is_told() -> None:
    (card,) = signed((LOW,), order(dosageInstruction=[dosage(route=IV)], **MODIFIED))
    assert card.key == "unchecked"
    assert "modifierExtension" in card.detail


def test_another_medicine_that_something_may_turn_round_is_no_matter_of_ours() -> None:
    concept = {"text": "amoxicillin 500 mg capsule"}
    assert signed((LOW,), order(medicationCodeableConcept=concept, **MODIFIED)) == ()


def test_a_card_never_names_a_draft_by_a_name_of_ours() -> None:
    """Of two drafts the wrong one speaks; what it is called inside stays inside."""
    right, wrong = order(), order(id="o2", dosageInstruction=[dosage(), dosage(route="34206005")])
    cards = signed((BETWEEN,), right, wrong)
    assert cards
    assert all("b12fhir-draft" not in card.detail + card.summary for card in cards)


def test_more_orders_than_anybody_signs_are_refused_and_not_passed_over() -> None:
    """Each is compared with each other: ten thousand would hold a worker for minutes."""
    body = order_sign(*(order(id=f"o{number}") for number in range(201)))
    with pytest.raises(CallError, match="more than 200 orders of medicines, so none was checked"):
        read_call(Hook.ORDER_SIGN, body)


def test_every_fault_of_a_result_has_plain_words() -> None:
    faults = {one.code for one in vars(issues).values() if isinstance(one, Kind) and one.fault}
    assert faults == FAULTS.keys()


def test_a_faulty_result_is_named_in_plain_words() -> None:
    wrong = lab(132, unit="nmol/L")
    (card,) = judged((wrong,), VIEW)
    assert "unit-" not in card.detail
    assert "A result in a unit that does not fit the test, 18 Nov 2026" in card.detail


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("confirmed: ileum-over-20cm", "confirmed: more than 20 cm of ileum removed"),
        ("confirmed: pernicious-anaemia", "confirmed: pernicious anaemia"),
        ("limits for child-5-11y", "limits for children of 5 to 11 years"),
        ("Observation/vegan-diet-1", "Observation/vegan-diet-1"),
    ],
)
def test_ids_of_causes_and_groups_are_put_into_words(said, told) -> None:
    assert in_words(said) == told

"""The record of a call: what was sent is used as it is, and what is lacking is never nothing."""

from threading import Barrier, Event
from typing import Any

import pytest

from b12fhir.adapters.cds_hooks.gather import Gathered, Gatherer
from b12fhir.errors import (
    AuthError,
    CallError,
    MissingDataError,
    ServerError,
    TemporaryServerError,
)
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service.hooks.services import queries
from tests.support.hook_parts import EHR, Ehr, bundle, observation, patient, prefetch

QUERIES = queries(load_protocol(), Site())
OPTIONAL = [query.key for query in QUERIES if not query.required]
REQUIRED = [query.key for query in QUERIES if query.required]
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "forbidden", "diagnostics": "words of a server"}],
}
NEXT = [{"relation": "next", "url": f"{EHR}?page=2"}]


def gather(given: Any, ehr: Ehr | None = None, more: tuple = (), lanes: int = 4) -> Gathered:
    opener = (lambda: ehr.open(EHR, "")) if ehr else None
    return Gatherer(QUERIES, "p1", opener, lanes).gather(given, more)


def ids(found: Gathered) -> set[str]:
    held = set()
    for resource in found.resources:
        rows = resource.get("entry", ())
        held |= {row["resource"]["id"] for row in rows} if rows else {resource.get("id", "")}
    return held - {""}


# What was sent


def test_a_whole_prefetch_needs_no_server():
    ehr = Ehr()
    found = gather(prefetch(observation("o1", "120")), ehr)
    assert ids(found) == {"p1", "o1"}
    assert found.unchecked == ()
    assert ehr.opened == []


def test_what_was_sent_goes_on_as_it_is():
    """Addresses, includes, outcomes: reading them is the business of the core."""
    sent = bundle(observation("o1", "120"), OUTCOME)
    sent["entry"][0] |= {"fullUrl": f"{EHR}/Observation/o1", "search": {"mode": "include"}}
    given = prefetch() | {"labs": sent}
    assert any(resource is sent for resource in gather(given).resources)


@pytest.mark.parametrize("empty", [{}, {"total": 0}, {"entry": []}, {"entry": [], "total": 0}])
def test_of_a_searchset_that_holds_nothing_nothing_goes_on(empty):
    sent = {"resourceType": "Bundle", "type": "searchset", **empty}
    found = gather(prefetch() | {"labs": sent})
    assert ids(found) == {"p1"}
    assert sent not in found.resources
    assert found.unchecked == ()


def test_what_was_counted_here_is_not_counted_again():
    """Whole as it says: one match and one that was only included. Ruling 30 is dealt with here."""
    sent = bundle(observation("o1", "120"), observation("o2", "130")) | {"total": 1}
    sent["entry"][1]["search"] = {"mode": "include"}
    found = gather(prefetch() | {"labs": sent})
    assert ids(found) == {"p1", "o1", "o2"}
    assert not any("total" in resource for resource in found.resources)
    assert sent["total"] == 1


def test_a_single_resource_may_stand_for_a_bundle():
    assert ids(gather(prefetch() | {"labs": observation("o1", "120")})) == {"p1", "o1"}


def test_the_patient_may_come_in_a_bundle():
    assert ids(gather(prefetch() | {"patient": bundle(patient())})) == {"p1"}


def test_keys_that_nobody_asked_for_are_left_alone():
    found = gather(prefetch() | {"other": observation("o9", "120"), "odd": 7})
    assert ids(found) == {"p1"}


@pytest.mark.parametrize("key", [query.key for query in QUERIES if query.key != "patient"])
def test_null_is_no_data_and_is_not_asked_for(key):
    ehr = Ehr(patient())
    found = gather(prefetch() | {key: None}, ehr)
    assert found.unchecked == ()
    assert ehr.asked == []


def test_a_patient_of_whom_nothing_is_known_is_named_as_such():
    found = gather(prefetch() | {"patient": None}, Ehr(patient()))
    assert {"resourceType": "Patient", "id": "p1"} in found.resources
    assert found.unchecked == ("age, sex and whether the patient lives (no Patient was sent)",)


@pytest.mark.parametrize("given", [[], "x", 7, True])
def test_a_prefetch_that_is_no_object_is_refused(given):
    with pytest.raises(CallError) as caught:
        gather(given, Ehr(patient()))
    assert caught.value.where == "prefetch"


@pytest.mark.parametrize("value", [[], "x", 7, {}, {"resourceType": 7}, [observation("o1", "1")]])
def test_a_value_that_is_no_resource_is_refused(value):
    """An array read as "no data" would be a finding of nothing."""
    with pytest.raises(CallError) as caught:
        gather(prefetch() | {"family": value})
    assert caught.value.where == "prefetch.family"


@pytest.mark.parametrize("rows", [{"resource": patient()}, "x", None])
def test_entries_that_are_no_array_are_refused(rows):
    with pytest.raises(CallError) as caught:
        gather(prefetch() | {"labs": {**bundle(), "entry": rows}})
    assert caught.value.where == "prefetch.labs.entry"


@pytest.mark.parametrize(
    "value",
    [
        patient("p2"),
        patient(id_=None),
        bundle(patient("p2")),
        bundle(patient(), patient("p2")),
        bundle(),
        observation("o1", "120"),
    ],
)
def test_another_patient_is_refused(value):
    with pytest.raises(CallError, match=r"not the one of context\.patientId") as caught:
        gather(prefetch() | {"patient": value})
    assert caught.value.where == "prefetch.patient"


# What is lacking


@pytest.mark.parametrize("key", REQUIRED)
def test_without_a_required_answer_there_is_none(key):
    given = prefetch()
    del given[key]
    with pytest.raises(MissingDataError, match="no fhirServer to fetch it from") as caught:
        gather(given)
    assert caught.value.where == f"prefetch.{key}"


@pytest.mark.parametrize("key", OPTIONAL)
def test_what_else_is_lacking_is_told(key):
    given = prefetch()
    del given[key]
    told = next(query.told for query in QUERIES if query.key == key)
    cause = "it was not sent, and there is no fhirServer to fetch it from"
    assert gather(given).unchecked == (f"{told} ({cause})",)


@pytest.mark.parametrize("given", [None, {}])
def test_nothing_sent_and_nowhere_to_ask_is_no_answer(given):
    with pytest.raises(MissingDataError) as caught:
        gather(given)
    assert caught.value.where == "prefetch.patient"


def test_an_outcome_in_place_of_data_is_noticed():
    with pytest.raises(MissingDataError, match="error forbidden") as caught:
        gather(prefetch() | {"labs": OUTCOME})
    assert "words of a server" not in str(caught.value)
    found = gather(prefetch() | {"allergies": OUTCOME})
    assert found.unchecked == ("allergies (an OperationOutcome was sent (error forbidden))",)


def test_an_entry_without_its_resource_is_noticed():
    """A server hides what the reader may not see: the rest is not the whole, but it is used."""
    held = bundle(observation("o1", "120"))
    held["entry"].append({"fullUrl": f"{EHR}/Observation/o2"})
    with pytest.raises(MissingDataError, match="entries without a resource"):
        gather(prefetch() | {"labs": held})
    found = gather(prefetch() | {"signs": held})
    assert any(resource is held for resource in found.resources)
    said = "signs, diet and pregnancy (a Bundle holds entries without a resource)"
    assert found.unchecked == (said,)


# Pages


def test_the_next_pages_of_a_bundle_are_read():
    """The newest result may stand on page 2."""
    ehr = Ehr()
    ehr.pages = [observation("o2", "90")]
    sent = bundle(observation("o1", "400"), link=NEXT, total=2)
    found = gather(prefetch() | {"labs": sent}, ehr)
    assert ids(found) == {"p1", "o1", "o2"}
    assert found.unchecked == ()
    assert ehr.asked == ["rest of Observation"]
    first = next(r for r in found.resources if r.get("entry"))
    assert not {"link", "total"} & first.keys()


def test_pages_that_cannot_be_read_are_no_answer():
    sent = bundle(observation("o1", "400"), link=NEXT)
    with pytest.raises(MissingDataError, match="more pages"):
        gather(prefetch() | {"labs": sent})
    ehr = Ehr(fails={"Observation": ServerError("The EHR sent more than 20 pages.")})
    with pytest.raises(MissingDataError, match="more than 20 pages"):
        gather(prefetch() | {"labs": sent}, ehr)
    found = gather(prefetch() | {"answers": sent}, ehr)
    assert found.unchecked == ("answers to questions (The EHR sent more than 20 pages)",)


def test_an_outcome_on_a_later_page_is_noticed():
    ehr = Ehr()
    ehr.pages = [OUTCOME]
    with pytest.raises(MissingDataError, match="may not be whole"):
        gather(prefetch() | {"labs": bundle(link=NEXT)}, ehr)


def test_a_total_above_the_entries_is_never_read_as_whole():
    """Ruling 30. Without a link there is nothing to follow: the count itself is the warning."""
    sent = bundle(observation("o1", "400"), total=2)
    for ehr in (None, Ehr()):
        with pytest.raises(MissingDataError, match="its total is above its entries"):
            gather(prefetch() | {"labs": sent}, ehr)


# What is fetched


def test_only_what_was_not_sent_is_asked_for():
    ehr = Ehr(patient(), observation("o1", "120"))
    given = prefetch(observation("o1", "120"))
    del given["family"], given["plans"]
    assert ids(gather(given, ehr)) == {"p1", "o1"}
    assert sorted(ehr.asked) == ["CarePlan", "FamilyMemberHistory"]
    assert ehr.closed == 1


def test_without_a_prefetch_everything_is_asked_for():
    ehr = Ehr(
        patient(), patient("p2"), observation("o1", "120"), observation("o2", "9", patient="p2")
    )
    found = gather(None, ehr)
    assert ids(found) == {"p1", "o1"}
    assert len(ehr.asked) == len(QUERIES)


@pytest.mark.parametrize(
    "error",
    [
        AuthError("The EHR answered 403.", status=403),
        TemporaryServerError("The EHR did not answer in time."),
        ServerError("The EHR answered with a web page."),
    ],
)
def test_what_the_server_does_not_give_is_named_with_its_cause(error):
    ehr = Ehr(patient(), fails={"Condition": error})
    with pytest.raises(MissingDataError, match=error.message[:-1]) as caught:
        gather(None, ehr)
    assert caught.value.where == "prefetch.conditions"
    assert ehr.closed == 1
    ehr = Ehr(patient(), fails={"AllergyIntolerance": error})
    assert gather(None, ehr).unchecked == (f"allergies ({error.message[:-1]})",)


def test_a_patient_the_server_does_not_know_is_no_answer():
    with pytest.raises(MissingDataError, match="does not know this patient") as caught:
        gather(None, Ehr(patient("p2")))
    assert caught.value.where == "prefetch.patient"


def test_a_server_that_warns_has_not_answered():
    class Doubtful(Ehr):
        def search(self, kind, params):
            yield from super().search(kind, params)
            if kind == "Observation":
                yield OUTCOME

    with pytest.raises(MissingDataError, match="may not be whole"):
        gather(None, Doubtful(patient()))


def test_queries_are_sent_at_the_same_time():
    """Each waits for another one: one after the other they would wait for ever."""
    meeting = Barrier(2, timeout=60)

    class Slow(Ehr):
        def search(self, kind, params):
            meeting.wait()
            return super().search(kind, params)

    given = {"family": None}
    assert (len(QUERIES) - len(given)) % 2 == 0
    assert ids(gather(given, Slow(patient()), lanes=2)) == {"p1"}


def test_nothing_more_is_asked_once_a_required_answer_is_missing():
    """The call is refused: each further query would cost the EHR work, and the reader time."""
    ehr = Ehr(patient(), fails={"Condition": ServerError("The EHR answered with a web page.")})
    with pytest.raises(MissingDataError):
        gather(None, ehr, lanes=1)
    order = [query.kind for query in QUERIES]
    assert ehr.asked == order[: order.index("Condition") + 1]
    assert len(ehr.asked) < len(order)


def test_a_query_under_way_ends_when_a_required_one_fails():
    """It stops at the page it reads: this one has no last page."""
    begun = Event()

    class Endless(Ehr):
        def search(self, kind, _params):
            if kind == "Patient":
                begun.wait(60)
                raise AuthError("The EHR answered 403.", status=403)
            begun.set()
            while True:
                yield observation("o1", "120")

    with pytest.raises(MissingDataError) as caught:
        gather(None, Endless(), lanes=2)
    assert caught.value.where == "prefetch.patient"


def test_of_two_that_fail_the_first_is_named_whichever_fails_first():
    """The same call gives the same answer."""
    failed = Event()

    class Failing(Ehr):
        def search(self, kind, _params):
            if kind == "Patient":
                failed.wait(60)
            else:
                failed.set()
            raise AuthError("The EHR answered 403.", status=403)

    with pytest.raises(MissingDataError) as caught:
        gather(None, Failing(), lanes=2)
    assert caught.value.where == "prefetch.patient"


# Drugs


def order(**medicine: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        **medicine,
    }


def by_reference(reference: str) -> dict[str, Any]:
    return order(medicationReference={"reference": reference})


DRUG = {"resourceType": "Medication", "id": "d1", "code": {"text": "cyanocobalamin"}}


@pytest.mark.parametrize(
    "reference",
    ["Medication/d1", f"{EHR}/Medication/d1", "Medication/d1/_history/3"],
)
def test_a_drug_that_is_referred_to_is_fetched(reference):
    ehr = Ehr(patient(), DRUG)
    found = gather(prefetch(requests=bundle(by_reference(reference))), ehr)
    assert "d1" in ids(found)
    assert ehr.asked == ["Medication"]


@pytest.mark.parametrize("reference", ["#d1", "urn:uuid:1", "", "Substance/d1"])
def test_what_is_no_address_of_a_drug_is_not_asked_for(reference):
    ehr = Ehr(patient(), DRUG)
    gather(prefetch(requests=bundle(by_reference(reference))), ehr)
    assert ehr.asked == []


def test_a_drug_that_came_along_is_not_asked_for():
    ehr = Ehr(patient())
    gather(prefetch(requests=bundle(by_reference("Medication/d1"), DRUG)), ehr)
    gather(prefetch(), ehr, (by_reference("Medication/d1"), DRUG))
    assert ehr.asked == []


def test_a_drug_in_words_needs_no_look():
    ehr = Ehr(patient())
    gather(prefetch(requests=bundle(order(medicationCodeableConcept={"text": "B12"}))), ehr)
    assert ehr.asked == []


def test_the_drug_of_an_order_being_written_is_fetched():
    ehr = Ehr(patient(), DRUG)
    assert "d1" in ids(gather(prefetch(), ehr, (by_reference("Medication/d1"),)))


def test_the_drug_of_a_fetched_order_is_fetched():
    ehr = Ehr(patient(), DRUG, by_reference("Medication/d1"))
    assert {"m1", "d1"} <= ids(gather(None, ehr))


def test_many_drugs_are_asked_for_in_parts():
    orders = [by_reference(f"Medication/d{n}") | {"id": f"m{n}"} for n in range(51)]
    drugs = [DRUG | {"id": f"d{n}"} for n in range(51)]
    ehr = Ehr(patient(), *drugs)
    found = gather(prefetch(statements=bundle(*orders)), ehr)
    assert {f"d{n}" for n in range(51)} <= ids(found)
    assert ehr.asked == ["Medication", "Medication"]


def test_a_drug_that_cannot_be_had_is_told():
    ehr = Ehr(fails={"Medication": AuthError("The EHR answered 403.")})
    found = gather(prefetch(requests=bundle(by_reference("Medication/d1"))), ehr)
    assert found.unchecked == ("the drugs behind some orders (The EHR answered 403)",)
    assert ehr.closed == 1

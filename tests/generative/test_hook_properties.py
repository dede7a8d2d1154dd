"""Whatever a client sends, the service answers in form, soon, and tells nobody who the patient is.

A call that is spoiled at a few places gives cards, or a refusal that names the member; never a 5xx,
for then a clinician sees no card and no reason.
"""

import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b12fhir.fhir.json import encode
from b12fhir.service.hooks.model import Hook
from tests.support import calls, hook_messages
from tests.support.hook_service import Door, door, prefetched
from tests.support.phi import FAMILY, assert_no_phi, sentinel_patient

WITHIN_S = 5
HERE = "p1"
LOINC, SNOMED, RXNORM = "http://loinc.org", "http://snomed.info/sct", calls.RXNORM
HOSTILE = (
    None, True, 0, -1, 10**18, 1.5, "", " ", "x" * 400, "\u2028\u0000\u202e", "🧬",
    "<script>alert(1)</script>", "[a](javascript:alert(1))", "|---|", "../Practitioner/x",
    "1&_count=1", "2026-13-45", "0000-00-00T99:99:99Z", "Patient/other", "urn:uuid:x", [], {}, [[]],
    [None], [1, "a"], {"resource": None}, {"reference": 5}, {"coding": None}, {"coding": [None]},
    {"resourceType": "OperationOutcome"}, {"resourceType": 7}, {"resourceType": "Bundle"},
    {"value": "12", "unit": 3}, {"link": [{"relation": "next", "url": "file:///etc/passwd"}]},
)  # fmt: skip


def _result(name: str, code: str, value: float, unit: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{HERE}"},
        "effectiveDateTime": "2026-11-18T08:00:00Z",
        "valueQuantity": {
            "value": value,
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }


def _about(kind: str, name: str, **elements: Any) -> dict[str, Any]:
    who = "patient" if kind in {"AllergyIntolerance", "FamilyMemberHistory"} else "subject"
    return {"resourceType": kind, "id": name, who: {"reference": f"Patient/{HERE}"}, **elements}


def _coded(system: str, code: str, **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **more}


# One resource of each type that is read: low B12, numb feet, pernicious anaemia, metformin.
RECORD = (
    sentinel_patient(HERE),
    _result("b12", "2132-9", 120, "ng/L"),
    _result("mma", "13964-2", 0.9, "umol/L"),
    _result("hb", "718-7", 8.2, "g/dL"),
    _about("Condition", "pa", code=_coded(SNOMED, "84027009"), onsetDateTime="2020-01-01"),
    _about("Condition", "numb", code=_coded(SNOMED, "91019004"), recordedDate="2026-11-01"),
    _about(
        "MedicationRequest",
        "metformin",
        status="active",
        intent="order",
        medicationCodeableConcept=_coded(RXNORM, "6809", text="metformin"),
        authoredOn="2020-01-01",
    ),
    _about(
        "MedicationAdministration",
        "dose",
        status="completed",
        medicationCodeableConcept=_coded(RXNORM, "11248", text="cyanocobalamin injection"),
        effectiveDateTime="2026-08-01T10:00:00Z",
        dosage={"dose": {"value": 1000, "unit": "ug", "code": "ug"}},
    ),
    _about(
        "MedicationStatement",
        "folate",
        status="active",
        medicationCodeableConcept=_coded(RXNORM, "4511", text="folic acid"),
    ),
    _about("AllergyIntolerance", "nuts", code={"text": f"nuts, says Mrs {FAMILY}"}),
    _about("Procedure", "bypass", status="completed", code=_coded(SNOMED, "442338001")),
    _about("FamilyMemberHistory", "mother", status="completed", relationship={"text": "mother"}),
)
ORDERS = {
    Hook.ORDER_SELECT: {"selections": ["MedicationRequest/o1"]},
    Hook.ORDER_SIGN: {},
}


def whole_call(hook: Hook) -> dict[str, Any]:
    """A call with something in every place that is read."""
    body = hook_messages.body(hook, HERE, prefetch=prefetched(RECORD, HERE))
    if hook in ORDERS:
        orders = (calls.order(), calls.sandbox_order(), calls.sandbox_first_order())
        body["context"] |= {"draftOrders": calls.bundle(*orders), **ORDERS[hook]}
    if hook is Hook.MEDICATION_REFILL:
        body["context"]["medications"] = calls.bundle(calls.order())
    if hook is Hook.PROBLEM_CREATE:
        body["context"]["conditions"] = calls.bundle(deepcopy(RECORD[4]))
    if hook is Hook.ALLERGY_CREATE:
        code = _coded(RXNORM, "11248", text="hydroxocobalamin")
        body["context"]["allergyIntolerance"] = {
            "resource": _about("AllergyIntolerance", "n", code=code)
        }
    return body


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member and entry."""
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    for step, part in steps:
        yield (*above, step)
        if isinstance(part, dict | list):
            yield from places(part, (*above, step))


def spoil(body: Any, path: tuple[Any, ...], value: Any) -> None:
    """Put a value at a path; the ellipsis takes the member away."""
    for step in path[:-1]:
        body = body[step]
    if value is ...:
        del body[path[-1]]
    else:
        body[path[-1]] = deepcopy(value)


@st.composite
def spoiled(draw: st.DrawFn, hook: Hook) -> Any:
    """A whole call with one to three members replaced or gone."""
    body = deepcopy(whole_call(hook))  # parts of it are other tests' constants
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(body))))
        spoil(body, path, draw(st.sampled_from((..., *HOSTILE))))
    return body


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with door(tmp_path_factory.mktemp("fuzz")) as one:
        yield one


@pytest.mark.parametrize("hook", Hook, ids=lambda hook: hook.value)
def test_a_whole_call_is_answered_and_names_nobody(service: Door, hook: Hook) -> None:
    answer = service.post(hook, whole_call(hook))
    assert answer.status_code == 200
    assert_no_phi(answer.text)


@pytest.mark.parametrize("hook", Hook, ids=lambda hook: hook.value)
@given(data=st.data())
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_a_spoiled_call_is_answered_in_form(service: Door, hook: Hook, data: st.DataObject) -> None:
    sent = data.draw(spoiled(hook))
    start = time.perf_counter()
    answer = service.post(hook, sent)
    assert answer.status_code in {200, 400, 412}
    assert time.perf_counter() - start < WITHIN_S
    if answer.status_code != 200:
        assert_no_phi(answer.text)


@given(junk=st.binary(max_size=200))
@settings(max_examples=50)
def test_bytes_that_are_no_call_are_refused(service: Door, junk: bytes) -> None:
    assert service.post(Hook.PATIENT_VIEW, junk).status_code == 400


NESTED = 500
BODIES = {
    "empty": b"",
    "array": b"[]",
    "text": b'"patient-view"',
    "null": b"null",
    "cut off": encode(hook_messages.body(Hook.PATIENT_VIEW))[:-9],
    "not UTF-8": b'{"hook": "\xff"}',
    "a key twice": b'{"hook": "patient-view", "hook": "order-sign"}',
    "NaN": b'{"hook": NaN}',
    "a lone surrogate": b'{"hook": "\\ud800"}',
    "deep arrays": b'{"hook": ' + b"[" * NESTED + b"]" * NESTED + b"}",
    "very deep arrays": b"[" * 100_000,
    "deep objects": b'{"hook": ' + b'{"a":' * NESTED + b"1" + b"}" * NESTED + b"}",
    "a number of 5,000 digits": b'{"hook": ' + b"9" * 5000 + b"}",
    "an absurd exponent": b'{"hook": 1e999999999}',
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_break_parsers_are_refused(service: Door, name: str) -> None:
    assert service.post(Hook.PATIENT_VIEW, BODIES[name]).status_code == 400


@pytest.mark.parametrize("name", ["deep arrays", "deep objects"])
def test_depth_within_a_resource_is_no_crash(service: Door, name: str) -> None:
    """500 levels of something that no reader looks for, inside a result."""
    sent = deepcopy(whole_call(Hook.PATIENT_VIEW))
    sent["prefetch"]["labs"]["entry"][0]["resource"]["extension"] = ["DEEP"]
    inside = BODIES[name].partition(b": ")[2].removesuffix(b"}")
    body = encode(sent).replace(b'"DEEP"', inside if name == "deep arrays" else inside + b"}")
    assert service.post(Hook.PATIENT_VIEW, body).status_code in {200, 400}


def test_a_body_of_ten_megabytes_is_no_hang(tmp_path: Path) -> None:
    start = time.perf_counter()
    with door(tmp_path) as one:
        body = hook_messages.body(Hook.PATIENT_VIEW, unknown="x" * (11 * 1024 * 1024))
        assert one.post(Hook.PATIENT_VIEW, body).status_code == 413
    assert time.perf_counter() - start < WITHIN_S

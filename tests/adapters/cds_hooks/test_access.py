"""Which server may be read with which token: only what the caller's list allows."""

from typing import Any

import pytest

from b12fhir.adapters.cds_hooks.access import Access, read_access
from b12fhir.errors import CallError
from b12fhir.ports import Caller
from tests.support.phi import TOKEN

EHR = "https://ehr.example/fhir"
CALLER = Caller(fhir_servers=frozenset({EHR, "http://127.0.0.1:8080/fhir"}))


def grant(**changes: Any) -> dict[str, Any]:
    """Every member that the specification requires, and those of SMART."""
    return {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/Observation.read",
        "subject": "b12fhir",
        "patient": "p1",
    } | changes


def access(**body: Any) -> Access:
    return read_access(body, CALLER, "p1")


def test_no_server_is_no_access():
    assert access() == Access()
    assert access(fhirServer=None, fhirAuthorization=None) == Access()


def test_a_server_and_its_token():
    assert access(fhirServer=EHR, fhirAuthorization=grant()) == Access(EHR, TOKEN)
    assert access(fhirServer=EHR) == Access(EHR)


@pytest.mark.parametrize(
    "named", [f"{EHR}/", "HTTPS://EHR.example:443/fhir", " https://ehr.example/fhir "]
)
def test_one_server_has_one_spelling(named):
    """It is part of the patient's pseudonym: two spellings would be two patients."""
    assert access(fhirServer=named).base == EHR


@pytest.mark.parametrize(
    "named",
    [
        "file:///etc/passwd",
        "ftp://ehr.example/fhir",
        "not a url",
        "",
        7,
        [],
        "https://ehr.example/fhir?x=1",
        "https://me:pw@ehr.example/fhir",
        # Off the list: looks alike, another port, scheme or path, and what is only near to us.
        "https://ehr.example.attacker.net/fhir",
        "https://ehr.example:8443/fhir",
        "http://ehr.example/fhir",
        "https://ehr.example",
        "https://ehr.example/fhir/../other",
        "http://169.254.169.254/latest",
        "http://localhost:8080/fhir",
    ],
)
def test_a_server_off_the_list_is_refused(named):
    with pytest.raises(CallError) as caught:
        access(fhirServer=named, fhirAuthorization=grant())
    assert caught.value.where == "fhirServer"


@pytest.mark.parametrize("changes", [{}, {"patient": None}, {"token_type": "bearer"}])
@pytest.mark.parametrize("seconds", [0, -1, "300", None, {}])
def test_what_does_not_matter_is_tolerated(changes, seconds):
    given = grant(expires_in=seconds, **changes)
    del given["scope"]
    assert access(fhirServer=EHR, fhirAuthorization=given).token == TOKEN


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ("Bearer x", "fhirAuthorization"),
        ([], "fhirAuthorization"),
        ({}, "fhirAuthorization.access_token"),
        (grant(access_token=""), "fhirAuthorization.access_token"),
        (grant(access_token=7), "fhirAuthorization.access_token"),
        # A line break would begin another header.
        (grant() | {"access_token": "a\r\nHost: b"}, "fhirAuthorization.access_token"),
        (grant() | {"access_token": "a\n"}, "fhirAuthorization.access_token"),
        (grant() | {"access_token": "a b"}, "fhirAuthorization.access_token"),
        (grant() | {"token_type": "Basic"}, "fhirAuthorization.token_type"),
        (grant(token_type=None), "fhirAuthorization.token_type"),
        (grant(patient="p2"), "fhirAuthorization.patient"),
        (grant(patient=7), "fhirAuthorization.patient"),
    ],
)
def test_a_grant_that_is_none_or_anothers_is_refused(given, where):
    with pytest.raises(CallError) as caught:
        access(fhirServer=EHR, fhirAuthorization=given)
    assert caught.value.where == where


@pytest.mark.parametrize("given", [grant(), {}, "x"])
def test_a_token_without_a_server_is_refused(given):
    with pytest.raises(CallError) as caught:
        access(fhirAuthorization=given)
    assert caught.value.where == "fhirServer"


def test_a_token_does_not_show():
    assert TOKEN not in repr(Access(EHR, TOKEN))

"""The CDS Hooks service with a real FHIR server behind it: prefetched or fetched, one answer."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from b12fhir.fhir.bundle import entries
from b12fhir.fhir.json import decode, encode
from b12fhir.service.hooks.model import Hook
from tests.spec.case import CASES
from tests.support import hook_messages
from tests.support.hook_service import Door, asked, door, rest

VIEW = Hook.PATIENT_VIEW
WITHIN_S = 30
# Injections for nerves, tablets for a vegan, an order on record, orders to confirm, an allergy.
STORED = ("V02", "V03", "V04", "V16", "V28", "V37")


def _own(case: str) -> list[dict[str, Any]]:
    """The resources of a case under ids that no other test uses."""
    bundle = decode((CASES / case / "input.json").read_bytes())
    text = encode([entry["resource"] for entry in bundle["entry"]]).decode()
    ids = {one["id"] for one in decode(text)}
    for one in ids:
        text = re.sub(rf'"{one}"', f'"hooks-{one}"', text)
        text = re.sub(rf"/{one}\"", f'/hooks-{one}"', text)
    found: list[dict[str, Any]] = decode(text)
    return found


@pytest.fixture(scope="module")
def stored(hapi: str) -> dict[str, str]:
    """The id of the patient of each case that HAPI now holds."""
    patients = {}
    for case in STORED:
        resources = _own(case)
        # The Patient first: HAPI refuses a result of nobody.
        for one in sorted(resources, key=lambda one: one["resourceType"] != "Patient"):
            _put(hapi, one)
        patients[case] = next(one["id"] for one in resources if one["resourceType"] == "Patient")
    return patients


def _put(hapi: str, resource: dict[str, Any]) -> None:
    where = f"{hapi}/{resource['resourceType']}/{resource['id']}"
    answer = requests.put(
        where,
        data=encode(resource),
        headers={"Content-Type": "application/fhir+json"},
        timeout=WITHIN_S,
    )
    assert answer.status_code in {200, 201}, answer.text


def _get(hapi: str, query: str) -> Any:
    answer = requests.get(
        f"{hapi}/{query}",
        headers={"Accept": "application/fhir+json", "Cache-Control": "no-cache"},
        timeout=WITHIN_S,
    )
    assert answer.status_code == 200, answer.text
    return decode(answer.content)


def resolved(hapi: str, patient: str) -> dict[str, Any]:
    """The prefetch as a client resolves it: by the templates, word for word."""
    return {
        query.key: _get(hapi, query.template.replace("{{context.patientId}}", patient))
        for query in asked()
    }


@pytest.fixture
def service(tmp_path: Path, hapi: str) -> Iterator[Door]:
    with door(tmp_path, open_server=rest, servers=[hapi]) as one:
        yield one


def told(service: Door, patient: str, **members: Any) -> Any:
    """Cards without uuids, and the digest of the decision."""
    answer = service.post(VIEW, hook_messages.body(VIEW, patient, **members))
    assert answer.status_code == 200, answer.text
    whole = decode(re.sub(rb'"uuid":"[^"]+"', b'"uuid":"-"', answer.data))
    own = whole["extension"]["org.b12fhir"]
    return whole["cards"], own["decision"], own.get("unchecked", [])


@pytest.mark.hapi
@pytest.mark.parametrize("key", [query.key for query in asked()])
def test_every_template_resolves(hapi: str, stored: dict[str, str], key: str) -> None:
    """A template that a server refuses is a client that cannot prefetch."""
    query = next(query for query in asked() if query.key == key)
    answer = _get(hapi, query.template.replace("{{context.patientId}}", stored["V02"]))
    assert answer["resourceType"] == ("Patient" if query.kind == "Patient" else "Bundle")
    found = [entry.resource for entry in entries(answer)] if "entry" in answer else []
    assert {one["resourceType"] for one in found} <= {query.kind}


@pytest.mark.hapi
@pytest.mark.parametrize("case", STORED)
def test_none_some_and_all_of_the_prefetch_give_the_same(
    hapi: str, stored: dict[str, str], service: Door, case: str
) -> None:
    patient = stored[case]
    whole = resolved(hapi, patient)
    by_prefetch = told(service, patient, prefetch=whole)
    assert by_prefetch[2] == []
    assert told(service, patient, fhirServer=hapi) == by_prefetch
    keys = list(whole)
    for left_out in (keys[:1], keys[1:4], keys[4:]):
        some = {key: value for key, value in whole.items() if key not in left_out}
        assert told(service, patient, fhirServer=hapi, prefetch=some) == by_prefetch


@pytest.mark.hapi
def test_a_result_on_a_later_page_of_the_client_decides(
    hapi: str, stored: dict[str, str], service: Door
) -> None:
    """The client sends HAPI's first page of one result; the low B12 is behind its next link."""
    patient = stored["V02"]
    whole = resolved(hapi, patient)
    labs = next(query for query in asked() if query.key == "labs")
    template = labs.template.replace("{{context.patientId}}", patient)
    small = re.sub(r"_count=\d+", "_count=1", template).replace("_sort=-date", "_sort=date")
    first = _get(hapi, small)
    assert [link["relation"] for link in first["link"]].count("next") == 1
    paged = told(service, patient, fhirServer=hapi, prefetch={**whole, "labs": first})
    # The order of the results is no fact: only what is read may count.
    assert paged[1:] == told(service, patient, prefetch=whole)[1:]
    answer = service.post(
        VIEW, hook_messages.body(VIEW, patient, prefetch={**whole, "labs": first})
    )
    assert answer.status_code == 412


@pytest.mark.hapi
def test_a_patient_that_the_server_does_not_know_is_412(hapi: str, service: Door) -> None:
    body = hook_messages.body(VIEW, "hooks-nobody", fhirServer=hapi)
    answer = service.post(VIEW, body)
    assert answer.status_code == 412
    assert "patient" in answer.text


@pytest.mark.hapi
@pytest.mark.parametrize("case", STORED)
def test_what_a_click_would_write_passes_the_servers_validation(
    hapi: str, stored: dict[str, str], service: Door, case: str
) -> None:
    """A client posts the draft as it is: a server that refuses it leaves an order unwritten."""
    cards, _, _ = told(service, stored[case], fhirServer=hapi)
    drafts = [
        action["resource"]
        for card in cards
        for suggestion in card.get("suggestions", ())
        for action in suggestion["actions"]
        if "resource" in action
    ]
    # An allergy to every product, and an order on record that must first be stopped: no draft.
    assert bool(drafts) is (case not in {"V28", "V37"})
    for draft in drafts:
        answer = requests.post(
            f"{hapi}/{draft['resourceType']}/$validate",
            data=encode(draft),
            headers={"Content-Type": "application/fhir+json"},
            timeout=WITHIN_S,
        )
        issues = decode(answer.content)["issue"]
        assert [one for one in issues if one["severity"] in {"error", "fatal"}] == []

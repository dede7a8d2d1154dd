"""A real server tells of changes, and within seconds the patients concerned are looked at again.

A server of its own: the service looks at every patient of the one that it listens to.
"""

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support import hapi_server
from tests.support.hook_parts import observation
from tests.support.serving import Service, real_time, run, service

pytestmark = [pytest.mark.hapi, pytest.mark.slow, pytest.mark.timeout(400)]

# Far more than is needed: HAPI delivers after about four seconds, and the machine may be busy.
PATIENCE_S = 120
SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105 - invented
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
FRESH = {"Cache-Control": "no-cache"}
BURST = 50


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    if os.environ.get("HAPI") == "skip":
        pytest.skip("HAPI=skip: not tested against a real server")
    pid, base = hapi_server.start()
    yield base
    hapi_server.stop(pid)


@pytest.fixture(scope="module")
def listening(base, tmp_path_factory) -> Iterator[Service]:
    """A service with two workers whom the server tells of changes."""
    folder: Path = tmp_path_factory.mktemp("listening")
    (folder / "secret").write_text(SECRET, "utf-8")
    # No pass without a bell: what is seen was heard of.
    config = (
        f'server = "{base}"\nsubscription_secret_file = "{folder}/secret"\nsync_every_s = 0\n'
        "hooks_workers = 2\nhooks_threads = 2\nhooks_grace = 10\n"
    )
    with service(folder, config, "--subscriptions") as one:
        told = subscriptions("install", one)
        assert told.endswith(" are active.\n"), told
        yield one
        assert SECRET not in one.log


def subscriptions(action: str, one: Service) -> str:
    """The command of that name; what it says."""
    config = one.errors.with_name("b12fhir.toml")
    argv = ("--config", str(config), "--endpoint", one.url("/subscriptions/notify"))
    code, out, err = run(config.parent, "subscriptions", action, *argv)
    assert code == 0, out + err
    return out


def put(base: str, *resources: dict[str, Any]) -> None:
    for one in resources:
        url = f"{base}/{one['resourceType']}/{one['id']}"
        requests.put(url, json=one, timeout=60).raise_for_status()


def low(patient: str) -> list[dict[str, Any]]:
    """Somebody with a low B12 of last week."""
    who = {"resourceType": "Patient", "id": patient, "gender": "female", "birthDate": "1970-01-01"}
    day = datetime.fromtimestamp(real_time(), UTC) - timedelta(days=7)
    lab = observation(f"{patient}-lab", "95", patient=patient, effectiveDateTime=day.isoformat())
    return [who, lab]


def plans(base: str, patient: str) -> list[dict[str, Any]]:
    url = f"{base}/CarePlan?patient={patient}"
    answer = requests.get(url, headers=FRESH, timeout=60).json()
    return [entry["resource"] for entry in answer.get("entry", ())]


def until(seen: Callable[[], Any], what: str) -> Any:
    """Ask again and again until it is so."""
    for _ in range(PATIENCE_S * 2):
        if found := seen():
            return found
        threading.Event().wait(0.5)
    pytest.fail(f"not seen in {PATIENCE_S} s: {what}")


def figure(one: Service, name: str) -> float:
    lines = one.ask("/metrics", token="").body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def drafted(base: str, patient: str) -> dict[str, Any]:
    put(base, *low(patient))
    (plan,) = until(lambda: plans(base, patient), "the plan of a low result")
    assert (plan["status"], plan["intent"]) == ("draft", "proposal")
    return plan


def test_a_low_result_a_new_order_and_a_result_taken_back_are_heard_of(base, listening):
    plan = drafted(base, "heard")
    order = {
        "resourceType": "MedicationRequest",
        "id": "heard-metformin",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/heard"},
        "authoredOn": "2020-01-10",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "6809"}]},
    }
    put(base, order)
    version = plan["meta"]["versionId"]
    changed = until(
        lambda: [one for one in plans(base, "heard") if one["meta"]["versionId"] != version],
        "the plan after a metformin order",
    )
    assert [one["status"] for one in changed] == ["draft"]
    # HAPI deletes no result that a plan refers to; a laboratory takes one back like this anyway.
    put(base, {**low("heard")[1], "status": "entered-in-error"})
    until(
        lambda: [one["status"] for one in plans(base, "heard")] == ["revoked"],
        "the end of a plan whose result was taken back",
    )


def test_a_deletion_is_a_bell_as_well(base, listening):
    """HAPI tells of deletions because we ask it to in its own extension."""
    patient, lab = low("deleted")
    put(base, patient, {**lab, "status": "cancelled"})
    name = 'b12fhir_bells_total{outcome="heard"}'
    until(lambda: _is_quiet(listening, name), "an end of bells")
    before = figure(listening, name)
    requests.delete(f"{base}/Observation/{lab['id']}", timeout=60).raise_for_status()
    until(lambda: figure(listening, name) > before, "the bell of a deletion")


def _is_quiet(one: Service, name: str) -> bool:
    """No bell for longer than HAPI takes to deliver."""
    before = figure(one, name)
    threading.Event().wait(15)
    return figure(one, name) == before


def test_a_burst_of_writes_is_few_passes(base, listening):
    drafted(base, "burst")
    before = figure(listening, "b12fhir_passes_total")
    heard = figure(listening, 'b12fhir_bells_total{outcome="heard"}')
    for number in range(BURST):
        put(base, observation(f"burst-{number}", "140", code="6298-4", patient="burst"))
    until(
        lambda: figure(listening, 'b12fhir_bells_total{outcome="heard"}') >= heard + BURST,
        "a bell for each write",
    )
    # Each of two processes makes a pass a second at most, and one takes longer.
    until(lambda: figure(listening, "b12fhir_passes_total") > before, "a pass after the burst")
    assert figure(listening, "b12fhir_passes_total") - before < BURST / 2


def test_killed_workers_are_replaced_and_go_on(base, listening):
    workers = {int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", listening.log)}
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    drafted(base, "after-the-kill")
    assert len(plans(base, "after-the-kill")) == 1


def test_readiness_tells_how_the_last_look_went(listening):
    told = listening.ask("/readyz", token="").body.decode()
    assert told == "ok\nChanges are listened for.\n"


def test_without_the_secret_nobody_is_heard(listening):
    path = "/subscriptions/notify"
    refused = listening.ask(path, {}, token=f"Bearer {SECRET}x")
    assert (refused.status, refused.body) == (401, b"")


def test_installed_again_nothing_changes_and_removed_it_is_quiet(base, listening):
    assert subscriptions("install", listening).startswith("Changed 0 of 13.\n")
    assert "13 of 13" in subscriptions("show", listening)
    told = subscriptions("remove", listening)
    assert told.startswith("Removed 13 Subscriptions")
    found = requests.get(f"{base}/Subscription", headers=FRESH, timeout=60).json()
    assert found.get("entry", []) == []
    subscriptions("install", listening)

"""Many calls at once, of two patients, at one process with threads: nobody gets the other's card.

A card with another patient's number or order is the worst that can happen here.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from b12fhir.service.hooks.model import Hook
from tests.support import hook_messages
from tests.support.hook_parts import observation
from tests.support.hook_service import path, prefetched
from tests.support.phi import assert_no_phi, sentinel_patient
from tests.support.serving import real_time, service

pytestmark = pytest.mark.loopback

CALLS, LANES = 24, 8
# Each patient with a value that is nobody else's.
VALUES = {"anna": "95", "berta": "131"}
OFF = 'hooks_auth = "off"\nhooks_workers = 1\nhooks_threads = 4\n'


def call(patient: str) -> dict[str, Any]:
    day = datetime.fromtimestamp(real_time(), UTC) - timedelta(days=7)
    lab = observation(
        f"b12-{patient}", VALUES[patient], patient=patient, effectiveDateTime=day.isoformat()
    )
    record = [sentinel_patient(patient), lab]
    return hook_messages.body(Hook.PATIENT_VIEW, patient, prefetch=prefetched(record, patient))


def test_parallel_calls_never_mix_patients(tmp_path: Path) -> None:
    sent = {patient: call(patient) for patient in VALUES}
    order = [patient for _ in range(CALLS // 2) for patient in VALUES]
    with service(tmp_path, OFF) as one:

        def ask(patient: str) -> tuple[str, Any]:
            answer = one.ask(path(Hook.PATIENT_VIEW), sent[patient], token="")
            assert answer.status == 200, answer.body
            return patient, answer.json

        with ThreadPoolExecutor(LANES) as pool:
            told = list(pool.map(ask, order))
        log = one.log
    assert len(told) == CALLS
    for patient, answer in told:
        (card,) = answer["cards"]
        (other,) = set(VALUES) - {patient}
        text = json.dumps(answer)
        assert f"B12 {VALUES[patient]} ng/L" in card["summary"]
        assert f"Patient/{patient}" in text
        assert other not in text
        assert VALUES[other] not in card["summary"]
        assert_no_phi(text)
    uuids = [answer["cards"][0]["uuid"] for _, answer in told]
    assert len(set(uuids)) == CALLS
    assert_no_phi(log)
    assert not [patient for patient in VALUES if patient in log]

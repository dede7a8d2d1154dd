"""Figures of several workers add up, and one worker's are right by themselves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from b12fhir.adapters.cds_hooks import Metrics
from b12fhir.adapters.cds_hooks.refusals import of_error
from b12fhir.errors import Defect

# The library reads the variable when it is imported, so each worker is a process of its own.
WORKER = """
import sys
from pathlib import Path
from b12fhir.adapters.cds_hooks import Metrics
metrics = Metrics(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    metrics.answered("b12-patient-view", 200, 0.003)
    metrics.shown("b12-patient-view", "R-28", "warning")
sys.stdout.write(metrics.text().decode())
"""


def work(folder: Path, calls: int) -> str:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    command = [sys.executable, "-c", WORKER, str(folder), str(calls)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return done.stdout


def test_workers_add_up(tmp_path):
    work(tmp_path, 2)
    text = work(tmp_path, 3)
    assert 'b12fhir_hook_seconds_count{service="b12-patient-view",status="2xx"} 5.0' in text
    assert (
        'b12fhir_cards_total{indicator="warning",rule="R-28",service="b12-patient-view"} 5.0'
        in text
    )


@pytest.mark.parametrize(("status", "shown"), [(200, "2xx"), (412, "4xx"), (503, "5xx")])
def test_a_status_counts_by_its_class(status, shown):
    """3 ms lie between the limits of 2.5 and 5 ms."""
    metrics = Metrics()
    metrics.answered("s", status, 0.003)
    text = metrics.text().decode()
    assert f'b12fhir_hook_seconds_bucket{{le="0.0025",service="s",status="{shown}"}} 0.0' in text
    assert f'b12fhir_hook_seconds_bucket{{le="0.005",service="s",status="{shown}"}} 1.0' in text


def test_whoever_is_not_admitted_is_counted_by_reason():
    metrics = Metrics()
    metrics.refused("expired")
    assert 'b12fhir_hook_refused_total{reason="expired"} 1.0' in metrics.text().decode()


def test_two_applications_count_apart():
    one, other = Metrics(), Metrics()
    one.silenced("s", 2)
    one.heard("s", "accepted")
    assert 'b12fhir_cards_silent_total{service="s"} 2.0' in one.text().decode()
    assert "2.0" not in other.text().decode()


def test_a_defect_has_no_answer_of_its_own():
    assert of_error(Defect("ours")) is None

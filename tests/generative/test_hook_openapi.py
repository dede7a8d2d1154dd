"""The service is what its OpenAPI document says: calls made of it, right and wrong ones.

What the document allows is answered with a status and a body that it names; what it forbids is
refused; nothing is a 5xx. The seeds are fixed, so a failure comes again.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from b12fhir.adapters.cds_hooks import HookLimits
from tests.support.hook_service import PUBLIC, door

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SERVICES = "/cds-services"
EXAMPLES = 8
# A failure is shown as it was found: to shrink a whole message takes minutes.
PHASES = [Phase.generate]
# All feedback goes the same way: one service stands for the others.
SAME = "/feedback"
KEPT = "/b12-patient-view/feedback"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    limits = HookLimits(calls_per_minute=0)
    with door(tmp_path_factory.mktemp("openapi"), limits=limits) as service:
        yield schemathesis.openapi.from_wsgi("/openapi.json", service.client.application)


def operations(document: Any) -> dict[str, Any]:
    found = (one.ok() for one in document.get_all_operations())
    return {
        one.label: one for one in found if not one.path.endswith(SAME) or one.path.endswith(KEPT)
    }


LABELS = [
    f"GET {SERVICES}",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    *(f"POST {SERVICES}/b12-{name}" for name in (
        "patient-view", "order-select", "order-sign", "encounter-discharge", "appointment-book",
        "medication-refill", "problem-list-item-create", "allergyintolerance-create",
        "patient-view/feedback",
    )),
]  # fmt: skip


def test_every_address_is_tried(document: Any) -> None:
    assert set(operations(document)) == set(LABELS)
    assert document.raw_schema["servers"] == [{"url": PUBLIC}]


@pytest.mark.parametrize("label", LABELS)
def test_the_service_is_what_its_document_says(document: Any, label: str) -> None:
    operation = operations(document)[label]

    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=PHASES)
    def allowed(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    allowed()


@pytest.mark.parametrize("label", [one for one in LABELS if one.startswith("POST")])
def test_what_the_document_forbids_is_refused(document: Any, label: str) -> None:
    """A body of the wrong form must not be read as a call about nothing."""
    operation = operations(document)[label]

    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=PHASES)
    def forbidden(case: Any) -> None:
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)
        assert 400 <= answer.status_code < 500

    forbidden()

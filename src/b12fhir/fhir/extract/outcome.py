"""What a server reports beside its results."""

from collections.abc import Iterator

from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import OUTCOME
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.outcome import read_outcome


def read_report(source: Source, record: Record) -> Iterator[Found]:  # noqa: ARG001
    """Report what a server left out; mere information is dropped.

    Severity and code only: the server's own words may quote another resource.
    """
    outcome = read_outcome(source.resource)
    if outcome is not None and outcome.is_harmful:
        yield OUTCOME.issue(source.reference, f"(OperationOutcome) reports {outcome.summary()}")

"""Decide on hand-built facts with the pack that ships."""

from b12fhir.decision.decide import decide
from b12fhir.decision.model import Decision
from b12fhir.facts.patient import Patient
from b12fhir.protocol.load import load_protocol
from tests.support.facts import TODAY, WOMAN, record
from tests.support.telling import check_telling


def decided(*parts: object, patient: Patient = WOMAN, **more: object) -> Decision:
    """The decision on the day of the tests; however it falls, it must be told well."""
    decision = decide(record(*parts, patient=patient, **more), load_protocol(), TODAY)
    check_telling(decision)
    return decision


def rules(decision: Decision, truth: str = "yes") -> set[str]:
    """Numbers of the rules reported with that truth."""
    return {finding.rule for finding in decision.findings if finding.truth.value == truth}


def ids(remarks: object) -> set[str]:
    """Ids of gaps, cautions, contraindications or mimics."""
    return {remark.id for remark in remarks}

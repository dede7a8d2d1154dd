"""If issues came in the order of the input, two runs over the same facts would differ."""

from b12fhir.kernel.evidence import Finding, Issue, Severity
from b12fhir.kernel.truth import Truth


def test_issues_have_an_order_of_their_own() -> None:
    late = Issue("unit", Severity.ERROR, "Observation/2", "b")
    early = Issue("range", Severity.WARNING, "Observation/9", "a", relevant=False)
    same = Issue("range", Severity.WARNING, "Observation/9", "b")
    assert sorted([late, same, early], key=Issue.sort_key) == [early, same, late]


def test_a_finding_without_facts_says_so() -> None:
    assert Finding("R-63", Truth.YES).inputs == ()

"""If issues came in the order of the input, two runs over the same facts would differ."""

from b12fhir.kernel.evidence import Finding, Issue, Severity, Wording
from b12fhir.kernel.truth import Truth


def test_issues_have_an_order_of_their_own() -> None:
    late = Issue("unit", Severity.ERROR, "Observation/2", "b")
    early = Issue("range", Severity.WARNING, "Observation/9", "a", relevant=False)
    same = Issue("range", Severity.WARNING, "Observation/9", "b")
    assert sorted([late, same, early], key=Issue.sort_key) == [early, same, late]


def test_a_finding_without_facts_says_so() -> None:
    assert Finding("R-63", Truth.YES).inputs == ()


def _stay(days: int, ward: str) -> str:
    return f"{days} days in {ward}"


def test_a_note_is_a_text_or_is_written_when_it_is_read() -> None:
    assert Finding("R-63", Truth.YES).note == ""
    assert Finding("R-63", Truth.YES, (), "new").note == "new"
    assert Finding("R-63", Truth.YES, (), Wording(_stay, (3, "B2"))).note == "3 days in B2"


def test_what_is_written_of_the_same_is_equal_before_it_is_read() -> None:
    """Findings are compared to say each once; of two patients' texts none may pass for another."""
    assert Wording(_stay, (3, "B2")) == Wording(_stay, (3, "B2"))
    assert (
        len({Wording(_stay, (3, "B2")), Wording(_stay, (3, "B2")), Wording(_stay, (4, "B2"))}) == 2
    )
    assert Wording(_stay, (3, "B2")) != Wording(_stay, (4, "B2"))


def test_a_wording_is_what_it_says_however_it_was_given() -> None:
    """The same amount in another unit is the same finding."""
    assert Wording(_stay, (3, "B2")) == Wording(_stay, ("3", "B2"))
    assert Wording(_stay, (3, "B2")) != Wording(str, (3,))
    assert Wording(_stay, (3, "B2")) != (_stay, (3, "B2"))

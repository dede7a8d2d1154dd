"""A pattern inside the week as FHIR, in words and in the digest."""

from b12fhir.fhir.dosage import dosage
from b12fhir.fhir.timing import every_text, phase_timing
from b12fhir.protocol.model import Span
from tests.support.builders import build_phase

WEEK = Span(1, "wk")


def test_three_a_week_has_no_code_and_is_a_frequency() -> None:
    """dayOfWeek beside a period is not allowed, and without it the number a week would be lost."""
    repeat = phase_timing(build_phase(interval=WEEK, count=6, days=(0, 2, 4)))["repeat"]
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == (3, 1, "wk")
    assert repeat["count"] == len([0, 2, 4]) * 2
    assert "dayOfWeek" not in repeat


def test_three_a_week_in_words() -> None:
    assert every_text(build_phase(interval=WEEK, days=(0, 2, 4))) == "3 times a week"
    assert every_text(build_phase(interval=Span(2, "wk"), days=(0, 7))) == "2 times every 2 weeks"


def test_the_dosage_line_says_it_all() -> None:
    said = dosage(build_phase(interval=WEEK, count=6, days=(0, 2, 4)))["text"]
    assert "3 times a week" in said
    assert "for 6 doses" in said

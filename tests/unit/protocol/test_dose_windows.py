"""The windows of section 12: as the rule book has them, and refused where they contradict."""

from typing import Any

import pytest

from b12fhir.protocol.lint import lint
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.shape import shape_problems
from tests.support.documents import shipped


def test_the_windows_of_the_rule_book() -> None:
    """Days early / late / missed if more than / least gap, by the days between two doses."""
    limits = load_protocol().limits
    assert [
        (row.from_days, row.early, row.late, row.missed_after, row.least_gap)
        for row in limits.dose_windows
    ] == [(0, 1, 1, 2, 1), (7, 2, 3, 7, 4), (28, 7, 14, 28, 21)]
    assert limits.load_gap_days == 7


FAULTS: dict[str, tuple[int, dict[str, Any], str]] = {
    "no row for short intervals": (0, {"from_days": 2}, "does not begin at 0 days"),
    "rows out of order": (2, {"from_days": 7}, "7 days come after 7 days"),
    "missed before it is overdue": (1, {"late": 7}, "a dose is missed before it is overdue"),
    "on time and too soon": (2, {"early": 8}, "a dose on time would be too soon"),
}


@pytest.mark.parametrize(("row", "change", "said"), FAULTS.values(), ids=FAULTS)
def test_windows_that_contradict_are_refused(row, change, said) -> None:
    documents = shipped()
    documents.list_of("limits", "dose_windows")[0]["rows"][row].update(change)
    assert [p for p in lint(documents) if said in str(p)]


def test_half_a_day_is_no_window() -> None:
    documents = shipped()
    documents.list_of("limits", "dose_windows")[0]["rows"][0]["early"] = "1"
    assert list(shape_problems(documents))

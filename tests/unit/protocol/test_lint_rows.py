"""What the lint says of days inside an interval, ranges with a step, and rows of a condition."""

from collections.abc import Callable
from typing import Any

import pytest

from b12fhir.protocol.documents import Documents
from b12fhir.protocol.lint import lint
from b12fhir.protocol.shape import shape_problems
from tests.support.documents import entry, shipped, spoiled

Change = Callable[[Documents], Any]


def _load(documents: Documents) -> Any:
    return entry(documents, "regimens", "course", "hydroxo-load")["phase"][0]


def _maintenance(documents: Documents) -> Any:
    return entry(documents, "regimens", "course", "hydroxo-every-2-3-months")["phase"][0]


def _row(documents: Documents) -> Any:
    return entry(documents, "regimens", "regimen", "leber")


def _without_row(documents: Documents, **more: Any) -> None:
    rows = documents.toml["regimens"]["regimen"]
    documents.toml["regimens"]["regimen"] = [row for row in rows if row["id"] != "leber"]
    documents.toml["regimens"].update(more)


FAULTS: dict[str, tuple[Change, str]] = {
    "days out of order": (
        lambda d: _load(d).update(days=[0, 4, 2]),
        "has days [0, 4, 2]: they run from 0, inside 7 days",
    ),
    "days that do not begin with the first": (
        lambda d: _load(d).update(days=[1, 3]),
        "has days [1, 3]",
    ),
    "a day of the next week": (lambda d: _load(d).update(days=[0, 7]), "has days [0, 7]"),
    "days of a month": (
        lambda d: _load(d).update(interval={"value": 1, "unit": "mo"}),
        "names days of an interval in months",
    ),
    "a range without a step": (
        lambda d: _maintenance(d).pop("step"),
        "a range of intervals and a step to date it go together",
    ),
    "a step without a range": (
        lambda d: _maintenance(d)["interval"].pop("max"),
        "a range of intervals and a step to date it go together",
    ),
    "no row for a condition": (_without_row, "condition leber: has no row"),
    "a condition nobody asks for": (
        lambda d: _row(d).update(condition="blind"),
        "condition blind: is not known",
    ),
    "two rows for a condition": (
        lambda d: d.list_of("regimens", "regimen").append({**_row(d), "id": "leber-2"}),
        "condition: leber stands 2 times",
    ),
    "a monitoring set nobody wrote": (
        lambda d: _row(d).update(monitoring=["sight"]),
        "names monitoring set sight, which is not known",
    ),
    "a maintenance after the load for nerves that ends": (
        lambda d: _row(d).update(im_maintenance_neuro="hydroxo-load"),
        "regimen leber, severe_neuro",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told(name: str) -> None:
    change, expected = FAULTS[name]
    assert expected in "\n".join(str(problem) for problem in lint(spoiled(change), None))


def test_a_pack_may_do_without_the_row_if_it_says_so() -> None:
    told = lint(spoiled(lambda d: _without_row(d, no_row_for=["leber"])), None)
    assert not [problem for problem in told if "condition" in str(problem)]


SHAPES: dict[str, Change] = {
    "a row for both a cause and a condition": lambda d: _row(d).update(causes=["vegan"]),
    "a row for neither": lambda d: _row(d).pop("condition"),
    "one day is no pattern": lambda d: _load(d).update(days=[0]),
    "a day before the first": lambda d: _load(d).update(days=[-1, 0]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_wrong_shape_is_caught(name: str) -> None:
    assert shape_problems(spoiled(SHAPES[name]))


def test_what_ships_is_without_fault() -> None:
    assert list(lint(shipped(), None)) == []

"""Values of one room: equal by what they hold, and with the fields that were declared."""

import pytest

from b12fhir.kernel.values import value


@value
class Stay:
    ward: str
    days: int = 1


def test_values_that_hold_the_same_are_equal() -> None:
    assert Stay("B2") == Stay("B2", 1)
    assert Stay("B2") != Stay("B2", 2)


def test_a_value_shows_what_it_holds() -> None:
    assert repr(Stay("B2")).endswith("Stay(ward='B2', days=1)")


def test_a_value_has_no_room_for_anything_else() -> None:
    """A misspelt field would be set, and the right one keep its old value."""
    with pytest.raises(AttributeError):
        setattr(Stay("B2"), "day", 2)  # noqa: B010 - the type checker refuses the plain way


def test_nobody_looks_a_value_up_by_what_it_holds() -> None:
    """What could be changed has no lasting hash."""
    with pytest.raises(TypeError):
        hash(Stay("B2"))

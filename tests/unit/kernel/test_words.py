"""A closed list of words behaves as an `Enum` does, in what the program uses of one."""

import copy
import pickle
from collections.abc import Collection

import pytest

from b12fhir.kernel.quantities import Comparator
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.words import Word


def test_a_member_is_found_by_its_value() -> None:
    assert Truth("no") is Truth.NO
    assert Comparator("") is Comparator.EQ


@pytest.mark.parametrize("value", ["maybe", "YES", "", None, 1, ["yes"]])
def test_what_is_no_word_of_the_list_is_refused(value) -> None:
    with pytest.raises(ValueError, match="none of the words of Truth"):
        Truth(value)


def test_a_member_is_found_by_its_name() -> None:
    assert Comparator["LE"] is Comparator.LE
    with pytest.raises(KeyError):
        Comparator["<="]


def test_members_come_in_the_order_in_which_they_are_written() -> None:
    assert [truth.name for truth in Truth] == ["YES", "NO", "UNKNOWN"]
    assert len(Truth) == 3
    assert Truth.NO in list(Truth)


def test_a_member_knows_its_name_and_value() -> None:
    assert (Comparator.LE.name, Comparator.LE.value) == ("LE", "<=")
    assert repr(Comparator.LE) == "<Comparator.LE: '<='>"


def test_a_member_equals_itself_alone() -> None:
    """Two lists may hold the same word; it does not mean the same in both."""

    class Answer(Word):
        YES = "yes"

    assert Answer.YES != Truth.YES
    assert Answer.YES != "yes"
    assert len({Answer.YES, Truth.YES, Truth("yes")}) == 2


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))],  # noqa: S301
)
def test_a_copy_of_a_member_is_the_member(again) -> None:
    """Identity is how members are compared: a second one would equal nothing."""
    assert again(Truth.UNKNOWN) is Truth.UNKNOWN


def test_a_list_holds_its_members_and_nothing_else() -> None:
    """A member of another list with the same value is another word."""
    assert Truth.YES in Truth
    assert "yes" not in Truth
    assert isinstance(Truth, Collection)


def test_a_list_is_closed() -> None:
    with pytest.raises(AttributeError, match="closed list: NO cannot be set"):
        Truth.NO = Truth.YES

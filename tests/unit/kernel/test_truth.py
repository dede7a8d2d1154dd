"""If unknown ever acted as no, a test not done would read as normal."""

from functools import reduce
from itertools import permutations, product
from operator import and_, or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b12fhir.kernel.truth import Truth

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
TRUTHS = st.lists(st.sampled_from(list(Truth)), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("one", "other", "both", "either"),
    [
        (YES, YES, YES, YES),
        (YES, NO, NO, YES),
        (YES, UNKNOWN, UNKNOWN, YES),
        (NO, NO, NO, NO),
        (NO, UNKNOWN, NO, UNKNOWN),
        (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_kleene_tables(one: Truth, other: Truth, both: Truth, either: Truth) -> None:
    for left, right in ((one, other), (other, one)):
        assert left & right is both
        assert left | right is either


def test_not() -> None:
    assert [~truth for truth in (YES, NO, UNKNOWN)] == [NO, YES, UNKNOWN]


@pytest.mark.parametrize(("value", "truth"), [(True, YES), (False, NO), (None, UNKNOWN)])
def test_a_boolean_is_lifted_and_nothing_is_unknown(value: bool | None, truth: Truth) -> None:
    assert Truth.of(value) is truth


@pytest.mark.parametrize("truth", list(Truth))
def test_exactly_one_question_is_answered_with_true(truth: Truth) -> None:
    assert [truth.is_yes, truth.is_no, truth.is_unknown].count(True) == 1


def test_the_order_of_facts_does_not_matter() -> None:
    for facts in product(Truth, repeat=3):
        assert len({reduce(and_, order) for order in permutations(facts)}) == 1
        assert len({reduce(or_, order) for order in permutations(facts)}) == 1


@given(TRUTHS)
def test_de_morgan(facts: list[Truth]) -> None:
    assert ~reduce(and_, facts) is reduce(or_, [~fact for fact in facts])


@given(TRUTHS)
def test_settling_an_unknown_never_turns_a_known_answer(facts: list[Truth]) -> None:
    """What is called yes or no stays so, whatever the missing test may show."""
    holes = [place for place, fact in enumerate(facts) if fact is UNKNOWN]
    for join in (and_, or_):
        told = reduce(join, facts)
        settled = set()
        for answers in product((YES, NO), repeat=len(holes)):
            full = list(facts)
            for place, answer in zip(holes, answers, strict=True):
                full[place] = answer
            settled.add(reduce(join, full))
        assert settled == {told} if not told.is_unknown else settled == {YES, NO}

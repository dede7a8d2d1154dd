"""What became of cards, counted, and how sure the rates are."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b12fhir.service.hooks.keeping import ACCEPTED, OVERRIDDEN
from b12fhir.service.hooks.rates import HeldBack, Tally, feedback_report, share


# Newcombe, Statistics in Medicine 1998;17:857, table I, method 3 (Wilson, no correction).
@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_intervals_are_the_published_ones(count, of, low, high):
    found = share(count, of)
    assert (round(found.low, 4), round(found.high, 4)) == (Decimal(low), Decimal(high))


def test_where_nothing_was_counted_anything_is_possible():
    nothing = share(0, 0)
    assert nothing.rate is None
    assert (nothing.low, nothing.high) == (0, 1)


@given(st.integers(1, 100_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_holds_its_rate_and_stays_between_0_and_1(counted):
    found = share(*counted)
    assert 0 <= found.low <= found.rate <= found.high <= 1
    assert found.low < found.high


def tally(rule, outcome="", count=1, reason="", indicator="warning") -> Tally:
    return Tally(rule, indicator, outcome, reason, count)


def test_each_rule_and_indicator_is_counted_by_itself_most_cards_first():
    report = feedback_report(
        [
            tally("R-28", ACCEPTED, 2),
            tally("R-28", OVERRIDDEN, 3, "patient-refuses"),
            tally("R-28", "", 5),
            tally("R-28", ACCEPTED, 1, indicator="critical"),
            tally("R-48", "", 90, indicator="info"),
        ],
        None,
        4,
    )
    rows = [(one.rule, one.indicator, one.issued) for one in report.rules]
    assert rows == [("R-48", "info", 90), ("R-28", "warning", 10), ("R-28", "critical", 1)]
    first = report.rules[1]
    assert [one.count for one in (first.accepted, first.overridden, first.unanswered)] == [2, 3, 5]
    assert first.overridden.rate == Decimal("0.3")
    total = report.total
    assert [one.count for one in (total.accepted, total.overridden, total.unanswered)] == [3, 3, 95]
    assert (total.rule, total.indicator, total.issued) == ("all", "all", 101)
    assert report.unjoined == 4


def test_rows_of_equal_counts_stand_in_one_order():
    """By rule, then by how grave: info, warning, critical, and a word nobody knows before them."""
    words = ["critical", "info", "hard-stop", "warning"]
    report = feedback_report([tally("R-28", indicator=word) for word in words], None, 0)
    assert [one.indicator for one in report.rules] == ["hard-stop", "info", "warning", "critical"]


def test_reasons_are_shares_of_the_overrides_all_first():
    report = feedback_report(
        [
            tally("R-28", OVERRIDDEN, 3, "patient-refuses"),
            tally("R-28", OVERRIDDEN, 1, "need-more-info"),
            tally("R-28", OVERRIDDEN, 1, "need-more-info", indicator="critical"),
            tally("R-48", OVERRIDDEN, 6, "need-more-info"),
            tally("R-48", ACCEPTED, 50),
        ],
        None,
        0,
    )
    rows = [(one.rule, one.reason, one.share.count, one.share.of) for one in report.reasons]
    assert rows == [
        ("all", "need-more-info", 8, 11),
        ("all", "patient-refuses", 3, 11),
        ("R-48", "need-more-info", 6, 6),
        ("R-28", "patient-refuses", 3, 5),
        ("R-28", "need-more-info", 2, 5),
    ]


def test_no_words_of_a_client_are_repeated():
    """A code may be anybody's words, a name among them."""
    told = [tally("R-28", OVERRIDDEN, 2, "Mrs Miller said no"), tally("R-28", OVERRIDDEN, 1)]
    report = feedback_report(told, None, 0)
    assert [one.reason for one in report.reasons if one.rule == "all"] == [
        "another code",
        "no reason given",
    ]


def test_what_was_held_back_most_often_comes_first():
    """Then by rule and how grave; an answer is a known code, or it is not repeated."""

    def held(rule, indicator, reason, times) -> HeldBack:
        return HeldBack(rule, indicator, reason, times, 1, datetime(2026, 12, 21, tzinfo=UTC))

    most = held("R-48", "info", "accepted", 9)
    grave = held("R-28", "critical", "patient-refuses", 2)
    warning, strange = held("R-28", "warning", "Mrs Miller", 2), held("R-9", "info", "", 2)
    report = feedback_report([], None, 0, [grave, strange, most, warning])
    rows = [(one.rule, one.indicator, one.reason, one.times) for one in report.held]
    assert rows == [
        ("R-48", "info", "accepted", 9),
        ("R-28", "warning", "another code", 2),
        ("R-28", "critical", "patient-refuses", 2),
        ("R-9", "info", "no reason given", 2),
    ]


def test_without_cards_there_is_nothing_to_say():
    report = feedback_report([], None, 0)
    assert (report.rules, report.reasons, report.total.issued) == ((), (), 0)
    assert report.total.accepted.rate is None

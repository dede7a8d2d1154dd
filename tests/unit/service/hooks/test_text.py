"""Words of a card: no record breaks out of its cell, and nothing is ever cut."""

from datetime import UTC, date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b12fhir.kernel.dates import on, parse_when
from b12fhir.service.hooks.text import (
    cell,
    day_text,
    fitting,
    line,
    listed,
    sentence,
    table,
    when_text,
)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("plain words, 95 ng/L (R-28).", "plain words, 95 ng/L (R-28)."),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("R&D", "R&amp;D"),
        # A link of Markdown, an image, and one in angle brackets.
        ("[press](javascript:x)", "\\[press\\](javascript:x)"),
        ("![x](y)", "!\\[x\\](y)"),
        ("a | b", "a \\| b"),
        ("`code` *bold* _low_ ~gone~ $x$", "\\`code\\` \\*bold\\* \\_low\\_ \\~gone\\~ \\$x\\$"),
        ("back\\slash", "back\\\\slash"),
        # GitHub makes links of bare addresses: they are parted.
        ("see https://evil.example", "see https: //evil.example"),
        ("WWW.evil.example", "WWW .evil.example"),
        ("me@evil.example", "me @evil.example"),
        ("mailto:me", "mailto :me"),
        # Lines, and marks that turn the order of reading around.
        ("one\n| two |\r\nthree\u2028four", "one \\| two \\| three four"),
        ("a\u202eb\u200bc\x00d\ud800e", "a b c d e"),
    ],
)
def test_a_cell_shows_the_words_and_does_nothing_else(sent, shown) -> None:
    assert cell(sent) == shown


@given(st.text())
def test_whatever_is_sent_stays_in_its_row_and_its_column(sent) -> None:
    told = table(("a", "b"), [("Why", sent or "x")]).splitlines()
    assert len(told) <= 3
    for row in told[2:]:
        bare = row.replace("\\\\", "").replace("\\|", "")
        assert bare.count("|") == 3
        assert "<" not in row
        assert "://" not in row


def test_a_row_without_text_is_left_out() -> None:
    assert table(("a", "b"), [("Why", ""), ("Plan", "x")]).splitlines()[2:] == ["| **Plan** | x |"]


def test_one_line_with_single_blanks() -> None:
    assert line("  a \t b\n") == "a b"


def test_the_first_that_fits_is_taken_whole() -> None:
    assert fitting(("x" * 140, "y" * 139, "z")) == "y" * 139


def test_days_are_written_so_that_nobody_swaps_day_and_month() -> None:
    assert day_text(date(2026, 11, 7)) == "7 Nov 2026"
    assert when_text(on(date(2026, 1, 31))) == "31 Jan 2026"
    assert when_text(parse_when("2026-11", UTC)) == "2026-11-01 to 2026-11-30"
    assert when_text(None) == ""


def test_a_list_says_how_much_more_there_is() -> None:
    assert listed(["a.", "", "b.", "a."], 2) == "a. b."
    assert listed(["a.", "b.", "c.", "d."], 2) == "a. b. (And 2 more.)"
    assert listed([], 2) == ""


def test_a_sentence_is_closed_once() -> None:
    assert (sentence("a"), sentence("a."), sentence("a?")) == ("a.", "a.", "a?")


@pytest.mark.parametrize(
    "odd",
    ["a  b", " a", "a ", "a\nb", "R&D", "www.a.org", "x://y", "a\u202eb", "mailto:x", "1 * 2"],
)
def test_one_odd_cell_changes_no_other_and_is_made_harmless_itself(odd) -> None:
    """All cells are looked at together first: that must not let one of them through."""
    rows = [("One", "plain: yes"), ("Two", odd), ("Three", "also plain")]
    told = table(("Vitamin B12", "head"), rows).split("\n")
    assert told[2:] == [f"| **{name}** | {cell(text)} |" for name, text in rows]
    headed = table(("Vitamin B12", odd), [("One", "plain")]).split("\n")
    assert headed[0] == f"| Vitamin B12 | {cell(odd)} |"


@given(st.lists(st.text(alphabet=" :/@.*w\n-abc|", max_size=6), min_size=1, max_size=4))
def test_cells_looked_at_together_are_what_each_is_alone(texts) -> None:
    told = table(("B12", texts[0]), [("Row", text) for text in texts])
    shown = [f"| **Row** | {cell(text)} |" for text in texts if text]
    assert told == "\n".join((f"| B12 | {cell(texts[0])} |", "|---|---|", *shown))

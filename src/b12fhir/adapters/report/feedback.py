"""The feedback report for people and programs: tables for the terminal, CSV."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal

from rich import box
from rich.table import Table
from rich.text import Text

from b12fhir.service.hooks.rates import FeedbackReport, HeldBack, Rates, Reason, Share

COLUMNS = ("rule", "indicator", "what", "reason", "count", "of", "rate", "low", "high", "until")
_PLACES = Decimal("0.0001")


def tables(report: FeedbackReport) -> Iterator[Table]:
    """What became of cards, why they were overridden, and which were held back since."""
    yield _rates(report)
    if report.reasons:
        yield _reasons(report)
    if report.held:
        yield _held(report)


def footer(report: FeedbackReport) -> str:
    """What was counted, and how to read it."""
    since = f"issued since {report.since.isoformat()}" if report.since else "that are kept"
    lost = f" Feedback on cards that are not in the book or another client's: {report.unjoined}."
    held = (
        f" Not shown again because of an answer: {sum(one.times for one in report.held)} times; "
        "a silence is counted from its beginning."
    )
    return (
        f"Cards {since}: {report.total.issued}. Each counts once, with its last answer; in "
        f"brackets the 95 % interval (Wilson).{lost if report.unjoined else ''}"
        f"{held if report.held else ''}"
    )


def table_csv(report: FeedbackReport) -> bytes:
    """One share or count a row; rates from 0 to 1 with four places.

    ``held back`` counts cards, ``silencing answers`` the answers because of which they were;
    ``until`` is when the last of these silences ends.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rates in (report.total, *report.rules):
        for what, share in _shares(rates):
            writer.writerow((rates.rule, rates.indicator, what, "", *_numbers(share), ""))
    for one in report.reasons:
        writer.writerow((one.rule, "all", "override reason", one.reason, *_numbers(one.share), ""))
    for held in report.held:
        for what, count in (("held back", held.times), ("silencing answers", held.answers)):
            empty = [""] * 4
            row = (held.rule, held.indicator, what, held.reason, count, *empty, _until(held))
            writer.writerow(row)
    return stream.getvalue().encode()


def _shares(rates: Rates) -> tuple[tuple[str, Share], ...]:
    return (
        ("accepted", rates.accepted),
        ("overridden", rates.overridden),
        ("unanswered", rates.unanswered),
    )


def _numbers(share: Share) -> tuple[int | str, ...]:
    parts = (share.rate, share.low, share.high)
    return (share.count, share.of, *("" if p is None else str(p.quantize(_PLACES)) for p in parts))


def _rates(report: FeedbackReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Rule", "Indicator"):
        table.add_column(name)
    for name in ("Shown", "Accepted", "Overridden", "Unanswered"):
        table.add_column(name, justify="right", no_wrap=name == "Shown")
    for one in (*report.rules, report.total):
        cells = [told(share) for _, share in _shares(one)]
        row = [one.rule, one.indicator, str(one.issued), *cells]
        table.add_row(*map(Text, row), style="bold" if one is report.total else "")
    return table


def _reasons(report: FeedbackReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Rule")
    table.add_column("Reason of an override")
    table.add_column("Of its overrides", justify="right")
    for one in report.reasons:
        table.add_row(*map(Text, (one.rule, one.reason, _of(one))))
    return table


def _held(report: FeedbackReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Rule", "Indicator", "Answer"):
        table.add_column(name)
    for name in ("Held back", "Answers", "Silent until"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in report.held:
        counts = (str(one.times), str(one.answers))
        table.add_row(*map(Text, (one.rule, one.indicator, one.reason, *counts, _until(one))))
    return table


def _until(one: HeldBack) -> str:
    return one.until.isoformat(timespec="seconds")


def _of(one: Reason) -> str:
    return f"{one.share.count} of {one.share.of}: {_percent(one.share)}"


def told(share: Share) -> str:
    """``12: 30 % (18-45)``."""
    return f"{share.count}: {_percent(share)}"


def _percent(share: Share) -> str:
    if share.rate is None:
        return "-"
    rate, low, high = (f"{100 * part:.0f}" for part in (share.rate, share.low, share.high))
    return f"{rate} % ({low}-{high})"

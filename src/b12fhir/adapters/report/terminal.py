"""Tables and details for the terminal, at any width, and progress on stderr."""

import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from b12fhir.adapters.report import explained, feedback
from b12fhir.adapters.report.view import Reason, View, class_counts, ordered, urgent_line
from b12fhir.adapters.report.words import pack_line, safe
from b12fhir.fhir.narrative import PROPOSAL_NOTICE
from b12fhir.service import Explanation
from b12fhir.service.gist import Gist
from b12fhir.service.hooks.rates import FeedbackReport

_WIDE = 110
_PIPED = 140
_QUESTIONS = 3
_NAMED = 20
_MINUTE_S = 60
_STYLES = {"URGENT (same day)": "bold red", "soon (7 days)": "yellow"}


class _Console(Console):
    """Leaves a broken pipe to the entry point; the library would end the process by itself."""

    def on_broken_pipe(self) -> None:
        """Go on raising."""
        raise  # noqa: PLE0704 - called while the error is handled


class Terminal:
    """Renders for one output stream; plain text of a fixed width when it is no terminal."""

    def __init__(
        self,
        stream: IO[str],
        environ: Mapping[str, str],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        tty = stream.isatty()
        width = None if tty or "COLUMNS" in environ else _PIPED
        self._ticks = ticks
        self._console = _Console(
            file=stream,
            width=width,
            _environ=environ,
            markup=False,
            emoji=False,
            highlight=False,
            force_terminal=tty,
        )

    def summary(self, gist: Gist) -> None:
        """The table of the patients, urgent first, then counts of all."""
        if not gist.total:
            self._line("No patient was assessed.")
            return
        views = ordered(gist)
        wide = self._console.width >= _WIDE
        self._console.print(_wide_table(views) if wide else _narrow_table(views))
        if gist.kept.left_out:
            self._line(f"and {gist.kept.left_out} patients more, none of them more urgent.")
        for word, number in (*class_counts(gist), ("patients in all", gist.total)):
            self._line(f"{number:6}  {word}")
        urgent = [one.short for one in views if one.urgent]
        names = f" {', '.join(urgent[:_NAMED])}" + (" ..." if gist.urgent > _NAMED else "")
        self._line(f"{urgent_line(gist)}{names if urgent else ''}", "bold red" if urgent else "")
        self._line(_footer(gist))

    def detail(self, gist: Gist) -> None:
        """Everything about each patient, urgent first."""
        for one in ordered(gist):
            self._one(one)
        self._line(urgent_line(gist), "bold red" if gist.urgent else "")
        self._line(_footer(gist))

    def explanation(self, one: Explanation) -> None:
        """The pathway of one patient, question by question."""
        for line in explained.lines(one):
            first, rest = " " * line.indent, " " * (line.indent + line.hang)
            self._line(_filled(line.text, self._console.width, first, rest), line.style)
        self._line("")
        self._line(f"{pack_line(one.pack)} {PROPOSAL_NOTICE}")

    def feedback(self, report: FeedbackReport) -> None:
        """What became of cards, why they were overridden, and which were held back."""
        for table in feedback.tables(report):
            self._console.print(table)
        self._line(feedback.footer(report))

    def lines(self, lines: Iterable[str]) -> None:
        """Plain lines, however long."""
        for line in lines:
            self._console.print(Text(safe(line)), soft_wrap=True)

    def raw(self, text: str) -> None:
        """Text as it is, for other programs."""
        self._console.file.write(text)

    @contextmanager
    def progress(self, label: str) -> Iterator["_Bar | _Log"]:
        """A bar while the block runs; where the stream is no terminal, a line a minute."""
        if not self._console.is_terminal:
            yield _Log(label, self.lines, self._ticks)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=self._console) as bar:
            yield _Bar(bar, label)

    def _one(self, one: View) -> None:
        self._line(one.patient, "bold")
        head = Text("  ").append(one.urgency, _STYLES.get(one.urgency, ""))
        head.append(f"; {one.classification}; severity {one.severity}; route {one.route}")
        self._console.print(head)
        for title, lines in _blocks(one):
            self._line(f"  {title}", "bold")
            for line in lines:
                self._line(_wrapped(line, self._console.width))
        self._line("")

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))


class _Bar:
    """Moves one progress bar."""

    def __init__(self, bar: Progress, label: str) -> None:
        self._bar = bar
        self._task = bar.add_task(label, total=None, note="")

    def begin(self, total: int) -> None:
        """Say how many there are."""
        self._bar.update(self._task, total=total)

    def step(self, note: str = "") -> None:
        """One more is done; ``note`` says how it stands, and names nobody."""
        self._bar.update(self._task, advance=1, note=note)


class _Log:
    """Says how far it is, at most once a minute: for a log that somebody may read later."""

    def __init__(
        self, label: str, say: Callable[[Iterable[str]], None], ticks: Callable[[], float]
    ) -> None:
        self._label, self._say, self._ticks = label, say, ticks
        self._said = ticks()
        self._total = self._done = 0

    def begin(self, total: int) -> None:
        """Take down how many there are."""
        self._total = total

    def step(self, note: str = "") -> None:
        """One more is done."""
        self._done += 1
        if self._ticks() - self._said >= _MINUTE_S:
            self._said = self._ticks()
            # Some may have come since it began.
            total = max(self._total, self._done)
            more = f"; {note}" if note else ""
            self._say([f"{self._label}: {self._done} of {total}{more}."])


def _wide_table(views: Sequence[View]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=False)
    table.add_column("Patient", overflow="fold", max_width=20)
    table.add_column("Urgency", max_width=10)
    table.add_column("Class", max_width=18)
    table.add_column("Severity", max_width=9)
    table.add_column("Route", max_width=13)
    table.add_column("Plan", ratio=3)
    table.add_column("Open questions", ratio=3)
    for one in views:
        style = _STYLES.get(one.urgency, "")
        table.add_row(
            Text(one.short),
            Text(one.urgency, style=style),
            Text(one.classification),
            Text(one.severity),
            Text(one.route),
            Text(one.plan),
            Text(_questions(one)),
            end_section=True,
        )
    return table


def _narrow_table(views: Sequence[View]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Patient, urgency", overflow="fold", max_width=18)
    table.add_column("Class, severity, route", max_width=22)
    table.add_column("Plan, then open questions", ratio=1)
    for one in views:
        left = Text(one.short)
        left.append(f"\n{one.urgency}", style=_STYLES.get(one.urgency, ""))
        table.add_row(
            left,
            Text(f"{one.classification}; {one.severity}; {one.route}"),
            Text(f"{one.plan}\n? {_questions(one)}" if one.asks else one.plan),
            end_section=True,
        )
    return table


def _questions(one: View) -> str:
    more = len(one.asks) - _QUESTIONS
    rest = (f"and {more} more",) if more > 0 else ()
    return "; ".join((*one.asks[:_QUESTIONS], *rest))


def _blocks(one: View) -> Iterator[tuple[str, Sequence[str]]]:
    """The parts of the details that have something to say."""
    flags = [f"flags: {', '.join(one.flags)}"] if one.flags else []
    blocks = (
        ("Plan", [one.plan, *flags]),
        ("Phases", [" | ".join(row.cells) for row in one.phases]),
        ("Tests and reviews", [" | ".join(row.cells) for row in one.monitoring]),
        ("Open questions", one.questions),
        ("Must not", one.contraindications),
        ("Cautions", one.cautions),
        ("Causes", one.causes),
        ("Reasons", [_reason(reason) for reason in one.reasons]),
        ("Not chosen", one.rejected),
        ("Other conditions to exclude", one.mimics),
        ("Advice", one.advice),
        ("Set aside or doubted", one.issues),
    )
    return ((title, lines) for title, lines in blocks if lines)


def _wrapped(line: str, width: int) -> str:
    """A list item with a hanging indent."""
    return _filled(line, width, "    - ", "      ")


def _filled(line: str, width: int, first: str, rest: str) -> str:
    """Wrapped at blanks only: a rule number or a date stays in one piece."""
    return textwrap.fill(
        line, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )


def _reason(one: Reason) -> str:
    facts = f" Facts: {'; '.join(one.facts)}." if one.facts else ""
    source = f" Source: {one.citation}." if one.citation else ""
    return f"{one.rule} {one.truth}: {one.text}{facts}{source}"


def _footer(gist: Gist) -> str:
    packs = dict.fromkeys(pack_line(one.protocol.pack) for one in gist.kept)
    return " ".join((*packs, PROPOSAL_NOTICE))

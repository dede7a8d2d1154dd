"""The command that shows what became of cards."""

from argparse import SUPPRESS, ArgumentParser, Namespace
from pathlib import Path

from b12fhir.adapters.cli.doors import Doors
from b12fhir.adapters.cli.moments import from_then_on
from b12fhir.errors import OK, UsageError
from b12fhir.service.hooks.rates import FeedbackReport

EXAMPLE = """\
examples:
  b12fhir feedback report --config b12fhir.toml
  b12fhir feedback report --since 2026-10-01 --csv feedback.csv --plot feedback.png

Shows what became of the cards that `serve` issued: accepted, overridden or left unanswered, by rule
and indicator, with 95 % intervals, and why they were overridden. A rule whose cards are mostly
overridden disturbs more than it helps. It names no patient and no reader, and repeats nobody's own
words. --plot takes .png or .svg."""

_PLOTS = (".png", ".svg")


def options(parser: ArgumentParser) -> None:
    """What is reported, and where to."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    report_ = actions.add_parser("report", help="acceptance and override rates", allow_abbrev=False)
    report_.add_argument(
        "--since", metavar="DATE", help="only cards issued since this day or instant (default: all)"
    )
    report_.add_argument("--csv", metavar="FILE", help="also write a table for programs")
    report_.add_argument("--plot", metavar="FILE", help="also write a picture: .png or .svg")
    report_.add_argument("--zone", metavar="ZONE", help="time zone of the site (default: UTC)")
    # Also before `report`, where every command takes it: not given here must not undo that.
    report_.add_argument("--config", metavar="FILE", default=SUPPRESS, help="TOML file of settings")


def feedback(args: Namespace, doors: Doors) -> int:
    """Show the rates, and write them where asked."""
    plot = Path(args.plot) if args.plot else None
    if plot and plot.suffix.lower() not in _PLOTS:
        msg = f"--plot {plot.name[:40]!r} ends neither in .png nor in .svg."
        raise UsageError(msg, hint="Write it like feedback.png.")
    report = doors.feedback(from_then_on("--since", args.since, doors.zone))
    doors.out.feedback(report)
    doors.out.lines(_written(args, plot, report, doors))
    return OK


def _written(args: Namespace, plot: Path | None, report: FeedbackReport, doors: Doors) -> list[str]:
    lines = []
    if args.csv:
        path = Path(args.csv)
        table = doors.write(path.parent, path.name, [doors.feedback_csv(report)])
        lines.append(f"Table: {table}")
    if plot:
        picture = doors.feedback_plot(report, plot.suffix.lower().removeprefix("."))
        lines.append(f"Picture: {doors.write(plot.parent, plot.name, [picture])}")
    return lines

"""The command for those who run the databases."""

from argparse import SUPPRESS, ArgumentParser, Namespace

from b12fhir.adapters.cli.doors import Doors

SUMMARY = "show the databases that are kept, or bring their tables up to date"

EXAMPLE = """\
examples:
  b12fhir store show --config b12fhir.toml
  b12fhir store upgrade --config b12fhir.toml

Every command brings the tables to those of its version by itself, whole or not at all, and many
that start at once wait for the one that does. upgrade is for a site that wants it as a step of its
own, before a new version starts. There is no way back but a backup: a database of a newer version
is left alone. show says which tables there are and how many rows, and nothing of any patient."""


def options(parser: ArgumentParser) -> None:
    """What is to be done."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("show", "the tables and how many rows they have"),
        ("upgrade", "bring the tables to those of this version"),
    ):
        action = actions.add_parser(name, help=summary, allow_abbrev=False)
        # Also before the action, where every command takes it: not given here must not undo that.
        action.add_argument(
            "--config", metavar="FILE", default=SUPPRESS, help="TOML file of settings"
        )


def store(args: Namespace, doors: Doors) -> int:
    """Carry out the action."""
    done = doors.store(args.action)
    doors.out.lines(done.lines)
    return done.code

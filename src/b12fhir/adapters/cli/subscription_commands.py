"""The command that asks a server to tell of changes, or to stop telling."""

from argparse import SUPPRESS, ArgumentParser, Namespace

from b12fhir.adapters.cli.doors import Doors, Hearing

SUMMARY = "ask a FHIR server to tell `serve --subscriptions` of changes, or to stop"

EXAMPLE = """\
examples:
  b12fhir subscriptions install --config b12fhir.toml --dry-run
  b12fhir subscriptions install --config b12fhir.toml
  b12fhir subscriptions show --config b12fhir.toml --endpoint https://old.example.org/notify
  b12fhir subscriptions remove --config b12fhir.toml

Writes one Subscription (R4, rest-hook, without payload) for each type that a decision reads, with
the secret of B12FHIR_SUBSCRIPTION_SECRET_FILE in its header, and waits until the server has made
them active. Run again it changes nothing. Exit code 30 if some are not active."""


def options(parser: ArgumentParser) -> None:
    """What is to be done, and for which address."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("install", "ask for what is missing, and wait until it is active"),
        ("remove", "delete every Subscription to the address"),
        ("show", "list them and their status"),
    ):
        action = actions.add_parser(name, help=summary, allow_abbrev=False)
        action.add_argument(
            "--endpoint",
            metavar="URL",
            default="",
            help="address the server calls (default: B12FHIR_PUBLIC_URL/subscriptions/notify)",
        )
        action.add_argument("--server", metavar="URL", help="the FHIR server (or B12FHIR_SERVER)")
        action.add_argument("--token-file", metavar="FILE", help="file with a bearer token")
        action.add_argument(
            "--config", metavar="FILE", default=SUPPRESS, help="TOML file of settings"
        )
        if name != "show":
            action.add_argument("--dry-run", action="store_true", help="compare, but write nothing")
        if name == "install":
            action.add_argument(
                "--allow-http",
                action="store_true",
                help="let the secret travel unencrypted to another machine",
            )


def subscriptions(args: Namespace, doors: Doors) -> int:
    """Carry out the action."""
    done = doors.subscriptions(
        Hearing(
            args.action,
            args.endpoint,
            dry_run=getattr(args, "dry_run", False),
            allow_http=getattr(args, "allow_http", False),
        )
    )
    doors.out.lines(done.lines)
    doors.err.lines([f"b12fhir: {line}" for line in done.said])
    return done.code

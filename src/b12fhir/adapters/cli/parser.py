"""The command line: commands, options, and help that a newcomer can follow."""

import argparse
import contextlib
from collections.abc import Callable, Sequence
from typing import IO, NoReturn

from b12fhir import __version__
from b12fhir.adapters.cli import (
    feedback_commands,
    key_commands,
    store_commands,
    subscription_commands,
)
from b12fhir.adapters.cli.exits import exit_codes
from b12fhir.adapters.cli.plan_options import EXAMPLES as PLAN_EXAMPLES
from b12fhir.adapters.cli.plan_options import PLAN_COMMANDS
from b12fhir.errors import UsageError

DEMO_DAY = "2026-11-21"

_ABOUT = """\
Finds vitamin B12 deficiency in FHIR R4 records and drafts treatment plans with their reasons.
Everything it writes is a proposal in draft: a clinician decides. No protocol pack has been
signed by a clinician yet."""

_START = """\
start here:
  b12fhir demo                                     99 invented patients, no server needed
  b12fhir assess patient.json                      one patient from a Bundle
  b12fhir explain patient.json                     why, and what would change the answer
  b12fhir doctor --server http://127.0.0.1:8080/fhir
  b12fhir sync --server http://127.0.0.1:8080/fhir --dry-run

b12fhir COMMAND --help explains each command with examples."""

_EXAMPLES = {
    "demo": """\
examples:
  b12fhir demo
  b12fhir demo --out /tmp/b12 && xdg-open /tmp/b12/report.html

The patients are invented and their records end in November 2026, so the demo assesses them as of
2026-11-21 unless you say otherwise. The same input gives the same files, byte for byte.""",
    "assess": """\
examples:
  b12fhir assess patient.json
  b12fhir assess export/ --patient 123 --as-of 2026-11-21
  b12fhir assess Patient.ndjson Observation.ndjson.gz --json | jq .decision

FILE is a Bundle (JSON), NDJSON, NDJSON.gz, or a folder of such files. Give the Patient along with
the results: age and sex decide limits. With --json one patient gives one indented object, several
give one object a line. A line that cannot be read is named and left out; the rest is assessed.""",
    "explain": """\
examples:
  b12fhir explain patient.json
  b12fhir explain export/ --patient 123 --as-of 2026-11-21
  b12fhir explain patient.json --json | jq .counterfactuals

Prints the pathway of one patient, question by question: the answer, the facts it rests on, the rule
and who says so, and what was missing. Then which single change of a fact would change the answer:
each is decided again by the same rules. FILE is as for assess.""",
    "sync": """\
examples:
  b12fhir sync --server http://127.0.0.1:8080/fhir --dry-run
  b12fhir sync --server https://ehr.example.org/fhir --token-file token.txt --out out
  b12fhir sync --server https://ehr.example.org/fhir --patient 123 --patient 456

Decides, and writes CarePlan, MedicationRequests and monitoring ServiceRequests as one transaction a
patient: always draft proposals. What a clinician has signed is never touched. The first run reads
every patient; later ones those of whom something changed, who wait, or whose day has come, and once
a week all. Killed at any moment, the next run goes on; two at once share the work. How far it has
come stands in B12FHIR_SYNC_STORE, whose loss costs only time. Ctrl-C or SIGTERM lets the patients
under way finish, a second one ends it at once. Exit code 30 if somebody waits for the next run.""",
    "doctor": """\
examples:
  b12fhir doctor --server http://127.0.0.1:8080/fhir

Asks the server what it can do, and says what it lacks and what b12fhir will do instead. It reads
no patient and writes nothing. Exit code 20 if sync cannot run there.""",
    "serve": """\
examples:
  b12fhir serve --config b12fhir.toml
  b12fhir serve --config b12fhir.toml --check
  b12fhir serve --config b12fhir.toml --subscriptions
  B12FHIR_HOOKS_AUTH=off b12fhir serve

Serves CDS Hooks 2.0 until SIGTERM, which lets calls under way be answered, or Ctrl-C. The file says
who may call ([[client]] tables) and which FHIR servers they may name; without one, no token can be
checked, so it starts only as a trial on this machine. --check looks whether all is there, shows
the settings without secrets, and ends. --subscriptions also does what sync does, for whoever has
changed, within seconds: see b12fhir subscriptions --help.""",
    "packs": """\
examples:
  b12fhir packs
  b12fhir assess patient.json --pack seed-default""",
    "protocol": """\
examples:
  b12fhir protocol export
  b12fhir protocol export --out profiles --pack seed-default

Writes the FHIR artefacts of a pack as JSON: profiles, code systems, value sets, concept maps, the
plan and its activities, the library with limits and rules, and what a server is asked for. The same
pack gives the same files, byte for byte. Their addresses begin with B12FHIR_CANONICAL.""",
    "install-profiles": """\
examples:
  b12fhir install-profiles --server http://127.0.0.1:8080/fhir --dry-run
  b12fhir install-profiles --server https://ehr.example.org/fhir --token-file token.txt

Loads the same artefacts into a server, under ids of their own, so that it can validate what b12fhir
writes. Run again it writes nothing; after a new version it updates. What a server refuses is named,
and the rest is loaded: exit code 30.""",
    "calendar": """\
examples:
  b12fhir calendar --server http://127.0.0.1:8080/fhir --patient 123
  b12fhir calendar --server https://ehr.example.org/fhir --plan a1b2c3d4e5f60718:e1:r1
  b12fhir calendar --server https://ehr.example.org/fhir --patient 123 --ics doses.ics

Shows each dose of a plan that somebody signed: given, due, overdue, missed. With --ics it writes
what is still to be given as an iCalendar file, in neutral words, with nothing about whom or what
for. Write it again after each dose: entries keep their identity, and what is no longer to be given
is sent as cancelled. It reads only. Exit code 11 if there is no signed plan.""",
    "audit": """\
examples:
  b12fhir audit verify
  b12fhir audit verify --file /var/lib/b12fhir/audit.jsonl
  b12fhir audit show --patient Patient/123 --server https://ehr.example.org/fhir

The audit record says who did what, when, for which patient and on which ground: every decision that
is new, every write before it is sent and after it, every signature. verify finds a line that was
changed, removed, added or moved, an end that was cut off, and a write whose end is not recorded;
exit code 14 if there is any. Keep its first line in another place: it also shows old copies that
were put back. Patients stand in the record as pseudonyms; show finds one by the reference, the
server and the site key.""",
}

_EPILOGUES = {
    **_EXAMPLES,
    **PLAN_EXAMPLES,
    "feedback": feedback_commands.EXAMPLE,
    "store": store_commands.EXAMPLE,
    "subscriptions": subscription_commands.EXAMPLE,
    "keys": key_commands.EXAMPLE,
}

# Options that are settings: a name here is a field of `Settings`.
SETTING_OPTIONS = ("config", "server", "token_file", "zone", "pack", "workers", "out", "listen")


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving the process: only the entry point may do that."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}.", hint=f"See {self.prog} --help.")


class _Commands(argparse.RawDescriptionHelpFormatter):
    """Room for the longest command beside its words."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        # argparse forgets the indent of commands when it measures them.
        self._action_max_length = 22


def parse(argv: Sequence[str], stdout: IO[str]) -> argparse.Namespace | None:
    """The arguments; ``None`` if help or the version was asked for and has been shown.

    Raises `UsageError` for anything it does not understand.
    """
    parser = build()
    try:
        with contextlib.redirect_stdout(stdout):
            return parser.parse_args(list(argv))
    except SystemExit:
        return None


def build() -> argparse.ArgumentParser:
    """The parser with all commands."""
    codes = "\n".join(f"  {code:>3}  {text}" for code, text in exit_codes().items())
    parser = _Parser(
        prog="b12fhir",
        description=_ABOUT,
        epilog=f"{_START}\n\nexit codes:\n{codes}",
        formatter_class=_Commands,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"b12fhir {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary, fill in (
        ("demo", "assess the bundled cohort of invented patients", _demo),
        ("assess", "assess the patients in files", _assess),
        ("explain", "say why, question by question, for one patient", _explain),
        ("sync", "read a FHIR server, decide, and write draft proposals to it", _sync),
        ("doctor", "ask a FHIR server what it can do", _doctor),
        ("serve", "serve CDS Hooks to the systems in which clinicians work", _serve),
        ("subscriptions", subscription_commands.SUMMARY, subscription_commands.options),
        ("keys", key_commands.SUMMARY, key_commands.options),
        ("packs", "list the protocol packs and who has signed them", _packs),
        ("protocol", "write a pack's FHIR profiles and definitions to a folder", _protocol),
        ("install-profiles", "load them into a FHIR server", _install_profiles),
        *((name, summary, _on_plans(fill)) for name, summary, fill in PLAN_COMMANDS),
        ("calendar", "list the doses of a signed plan, or write them as a calendar", _calendar),
        ("audit", "check the audit record, or show one patient's entries", _audit),
        ("store", store_commands.SUMMARY, store_commands.options),
        ("feedback", "show what became of the cards that were issued", feedback_commands.options),
    ):
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[:1].upper()}{summary[1:]}.",
            epilog=_EPILOGUES[name],
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        fill(command)
        command.add_argument("--config", metavar="FILE", help="TOML file of settings")
    return parser


def _demo(parser: argparse.ArgumentParser) -> None:
    _common(parser, as_of=DEMO_DAY)
    parser.add_argument("--out", metavar="DIR", help="folder for the results (default: out)")


def _assess(parser: argparse.ArgumentParser) -> None:
    _files(parser)
    parser.add_argument("--json", action="store_true", help="print the proposal as JSON")
    _common(parser)


def _explain(parser: argparse.ArgumentParser) -> None:
    _files(parser)
    parser.add_argument("--json", action="store_true", help="print the explanation as JSON")
    _common(parser)


def _files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="Bundle, NDJSON, NDJSON.gz or a folder of them"
    )
    parser.add_argument(
        "--patient", metavar="ID", help="only this patient, e.g. 123 or Patient/123"
    )


def _sync(parser: argparse.ArgumentParser) -> None:
    _server(parser)
    parser.add_argument("--dry-run", action="store_true", help="decide, but write nothing")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--full", action="store_true", help="read every patient, changed or not")
    which.add_argument(
        "--since", metavar="DATE", help="those of whom something changed from this day or instant"
    )
    which.add_argument(
        "--patient", metavar="ID", action="append", help="only this patient (can be repeated)"
    )
    parser.add_argument(
        "--workers", metavar="N", help="patients worked on at the same time (default: 2)"
    )
    _common(parser)
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="also write report.html, sync.json and proposals.ndjson",
    )


def _doctor(parser: argparse.ArgumentParser) -> None:
    _server(parser)


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="look whether it could, and end")
    parser.add_argument(
        "--subscriptions",
        action="store_true",
        help="also hear from the FHIR server (or B12FHIR_SERVER) what changes, and sync it",
    )
    parser.add_argument(
        "--listen", metavar="ADDRESS", help="address and port (default: 127.0.0.1:8000)"
    )
    parser.add_argument("--pack", metavar="ID", help="protocol pack (default: seed-default)")
    parser.add_argument("--zone", metavar="ZONE", help="time zone of the site (default: UTC)")


def _packs(_: argparse.ArgumentParser) -> None:
    """No options."""


def _protocol(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    export = actions.add_parser("export", help="write every artefact", allow_abbrev=False)
    export.add_argument("--out", metavar="DIR", help="folder to write to (default: out/profiles)")
    export.add_argument("--pack", metavar="ID", help="protocol pack (default: seed-default)")


def _install_profiles(parser: argparse.ArgumentParser) -> None:
    _server(parser)
    parser.add_argument("--dry-run", action="store_true", help="compare, but write nothing")
    parser.add_argument("--pack", metavar="ID", help="protocol pack (default: seed-default)")


def _on_plans(fill: Callable[[argparse.ArgumentParser], None]) -> Callable[..., None]:
    """A command on plans: its own options, then those of the server and the moment."""

    def both(parser: argparse.ArgumentParser) -> None:
        fill(parser)
        _server(parser)
        _common(parser)

    return both


def _calendar(parser: argparse.ArgumentParser) -> None:
    _server(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--plan", metavar="KEY", help="this plan, e.g. a1b2c3d4e5f60718:e1:r1")
    which.add_argument("--patient", metavar="ID", help="all plans of a patient, e.g. 123")
    parser.add_argument("--ics", metavar="FILE", help="write a calendar instead of a table")
    parser.add_argument(
        "--label", metavar="TEXT", default="", help="words before each entry; name nobody in them"
    )
    _common(parser)


def _audit(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="is the record whole?", allow_abbrev=False)
    show = actions.add_parser("show", help="one patient's entries", allow_abbrev=False)
    for action in (verify, show):
        action.add_argument("--file", metavar="FILE", help="the record (or B12FHIR_AUDIT)")
    show.add_argument(
        "--patient", metavar="ID", required=True, help="this patient, e.g. 123 or Patient/123"
    )
    show.add_argument(
        "--server", metavar="URL", help="the server that sync wrote to (or B12FHIR_SERVER)"
    )


def _server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--server", metavar="URL", help="base address of the FHIR R4 server (or B12FHIR_SERVER)"
    )
    parser.add_argument(
        "--token-file", metavar="FILE", help="file with a bearer token, if the server wants one"
    )


def _common(parser: argparse.ArgumentParser, *, as_of: str | None = None) -> None:
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        default=as_of,
        help=f"assess as of this day or instant (default: {as_of or 'now'})",
    )
    parser.add_argument("--pack", metavar="ID", help="protocol pack (default: seed-default)")
    parser.add_argument("--zone", metavar="ZONE", help="time zone of the site (default: UTC)")

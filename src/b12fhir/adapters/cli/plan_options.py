"""Options and help of the commands that sign, reject, withdraw and close plans."""

import argparse

from b12fhir.fhir.lifecycle import State

_KEY = "a1b2c3d4e5f60718:e1:r1"
_ON = "--server http://127.0.0.1:8080/fhir"

EXAMPLES = {
    "plans": f"""\
examples:
  b12fhir plans {_ON}
  b12fhir plans {_ON} --state proposed --state next-phase-due
  b12fhir plans {_ON} --patient 123 --json | jq '.plans[].next'

Lists the plans on a server: what waits for a signature first, urgent ones on top, each with its
phases and what to do next. It reads only.""",
    "approve": f"""\
examples:
  b12fhir approve {_ON} --plan {_KEY} --practitioner Practitioner/1 --dry-run
  b12fhir approve {_ON} --plan {_KEY} --practitioner Practitioner/1
  b12fhir approve {_ON} --plan {_KEY} --practitioner Practitioner/1 --phase maintenance

Signs a plan on behalf of a practitioner that the server knows: the plan is put in force, its first
phase and its tests are ordered. Each later phase is signed by itself and must be named. The record
is decided on again first: if it says something else today, nothing is signed. A start that has
passed needs --start. Whoever may call this command signs: guard the token.""",
    "reject": f"""\
examples:
  b12fhir reject {_ON} --plan {_KEY} --practitioner Practitioner/1 --reason treated-elsewhere

Rejects a proposal. The same decision is not proposed again; another one is, as a new revision.""",
    "withdraw": f"""\
examples:
  b12fhir withdraw {_ON} --plan {_KEY} --reason duplicate
  b12fhir withdraw {_ON} --plan {_KEY} --practitioner Practitioner/1 --reason moved-away

Withdraws a proposal, or a signed plan: its running orders are stopped, its tests revoked. For a
signed plan a practitioner must be named.""",
    "close": f"""\
examples:
  b12fhir close {_ON} --plan {_KEY} --practitioner Practitioner/1
  b12fhir close {_ON} --plan {_KEY} --practitioner Practitioner/1 --phase induction

Completes a plan whose phases and tests are over, or the order of one phase that is.""",
}


def plans(parser: argparse.ArgumentParser) -> None:
    """Which plans, and how they are shown."""
    parser.add_argument("--patient", metavar="ID", help="only this patient, e.g. 123")
    parser.add_argument(
        "--state",
        metavar="STATE",
        action="append",
        choices=[state.value for state in State],
        help=f"only in this state (may be repeated): {', '.join(state.value for state in State)}",
    )
    parser.add_argument("--json", action="store_true", help="print the plans as JSON")


def approve(parser: argparse.ArgumentParser) -> None:
    """What is signed, for whom, and what is acknowledged."""
    _which(parser)
    _practitioner(parser, required=True)
    parser.add_argument("--phase", metavar="NAME", default="", help="a later phase, by its name")
    parser.add_argument("--start", metavar="DATE", help="the agreed first day, e.g. 2026-11-25")
    parser.add_argument(
        "--despite-duplicate",
        metavar="REASON",
        default="",
        help="sign although other vitamin B12 is on order; the reason is kept",
    )
    parser.add_argument(
        "--accept-changes",
        action="store_true",
        help="sign the draft as somebody has edited it",
    )
    _dry_run(parser)


def reject(parser: argparse.ArgumentParser) -> None:
    """What is rejected, by whom and why."""
    _which(parser)
    _practitioner(parser, required=True)
    _reason(parser)
    _dry_run(parser)


def withdraw(parser: argparse.ArgumentParser) -> None:
    """What is withdrawn, why, and on whose behalf if it was signed."""
    _which(parser)
    _practitioner(parser, required=False)
    _reason(parser)
    _dry_run(parser)


def close(parser: argparse.ArgumentParser) -> None:
    """What is over."""
    _which(parser)
    _practitioner(parser, required=True)
    parser.add_argument("--phase", metavar="NAME", default="", help="only this phase")
    _dry_run(parser)


PLAN_COMMANDS = (
    ("plans", "list the plans on a server, and what each waits for", plans),
    ("approve", "sign a plan, or its next phase, on behalf of a practitioner", approve),
    ("reject", "reject a proposed plan with the reason", reject),
    ("withdraw", "withdraw a plan with the reason; orders are stopped", withdraw),
    ("close", "complete a plan whose phases are over", close),
)


def _which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plan", metavar="KEY", required=True, help=f"the plan, e.g. {_KEY}")


def _practitioner(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--practitioner",
        metavar="REF",
        required=required,
        default="",
        help="on whose behalf: Practitioner/ID or PractitionerRole/ID",
    )


def _reason(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why, in a sentence")


def _dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be written, write nothing"
    )

"""The commands: each takes the parsed options and the doors, and returns the exit code."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from b12fhir.adapters.cli.audit_commands import audit
from b12fhir.adapters.cli.calendar_commands import calendar
from b12fhir.adapters.cli.doors import Doors, Records, Round
from b12fhir.adapters.cli.feedback_commands import feedback
from b12fhir.adapters.cli.key_commands import keys
from b12fhir.adapters.cli.moments import from_then_on, up_to_then
from b12fhir.adapters.cli.plan_commands import plans, step
from b12fhir.adapters.cli.protocol_commands import install_profiles, protocol
from b12fhir.adapters.cli.store_commands import store
from b12fhir.adapters.cli.subscription_commands import subscriptions
from b12fhir.errors import OK, PARTIAL, PatientError, UserError
from b12fhir.fhir.json import encode
from b12fhir.kernel.evidence import Issue
from b12fhir.ports import Resource
from b12fhir.protocol.model import Pack
from b12fhir.service import Proposal, explanation_json, to_json
from b12fhir.service import explain as why
from b12fhir.service.gist import Gist

_SHOWN = 20
_NAMED = 3


def run(args: Namespace, doors: Doors) -> int:
    """Carry out the command that was asked for."""
    return COMMANDS[args.command](args, doors)


def demo(args: Namespace, doors: Doors) -> int:
    """Assess the bundled cohort; write the proposals and the report."""
    as_of = _ready(args, doors)
    with doors.demo() as folder:
        records = doors.read([folder])
    proposals, failures = _assess_all(records, doors, as_of)
    issues = [_line(issue) for issue in records.issues] + failures
    bundles = [bundle for one in proposals if (bundle := one.bundle()) is not None]
    written = _write(proposals, bundles, issues, doors, as_of)
    doors.out.summary(Gist.of(proposals))
    doors.out.lines((f"Assessed as of {as_of.date()}. Nothing was sent anywhere.", *written))
    _tell(doors, failures)
    return _code(records, failures)


def assess(args: Namespace, doors: Doors) -> int:
    """Assess the patients of some files and print each."""
    as_of = _ready(args, doors)
    records = doors.read([Path(name) for name in args.files])
    if args.patient:
        records = records.only(args.patient)
    proposals, failures = _assess_all(records, doors, as_of)
    if args.json:
        _print_json(proposals, doors)
    else:
        gist = Gist.of(proposals)
        if gist.total > 1:
            doors.out.summary(gist)
        doors.out.detail(gist)
    _tell(doors, [_line(issue) for issue in records.issues] + failures)
    return _code(records, failures)


def explain(args: Namespace, doors: Doors) -> int:
    """Walk the pathway of one patient, and say what would change the answer."""
    as_of = _ready(args, doors)
    records = doors.read([Path(name) for name in args.files])
    if args.patient:
        records = records.only(args.patient)
    patient = _only(records)
    told = why(doors.propose(records.of(patient), as_of, patient))
    if args.json:
        doors.out.raw(f"{msgspec.json.format(encode(explanation_json(told)), indent=2).decode()}\n")
    else:
        doors.out.explanation(told)
    _tell(doors, [_line(issue) for issue in records.issues])
    return _code(records, [])


def sync(args: Namespace, doors: Doors) -> int:
    """Read a server, decide, write proposals."""
    asked = Round(
        as_of=_ready(args, doors),
        dry_run=args.dry_run,
        full=args.full,
        since=from_then_on("--since", args.since, doors.zone),
        patients=tuple(f"Patient/{one.removeprefix('Patient/')}" for one in args.patient or ()),
        files=bool(args.out),
    )
    with doors.err.progress("Patients") as ticker:
        done = doors.sync(asked, ticker)
    doors.out.summary(done.gist)
    doors.out.lines(done.lines)
    _tell(doors, [*done.problems, *done.said])
    return done.code


def doctor(_: Namespace, doors: Doors) -> int:
    """Say what a server can do."""
    found = doors.doctor()
    doors.out.lines(found.lines)
    return found.code


def serve(args: Namespace, doors: Doors) -> int:
    """Serve until stopped."""
    doors.pack(doors.now())
    done = doors.serve(args.check, args.subscriptions)
    doors.out.lines(done.lines)
    return done.code


def packs(_: Namespace, doors: Doors) -> int:
    """List the packs."""
    doors.out.lines([line for pack in doors.packs() for line in _pack(pack)])
    return OK


COMMANDS: dict[str, Callable[[Namespace, Doors], int]] = {
    "demo": demo,
    "assess": assess,
    "explain": explain,
    "sync": sync,
    "doctor": doctor,
    "packs": packs,
    "serve": serve,
    "keys": keys,
    "store": store,
    "subscriptions": subscriptions,
    "protocol": protocol,
    "install-profiles": install_profiles,
    "audit": audit,
    "feedback": feedback,
    "plans": lambda args, doors: plans(args, doors, _ready(args, doors)),
    **dict.fromkeys(
        ("approve", "reject", "withdraw", "close"),
        lambda args, doors: step(args, doors, _ready(args, doors)),
    ),
    "calendar": lambda args, doors: calendar(args, doors, _ready(args, doors)),
}


def _ready(args: Namespace, doors: Doors) -> datetime:
    """The moment of the run; a pack that is missing, faulty or refused stops it here."""
    as_of = moment(args.as_of, doors)
    doors.pack(as_of)
    return as_of


def moment(text: str | None, doors: Doors) -> datetime:
    """The instant asked for, else now. A bare day means its last second: all of it counts."""
    if text is None:
        return doors.now().astimezone(doors.zone)
    return up_to_then("--as-of", text, doors.zone).astimezone(doors.zone)


def _only(records: Records) -> str:
    """The one patient of the input."""
    patients = list(records.patients)
    if len(patients) != 1:
        msg = f"The input holds {len(patients)} patients; one is explained at a time."
        some = ", ".join(patients[:_NAMED])
        raise PatientError(msg, hint=f"Name one with --patient, for example {some}.")
    return patients[0]


def _assess_all(
    records: Records, doors: Doors, as_of: datetime
) -> tuple[list[Proposal], list[str]]:
    """Every patient; one that cannot be assessed does not stop the others."""
    done: list[Proposal] = []
    failed: list[str] = []
    errors: list[UserError] = []
    with doors.err.progress("Assessing") as ticker:
        ticker.begin(len(records.patients))
        for patient in records.patients:
            try:
                done.append(doors.propose(records.of(patient), as_of, patient))
            except UserError as error:
                errors.append(error)
                failed.append(f"error: {patient} was not assessed: {error}")
            ticker.step()
    if errors and not done:
        raise errors[0]
    return done, failed


def _write(
    proposals: Sequence[Proposal],
    bundles: Sequence[Resource],
    issues: Sequence[str],
    doors: Doors,
    as_of: datetime,
) -> tuple[str, str]:
    """Write proposals and report; the lines that say where they are."""
    lines = (encode(bundle) + b"\n" for bundle in bundles)
    sheet = doors.write(doors.folder, "proposals.ndjson", lines)
    text = doors.page(Gist.of(proposals), issues, doors.pack(as_of), as_of)
    page = doors.write(doors.folder, "report.html", [text])
    return (
        f"Proposals: {sheet} ({len(bundles)} transaction Bundles, one a line)",
        f"Report: {page} (each patient's reasons; open it in a browser)",
    )


def _print_json(proposals: Sequence[Proposal], doors: Doors) -> None:
    rows = [encode(to_json(one)) for one in proposals]
    if len(rows) == 1:
        rows = [msgspec.json.format(rows[0], indent=2)]
    doors.out.raw("".join(f"{row.decode()}\n" for row in rows))
    urgent = sum(one.decision.urgency.value == "urgent" for one in proposals)
    doors.err.lines([f"Urgent found: {urgent} of {len(proposals)}."])


def _tell(doors: Doors, lines: Sequence[str]) -> None:
    shown = [f"b12fhir: {line}" for line in lines[:_SHOWN]]
    if len(lines) > _SHOWN:
        shown.append(f"b12fhir: and {len(lines) - _SHOWN} more like these.")
    doors.err.lines(shown)


def _line(issue: Issue) -> str:
    return f"{issue.severity.value}: {issue.text}"


def _code(records: Records, failures: Sequence[str]) -> int:
    return OK if records.complete and not failures else PARTIAL


def _pack(pack: Pack) -> tuple[str, ...]:
    review = pack.review
    signed = "no clinician has signed it" if review.status == "unreviewed" else f"by {review.by}"
    return (
        f"{pack.id}  {pack.version} of {pack.date.isoformat()}  {review.status}: {signed}",
        f"    {pack.label}",
    )

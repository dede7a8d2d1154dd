"""The commands that read the audit record."""

from argparse import Namespace

from b12fhir.adapters.cli.doors import Doors
from b12fhir.errors import OK


def audit(args: Namespace, doors: Doors) -> int:
    """Check the audit record, or show one patient's entries."""
    return verify(args, doors) if args.action == "verify" else show(args, doors)


def verify(args: Namespace, doors: Doors) -> int:
    """Is the record whole? The first broken line, what it means, and what was left open."""
    found = doors.audit_verify(args.file or "")
    doors.out.lines(found.lines)
    return found.code


def show(args: Namespace, doors: Doors) -> int:
    """What was done for one patient, oldest first."""
    patient = f"Patient/{args.patient.removeprefix('Patient/')}"
    told = doors.audit_history(args.file or "", patient)
    none = (
        f"No entry about {patient}.",
        "What sync recorded stands under the name of its server: give --server as sync had it.",
    )
    doors.out.lines(told or none)
    return OK

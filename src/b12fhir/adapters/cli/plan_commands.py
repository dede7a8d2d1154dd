"""The commands for the life of a plan: list, sign, reject, withdraw, close."""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import msgspec

from b12fhir.adapters.cli.doors import Doors, Step
from b12fhir.errors import OK, UsageError
from b12fhir.fhir.json import encode
from b12fhir.fhir.lifecycle import PhaseState, PlanState, State


def plans(args: Namespace, doors: Doors, as_of: datetime) -> int:
    """The worklist: every plan with its phases and what to do next."""
    states = frozenset(State(name) for name in args.state or ())
    patient = f"Patient/{args.patient.removeprefix('Patient/')}" if args.patient else ""
    found = doors.plans(as_of, patient, states)
    if args.json:
        _raw({"plans": [_row(plan) for plan in found]}, doors)
        return OK
    doors.out.lines([line for plan in found for line in _shown(plan)])
    doors.out.lines([_total(found)])
    return OK


def step(args: Namespace, doors: Doors, as_of: datetime) -> int:
    """Sign, reject, withdraw or close, and say what it means."""
    asked = Step(
        kind=args.command,
        plan=args.plan.strip(),
        practitioner=args.practitioner.strip(),
        reason=getattr(args, "reason", ""),
        phase=getattr(args, "phase", ""),
        start=_day(getattr(args, "start", None)),
        despite=getattr(args, "despite_duplicate", ""),
        accept_changes=getattr(args, "accept_changes", False),
        dry_run=args.dry_run,
    )
    done = doors.step(asked, as_of)
    if not done.sent:
        _raw(done.bundle, doors)
    doors.err.lines([f"b12fhir: {line}" for line in done.warnings])
    told = ("Nothing was written. This would be:",) if not done.sent else ()
    (doors.out if done.sent else doors.err).lines((*told, *done.lines))
    return OK


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        msg = f"--start {text[:40]!r} is no day."
        raise UsageError(msg, hint="Write it like 2026-11-25.") from None


def _raw(value: Mapping[str, Any], doors: Doors) -> None:
    doors.out.raw(f"{msgspec.json.format(encode(value), indent=2).decode()}\n")


def _row(plan: PlanState) -> dict[str, Any]:
    """A plan as JSON: dates as ISO days, the state as its word."""
    phases = [asdict(phase) for phase in plan.phases]
    return {**asdict(plan), "state": plan.state.value, "phases": [_days(one) for one in phases]}


def _days(phase: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in phase.items()}


def _shown(plan: PlanState) -> Iterator[str]:
    urgent = "URGENT " if plan.urgent and plan.state.is_open else ""
    due = f", due {plan.due}" if plan.due and plan.state.is_open else ""
    yield f"{urgent}{plan.state.value}{due}: {plan.patient}, plan {plan.key}"
    yield f"    {plan.title}, from {plan.start}; tests: {plan.tests}"
    if plan.signed_by:
        yield f"    signed by {plan.signed_by} at {plan.signed_on}"
    yield from (_phase(phase) for phase in plan.phases)
    yield f"    Next: {plan.next}"
    yield ""


def _phase(phase: PhaseState) -> str:
    signed = f" by {phase.signed_by}" if phase.signed_by else ""
    return f"    {phase.id}: {phase.state}{signed}: {phase.medicine}: {phase.dosage}"


def _total(found: Sequence[PlanState]) -> str:
    asking = [plan for plan in found if plan.state.asks]
    urgent = sum(plan.urgent for plan in asking)
    return f"Plans: {len(found)}. Waiting for a signature: {len(asking)}, urgent: {urgent}."

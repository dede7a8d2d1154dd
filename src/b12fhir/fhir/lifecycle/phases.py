"""The phases of a plan: which are signed, which comes next, and from when on it is asked for."""

from dataclasses import dataclass
from datetime import date

from b12fhir.errors import SignOffError
from b12fhir.fhir.extract.tree import items, obj, text, words_of
from b12fhir.fhir.lifecycle.held import Held
from b12fhir.fhir.lifecycle.signer import Clock
from b12fhir.fhir.stored_timing import stretch_of
from b12fhir.kernel.dates import add_days

_ORDERED = {"active": "signed", "on-hold": "on-hold", "completed": "completed"}
_RUNS = frozenset({"signed", "on-hold"})


@dataclass(frozen=True, slots=True)
class PhaseState:
    """One phase: ``state`` is proposed, signed, on-hold, completed, stopped or cancelled.

    ``start`` and ``end`` are ``None`` where the dosage does not say, ``end`` also where the phase
    goes on. ``ask`` is the day from which on the next phase is to be signed (R-121).
    """

    id: str
    state: str
    medicine: str
    dosage: str
    start: date | None
    end: date | None
    ask: date | None
    signed_by: str = ""
    signed_on: str = ""

    @property
    def runs(self) -> bool:
        """Signed and not over."""
        return self.state in _RUNS

    def over(self, day: date) -> bool:
        """Is nothing of it left to give?"""
        ended = self.end is not None and self.end < day
        return self.state not in _RUNS or ended


def phase_states(held: Held, clock: Clock) -> tuple[PhaseState, ...]:
    """Every phase in the order in which they begin."""
    return tuple(_phase(held, name, clock) for name in held.phases(clock.site))


@dataclass(frozen=True, slots=True)
class Turn:
    """A phase that somebody signed, the one after it, and from which day on that is asked for."""

    current: PhaseState
    following: PhaseState
    asked: date


def turn(phases: tuple[PhaseState, ...], day: date) -> Turn | None:
    """What is to be signed next; ``None`` if nothing is signed yet, or nothing is left to sign.

    Where the current phase is over, or its end cannot be told, the next one is asked for today.
    """
    current, following = current_phase(phases), next_phase(phases)
    if current is None or following is None:
        return None
    asked = current.ask if current.runs and current.ask is not None else day
    return Turn(current, following, asked)


def next_phase(phases: tuple[PhaseState, ...]) -> PhaseState | None:
    """The first phase that nobody has signed yet."""
    return next((phase for phase in phases if phase.state == "proposed"), None)


def current_phase(phases: tuple[PhaseState, ...]) -> PhaseState | None:
    """The last phase that somebody signed."""
    return next((phase for phase in reversed(phases) if phase.signed_by), None)


def check_dated(phases: tuple[PhaseState, ...]) -> None:
    """Raise `SignOffError` unless the first day of every phase still to be signed can be read.

    Otherwise nobody can tell which of them is the next, and the wrong one would be ordered.
    """
    for phase in phases:
        if phase.state == "proposed" and phase.start is None:
            raise SignOffError(
                f"The dates of phase {phase.id} cannot be read from its dosage.",
                hint="Somebody changed it: correct it on the server, or withdraw the plan and have "
                "it proposed anew.",
            )


def _phase(held: Held, name: str, clock: Clock) -> PhaseState:
    order = held.order("MedicationRequest", name)
    item = held.request(name)
    resource = item.resource
    days = stretch_of(resource, clock.site.zone)
    dosages = items(resource.get("dosageInstruction"))
    start, end = (days.start, days.end) if days else (None, None)
    if order is not None:
        state = _ORDERED.get(order.status, "stopped")
    else:
        state = "proposed" if item.is_draft_proposal else "cancelled"
    return PhaseState(
        id=name,
        state=state,
        medicine=words_of(resource.get("medicationCodeableConcept")),
        dosage=" / ".join(text(one.get("text")) for one in dosages),
        start=start,
        end=end,
        ask=max(start, add_days(end, -clock.notice_days)) if start and end else None,
        signed_by=text(obj(resource.get("requester")).get("reference")) if order else "",
        signed_on=text(resource.get("authoredOn")) if order else "",
    )

"""What a run over a server did, for people and for other programs: one row a patient, and sums."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from b12fhir.kernel.evidence import Severity
from b12fhir.service.propose import Proposal
from b12fhir.service.view import read_schema

SYNC_VERSION = "1.0"
# What became of a patient: what needs a person first, then what was done, then the rest.
DONE: Mapping[str, str] = {
    "failed": "failed, waits for the next run",
    "undecided": "not read whole, waits for the next run",
    "not-tried": "another run had it",
    "blocked": "left alone, because somebody has to look",
    "gone": "no longer on the server",
    "handed-over": "handed over as a file",
    "create": "new plan written",
    "update": "plan changed",
    "withdraw": "plan withdrawn",
    "nothing": "unchanged",
}
_ORDER = tuple(DONE)


@dataclass(frozen=True, slots=True)
class RoundRow:
    """What became of one patient.

    ``kind`` is a word of `DONE`. ``set_aside`` says what of the record was set aside or doubted,
    and why; ``overdue`` names late doses; ``problem`` what could not be done beside the plan.
    ``urgency`` and ``classification`` are empty where nothing was decided.
    """

    patient: str
    kind: str
    reason: str
    urgency: str = ""
    classification: str = ""
    read: int = 0
    written: int = 0
    set_aside: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    problem: str = ""

    @property
    def rank(self) -> tuple[Any, ...]:
        """What needs a person comes first, then by reference."""
        needs_nobody = not (self.overdue or self.problem)
        return (_ORDER.index(self.kind), needs_nobody, not self.set_aside, self.patient)


@dataclass(frozen=True, slots=True)
class RoundSums:
    """The run as a whole. ``requests`` is ``None`` where nobody counted them."""

    as_of: str
    dry_run: bool
    looked: str
    interrupted: bool
    patients: int
    waiting: int
    urgent: int
    read: int
    written: int
    requests: int | None
    counts: Mapping[str, int]
    notes: Sequence[str]
    problems: Sequence[str]


def sync_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the report of a run."""
    return read_schema("sync")


def set_aside(proposal: Proposal) -> tuple[str, ...]:
    """What of a record was set aside or doubted, and why; what is only told is left out."""
    return tuple(
        f"{one.severity.value}: {one.text}"
        for one in proposal.issues
        if one.severity is not Severity.INFORMATION
    )


def row_json(row: RoundRow) -> dict[str, Any]:
    """One patient of the report."""
    return asdict(row) | {
        "urgency": row.urgency or None,
        "classification": row.classification or None,
    }


def sums_json(sums: RoundSums) -> dict[str, Any]:
    """The report without its patients."""
    return {"schema_version": SYNC_VERSION, **asdict(sums)}

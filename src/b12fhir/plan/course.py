"""A plan in force as values: the orders that somebody signed, and the doses on record.

Section 12: a slot is plan, phase and number. What is read here comes from a server or anywhere
else; this room only knows what it means.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from b12fhir.facts.medicines import Route
from b12fhir.kernel.dates import When
from b12fhir.kernel.truth import Truth
from b12fhir.plan.schedule import Schedule

IN_FORCE = "active"
ON_HOLD = "on-hold"


@dataclass(frozen=True, slots=True)
class CoursePhase:
    """One signed order: a phase of the plan in force.

    ``order`` is its reference, ``key`` its identifier, ``status`` FHIR's. Without a ``schedule``
    the ``problem`` says what in its timing could not be read. ``drug`` is the B12 form if known.
    No dose is late before ``changed``, the day of the order's last change; ``since`` is the first
    day on which a dose can belong to it.
    """

    id: str
    order: str
    key: str
    status: str
    schedule: Schedule | None
    problem: str
    drug: str
    route: Route
    dose_ug: Decimal | None
    since: date
    changed: date
    urgent: bool = False

    @property
    def names(self) -> frozenset[str]:
        """What a dose may call it by."""
        return frozenset({self.order, self.key})


@dataclass(frozen=True, slots=True)
class Course:
    """One approved plan with its orders, in the order in which they are given.

    ``key`` is the plan's, ``status`` FHIR's. ``updated`` is the last change of the plan itself,
    ``touched`` of anything it is counted from: plan, orders, doses. ``problems`` are what a person
    must look at before relying on it.
    """

    key: str
    reference: str
    patient: str
    status: str
    updated: datetime
    touched: datetime
    phases: tuple[CoursePhase, ...] = ()
    problems: tuple[str, ...] = ()

    def status_of(self, phase: CoursePhase) -> str:
        """The order's status; that of the plan where the whole plan is held or closed."""
        return phase.status if self.status == IN_FORCE else self.status


@dataclass(frozen=True, slots=True)
class DoseRecord:
    """One record that a dose was given, or was not.

    ``rank`` orders the kinds of record, the surest first (0: an administration). ``given`` is yes
    only for what was completed, unknown where the record does not say. ``declined``: not given, on
    purpose, with a reason. ``order`` is what the record says it was given for, or ``""``.
    """

    reference: str
    rank: int
    when: When | None
    given: Truth
    declined: bool = False
    drug: str = ""
    route: Route = Route.UNKNOWN
    order: str = ""

    @property
    def day(self) -> date | None:
        """Its day, if it is one single day."""
        return self.when.first if self.when is not None and self.when.is_exact else None

"""What a decision says."""

from datetime import date
from typing import NamedTuple

from b12fhir.kernel.evidence import Evidence, Finding, Input, Remark
from b12fhir.kernel.words import Word

_DEFICIENT = frozenset({"confirmed", "indeterminate-confirmed", "functional"})


class Classification(Word):
    """Class of section 3; values are those of the Proposal's JSON Schema.

    ``is_deficient``: confirmed, confirmed by metabolite, or functional.
    """

    CONFIRMED = "confirmed"
    INDETERMINATE = "indeterminate"
    INDETERMINATE_CONFIRMED = "indeterminate-confirmed"
    FUNCTIONAL = "functional"
    UNLIKELY = "unlikely"
    NO_DATA = "no-data"
    DATA_QUALITY = "data-quality"
    ON_TREATMENT = "on-treatment"

    is_deficient: bool

    def __init__(self, word: str) -> None:
        self.is_deficient = word in _DEFICIENT  # pragma: no mutate


class SeverityGrade(Word):
    """Severity of section 6."""

    NONE = "none"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class Urgency(Word):
    """Urgent: same day; soon: within 7 days; routine: next planned contact."""

    URGENT = "urgent"
    SOON = "soon"
    ROUTINE = "routine"


_ANAEMIC = frozenset({"mild", "moderate", "severe"})


class Anaemia(Word):
    """WHO grade of anaemia, or why there is none to tell; ``is_anaemic``: any grade of it."""

    UNKNOWN = "unknown"
    NONE = "none"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"

    is_anaemic: bool

    def __init__(self, word: str) -> None:
        self.is_anaemic = word in _ANAEMIC  # pragma: no mutate


class Bucket(Word):
    """Cause buckets in the order in which they govern (section 7)."""

    SPECIALIST = "specialist"
    PERMANENT = "permanent-malabsorption"
    BARIATRIC = "bariatric"
    REVERSIBLE = "reversible-malabsorption"
    N2O = "nitrous-oxide"
    DRUG = "drug"
    DIET = "diet"
    UNKNOWN = "unknown"


class Confidence(Word):
    """How sure a cause is; a possible one never governs."""

    CONFIRMED = "confirmed"
    PROBABLE = "probable"
    POSSIBLE = "possible"


class Cause(NamedTuple):
    """One cause found; ``lasts`` says for how long it asks for maintenance."""

    cause: str
    bucket: Bucket
    confidence: Confidence
    lasts: str
    rule: str = ""
    facts: Evidence = ()
    governs: bool = False

    def that_governs(self) -> "Cause":
        """The same cause as the one that governs."""
        return Cause(*self[:-1], governs=True)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The facts as they are shown."""
        return tuple(fact.as_input() for fact in self.facts)


class RejectedRoute(NamedTuple):
    """A route that was not chosen, why, and by which rule."""

    route: str
    reason: str
    rule: str


# Flags that other rooms go by: B12 runs beside this decision; nobody knows whether it was given.
RUNNING = "b12-already-given-or-ordered"
PERHAPS_GIVEN = "possibly-on-treatment"

# Kinds of plan in which something is given.
GIVEN = frozenset({"treat", "prophylaxis"})


class Intent(NamedTuple):
    """What the decision asks the plan to build.

    ``kind`` is ``treat``, ``prophylaxis``, ``confirm`` (tests only), ``stop`` (a stop of section
    16: no medicine) or ``none``. ``orders`` are ids of tests to do now, ``rechecks`` after the
    recheck interval. ``yearly_b12`` asks for a yearly B12 without treatment (R-07).
    ``cause`` is the one whose row of the pack is used: the governing one, or the one prevented.
    ``condition`` names one that has a row of its own whatever the cause (``leber``, R-165).
    """

    kind: str
    route: str | None = None
    orders: tuple[str, ...] = ()
    rechecks: tuple[str, ...] = ()
    yearly_b12: bool = False
    rejected_routes: tuple[RejectedRoute, ...] = ()
    cause: str = ""
    condition: str = ""


class MonitoringNeeds(NamedTuple):
    """What decides the monitoring of a course (section 13).

    ``potassium_course``: potassium over the first 48 hours (R-137). ``hematocrit_normal`` spares
    the early blood counts (R-138). ``raised`` metabolites are repeated in week 8 (R-139).
    ``mother``: pregnant or breast-feeding. ``pernicious`` asks for R-142, ``polycythaemia`` for the
    weekly blood counts of R-171.
    """

    potassium_course: bool = False
    hematocrit_normal: bool = False
    raised: tuple[str, ...] = ()
    mother: bool = False
    pernicious: bool = False
    polycythaemia: bool = False


class Decision(NamedTuple):
    """The answer for one patient on one day, with every reason it rests on."""

    classification: Classification
    severity: SeverityGrade
    neuro: bool
    anaemia: Anaemia
    urgency: Urgency
    causes: tuple[Cause, ...]
    intent: Intent
    needs: MonitoringNeeds = MonitoringNeeds()
    flags: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Remark, ...] = ()
    cautions: tuple[Remark, ...] = ()
    contraindications: tuple[Remark, ...] = ()
    mimics: tuple[Remark, ...] = ()
    as_of: date | None = None

    @property
    def governing(self) -> Cause | None:
        """The cause that governs route and maintenance, if one does."""
        return next((cause for cause in self.causes if cause.governs), None)

    @property
    def route(self) -> str | None:
        """Route of section 8, or none."""
        return self.intent.route

"""Can the course be watched, and will tablets do? (R-85, R-87)

Both are facts of the project's own CodeSystem, since no standard code says them; absent is unknown.
"""

from datetime import date

from b12fhir.decision.case import Case
from b12fhir.facts.history import Concept
from b12fhir.kernel.evidence import Evidence
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value


@value
class Access:
    """``against_tablets``: an earlier oral course failed, or steady intake is unlikely (R-85).

    ``monitored``: blood tests and visits are reliably available (R-87).
    """

    against_tablets: tuple[Concept, ...]
    monitored: Truth
    facts: Evidence


def access(case: Case) -> Access:
    """What is known of monitoring and of tablets."""
    there, missing = case.with_role("monitoring-available"), case.with_role("monitoring-missing")
    against = case.ever("oral-failure") + case.with_role("unsteady-intake")
    return Access(against, _monitored(there, missing), there + missing)


def _monitored(there: tuple[Concept, ...], missing: tuple[Concept, ...]) -> Truth:
    """The newer statement holds; undated or same-day contradictions leave it open."""
    if there and missing:
        said, denied = _newest(there), _newest(missing)
        if said is None or denied is None or said == denied:
            return Truth.UNKNOWN
        return Truth.of(said > denied)
    return Truth.of(bool(there)) if there or missing else Truth.UNKNOWN


def _newest(facts: tuple[Concept, ...]) -> date | None:
    """Day of the newest statement; ``None`` if one has no day, since that may be the newest."""
    days = [when.last for fact in facts if (when := fact.recorded or fact.onset) is not None]
    return max(days) if len(days) == len(facts) else None

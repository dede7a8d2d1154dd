"""Medicines that lower B12, and for how long they were taken (R-04 to R-06, R-78, ruling 27)."""

from collections.abc import Sequence
from datetime import date

from b12fhir.decision.case import Case
from b12fhir.decision.model import Bucket, Cause, Confidence
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.facts.medicines import Exposure
from b12fhir.kernel.dates import When, add_days, add_months, days_between
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value


@value
class _Run:
    """Requests of one ingredient joined over short gaps."""

    start: When | None
    parts: tuple[Exposure, ...]
    current: bool


def drug_causes(case: Case) -> tuple[tuple[Cause, ...], Reasons]:
    """Drug causes with their confidence, and the question for a missing start."""
    limits = case.limits
    metformin, why = _timed(case, "metformin", ("metformin",), limits.metformin_months)
    blocker, why_blocker = _timed(case, "acid-blocker", _BLOCKERS, limits.acid_blocker_months)
    others = case.taking("other-risk-drug")
    other = (_cause("other-drug", Confidence.POSSIBLE, others),) if others else ()
    return metformin + blocker + other, why + why_blocker


_BLOCKERS = ("ppi", "h2-blocker")


def _cause(name: str, confidence: Confidence, drugs: tuple[Exposure, ...]) -> Cause:
    lasts = "while the drug goes on"
    return Cause(name, Bucket.DRUG, confidence, lasts, "R-78", drugs)


def _timed(
    case: Case, name: str, roles: tuple[str, ...], months: int
) -> tuple[tuple[Cause, ...], Reasons]:
    """The cause that medicines of these roles make if taken for more than ``months``."""
    parts: tuple[Exposure, ...] = ()
    long_ago, longer = add_months(case.day, -months), Truth.NO
    for role in roles:
        drugs = case.medicines(role)
        for run in _runs(case, drugs) if drugs else ():
            if run.current:
                parts += run.parts
                longer |= _begun_before(run, long_ago)
    if not parts:
        return (), NONE
    if longer.is_yes:
        return (_cause(name, Confidence.PROBABLE, parts),), NONE
    if longer.is_unknown:
        ask = gap(
            f"{name}-start",
            f"When was {name.replace('-', ' ')} started? Taken for more than {months} months it"
            " counts as a cause.",
            "R-06",
        )
        why = found("R-06", parts, "start not known", Truth.UNKNOWN)
        return (_cause(name, Confidence.POSSIBLE, parts),), ask + why
    return (), found("R-06", parts, f"not taken for more than {months} months", Truth.NO)


def _begun_before(run: _Run, long_ago: date) -> Truth:
    """Strictly before (begun on that very day it has not lasted long enough, R-05)."""
    return Truth.UNKNOWN if run.start is None else run.start.before(long_ago)


def _runs(case: Case, drugs: tuple[Exposure, ...]) -> list[_Run]:
    """Merge the requests of each ingredient into runs (ruling 27)."""
    if len(drugs) == 1:
        (one,) = drugs
        current = one.active or (one.start is not None and _current(case, drugs))
        return [_Run(one.start, drugs, current)]
    runs: list[_Run] = []
    for ingredient in sorted({drug.ingredient for drug in drugs}):
        mine = [drug for drug in drugs if drug.ingredient == ingredient]
        undated = tuple(drug for drug in mine if drug.start is None)
        dated = sorted(((d.start, d) for d in mine if d.start is not None), key=_begun)
        runs += _merge(case, dated)
        if undated:
            # It may have begun long before the dated ones: the length stays unknown.
            runs.append(_Run(None, undated, any(drug.active for drug in undated)))
    return runs


def _begun(dated: tuple[When, Exposure]) -> tuple[date, date, str]:
    start, drug = dated
    return start.first, start.last, drug.reference


def _merge(case: Case, dated: list[tuple[When, Exposure]]) -> list[_Run]:
    groups: list[list[Exposure]] = []
    for start, drug in dated:
        if groups and _follows(case, groups[-1], start):
            groups[-1].append(drug)
        else:
            groups.append([drug])
    return [_Run(g[0].start, tuple(g), _current(case, g)) for g in groups]


def _follows(case: Case, group: list[Exposure], start: When) -> bool:
    """Was the earlier run still going, or ended at most the merge gap before this start?"""
    latest = [part.end.last if part.end else case.day for part in group]
    allowed = add_days(max(latest), case.limits.exposure_merge_days)
    return start.first <= allowed


def _current(case: Case, group: Sequence[Exposure]) -> bool:
    """Active now, or ended recently."""
    window = case.limits.exposure_recent_days
    for part in group:
        if part.active:
            return True
        if part.end is not None and days_between(part.end.last, case.day) <= window:
            return True
    return False

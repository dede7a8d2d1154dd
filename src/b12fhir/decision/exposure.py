"""Medicines that lower B12, and for how long they were taken (R-04 to R-06, R-78, ruling 27)."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from b12fhir.decision.case import Case
from b12fhir.decision.model import Bucket, Cause, Confidence
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.facts.medicines import Exposure
from b12fhir.kernel.dates import When, add_days, add_months, days_between
from b12fhir.kernel.truth import Truth


class _Run(NamedTuple):
    """Requests of one ingredient joined over short gaps."""

    start: When | None
    parts: tuple[Exposure, ...]
    current: bool


def drug_causes(case: Case) -> tuple[tuple[Cause, ...], Reasons]:
    """Drug causes with their confidence, and the question for a missing start."""
    limits = case.limits
    found_causes: list[Cause] = []
    reasons = NONE
    timed = (
        ("metformin", ("metformin",), limits.metformin_months),
        ("acid-blocker", ("ppi", "h2-blocker"), limits.acid_blocker_months),
    )
    for name, roles, months in timed:
        cause, why = _timed(case, name, roles, months)
        found_causes += [cause] if cause else []
        reasons = reasons + why
    others = case.taking("other-risk-drug")
    if others:
        found_causes.append(_cause("other-drug", Confidence.POSSIBLE, others))
    return tuple(found_causes), reasons


def _cause(name: str, confidence: Confidence, drugs: tuple[Exposure, ...]) -> Cause:
    lasts = "while the drug goes on"
    return Cause(name, Bucket.DRUG, confidence, lasts, rule="R-78", facts=drugs)


def _timed(
    case: Case, name: str, roles: tuple[str, ...], months: int
) -> tuple[Cause | None, Reasons]:
    taken = [drugs for role in roles if (drugs := case.medicines(role))]
    runs = [run for drugs in taken for run in _runs(case, drugs) if run.current]
    if not runs:
        return None, NONE
    parts = tuple(part for run in runs for part in run.parts)
    answers = [(run, _longer_than(case, run, months)) for run in runs]
    if any(answer.is_yes for _, answer in answers):
        return _cause(name, Confidence.PROBABLE, parts), NONE
    if any(answer.is_unknown for _, answer in answers):
        ask = gap(
            f"{name}-start",
            f"When was {name.replace('-', ' ')} started? Taken for more than {months} months it"
            " counts as a cause.",
            "R-06",
        )
        why = found("R-06", parts, "start not known", Truth.UNKNOWN)
        return _cause(name, Confidence.POSSIBLE, parts), ask + why
    return None, found("R-06", parts, f"not taken for more than {months} months", Truth.NO)


def _longer_than(case: Case, run: _Run, months: int) -> Truth:
    """Strictly more than ``months`` (exactly that long is not met, R-05)."""
    if run.start is None:
        return Truth.UNKNOWN
    return run.start.before(add_months(case.day, -months))


def _runs(case: Case, drugs: tuple[Exposure, ...]) -> list[_Run]:
    """Merge the requests of each ingredient into runs (ruling 27)."""
    if len(drugs) == 1:
        (one,) = drugs
        current = one.active if one.start is None else _current(case, drugs)
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
    return any(
        part.active or (part.end is not None and days_between(part.end.last, case.day) <= window)
        for part in group
    )

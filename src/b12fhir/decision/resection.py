"""Resected ileum and ileal disease: only a recorded length makes it permanent (R-72 to R-74)."""

from b12fhir.decision.case import Case
from b12fhir.decision.model import Bucket, Cause, Confidence
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.facts.history import Concept


def resection_causes(case: Case) -> tuple[tuple[Cause, ...], Reasons]:
    """The ileal cause, if there is one, and the question for a missing length."""
    resected = case.ever("ileal-resection")
    longest = _longest(resected) if resected else None
    if longest is not None and longest.length_cm is not None:
        if longest.length_cm > case.limits.ileum_permanent_above_cm:
            cause = ("ileum-over-20cm", Bucket.PERMANENT, "life", "R-72")
            return (_cause(*cause, (longest,)),), NONE
        return (_ileal((longest,)),), NONE
    if resected:
        return (_unknown_length(resected),), _ask_length(case, resected)
    crohn = case.with_role("ileal-crohn")
    return ((_ileal(crohn),) if crohn else ()), NONE


def _longest(resected: tuple[Concept, ...]) -> Concept | None:
    """Several operations may name a length: the longest single one counts."""
    known = [fact for fact in resected if fact.length_cm is not None]
    return max(known, key=lambda fact: (fact.length_cm or 0, fact.reference), default=None)


def _cause(name: str, bucket: Bucket, lasts: str, rule: str, facts: tuple[Concept, ...]) -> Cause:
    return Cause(name, bucket, Confidence.CONFIRMED, lasts, rule, facts)


def _ileal(facts: tuple[Concept, ...]) -> Cause:
    return _cause("ileal-disease", Bucket.REVERSIBLE, "reassess", "R-74", facts)


def _unknown_length(resected: tuple[Concept, ...]) -> Cause:
    return Cause(
        "ileal-resection-length-unknown",
        Bucket.REVERSIBLE,
        Confidence.CONFIRMED,
        "until the length is known",
        "R-73",
        resected,
    )


def _ask_length(case: Case, resected: tuple[Concept, ...]) -> Reasons:
    limit = case.limits.ileum_permanent_above_cm
    return found("R-73", resected) + gap(
        "resected-length",
        f"Resected length of the ileum: more than {limit} cm means 1000 microgram IM monthly for"
        " life, also with a normal B12. It is never assumed; ask for the operation report.",
        "R-73",
    )

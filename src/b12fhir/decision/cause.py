"""Why is B12 lacking? Causes found, the one that governs, and what to look for (R-70 to R-81)."""

from dataclasses import replace

from b12fhir.decision.case import Case, inputs
from b12fhir.decision.exposure import drug_causes
from b12fhir.decision.model import Bucket, Cause, Confidence
from b12fhir.decision.reasons import NONE, Reasons, found, gap, joined
from b12fhir.decision.resection import resection_causes
from b12fhir.facts.history import Concept
from b12fhir.kernel.evidence import Input

_LIFE = "life"
_UNTIL_CORRECTED = "until corrected and proven"
_ORDER = {bucket: place for place, bucket in enumerate(Bucket)}

# cause id, role of the concept, bucket, how long it lasts, rule
_ON_RECORD = (
    ("congenital", "congenital", Bucket.SPECIALIST, _LIFE, "R-76"),
    ("gastrectomy-total", "gastrectomy-total", Bucket.PERMANENT, _LIFE, "R-71"),
    ("gastrectomy-partial", "gastrectomy-partial", Bucket.PERMANENT, _LIFE, "R-71"),
    ("bariatric", "bariatric", Bucket.BARIATRIC, "indefinite", "R-75"),
)
_ACTIVE = (
    ("nitrous-oxide", "n2o", Bucket.N2O, "until stopped and metabolites normal", "R-80"),
    ("vegan", "vegan", Bucket.DIET, "while the diet lasts", "R-79"),
    ("vegetarian", "vegetarian", Bucket.DIET, "while the diet lasts", "R-79"),
    ("restrictive-diet", "restrictive-diet", Bucket.DIET, "while the diet lasts", "R-79"),
)
_REVERSIBLE = (
    ("coeliac", "coeliac"),
    ("bacterial-overgrowth", "bacterial-overgrowth"),
    ("blind-loop", "blind-loop"),
    ("pancreatic-insufficiency", "pancreatic-insufficiency"),
    ("fish-tapeworm", "fish-tapeworm"),
    ("malabsorption", "malabsorption"),
)


def causes(case: Case, *, deficient: bool) -> tuple[tuple[Cause, ...], Reasons]:
    """Every cause found, in the order in which they govern; exactly one governs."""
    resected, resection_reasons = resection_causes(case)
    drugs, drug_reasons = drug_causes(case)
    gastritis, gastritis_reasons = _gastritis(case, deficient=deficient)
    listed = (*gastritis, *_from_record(case), *resected, *drugs)
    ranked = sorted(listed, key=_rank)
    reasons = joined(gastritis_reasons, resection_reasons, drug_reasons)
    reasons = joined(reasons, *(found(c.rule, c.inputs, _note(c)) for c in ranked))
    governing = next((c for c in ranked if c.confidence is not Confidence.POSSIBLE), None)
    if governing is None:
        unknown = Cause(
            "unknown",
            Bucket.UNKNOWN,
            Confidence.CONFIRMED,
            "until known",
            governs=True,
            rule="R-81",
        )
        look = _look_for_cause() if deficient else NONE
        return (*ranked, unknown), reasons + look
    marked = tuple(replace(c, governs=c is governing) for c in ranked)
    return marked, reasons


def _rank(cause: Cause) -> tuple[int, str, str]:
    return _ORDER[cause.bucket], cause.confidence.value, cause.cause


def _note(cause: Cause) -> str:
    return f"{cause.confidence.value}: {cause.cause}"


def _one(
    name: str, facts: tuple[Concept, ...], bucket: Bucket, lasts: str, rule: str
) -> tuple[Cause, ...]:
    """One cause from all facts that show it, as sure as the surest of them."""
    if not facts:
        return ()
    sure = any(not fact.weak for fact in facts)
    confidence = Confidence.CONFIRMED if sure else Confidence.POSSIBLE
    return (Cause(name, bucket, confidence, lasts, rule=rule, inputs=inputs(facts)),)


def _from_record(case: Case) -> tuple[Cause, ...]:
    found_causes: list[Cause] = []
    for name, role, bucket, lasts, rule in _ON_RECORD:
        found_causes += _one(name, case.ever(role), bucket, lasts, rule)
    for name, role, bucket, lasts, rule in _ACTIVE:
        found_causes += _one(name, case.with_role(role), bucket, lasts, rule)
    for name, role in _REVERSIBLE:
        facts = case.with_role(role)
        found_causes += _one(name, facts, Bucket.REVERSIBLE, _UNTIL_CORRECTED, "R-77")
    return tuple(_believe_text(cause) for cause in found_causes)


def _believe_text(cause: Cause) -> Cause:
    """N2O use has no verified code, so a text match is all there can be: probable, not proof."""
    if cause.bucket is Bucket.N2O and cause.confidence is Confidence.POSSIBLE:
        return replace(cause, confidence=Confidence.PROBABLE)
    return cause


def _gastritis(case: Case, *, deficient: bool) -> tuple[tuple[Cause, ...], Reasons]:
    """R-70: pernicious anaemia by diagnosis or antibody; atrophic gastritis without antibodies."""
    diagnosed = case.with_role("pernicious-anaemia")
    blocking = case.presences("intrinsic-factor-antibody")
    parietal = case.presences("parietal-cell-antibody")
    atrophic = case.with_role("atrophic-gastritis")
    sure = any(not fact.weak for fact in diagnosed) or (bool(blocking) and deficient)
    antibodies = tuple(result.as_input() for result in (*blocking, *parietal))
    evidence = inputs(diagnosed) + antibodies
    if sure:
        return (_pernicious(Confidence.CONFIRMED, evidence),), _past_pernicious(case)
    if parietal and (atrophic or case.presences("gastrin-raised")):
        return (_pernicious(Confidence.PROBABLE, evidence + inputs(atrophic)),), NONE
    if diagnosed or parietal or blocking:
        maybe = _pernicious(Confidence.POSSIBLE, evidence)
        return (maybe, *_atrophic(atrophic)), _past_pernicious(case)
    return _atrophic(atrophic), _past_pernicious(case)


def _pernicious(confidence: Confidence, evidence: tuple[Input, ...]) -> Cause:
    return Cause(
        "pernicious-anaemia", Bucket.PERMANENT, confidence, _LIFE, rule="R-70", inputs=evidence
    )


def _atrophic(facts: tuple[Concept, ...]) -> tuple[Cause, ...]:
    return _one("atrophic-gastritis", facts, Bucket.REVERSIBLE, _UNTIL_CORRECTED, "R-77")


def _past_pernicious(case: Case) -> Reasons:
    if case.with_role("pernicious-anaemia") or not (
        case.ever("pernicious-anaemia") or case.asked("pernicious-anaemia")
    ):
        return NONE
    return gap(
        "pernicious-anaemia",
        "Pernicious anaemia is on record as resolved or unconfirmed; it does not resolve. If it is"
        " real, injections for life are proposed.",
        "R-70",
    )


def _look_for_cause() -> Reasons:
    return found("R-81") + gap(
        "cause",
        "No cause is on record: look for one with intrinsic-factor antibody (before dose 1),"
        " coeliac serology, and the history of diet and medicines. Route and length of treatment"
        " depend on it.",
        "R-81",
    )

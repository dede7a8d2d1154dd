"""Why is B12 lacking? Causes found, the one that governs, and what to look for (R-70 to R-81)."""

from b12fhir.decision.case import Case
from b12fhir.decision.exposure import drug_causes
from b12fhir.decision.model import Bucket, Cause, Confidence
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.decision.resection import resection_causes
from b12fhir.facts.history import Concept
from b12fhir.kernel.evidence import Evidence
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value

_LIFE = "life"
_UNTIL_CORRECTED = "until corrected and proven"
_ORDER = {bucket: place for place, bucket in enumerate(Bucket)}

# Inside a bucket this order governs; the rule book orders the buckets only.
_FIRST = (
    "gastrectomy-total",
    "pernicious-anaemia",
    "gastrectomy-partial",
    "ileum-over-20cm",
    "ileal-disease",
    "ileal-resection-length-unknown",
    "vegan",
)
_PLACE = {name: place for place, name in enumerate(_FIRST)}
_ASKED = (
    *("congenital", "gastrectomy-total", "gastrectomy-partial", "ileal-resection", "bariatric"),
    *("coeliac", "ileal-crohn"),
)
_ASKED_ROLES = frozenset(_ASKED)

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
_GUT = ("coeliac", "bacterial-overgrowth", "blind-loop", "pancreatic-insufficiency")
_REVERSIBLE = tuple(
    (name, name, Bucket.REVERSIBLE, _UNTIL_CORRECTED, "R-77")
    for name in (*_GUT, "fish-tapeworm", "malabsorption")
)
_WHILE_IT_LASTS = (*_ACTIVE, *_REVERSIBLE)
_ROLES = frozenset(row[1] for row in (*_ON_RECORD, *_WHILE_IT_LASTS))


@value
class Causes:
    """``every`` cause found, in the order in which they govern; exactly one governs.

    ``sure`` are those that are more than possible, the governing one first; ``names`` are theirs.
    """

    every: tuple[Cause, ...]
    sure: tuple[Cause, ...]
    names: frozenset[str]
    reasons: Reasons


def causes(case: Case, *, deficient: bool) -> Causes:
    """Look for every cause, and for the one that governs."""
    resected, resection_reasons = resection_causes(case)
    drugs, drug_reasons = drug_causes(case)
    gastritis, gastritis_reasons = _gastritis(case, deficient=deficient)
    ranked = [*gastritis, *_from_record(case), *resected, *drugs]
    if len(ranked) > 1:
        ranked.sort(key=_rank)
    reasons = gastritis_reasons + resection_reasons + drug_reasons + _ask_unconfirmed(case)
    sure = []
    for cause in ranked:
        reasons += _reported(cause)
        if cause.confidence is not Confidence.POSSIBLE:
            sure.append(cause)
    if not sure:
        ranked.append(_UNKNOWN)
        reasons += _LOOK_FOR_CAUSE if deficient else NONE
        return Causes(tuple(ranked), (_UNKNOWN,), _NAME_OF_UNKNOWN, reasons)
    place = ranked.index(sure[0])
    ranked[place] = sure[0] = sure[0].that_governs()
    names = frozenset([cause.cause for cause in sure])
    return Causes(tuple(ranked), tuple(sure), names, reasons)


def _rank(cause: Cause) -> tuple[int, int, str]:
    return _ORDER[cause.bucket], _PLACE.get(cause.cause, len(_FIRST)), cause.cause


def _reported(cause: Cause) -> Reasons:
    """A cause that is only possible is reported as not known."""
    truth = Truth.UNKNOWN if cause.confidence is Confidence.POSSIBLE else Truth.YES
    return found(cause.rule, cause.facts, f"{cause.confidence.value}: {cause.cause}", truth)


def _one(
    case: Case, name: str, facts: tuple[Concept, ...], kind: tuple[Bucket, str, str]
) -> tuple[Cause, ...]:
    """One cause from all facts that show it, as sure as the surest of them."""
    if not facts:
        return ()
    bucket, lasts, rule = kind
    return (Cause(name, bucket, _confidence(case, facts), lasts, rule, facts),)


def _confidence(case: Case, facts: tuple[Concept, ...]) -> Confidence:
    """Proof, or a text where no verified code exists and a text is all there can be, or a hint."""
    if _is_proof(facts):
        return Confidence.CONFIRMED
    uncoded = any(case.has_no_code(fact) for fact in facts)
    return Confidence.PROBABLE if uncoded else Confidence.POSSIBLE


def _is_proof(facts: tuple[Concept, ...]) -> bool:
    return not all(fact.weak for fact in facts)


def _from_record(case: Case) -> tuple[Cause, ...]:
    if not case.has_ever(_ROLES):
        return ()
    ever = [(row, facts) for row in _ON_RECORD if (facts := case.ever(row[1]))]
    now = [(row, facts) for row in _WHILE_IT_LASTS if (facts := case.with_role(row[1]))]
    return tuple(
        cause for row, facts in (*ever, *now) for cause in _one(case, row[0], facts, row[2:])
    )


def _ask_unconfirmed(case: Case) -> Reasons:
    """A cause that nobody has confirmed is asked about, not passed over."""
    if not case.has_asked(_ASKED_ROLES):
        return NONE
    doubtful = [fact for role in _ASKED for fact in case.asked(role)]
    named = ", ".join(sorted({fact.text or fact.concept for fact in doubtful}))
    return gap(
        "cause-unconfirmed",
        f"Recorded as unconfirmed: {named}. Confirmed, it would change route and length of"
        " treatment.",
        "R-81",
    )


def _gastritis(case: Case, *, deficient: bool) -> tuple[tuple[Cause, ...], Reasons]:
    """R-70: pernicious anaemia by diagnosis or antibody; atrophic gastritis without antibodies."""
    diagnosed = case.with_role("pernicious-anaemia")
    blocking = case.presences("intrinsic-factor-antibody")
    parietal = case.presences("parietal-cell-antibody")
    atrophic = case.with_role("atrophic-gastritis")
    sure = (bool(blocking) and deficient) or _is_proof(diagnosed)
    told = bool(diagnosed) and _confidence(case, diagnosed) is Confidence.PROBABLE
    evidence: Evidence = (*diagnosed, *blocking, *parietal)
    if sure:
        return (_pernicious(Confidence.CONFIRMED, evidence),), _past_pernicious(case)
    if told or (parietal and (atrophic or case.presences("gastrin-raised"))):
        return (_pernicious(Confidence.PROBABLE, evidence + atrophic),), NONE
    if diagnosed or parietal or blocking:
        maybe = _pernicious(Confidence.POSSIBLE, evidence)
        return (maybe, *_atrophic(case, atrophic)), _past_pernicious(case)
    return _atrophic(case, atrophic), _past_pernicious(case)


def _pernicious(confidence: Confidence, evidence: Evidence) -> Cause:
    return Cause("pernicious-anaemia", Bucket.PERMANENT, confidence, _LIFE, "R-70", evidence)


def _atrophic(case: Case, facts: tuple[Concept, ...]) -> tuple[Cause, ...]:
    kind = (Bucket.REVERSIBLE, _UNTIL_CORRECTED, "R-77")
    return _one(case, "atrophic-gastritis", facts, kind)


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


_UNKNOWN = Cause(
    "unknown", Bucket.UNKNOWN, Confidence.CONFIRMED, "until known", governs=True, rule="R-81"
)
_NAME_OF_UNKNOWN = frozenset({_UNKNOWN.cause})
_LOOK_FOR_CAUSE = found("R-81") + gap(
    "cause",
    "No cause is on record: look for one with intrinsic-factor antibody (before dose 1),"
    " coeliac serology, and the history of diet and medicines. Route and length of treatment"
    " depend on it.",
    "R-81",
)

"""By which route? The first rule of section 8 that matches, and why not the others."""

from b12fhir.decision.access import Access
from b12fhir.decision.anaemia import Blood
from b12fhir.decision.case import Case
from b12fhir.decision.model import Bucket, Cause, RejectedRoute, SeverityGrade
from b12fhir.decision.reasons import NONE, Reasons, caution, found, gap
from b12fhir.decision.usable import Usable
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.evidence import Evidence
from b12fhir.kernel.truth import Truth

_NEEDS_INJECTION = frozenset({Bucket.PERMANENT, Bucket.REVERSIBLE, Bucket.N2O})
ORAL_FORBIDDEN = frozenset(
    {"pernicious-anaemia", "gastrectomy-total", "gastrectomy-partial", "ileum-over-20cm"}
)

# Where nobody watches: what counts as malabsorption beside those that are injected anyway.
_INJECT_UNWATCHED = frozenset({Bucket.BARIATRIC, Bucket.UNKNOWN})
_AGAINST_TABLETS = {
    "R-85": "an earlier oral course failed, or steady intake is unlikely",
    "R-86": "B12 must be in before folic acid",
    "R-87": "nobody could watch the early weeks: a full load covers them",
}


def route(
    cause: Cause, grade: SeverityGrade, blood: Blood, watched: Access, *, folate_low: bool
) -> tuple[str, str, Reasons]:
    """Route of a deficiency to be treated, the rule that chose it, and why (R-83 to R-89)."""
    shown: Evidence
    unwatched = grade is SeverityGrade.MODERATE or cause.bucket in _INJECT_UNWATCHED
    if grade is SeverityGrade.SEVERE:
        rule, shown, note = "R-83", (), ""
    elif cause.bucket in _NEEDS_INJECTION:
        rule, shown, note = "R-84", cause.facts, cause.cause
    elif watched.against_tablets:
        rule, shown, note = "R-85", watched.against_tablets, ""
    elif folate_low and blood.anaemic.is_yes:
        rule, shown, note = "R-86", (), ""
    elif unwatched and watched.monitored.is_no:
        rule, shown, note = "R-87", watched.facts, ""
    else:
        rule, why = _by_mouth(cause)
        return "oral", rule, why + _watching(watched, unwatched=unwatched)
    return "im", rule, found(rule, shown, note)


def _by_mouth(cause: Cause) -> tuple[str, Reasons]:
    if cause.bucket is Bucket.BARIATRIC:
        return "R-88", found("R-88", cause.facts)
    return "R-89", found("R-89", cause.facts, cause.cause)


def _watching(watched: Access, *, unwatched: bool) -> Reasons:
    """R-87 where tablets are chosen: injections stay on offer, or the question is still open."""
    if watched.monitored.is_yes:
        return NONE
    if watched.monitored.is_no:
        return found("R-87", watched.facts, "mild, and absorption intact", Truth.NO) + caution(
            "im-offered",
            "Monitoring is not reliably available: tablets suffice for a mild case like this one,"
            " and injections can be offered.",
            "R-87",
        )
    if not unwatched:
        return NONE
    return found("R-87", watched.facts, "access to monitoring not known", Truth.UNKNOWN) + gap(
        "monitoring-access",
        "Are blood tests and visits reliably available? If not, a full load by injection is"
        " proposed in the place of tablets.",
        "R-87",
    )


def left_by_leber() -> tuple[str, str, Reasons]:
    """R-165: hydroxocobalamin is left, and its label knows one route."""
    note = "R-165 leaves hydroxocobalamin, given intramuscularly"
    return "im", "R-82", found("R-82", note=note)


def rejected_by_leber() -> tuple[RejectedRoute, ...]:
    """Why none of the other routes, where cyanocobalamin is blocked."""
    blocked = "cyanocobalamin is blocked in every form, and hydroxocobalamin is injected"
    swallowed = (RejectedRoute(name, blocked, "R-165") for name in ("oral", "sublingual", "nasal"))
    return (
        *swallowed,
        RejectedRoute("sc", "the label of hydroxocobalamin allows intramuscular alone", "R-91"),
        RejectedRoute("iv", "refused: lost in the urine", "R-93"),
    )


def rejected(
    chosen: str, cause: Cause, grade: SeverityGrade, *, neuro: bool, rule: str = ""
) -> tuple[RejectedRoute, ...]:
    """The routes not chosen, each with its reason; ``rule`` chose the injection."""
    if chosen == "im":
        return (RejectedRoute("oral", *_against_oral(cause, grade, rule, neuro=neuro)), *_NOT_IM)
    return _NOT_ORAL


_NEVER = (
    RejectedRoute("nasal", "not part of this pack", "R-93"),
    RejectedRoute("iv", "refused: lost in the urine", "R-93"),
)
_NOT_IM = (
    RejectedRoute("sublingual", "forbidden or not preferred where oral is", "R-90"),
    RejectedRoute(
        "sc",
        "only if the prescriber orders it and the label allows it: deep subcutaneous"
        " cyanocobalamin; never the default",
        "R-91",
    ),
    *_NEVER,
)
_NOT_ORAL = (
    RejectedRoute(
        "im",
        "oral is as good here if high-dose and monitored; IM stays the clinician's option, and"
        " is needed if neurological signs or severe anaemia appear",
        "R-89",
    ),
    RejectedRoute("sc", "only if the prescriber orders it", "R-91"),
    RejectedRoute("sublingual", "possible in the place of oral by choice", "R-90"),
    *_NEVER,
)


def _against_oral(cause: Cause, grade: SeverityGrade, rule: str, *, neuro: bool) -> tuple[str, str]:
    if cause.cause in ORAL_FORBIDDEN:
        return f"{cause.cause}: oral is not dependable as the sole route", "R-95"
    if neuro:
        return "neurological sign: never as the sole route", "R-95"
    if grade is SeverityGrade.SEVERE:
        return "severe: never as the sole route", "R-95"
    if cause.bucket in _NEEDS_INJECTION:
        return f"{cause.cause}: absorption is not reliable", "R-84"
    return _AGAINST_TABLETS[rule], rule


def bleeding(case: Case, results: Usable, chosen: str | None, *, leber: bool = False) -> Reasons:
    """R-94: an intramuscular injection where bleeding is likely needs a clinician's yes."""
    if chosen != "im":
        return NONE
    platelets = results.get(Analyte.PLATELETS)
    low = (
        platelets is not None
        and platelets.amount.below(case.limits.platelets_im_caution_below).is_yes
    )
    recorded = case.with_role("anticoagulant") + case.with_role("bleeding-disorder")
    if platelets is None:  # the count decides where there is one
        recorded = recorded + case.with_role("thrombocytopenia")
    drugs = case.taking("anticoagulant-drug")
    if not (low or recorded or drugs):
        return NONE
    counted = (platelets,) if platelets is not None and low else ()
    shown = counted + recorded + drugs
    other = (
        " no other route is left for hydroxocobalamin."
        if leber
        else " deep subcutaneous cyanocobalamin, or oral where nothing forbids it, can be ordered"
        " instead."
    )
    return found("R-94", shown) + caution(
        "bleeding",
        f"Bleeding is likelier: an intramuscular injection needs the clinician's yes;{other}",
        "R-94",
    )

"""By which route? The first rule of section 8 that matches, and why not the others."""

from b12fhir.decision.anaemia import Blood
from b12fhir.decision.case import Case, inputs
from b12fhir.decision.model import Bucket, Cause, RejectedRoute, SeverityGrade
from b12fhir.decision.reasons import NONE, Reasons, caution, found
from b12fhir.decision.usable import Usable
from b12fhir.kernel.analyte import Analyte

_NEEDS_INJECTION = frozenset({Bucket.PERMANENT, Bucket.REVERSIBLE, Bucket.N2O})
_ORAL_FORBIDDEN = frozenset(
    {"pernicious-anaemia", "gastrectomy-total", "gastrectomy-partial", "ileum-over-20cm"}
)


def route(
    cause: Cause, grade: SeverityGrade, blood: Blood, *, folate_low: bool
) -> tuple[str, Reasons]:
    """Route of a deficiency to be treated (R-83 to R-89)."""
    if grade is SeverityGrade.SEVERE:
        return "im", found("R-83")
    if cause.bucket in _NEEDS_INJECTION:
        return "im", found("R-84", cause.inputs, cause.cause)
    if folate_low and blood.anaemic.is_yes:
        return "im", found("R-86")
    if cause.bucket is Bucket.BARIATRIC:
        return "oral", found("R-88", cause.inputs)
    return "oral", found("R-89", cause.inputs, cause.cause)


def rejected(
    chosen: str, cause: Cause, grade: SeverityGrade, *, neuro: bool
) -> tuple[RejectedRoute, ...]:
    """The routes not chosen, each with its reason."""
    shared = (
        RejectedRoute("nasal", "not part of this pack", "R-93"),
        RejectedRoute("iv", "refused: lost in the urine", "R-93"),
    )
    if chosen == "im":
        why, rule = _against_oral(cause, grade, neuro=neuro)
        return (
            RejectedRoute("oral", why, rule),
            RejectedRoute("sublingual", "forbidden or not preferred where oral is", "R-90"),
            RejectedRoute(
                "sc",
                "only if the prescriber orders it and the label allows it: deep subcutaneous"
                " cyanocobalamin; never the default",
                "R-91",
            ),
            *shared,
        )
    return (
        RejectedRoute(
            "im",
            "oral is as good here if high-dose and monitored; IM stays the clinician's option, and"
            " is needed if neurological signs or severe anaemia appear",
            "R-89",
        ),
        RejectedRoute("sc", "only if the prescriber orders it", "R-91"),
        RejectedRoute("sublingual", "possible in the place of oral by choice", "R-90"),
        *shared,
    )


def _against_oral(cause: Cause, grade: SeverityGrade, *, neuro: bool) -> tuple[str, str]:
    if cause.cause in _ORAL_FORBIDDEN:
        return f"{cause.cause}: oral is not dependable as the sole route", "R-95"
    if neuro:
        return "neurological sign: never as the sole route", "R-95"
    if grade is SeverityGrade.SEVERE:
        return "severe: never as the sole route", "R-95"
    if cause.bucket in _NEEDS_INJECTION:
        return f"{cause.cause}: absorption is not reliable", "R-84"
    return "B12 must be in before folic acid", "R-86"


def bleeding(case: Case, results: Usable, chosen: str | None) -> Reasons:
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
    counted = (platelets.as_input(),) if platelets is not None and low else ()
    shown = counted + inputs(recorded) + tuple(drug.as_input() for drug in drugs)
    return found("R-94", shown) + caution(
        "bleeding",
        "Bleeding is likelier: an intramuscular injection needs the clinician's yes; deep"
        " subcutaneous cyanocobalamin, or oral where nothing forbids it, can be ordered instead.",
        "R-94",
    )

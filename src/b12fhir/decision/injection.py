"""What does an injection ask for beside its route? (R-164, R-173)"""

from b12fhir.decision.case import Case
from b12fhir.decision.metabolites import Metabolites
from b12fhir.decision.reasons import NONE, Reasons, caution, found


def injection(case: Case, measured: Metabolites | None, chosen: str | None) -> Reasons:
    """Cautions of an injection that is proposed or under way (route ``chosen``)."""
    if chosen not in ("im", "sc"):
        return NONE
    return _anaphylaxis(case) + _excipients(case, measured)


def _anaphylaxis(case: Case) -> Reasons:
    """R-164: anaphylaxis on record makes it feared; to what it was, only the clinician knows."""
    recorded = case.ever("anaphylaxis-history")
    if not recorded:
        return NONE
    return found("R-164", recorded) + caution(
        "anaphylaxis",
        "Anaphylaxis is on record: where it is feared from B12, the clinician gives an intradermal"
        " test dose before the first injection.",
        "R-164",
    )


def _excipients(case: Case, measured: Metabolites | None) -> Reasons:
    """R-173: the record does not say what the product holds, so the label is to be read."""
    kidney = measured is not None and measured.confounded.is_yes
    premature = case.with_role("premature-infant")
    reasons = NONE
    if kidney:
        reasons = found("R-173", note="kidney impairment") + caution(
            "aluminium",
            "Kidney impairment: aluminium in an injected product accumulates; choose one without.",
            "R-173",
        )
    if premature:
        reasons = (
            reasons
            + found("R-173", premature)
            + caution(
                "benzyl-alcohol",
                "Premature infant: no product with benzyl alcohol, and none with aluminium.",
                "R-173",
            )
        )
    return reasons

"""What is said beside a treatment so that nobody expects or tries too much (R-176, R-179)."""

from b12fhir.decision.classification import Classified
from b12fhir.decision.reasons import NONE, Reasons, caution, found
from b12fhir.decision.stops import Stops


def told_beside(classified: Classified, stop: Stops) -> Reasons:
    """No promise for a raised homocysteine; folic acid beside B12 in the seriously ill."""
    return _no_promise(classified) + _seriously_ill(stop)


def _no_promise(classified: Classified) -> Reasons:
    measured = classified.metabolites
    if measured is None or measured.homocysteine is None:
        return NONE
    if not measured.homocysteine_raised.is_yes:
        return NONE
    return found("R-176", (measured.homocysteine,)) + caution(
        "no-promise",
        "B12 lowers homocysteine, and is not known to prevent heart attack, stroke or cognitive"
        " decline: no such promise.",
        "R-176",
    )


def _seriously_ill(stop: Stops) -> Reasons:
    """Known here only as a patient for the hospital (R-167)."""
    if stop.rule != "R-167":
        return NONE
    return found("R-179", note="in hospital") + caution(
        "seriously-ill",
        "Seriously ill while results are awaited: the clinician may give B12 and folic acid"
        " together.",
        "R-179",
    )

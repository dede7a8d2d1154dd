"""The four factors that every decision shows: baseline, nerves, cause, monitoring (R-69)."""

from b12fhir.decision.intent import Question
from b12fhir.decision.reasons import Reasons, found
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.truth import Truth

_BASELINE = (
    ("Hb", Analyte.HEMOGLOBIN),
    ("Hct", Analyte.HEMATOCRIT),
    ("MCV", Analyte.MCV),
    ("B12", Analyte.B12_TOTAL),
    ("active B12", Analyte.B12_ACTIVE),
)
_MONITORED = {Truth.YES: "available", Truth.NO: "not available", Truth.UNKNOWN: "not known"}


def four_factors(asked: Question) -> Reasons:
    """One finding with all four; what is not known is said so, never left out."""
    results, watched = asked.results, asked.watched
    known = [(name, results[analyte]) for name, analyte in _BASELINE if analyte in results]
    baseline = ", ".join([f"{name} {result.amount.text()}" for name, result in known])
    note = (
        f"baseline: {baseline or 'not known'};"
        f" neurological signs: {'present' if asked.nerves.present else 'none on record'};"
        f" cause: {asked.cause.cause};"
        f" monitoring: {_MONITORED[watched.monitored]}"
    )
    return found("R-69", (*[result for _, result in known], *watched.facts), note)

"""The four factors that every decision shows: baseline, nerves, cause, monitoring (R-69)."""

from b12fhir.decision.intent import Question
from b12fhir.decision.reasons import Reasons, found, note_of
from b12fhir.facts.history import Concept
from b12fhir.facts.labs import LabResult
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.truth import Truth

_BASELINE = {
    Analyte.HEMOGLOBIN: "Hb",
    Analyte.HEMATOCRIT: "Hct",
    Analyte.MCV: "MCV",
    Analyte.B12_TOTAL: "B12",
    Analyte.B12_ACTIVE: "active B12",
}
_MONITORED = {Truth.YES: "available", Truth.NO: "not available", Truth.UNKNOWN: "not known"}


def four_factors(asked: Question) -> Reasons:
    """One finding with all four; what is not known is said so, never left out."""
    results, watched = asked.results, asked.watched
    known = tuple([results[analyte] for analyte in _BASELINE if analyte in results])
    note = note_of(_in_words, known, asked.nerves.signs, asked.cause.cause, watched.monitored)
    return found("R-69", known + watched.facts, note)


def _in_words(
    known: tuple[LabResult, ...],
    signs: tuple[Concept, ...],
    cause: str,
    monitored: Truth,
) -> str:
    baseline = ", ".join([f"{_BASELINE[one.analyte]} {one.amount.text()}" for one in known])
    return (
        f"baseline: {baseline or 'not known'};"
        f" neurological signs: {'present' if signs else 'none on record'};"
        f" cause: {cause};"
        f" monitoring: {_MONITORED[monitored]}"
    )

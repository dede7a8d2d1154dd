"""Under treatment: what of an urgent picture is news, and what the treatment is there for.

Signs and counts from before the first dose stay on record for months. What cannot wait is what is
new or worse since, potassium that falls, and a product that must not be given.
"""

from b12fhir.decision.model import Urgency
from b12fhir.facts.history import Concept
from b12fhir.facts.labs import Analyte, LabResult
from b12fhir.kernel.dates import When
from b12fhir.kernel.evidence import Fact
from b12fhir.kernel.truth import Truth
from b12fhir.service.hooks.matter import Matter

_URGENT = "R-61"


def first_dose(matter: Matter) -> When | None:
    """The first dose on record, whoever ordered it; ``None`` where none is, or none has a day."""
    given = [
        one.when
        for one in matter.facts.doses
        if one.given.is_yes and one.when is not None and one.when.first <= matter.day
    ]
    return min(given, key=lambda when: when.first, default=None)


def is_acute(matter: Matter) -> bool:
    """Is there something today that the doses given so far do not explain?"""
    if matter.decision.urgency is not Urgency.URGENT:
        return False
    start = first_dose(matter)
    return any(
        _is_news(fact, start)
        for found in matter.decision.findings
        if found.rule == _URGENT and found.truth is Truth.YES
        for fact in found.facts
    )


def _is_news(fact: Fact, start: When | None) -> bool:
    if isinstance(fact, Concept):
        return fact.worse or _since(fact.onset or fact.recorded, start)
    # What is no result either is a product that must not be given.
    potassium = isinstance(fact, LabResult) and fact.analyte is Analyte.POTASSIUM
    return potassium or not isinstance(fact, LabResult) or _since(fact.when, start)


def _since(when: When | None, start: When | None) -> bool:
    """Later than the first dose; without a dose everything is still ahead of it."""
    return start is None or (when is not None and when.later_than(start).is_yes)

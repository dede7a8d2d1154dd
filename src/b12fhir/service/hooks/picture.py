"""What is known, in the few words that fit a summary; nothing of a record's own text stands there.

The value is that of the result the class rests on, in the unit it is judged in.
"""

from collections.abc import Iterator
from functools import lru_cache

from b12fhir.facts.labs import Analyte, LabResult
from b12fhir.fhir.dosage import route_text
from b12fhir.fhir.timing import every_text
from b12fhir.kernel.quantities import plain
from b12fhir.plan.model import Phase
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Role
from b12fhir.service.hooks.text import fitting, line, when_text
from b12fhir.service.wording import unit_text

_NAMES = {
    Analyte.B12_TOTAL: "B12",
    Analyte.B12_ACTIVE: "active B12",
    Analyte.MMA: "MMA",
    Analyte.MMA_URINE: "urine MMA",
    Analyte.HOMOCYSTEINE: "homocysteine",
}
_ROUTES = {"im": "IM", "sc": "SC"}
# What a number converted from moles may be too long for: then it is shown as recorded.
_LONG = 7
_NERVES = "nerve signs"
# A metabolite that confirmed.
METABOLITES = ("R-37", "R-42", "R-45", "R-46", "R-47", "R-40")


def value_text(result: LabResult) -> str:
    """The amount that was judged; where its conversion is endless, the amount as recorded."""
    judged = result.amount.text()
    if len(result.amount.number()) <= _LONG:
        return unit_text(judged)
    return line(f"{result.recorded_value} {result.recorded_unit}")


def known(matter: Matter) -> Iterator[str]:
    """The picture in parts, the most telling first: B12, metabolite, haemoglobin, nerves."""
    shown = [matter.deciding[1]]
    if matter.decision.classification.is_deficient:
        shown.append(matter.lab(*METABOLITES))
    for number, result in enumerate(one for one in shown if one is not None):
        day = "" if number else f" ({when_text(result.when)})"
        yield f"{_NAMES.get(result.analyte, 'a metabolite')} {value_text(result)}{day}"
    hemoglobin = matter.lab("R-53")
    if hemoglobin is not None:
        yield f"Hb {value_text(hemoglobin)}"
    if matter.decision.neuro:
        yield _NERVES


def summary(matter: Matter, what: str, action: str, *, lead: str = "") -> str:
    """``lead``, what is known, ``what`` it means, and ``action`` as an option for the reader.

    The longest that fits. B12, nerves and action never go.
    """
    parts = list(known(matter)) or ["vitamin B12"]
    return capital(fitting(_told(parts, what, advice(matter.role, action), lead)))


def _told(parts: list[str], what: str, asked: str, lead: str) -> Iterator[str]:
    """From the longest to the shortest: first go further results, then lead, day and meaning."""
    least = [*parts[:1], *(one for one in parts[1:] if one == _NERVES)]
    undated = [one.partition(" (")[0] for one in least]
    for kept in (parts, least):
        yield f"{lead}{_stated(kept, what)}: {asked}"
    yield f"{_stated(least, what)}: {asked}"
    yield f"{_stated(undated, what)}: {asked}"
    yield f"{', '.join(undated)}: {asked}"


def _stated(parts: list[str], what: str) -> str:
    """A verb is about the result alone: nerve signs are not low."""
    if not what.startswith(" is "):
        return f"{', '.join(parts)}{what}"
    return ", ".join((f"{parts[0]}{what}", *parts[1:]))


def advice(role: Role, action: str) -> str:
    """An option, in the words for the reader; ``action`` is a noun phrase."""
    return f"{_ASKED[role]} {action}"


_ASKED = {
    Role.PRESCRIBER: "consider",
    Role.UNKNOWN: "consider",
    Role.NURSE: "ask the prescriber about",
    Role.PHARMACIST: "ask the prescriber about",
    Role.PATIENT: "ask your care team about",
}


# On one day the same few phases come again and again.
@lru_cache(maxsize=512)
def phase_text(phase: Phase) -> str:
    """Drug, dose, route and how often, short: "cyanocobalamin 1000 microgram IM every 2 days"."""
    route = _ROUTES.get(phase.route, route_text(phase.route))
    return f"{phase.product.drug} {plain(phase.dose)} microgram {route} {every_text(phase)}"


def capital(text: str) -> str:
    """With a capital letter at its beginning."""
    return f"{text[:1].upper()}{text[1:]}"

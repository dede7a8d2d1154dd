"""Pregnancy status, dating and breast-feeding recorded as Observations."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal

from b12fhir.facts.patient import Sex
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.answer import answer_of
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import EXCLUDED, NO_RESULT, PRESENCE, quote
from b12fhir.fhir.extract.pregnancy import TERM_DAYS, Statement, counted_from
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.tree import codes_of, obj, text, words_of
from b12fhir.kernel.codes import LOINC, Code
from b12fhir.kernel.dates import When
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.truth import Truth

_NOT_PREGNANT = re.compile(r"\bnot\b.*\bpregnan|\bno pregnan|\bnonpregnant", re.IGNORECASE)
_PREGNANT = re.compile(
    r"\A(?:currently |patient (?:is )?currently )?pregnan(?:t|cy)\b", re.IGNORECASE
)
# Days in a unit of gestational age, and how many more days such a number may mean.
_WEEK, _DAY = (7, 6), (1, 0)
_AGE_UNITS = {"wk": _WEEK, "week": _WEEK, "weeks": _WEEK, "d": _DAY, "day": _DAY, "days": _DAY}
_MOST_WEEKS = 45


def read_status(source: Source, topic: Code, when: When | None, record: Record) -> Iterator[Found]:
    """Statements about pregnancy or breast-feeding from one Observation."""
    if record.patient.sex is Sex.MALE:
        yield EXCLUDED.issue(source.reference, "speaks of pregnancy in a male patient")
        return
    found = TOPICS[topic](source.resource, when, record)
    if found is None:
        yield NO_RESULT.issue(source.reference, f"({topic.code}) has no answer that can be read")
        return
    subject, truth, last_period = found
    fact = Input(source.reference, _shown(source.resource), "", when.iso() if when else "")
    yield Statement(subject, truth, when, fact, last_period)
    if truth.is_unknown:
        yield PRESENCE.issue(source.reference, f"({topic.code}) has the answer {quote(fact.value)}")


_Answer = tuple[str, Truth, When | None] | None


def _pregnancy(part: Resource, when: When | None, record: Record) -> _Answer:  # noqa: ARG001
    roles, table = record.protocol.concepts.roles, record.protocol.concepts.codes
    named = {table.get(code) for code in codes_of(part.get("valueCodeableConcept"))}
    if named & roles["pregnancy"]:
        return "pregnant", Truth.YES, None
    if named & roles["not-pregnant"]:
        return "pregnant", Truth.NO, None
    if named & roles["pregnancy-possible"]:
        return "pregnant", Truth.UNKNOWN, None
    said = words_of(part.get("valueCodeableConcept")) or text(part.get("valueString"))
    if _NOT_PREGNANT.search(said):
        return "pregnant", Truth.NO, None
    if _PREGNANT.search(said):
        return "pregnant", Truth.YES, None
    return ("pregnant", answer_of(part), None) if said or "valueBoolean" in part else None


def _gestational_age(part: Resource, when: When | None, record: Record) -> _Answer:  # noqa: ARG001
    quantity = obj(part.get("valueQuantity"))
    unit = _AGE_UNITS.get(text(quantity.get("code")) or text(quantity.get("unit")))
    value = quantity.get("value")
    if when is None or unit is None or not isinstance(value, Decimal | int):
        return None
    weeks = Decimal(value) * unit[0] / _WEEK[0]
    if isinstance(value, bool) or quantity.get("comparator") or not 0 <= weeks <= _MOST_WEEKS:
        return None
    whole = int(value) == value
    days = int(value * unit[0])
    return "pregnant", Truth.YES, counted_from(when, days, unit[1] if whole else 1)


def _delivery_date(part: Resource, when: When | None, record: Record) -> _Answer:  # noqa: ARG001
    expected = record.when(part.get("valueDateTime"))
    if expected is None:
        return None
    return "pregnant", Truth.YES, counted_from(expected, TERM_DAYS)


def _last_period(part: Resource, when: When | None, record: Record) -> _Answer:  # noqa: ARG001
    began = record.when(part.get("valueDateTime"))
    return ("dating", Truth.YES, began) if began else None


def _breastfeeding(part: Resource, when: When | None, record: Record) -> _Answer:  # noqa: ARG001
    roles, table = record.protocol.concepts.roles, record.protocol.concepts.codes
    named = {table.get(code) for code in codes_of(part.get("valueCodeableConcept"))}
    if named & roles["breastfeeding"]:
        return "breastfeeding", Truth.YES, None
    if not (
        named
        or "valueBoolean" in part
        or "valueString" in part
        or words_of(part.get("valueCodeableConcept"))
    ):
        return None
    return "breastfeeding", answer_of(part), None


def _pregnancy_test(part: Resource, when: When | None, record: Record) -> _Answer:  # noqa: ARG001
    """A positive test asks for confirmation; a negative one proves nothing about a known one."""
    if answer_of(part).is_yes:
        return "pregnant", Truth.UNKNOWN, None
    return "dating", Truth.NO, None


def _shown(part: Resource) -> str:
    quantity = obj(part.get("valueQuantity"))
    if quantity:
        return f"{quantity.get('value')} {text(quantity.get('unit')) or text(quantity.get('code'))}"
    said = words_of(part.get("valueCodeableConcept")) or part.get("valueString")
    return str(said or part.get("valueDateTime") or part.get("valueBoolean", ""))


# LOINC code of the Observation -> what its value says.
TOPICS: dict[Code, Callable[[Resource, When | None, Record], _Answer]] = {
    Code(LOINC, "82810-3"): _pregnancy,
    Code(LOINC, "11449-6"): _pregnancy,
    Code(LOINC, "18185-9"): _gestational_age,
    Code(LOINC, "11884-4"): _gestational_age,
    Code(LOINC, "11885-1"): _gestational_age,
    Code(LOINC, "49051-6"): _gestational_age,
    Code(LOINC, "11778-8"): _delivery_date,
    Code(LOINC, "11779-6"): _delivery_date,
    Code(LOINC, "8665-2"): _last_period,
    Code(LOINC, "63895-7"): _breastfeeding,
    Code(LOINC, "2106-3"): _pregnancy_test,
    Code(LOINC, "2118-8"): _pregnancy_test,
}

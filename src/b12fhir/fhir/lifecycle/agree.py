"""Does a dosage say one thing in its text and another in its structure?

Many readers show the text alone, and programs read the structure alone: where somebody edited one
of the two, a nurse and a pump would give different doses. Only what contradicts is found; what the
text leaves out, or says in words of its own, is not.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from b12fhir.fhir.dosage import ROUTES
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.timing import often_text
from b12fhir.ports import Resource
from b12fhir.protocol.model import Span

# The first amount is the dose; one with a stroke behind it is a strength.
_AMOUNT = re.compile(
    r"(\d+(?:\.\d+)?)\s*(microgram|mcg|µg|ug|milligram|mg)s?\b(?!\s*/)", re.IGNORECASE
)
_MILLI = Decimal(1000)
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_COUNT = re.compile(r"for (\d+) doses\Z")
_OFTEN = re.compile(
    r"once|once a (day|week|month)|every \d+( to \d+)? (days|weeks|months)"
    r"|\d+ times (a (day|week|month)|every .*)"
)
_ROUTE_CODES = {words: code for code, _, words in ROUTES.values()}


def two_things(request: Resource) -> Iterator[str]:
    """What of a request's dosage its text and its structure say differently."""
    for dosage in items(request.get("dosageInstruction")):
        said = text(dosage.get("text"))
        repeat = obj(obj(dosage.get("timing")).get("repeat"))
        parts = said.split(" - ")
        yield from _amount(said, dosage)
        yield from _dates(said, repeat)
        yield from _often(parts, repeat)
        yield from _route(parts, dosage)


def _amount(said: str, dosage: Resource) -> Iterator[str]:
    told = _AMOUNT.search(said)
    rates = items(dosage.get("doseAndRate"))
    value: Any = obj(rates[0].get("doseQuantity")).get("value") if rates else None
    if told is None or not isinstance(value, int | Decimal):
        return
    amount = Decimal(told[1]) * (_MILLI if told[2].lower().startswith(("milli", "mg")) else 1)
    if amount != value:
        yield "the dose"


def _dates(said: str, repeat: Resource) -> Iterator[str]:
    told = set(_DATE.findall(said))
    bounds = obj(repeat.get("boundsPeriod"))
    held = {text(bounds.get(name))[:10] for name in ("start", "end") if name in bounds}
    if told and told != held:
        yield "the dates"


def _often(parts: list[str], repeat: Resource) -> Iterator[str]:
    counts = [int(match[1]) for part in parts if (match := _COUNT.match(part))]
    if counts and counts != [repeat.get("count")]:
        yield "the number of doses"
    told = [part for part in parts if _OFTEN.fullmatch(part)]
    if told and told != [_often_words(repeat)]:
        yield "how often"


def _often_words(repeat: Resource) -> str:
    if repeat.get("count") == 1 and "period" not in repeat:
        return "once"
    period, longest = repeat.get("period"), repeat.get("periodMax")
    unit = text(repeat.get("periodUnit"))
    if not isinstance(period, int | Decimal) or unit not in ("d", "wk", "mo"):
        return ""
    return often_text(Span(int(period), unit, longest), repeat.get("frequency", 1))


def _route(parts: list[str], dosage: Resource) -> Iterator[str]:
    told = {_ROUTE_CODES[part] for part in parts if part in _ROUTE_CODES}
    held = {text(coding.get("code")) for coding in items(obj(dosage.get("route")).get("coding"))}
    if told and not told <= held:
        yield "the route"

"""The length of bowel that was resected: read only where it is stated without doubt."""

import re
from decimal import Decimal

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.amount import tidy
from b12fhir.fhir.extract.tree import items, notes_of, obj, text

_CM = {"cm": Decimal(1), "centimetre": Decimal(1), "centimeter": Decimal(1), "mm": Decimal(10)}
_LENGTH = re.compile(
    r"(?<![\d.,])(?P<number>\d+(?:[.,]\d+)?)\s*(?P<unit>cm|mm|centimet(?:er|re)s?)\b", re.IGNORECASE
)
# How far around a number its words are looked at, within the sentence.
_BEFORE, _AFTER = 25, 40
_SENTENCE = re.compile(r"[.;\n]")
# A range or a bound names no length: strictly more than 20 cm is what decides.
_BOUND = re.compile(
    r"(?:\d\s*(?:-|\u2013|to|or)|[<>\u2264\u2265~]|\b(?:than|least|most|up to|under|over|about"
    r"|approx\w*\.?|circa|ca\.?|around|between))\s*\Z",
    re.IGNORECASE,
)
# "25 cm from the valve" is a place; a margin, a scar or a tumour is not the resected bowel.
_PLACE = re.compile(
    r"\A\s*(?:(?:away\s+)?from|proximal|distal to|above|below|before|wound|tumou?r|polyp|mass"
    r"|abscess)|\b(?:margins?|incision|left|remain\w*|residual|in situ)\b",
    re.IGNORECASE,
)
_NOT_BOWEL = re.compile(
    r"\b(?:margins?|incision|scar|tumou?r|remaining|left)\b[^,]*\Z", re.IGNORECASE
)
_URL = re.compile(r"length|resect", re.IGNORECASE)


def resected_cm(resource: Resource) -> tuple[Decimal | None, str]:
    """The resected length in cm and ``""``, or none and why it is not clear.

    Read from ``Procedure.note`` and from an extension that names a length; two different lengths,
    a range or a bound are never chosen from.
    """
    found: set[Decimal] = set()
    unclear = False
    for said in (*notes_of(resource), *_extension_texts(resource)):
        lengths, doubt = lengths_in(said)
        found |= lengths
        unclear = unclear or doubt
    stated, doubt = _extension_amounts(resource)
    found |= stated
    if unclear or doubt:
        return None, "gives a length that is a range, a bound or in no known unit"
    if len(found) > 1:
        return None, "gives different lengths"
    return (found.pop(), "") if found else (None, "")


def lengths_in(said: str) -> tuple[set[Decimal], bool]:
    """Every resected length a text states, and whether one of them is a range or a bound."""
    lengths: set[Decimal] = set()
    for match in _LENGTH.finditer(said):
        before = _SENTENCE.split(said[max(match.start() - _BEFORE, 0) : match.start()])[-1]
        after = _SENTENCE.split(said[match.end() : match.end() + _AFTER])[0]
        if _PLACE.search(after) or _NOT_BOWEL.search(before):
            continue
        if re.search(r",\d{3}\Z", match["number"]) or _BOUND.search(said[: match.start()]):
            return set(), True
        number = Decimal(match["number"].replace(",", "."))
        lengths.add(tidy(number / _per_cm(match["unit"])))
    return lengths, False


def _per_cm(unit: str) -> Decimal:
    return _CM[unit.lower().rstrip("s")]


def _lengths(resource: Resource) -> list[Resource]:
    given = items(resource.get("extension"))
    return [one for one in given if _URL.search(text(one.get("url")))]


def _extension_texts(resource: Resource) -> list[str]:
    return [text(one.get("valueString")) for one in _lengths(resource)]


def _extension_amounts(resource: Resource) -> tuple[set[Decimal], bool]:
    lengths: set[Decimal] = set()
    for one in _lengths(resource):
        quantity = obj(one.get("valueQuantity"))
        bare = one.get("valueDecimal", one.get("valueInteger"))
        if quantity:
            value, unit = quantity.get("value"), quantity.get("code") or quantity.get("unit")
        elif bare is not None:
            value, unit = bare, "cm" if text(one.get("url")).endswith("cm") else ""
        else:
            continue
        per_cm = _CM.get(str(unit))
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            return set(), True
        if per_cm is None or quantity.get("comparator"):
            return set(), True
        lengths.add(tidy(Decimal(value) / per_cm))
    return lengths, False

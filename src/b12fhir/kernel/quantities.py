"""Measured amounts: exact decimals with a unit and, at times, a comparator."""

import re
from decimal import Context, Decimal
from functools import lru_cache
from typing import NamedTuple

from b12fhir.kernel.truth import Truth
from b12fhir.kernel.words import Word


class Comparator(Word):
    """FHIR quantity comparator; ``EQ`` stands for none."""

    EQ = ""
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


_EXACT, _YES, _NO = Comparator.EQ, Truth.YES, Truth.NO
_UPPER = frozenset({Comparator.LT, Comparator.LE})
_STRICT = frozenset({Comparator.LT, Comparator.GT})


class Measure(NamedTuple):
    """An exact decimal in ``unit``; with a comparator it stands for a whole interval.

    A question about an interval is answered only when every value in it gives the same answer
    (R-27): "< 150" is below 180, "< 220" is neither below nor not below 180.
    """

    value: Decimal
    unit: str
    comparator: Comparator = Comparator.EQ

    @property
    def is_interval(self) -> bool:
        """Does it stand for a span of values?"""
        return self.comparator is not Comparator.EQ

    def below(self, limit: Decimal) -> Truth:
        """Is the amount strictly below ``limit`` (in the same unit)?"""
        if self.comparator is _EXACT:
            return _YES if self.value < limit else _NO
        if self.comparator in _UPPER:
            strict = self.comparator in _STRICT
            inside = self.value <= limit if strict else self.value < limit
            return Truth.YES if inside else Truth.UNKNOWN
        return Truth.NO if self.value >= limit else Truth.UNKNOWN

    def above(self, limit: Decimal) -> Truth:
        """Is the amount strictly above ``limit`` (in the same unit)?"""
        if self.comparator is _EXACT:
            return _YES if self.value > limit else _NO
        if self.comparator in _UPPER:
            return Truth.NO if self.value <= limit else Truth.UNKNOWN
        strict = self.comparator in _STRICT
        inside = self.value >= limit if strict else self.value > limit
        return Truth.YES if inside else Truth.UNKNOWN

    def text(self) -> str:
        """Comparator, number and unit as a person writes them."""
        number = plain(self.value) if self.comparator is _EXACT else self.number()
        return f"{number} {self.unit}" if self.unit else number

    def number(self) -> str:
        """Comparator and number without exponent or trailing zeros."""
        if self.comparator is _EXACT:
            return plain(self.value)
        return f"{self.comparator.value} {plain(self.value)}"


def plain(number: Decimal) -> str:
    """A decimal as a person writes it: no exponent, no trailing zeros."""
    text = str(number)
    if "E" in text:
        text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def quotient(number: Decimal, by: Decimal) -> Decimal:
    """A ratio or a volume to show, to four digits; nothing is ever decided by it."""
    return Context(prec=4).divide(number, by)


_MICRO = str.maketrans({"\u00b5": "u", "\u03bc": "u", "\u2070": "0", "\u00b2": "2", "\u00b3": "3"})
_LITRE = re.compile(r"(?<=/)(?P<prefix>[dcmu]?)l\Z")
_MICROGRAM = re.compile(r"\Amc(?=[gUu])")


# No unit is longer; what is longer is not remembered.
_LONGEST_UNIT = 40


def normal_unit(text: str) -> str:
    """Spell a unit the one way our tables spell it; the meaning never changes.

    Micro signs become ``u``, a litre ``L``, ``mcg`` becomes ``ug``, blanks go. Letters are not
    otherwise lower-cased: ``m`` and ``M`` are different prefixes. Remembered, since each result
    asks several times for one of the same few units.
    """
    return _remembered(text) if len(text) <= _LONGEST_UNIT else _respelled(text)


def _respelled(text: str) -> str:
    bare = text.translate(_MICRO).replace(" ", "")
    return _LITRE.sub(r"\g<prefix>L", _MICROGRAM.sub("u", bare))


_remembered = lru_cache(maxsize=1024)(_respelled)


_NUMBER = re.compile(
    r"\s*(?P<comparator><=|>=|<|>)?\s*(?P<number>[+-]?\d{1,20}(?:[.,]\d{1,20})?)(?![\d.,])\s*(?P<unit>\S.*?)?\s*\Z"
)


def parse_measure(text: str) -> Measure | None:
    """Read "< 150 ng/L", "150,5" or "162 pg/mL"; ``None`` if the text is anything else (R-26).

    One decimal comma or point is allowed, no thousands separator: "1,500" with three digits behind
    a comma can mean two numbers and is not read.
    """
    match = _NUMBER.match(text)
    if match is None or re.search(r",\d{3}\Z", match["number"]):
        return None
    value = Decimal(match["number"].replace(",", "."))
    return Measure(value, match["unit"] or "", Comparator(match["comparator"] or ""))

"""Amounts of a drug: doses, strengths and what they make in micrograms."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.kernel.quantities import normal_unit

# Micrograms in a unit of mass, by the spellings that prescriptions hold.
_UG = {
    **dict.fromkeys(("ug", "UG", "mcg", "MCG", "microgram", "micrograms", "Microgram"), 1),
    **dict.fromkeys(("microgramme", "microgrammes", "Micrograms"), 1),
    **dict.fromkeys(("mg", "MG", "milligram", "milligrams", "Milligram", "Milligrams"), 1000),
    **dict.fromkeys(("g", "gram", "grams", "Gram", "Grams"), 1_000_000),
}
_ML = frozenset({"mL", "ml", "ML", "milliliter", "milliliters", "millilitre", "millilitres"})
_PIECE = frozenset(
    {"tablet", "tablets", "Tablet", "TABLET", "{tablet}", "{tbl}", "tab", "tabs", "TAB"}
    | {"capsule", "capsules", "Capsule", "{capsule}", "cap", "caps", "CAP"}
    | {"{pill}", "pill", "pills", "Pill"}
    | {"lozenge", "lozenges", "spray", "sprays", "{spray}", "actuation"}
)
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?"
_STRENGTH = re.compile(
    rf"(?<![\d.,])(?P<number>{_NUMBER})[ -]?"
    r"(?P<unit>mcg|microgram(?:me)?s?|[u\u00b5\u03bc]g|mg|g)\b"
    r"(?:\s*/\s*(?P<per>\d*(?:\.\d+)?)\s*(?P<ml>ml)\b)?",
    re.IGNORECASE,
)
# "up to 1000 mcg" or "500-1000 mcg" is no dose.
_INEXACT = re.compile(r"(?:up to|max\w*|\d\s*(?:-|\u2013|to)|[<>])\s*\Z", re.IGNORECASE)
PER_ML, PER_PIECE = "mL", "piece"
_LONGEST_NAME = 200


class Strength(NamedTuple):
    """Micrograms in one millilitre or in one tablet, capsule or spray."""

    ug: Decimal
    per: str


def strength_in(said: str) -> Strength | None:
    """The one strength a product's name states; ``None`` if it states none or several."""
    return _named_strength(said) if len(said) <= _LONGEST_NAME else _read_strength(said)


# Records repeat the same few names of products.
@lru_cache(maxsize=2048)
def _named_strength(said: str) -> Strength | None:
    return _read_strength(said)


def _read_strength(said: str) -> Strength | None:
    found = set()
    for match in _STRENGTH.finditer(said):
        number = _parse(match["number"]) * _UG[_unit(match["unit"])]
        per = Decimal(match["per"] or 1)
        if not per:
            return None
        found.add(Strength(tidy(number / per), PER_ML if match["ml"] else PER_PIECE))
    return found.pop() if len(found) == 1 else None


def single_amount(said: str) -> Decimal | None:
    """The one amount of drug, in micrograms, that a sentence states."""
    matches = [match for match in _STRENGTH.finditer(said) if not match["ml"]]
    if any(_INEXACT.search(said[: match.start()]) for match in matches):
        return None
    found = {_parse(match["number"]) * _UG[_unit(match["unit"])] for match in matches}
    return found.pop() if len(found) == 1 else None


def ratio_strength(ratio: object) -> Strength | None:
    """A strength given as numerator and denominator."""
    top, bottom = obj(obj(ratio).get("numerator")), obj(obj(ratio).get("denominator"))
    mass, amount = _mass(top), _decimal(bottom)
    if mass is None or not amount:
        return None
    unit = _spelled(bottom)
    return Strength(tidy(mass / amount), PER_ML if unit in _ML else PER_PIECE)


def dose_ug(quantity: object, strength: Strength | None) -> Decimal | None:
    """A dose in micrograms: a mass as it is, a volume or a number of tablets by the strength."""
    given = obj(quantity)
    if given.get("comparator") or _contradicts(given):
        return None
    mass = _mass(given)
    if mass is not None:
        return mass
    number, unit = _decimal(given), _spelled(given)
    if number is None or strength is None:
        return None
    if (unit in _ML and strength.per == PER_ML) or (
        _is_piece(given, unit) and strength.per == PER_PIECE
    ):
        return number * strength.ug
    return None


def amounts(dosage: Resource) -> list[object]:
    """The dose quantities of a Dosage (or of an administration's dosage); a range is none."""
    if "dose" in dosage:
        return [dosage["dose"]]
    rates = items(dosage.get("doseAndRate"))
    return [rate["doseQuantity"] for rate in rates if "doseQuantity" in rate]


def tidy(number: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent."""
    short = number.normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def in_pieces(quantity: object) -> bool:
    """Is a dose counted in tablets, pills or the like?"""
    given = obj(quantity)
    return _is_piece(given, _spelled(given))


def _is_piece(given: Resource, unit: str) -> bool:
    return unit in _PIECE or (unit in {"1", "{each}"} and text(given.get("unit")) in _PIECE)


def _contradicts(given: Resource) -> bool:
    """Unit and code that are both masses, and differ: never choose (R-103 reads mg for ug)."""
    code, unit = _known(given.get("code")), _known(given.get("unit"))
    return code is not None and unit is not None and code != unit


def _known(unit: object) -> int | None:
    return _UG.get(normal_unit(text(unit)))


def _mass(given: Resource) -> Decimal | None:
    number, factor = _decimal(given), _UG.get(normal_unit(_spelled(given)))
    return number * factor if number is not None and factor else None


def _spelled(given: Resource) -> str:
    return text(given.get("code")) or text(given.get("unit"))


def _decimal(given: Resource) -> Decimal | None:
    value = given.get("value")
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        return None
    number = Decimal(value)
    # Twelve digits hold every dose there is and keep absurd exponents out of the arithmetic.
    usable = number.is_finite() and number > 0 and abs(number.adjusted()) <= len("123456789012")
    return number if usable else None


def _unit(said: str) -> str:
    return normal_unit(said.lower())


def _parse(number: str) -> Decimal:
    """A number as written: 1,000 is a thousand, 0,5 and 0,250 are fractions."""
    head, comma, tail = number.partition(",")
    if comma and (len(tail) != len("000") or head == "0") and "." not in number:
        return Decimal(f"{head}.{tail}")
    return Decimal(number.replace(",", ""))

"""Which drug a medicine resource is about: ingredient, strength, and the route its form implies."""

import re
from typing import NamedTuple

from b12fhir.facts.medicines import Route
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.amount import PER_ML, PER_PIECE, Strength, ratio_strength, strength_in
from b12fhir.fhir.extract.record import Record
from b12fhir.fhir.extract.tree import codes_of, displays_of, items, obj, text, words_of
from b12fhir.kernel.codes import SNOMED, Code

IS_B12 = re.compile(r"\bb-?\s?12\b|cobalamin", re.IGNORECASE)
_FOLATE = re.compile(r"folic|folate", re.IGNORECASE)
_ROUTE_CODES = {
    Code(SNOMED, "78421000"): Route.IM,
    Code(SNOMED, "34206005"): Route.SC,
    Code(SNOMED, "26643006"): Route.ORAL,
    Code(SNOMED, "37839007"): Route.SUBLINGUAL,
    Code(SNOMED, "46713006"): Route.NASAL,
    Code(SNOMED, "47625008"): Route.IV,
}
# Order matters: "sublingual tablet" is sublingual, and an unnamed injection comes before tablets.
_ROUTE_WORDS = (
    (re.compile(r"\bsublingual|\bunder the tongue|\bSL\b"), Route.SUBLINGUAL),
    (re.compile(r"\bintramuscular|\bIM\b|\bi\.m\."), Route.IM),
    (re.compile(r"\bsubcutan|\bsub-?cut|\bSC\b|\bSQ\b|\bsubq\b"), Route.SC),
    (re.compile(r"\bintraven|\bIV\b|\bi\.v\."), Route.IV),
    (re.compile(r"\bnasal|\bintranasal"), Route.NASAL),
)
_INJECTED = re.compile(r"\binject|\bampou?le|\bvial\b|\bparenteral|\bprefilled", re.IGNORECASE)
_SWALLOWED = re.compile(r"\boral\b|\bby mouth\b|\btablets?\b|\bcapsules?\b|\bPO\b|\bp\.o\.")
_FORMS = (("hydroxo", "hydroxocobalamin"), ("mecobal", "mecobalamin"), ("methylcob", "mecobalamin"),
          ("cyano", "cyanocobalamin"), ("vitamin_b12", "cyanocobalamin"))  # fmt: skip


class Drug(NamedTuple):
    """What is known of a medicine; a combination may be B12 and something else.

    ``form`` are the names that tell how it is given. ``strength`` is that of B12, ``other`` that of
    the ``ingredients`` (concepts other than B12). ``by_name``: no code, only the name tells them.
    ``combined``: B12 is one ingredient of several.
    """

    text: str
    form: str = ""
    is_b12: bool = False
    weak: bool = False
    name: str = ""
    strength: Strength | None = None
    ingredients: tuple[str, ...] = ()
    codes: tuple[Code, ...] = ()
    other: Strength | None = None
    by_name: bool = False
    combined: bool = False

    @property
    def is_liquid(self) -> bool:
        """Is its strength one in a millilitre?"""
        return self.strength is not None and self.strength.per == PER_ML

    @property
    def matters(self) -> bool:
        """Is it B12, or an ingredient that a rule asks for?"""
        return self.is_b12 or bool(self.ingredients)


class _Held(NamedTuple):
    """The medicine as sent: its code, its ingredients, all their codes, and its name."""

    code: Resource
    parts: tuple[Resource, ...]
    codes: tuple[Code, ...]
    said: str


def drug_of(resource: Resource, record: Record) -> Drug | None:
    """The drug of a MedicationRequest, -Statement, -Dispense or -Administration.

    ``None`` if a reference to the Medication cannot be followed and nothing else names it.
    """
    concept = obj(resource.get("medicationCodeableConcept"))
    reference = obj(resource.get("medicationReference"))
    medication = obj(record.resolve(reference, resource)) if reference else {}
    code = concept or obj(medication.get("code"))
    parts = tuple(items(medication.get("ingredient")))
    codes = codes_of(code)
    for part in parts:
        codes = (*codes, *codes_of(part.get("itemCodeableConcept")))
    said = words_of(code) or text(reference.get("display"))
    return _identified(_Held(code, parts, codes, said), record) if codes or said else None


def _identified(held: _Held, record: Record) -> Drug:
    table, words = record.protocol.concepts, record.lexicon
    known = [table.known(code) for code in held.codes]
    concepts = {code: table.codes[code] for code in known if code}
    b12 = [one for one, concept in concepts.items() if concept in words.b12]
    b12 += [one for one in held.codes if one in words.products and one not in b12]
    named = " ".join(concepts.get(code, "") for code in b12)
    own = "; ".join(table.displays.get(code, "") for code in concepts)
    is_b12 = bool(b12) or bool(IS_B12.search(held.said))
    others = set(concepts.values()) or _by_name(held.said, record)
    others -= words.allergens | words.b12
    return Drug(
        text=held.said or own,
        form=f"{held.said}; {own}",
        is_b12=is_b12,
        weak=not b12,
        name=drug_name(f"{named} {held.said}"),
        strength=_strength(b12, held, record, IS_B12) if is_b12 else None,
        ingredients=tuple(sorted(others)),
        by_name=not concepts,
        combined=_combined(held, {concepts.get(code, "") for code in b12}),
        codes=tuple(code for code in concepts if code not in b12),
        other=_strength([*set(concepts) - set(b12)], held, record, _FOLATE) if others else None,
    )


def _combined(held: _Held, b12: set[str]) -> bool:
    """Is B12 one ingredient of several, by its code, its ingredients or its name?"""
    mixed = any(concept.endswith("_combination") for concept in b12)
    return mixed or len(held.parts) > 1 or " / " in held.said


def _by_name(said: str, record: Record) -> set[str]:
    """Ingredients in the name of a product whose code is in no table: there are too many codes."""
    words = record.lexicon
    return {words.drugs[one.lower()] for one in words.any_drug.findall(said)}


def _strength(
    codes: list[Code], held: _Held, record: Record, names: re.Pattern[str]
) -> Strength | None:
    """What our tables say first, then the ingredient's ratio, then the product's own name."""
    known = {_known_strength(code, record) for code in codes} - {None}
    if len(known) > 1:
        return None
    found = [*known]
    for part in held.parts:
        item = part.get("itemCodeableConcept")
        theirs = set(codes_of(item)) & set(codes)
        if len(held.parts) == 1 or theirs or names.search(words_of(item)):
            found.append(ratio_strength(part.get("strength")))
    spoken = (held.said, *displays_of(held.code))
    found += [strength_in(_segment(name, names)) for name in spoken]
    return next((one for one in found if one is not None), None)


def _known_strength(code: Code, record: Record) -> Strength | None:
    known = record.protocol.concepts.strengths.get(code)
    if known is not None:
        return Strength(known.value, PER_ML if known.unit.endswith("/mL") else PER_PIECE)
    return strength_in(record.protocol.concepts.displays.get(code, ""))


def _segment(said: str, names: re.Pattern[str]) -> str:
    """The part of a combination's name that speaks of the ingredient."""
    parts = said.split(" / ")
    return said if len(parts) == 1 else next((part for part in parts if names.search(part)), "")


def drug_name(said: str) -> str:
    """The form of B12, if the code or name tells it."""
    flat = said.lower()
    return next((name for word, name in _FORMS if word in flat), "")


def route_of(dosages: list[Resource], form: str) -> Route:
    """The route that is stated; else the one that the product's form implies."""
    stated = set()
    for dosage in dosages:
        route = dosage.get("route")
        if route is None:
            continue
        coded = {_ROUTE_CODES[one] for one in codes_of(route) if one in _ROUTE_CODES}
        stated |= coded or {route_in(words_of(route), injected=False)}
    if stated:
        return stated.pop() if len(stated) == 1 else Route.UNKNOWN
    return route_in(form, injected=False)


def route_in(said: str, *, injected: bool) -> Route:
    """The route a text names; an injection whose route it does not name stays just that."""
    lowered = said.lower()
    for pattern, route in _ROUTE_WORDS:
        if pattern.search(said) or pattern.search(lowered):
            return route
    if injected or _INJECTED.search(said):
        return Route.INJECTION
    return Route.ORAL if _SWALLOWED.search(said) or _SWALLOWED.search(lowered) else Route.UNKNOWN

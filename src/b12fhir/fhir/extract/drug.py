"""Which drug a medicine resource is about: ingredient, strength, and the route its form implies."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from b12fhir.facts.medicines import Route
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.amount import PER_ML, PER_PIECE, Strength, ratio_strength, strength_in
from b12fhir.fhir.extract.localdrug import Mapped, mapped, unread
from b12fhir.fhir.extract.record import Record
from b12fhir.fhir.extract.tree import codes_of, displays_of, items, obj, text, words_of
from b12fhir.kernel.codes import SNOMED, Code

IS_B12 = re.compile(r"\bb-?\s?12\b|cobalamin", re.IGNORECASE)
_FOLATE = re.compile(r"folic|folate", re.IGNORECASE)
# Folic acid under its other names; folinic acid, which rescues from methotrexate, is none.
_FOLIC_ACID = re.compile(
    r"\bfolates?\b|\b(?:l-|5-)?methylfolate\b|\blevomefol(?:ate|ic)\b|\bfolvite\b|\bacide folique\b"
    r"|\b[a\xe1]cido f[o\xf3]lico\b|\bfols(?:\xe4|ae)ure\b|\bfoliumzuur\b|\bfolsyr[ae]\b",
    re.IGNORECASE,
)
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
    ``combined``: B12 is one ingredient of several. ``route`` is the product's only one, if the site
    says so. ``doubt``: why what the site's code map says was left out. ``unread``: the code under
    which to report a medicine in which nothing was recognised.
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
    route: Route | None = None
    doubt: str = ""
    unread: Code | None = None

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
    words, site, meanings = record.lexicon, *_meanings(held, record)
    b12 = [one for one, concepts in meanings.items() if concepts & words.b12]
    b12 += [one for one in held.codes if one in words.products and one not in b12]
    named = {concept for code in b12 for concept in meanings.get(code, ())}
    own = _own_words(meanings, record) or site.words
    is_b12 = bool(b12) or bool(IS_B12.search(held.said))
    others = set[str]().union(*meanings.values()) or _by_name(held.said, record)
    others -= words.allergens | words.b12
    if not is_b12 and not others:
        # No rule asks for it: most medicines are like that.
        told = None if meanings else unread(held.codes, held.said)
        return Drug(text=held.said or own, unread=told)
    rest = [one for one in meanings if one not in b12]
    return Drug(
        text=held.said or own,
        form=f"{held.said}; {own}; {site.words}",
        is_b12=is_b12,
        weak=not b12,
        name=drug_name(f"{' '.join(sorted(named))} {held.said}"),
        strength=_strength(b12, held, site, (record, IS_B12)) if is_b12 else None,
        ingredients=tuple(sorted(others)),
        by_name=not any(meanings.values()),
        combined=_combined(held, named, words.b12),
        codes=(*rest, *site.codes),
        other=_strength(rest, held, site, (record, _FOLATE)) if others else None,
        route=site.route,
        doubt=site.doubt,
    )


def _meanings(held: _Held, record: Record) -> tuple[Mapped, dict[Code, frozenset[str]]]:
    """The ingredients each code means, by our tables and by the site's map."""
    table = record.protocol.concepts
    known = [table.known(code) for code in held.codes]
    meanings = {code: frozenset({table.codes[code]}) for code in known if code}
    standard = set[str]().union(*meanings.values())
    site = mapped(held.codes, (held.said, *displays_of(held.code)), standard, record)
    for code, drug in site.drugs.items():
        meanings[code] = meanings.get(code, frozenset()) | drug.concepts
    return site, meanings


def _own_words(codes: Iterable[Code], record: Record) -> str:
    displays = record.protocol.concepts.displays
    return "; ".join(displays[code] for code in codes if code in displays)


def _combined(held: _Held, named: set[str], b12: frozenset[str]) -> bool:
    """Is B12 one ingredient of several, by its codes, its ingredients or its name?

    ``named`` are the concepts of the codes that mean ``b12``: a local one may mean others too.
    """
    mixed = bool(named - b12) or any(concept.endswith("_combination") for concept in named)
    return mixed or len(held.parts) > 1 or " / " in held.said


def _by_name(said: str, record: Record) -> set[str]:
    """Ingredients in the name of a product whose code is in no table: there are too many codes."""
    words = record.lexicon
    named = {words.drugs[one.lower()] for one in words.any_drug.findall(said)}
    return named | {"folic_acid"} if _FOLIC_ACID.search(said) else named


def _strength(
    codes: list[Code], held: _Held, site: Mapped, by: tuple[Record, re.Pattern[str]]
) -> Strength | None:
    """What tables and map say first, then the ingredient's ratio, then the product's own name."""
    record, names = by
    known = {_known_strength(code, record) for code in codes}
    known |= {site.strength(code) for code in codes}
    known.discard(None)
    if known:
        return known.pop() if len(known) == 1 else None
    found = []
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


def route_of(dosages: list[Resource], drug: Drug) -> Route:
    """The route that is stated; else the product's only one, else the one its form implies."""
    stated = set()
    for dosage in dosages:
        route = dosage.get("route")
        if route is None:
            continue
        coded = {_ROUTE_CODES[one] for one in codes_of(route) if one in _ROUTE_CODES}
        stated |= coded or {route_in(words_of(route), injected=False)}
    if stated:
        return stated.pop() if len(stated) == 1 else Route.UNKNOWN
    return drug.route or route_in(drug.form, injected=False)


def route_in(said: str, *, injected: bool) -> Route:
    """The route a text names; an injection whose route it does not name stays just that."""
    lowered = said.lower()
    for pattern, route in _ROUTE_WORDS:
        if pattern.search(said) or pattern.search(lowered):
            return route
    if injected or _INJECTED.search(said):
        return Route.INJECTION
    return Route.ORAL if _SWALLOWED.search(said) or _SWALLOWED.search(lowered) else Route.UNKNOWN

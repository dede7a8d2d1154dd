"""What the site's own map says of a medicine, where it does not contradict a standard code."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from b12fhir.facts.medicines import Route
from b12fhir.fhir.extract.amount import PER_ML, PER_PIECE, Strength
from b12fhir.fhir.extract.lexicon import Lexicon
from b12fhir.fhir.extract.record import Record
from b12fhir.fhir.formulary import LocalDrug
from b12fhir.kernel.codes import ATC, DMD, RXNORM, SNOMED, Code
from b12fhir.protocol.names import MEDICINE_ROLES

# A code of these that no table holds is of a medicine no rule asks for, if its name says nothing.
_STANDARD = frozenset({RXNORM, ATC, DMD, SNOMED})
# What a medicine known by its name alone stands under among those known by a code.
BY_NAME = Code("", "")


class Mapped(NamedTuple):
    """Local medicines by the code they were found under; ``doubt`` says why one was left out."""

    drugs: Mapping[Code, LocalDrug]
    doubt: str = ""

    @property
    def words(self) -> str:
        """Ingredients and forms: what to call it, and from what to read a route."""
        if not self.drugs:
            return ""
        concepts = sorted({concept for drug in self.drugs.values() for concept in drug.concepts})
        forms = sorted({drug.form for drug in self.drugs.values()} - {""})
        return " ".join([*concepts, *forms])

    @property
    def codes(self) -> tuple[Code, ...]:
        """The standard codes the map names ingredients by."""
        return tuple(sorted({code for drug in self.drugs.values() for code in drug.codes}))

    @property
    def route(self) -> Route | None:
        """The only route of the product, if the map says so of one alone."""
        routes = {drug.route for drug in self.drugs.values()} - {None}
        return routes.pop() if len(routes) == 1 else None

    def strength(self, code: Code) -> Strength | None:
        """The strength the map states for what stands under a code."""
        drug = self.drugs.get(code)
        if drug is None or drug.strength_ug is None:
            return None
        return Strength(drug.strength_ug, PER_ML if drug.is_liquid else PER_PIECE)


def mapped(
    codes: Iterable[Code], names: Iterable[str], standard: set[str], record: Record
) -> Mapped:
    """What the site's map knows of a medicine, by its codes, else by its exact name.

    ``standard`` are the concepts its standard codes mean. Those win: a local code that means
    something else is left out, with the reason.
    """
    formulary = record.site.drugs
    found = {code: formulary.by_code[code] for code in codes if code in formulary.by_code}
    if not found and not standard:
        by_name = {drug for name in names if (drug := formulary.named(name))}
        found = {BY_NAME: by_name.pop()} if len(by_name) == 1 else {}
    odd = [code for code, drug in found.items() if not _agree(drug.concepts, standard, record)]
    if not odd:
        return Mapped(found)
    own, theirs = (", ".join(sorted(one)) for one in (found[odd[0]].concepts, standard))
    kept = {code: drug for code, drug in found.items() if code not in odd}
    return Mapped(kept, f"is {own} by the site's code map and {theirs} by its standard code")


def _agree(local: frozenset[str], standard: set[str], record: Record) -> bool:
    """Can both be the same medicine? One name may be the other's class, so roles are compared."""
    ours, theirs = _groups(local, record), _groups(standard, record)
    return not ours or not theirs or bool(ours & theirs)


def _groups(concepts: Iterable[str], record: Record) -> set[str]:
    """The roles of ingredients; the forms of B12 are told apart, as they are for Leber disease."""
    words, roles = record.lexicon, record.protocol.concepts.roles
    groups = set()
    for concept in concepts:
        if concept in words.b12:
            groups |= _forms(concept, words)
        else:
            groups |= {role for role in MEDICINE_ROLES if concept in roles[role]}
    return groups


def _forms(concept: str, words: Lexicon) -> set[str]:
    """The form of B12 a concept is, or is a combination of; the plain vitamin may be any."""
    bare = concept.removesuffix("_combination")
    return set(words.b12) if bare == "vitamin_b12" else {bare}


def unread(codes: tuple[Code, ...], said: str) -> Code | None:
    """The code to report of a medicine in which nothing was recognised, or ``None``.

    A standard code with a name is understood well enough to be left alone; a local one is not,
    and a name without any code is reported under no code.
    """
    local = [code for code in codes if code.system not in _STANDARD]
    if local:
        return local[0]
    if not codes:
        return BY_NAME
    return None if said else codes[0]

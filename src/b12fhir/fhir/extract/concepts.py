"""Which concepts a CodeableConcept names: by code, or by its text as weak evidence (ruling 24)."""

import re
from typing import NamedTuple

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.lexicon import concepts_in, plain_name
from b12fhir.fhir.extract.record import Record
from b12fhir.fhir.extract.tree import codes_of, words_of
from b12fhir.kernel.codes import Code

_FAMILY = re.compile(
    r"\b(?:family|fh|mother|father|sister|brother|sibling|parent|aunt|uncle)\b", re.IGNORECASE
)
_DOUBTED = re.compile(
    r"\?|\b(?:suspected|possible|possibly|probable|rule out|r/o|query|at risk|screening)\b",
    re.IGNORECASE,
)


class Named(NamedTuple):
    """A concept named in a record; ``code`` is ``None`` when only the text names it."""

    concept: str
    weak: bool
    code: Code | None
    doubted: bool = False


def named(concept: object, record: Record) -> tuple[Named, ...]:
    """Every concept the codings name, and what the text adds where they leave a question open.

    A code such as "inhalant abuse" asks which inhalant; the text beside it may say so.
    """
    table = record.protocol.concepts
    found: dict[str, Named] = {}
    for code in codes_of(concept):
        held = table.known(code)
        known = table.codes[held] if held else ""
        if held and (known not in found or found[known].weak):
            found[known] = Named(known, held in table.weak, held)
    coded = tuple(found[one] for one in sorted(found))
    if any(not one.weak and one.code not in table.asks for one in coded):
        return coded
    spoken = in_text(words_of(concept), record)
    return coded + tuple(one for one in spoken if one.concept not in found)


def in_text(said: str, record: Record) -> tuple[Named, ...]:
    """Concepts a text names, as weak evidence; what it says of the family is not the patient's."""
    found = concepts_in(record.lexicon, said) - record.lexicon.allergens
    if not found:
        return ()
    if _FAMILY.search(said):
        found = frozenset(concept for concept in found if "family" in concept)
    doubted = is_doubted(said)
    return tuple(Named(one, weak=True, code=None, doubted=doubted) for one in sorted(found))


def is_doubted(said: str) -> bool:
    """Does a text itself say that it is not sure?"""
    return bool(_DOUBTED.search(said))


def question(code: Code | None, record: Record) -> str:
    """The question a code leaves open, or ``""``."""
    return record.protocol.concepts.asks.get(code, "") if code is not None else ""


def says(resource: Resource, element: str) -> str:
    """What a person reads in a CodeableConcept element."""
    return words_of(resource.get(element))


def unused_name(said: str, record: Record) -> str:
    """The concept whose code has just this name; it is shown, since names never decide."""
    return record.lexicon.names.get(plain_name(said), "")

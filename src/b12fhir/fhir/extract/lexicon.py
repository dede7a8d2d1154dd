"""Words and codes of one protocol, prepared once for searching texts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from b12fhir.kernel.codes import ATC, DMD, RXNORM, Code
from b12fhir.protocol.model import Protocol, RelativeRisk

_DRUG_SYSTEMS = frozenset({RXNORM, ATC, DMD})
# One or two plain words: an ingredient, as against a product or a class ("Heparin group").
_INGREDIENT = re.compile(r"[A-Za-z]+(?: (?!group|complex)[A-Za-z]+)?\Z")
_QUALIFIER = re.compile(r"\s*\([^)]*\)\s*\Z")
# No name of a diagnosis that comes again is longer.
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """What texts are searched for. Two lexicons are the same only if they are one.

    ``patterns``: what a text looks like, in lower case, and the concept it stands for.
    ``names`` maps the plain name of a code to its concept, ``drugs`` the name of an ingredient to
    its concept, and ``any_drug`` finds such names. ``products`` are the codes of the pack's own
    B12 products, ``b12`` the concepts that are B12 as a medicine, ``allergens`` what an allergy
    names. ``relatives`` are the patterns of what a blood relative may have.
    """

    patterns: tuple[tuple[re.Pattern[str], str], ...]
    names: Mapping[str, str]
    drugs: Mapping[str, str]
    any_drug: re.Pattern[str]
    products: frozenset[Code]
    b12: frozenset[str]
    allergens: frozenset[str]
    relatives: tuple[tuple[re.Pattern[str], RelativeRisk], ...]


def lexicon_of(protocol: Protocol) -> Lexicon:
    """The protocol's lexicon; built at its first use."""
    return _built(_Same(protocol))


def plain_name(said: str) -> str:
    """A name without its qualifier in brackets, in lower case."""
    return _QUALIFIER.sub("", said).strip().lower()


def concepts_in(lexicon: Lexicon, said: str) -> frozenset[str]:
    """Concepts whose patterns a text matches; denials are part of the patterns.

    Remembered of short texts, since records repeat the same few names. A long one is what somebody
    wrote about a patient, and is not kept.
    """
    return _of_name(lexicon, said) if len(said) <= _LONGEST_NAME else _search(lexicon, said)


@lru_cache(maxsize=8192)
def _of_name(lexicon: Lexicon, said: str) -> frozenset[str]:
    return _search(lexicon, said)


def _search(lexicon: Lexicon, said: str) -> frozenset[str]:
    flat = said.lower()
    return frozenset(concept for pattern, concept in lexicon.patterns if pattern.search(flat))


@dataclass(frozen=True, eq=False)
class _Same:
    """A key by identity: a protocol holds mappings and has no hash, but it is frozen."""

    protocol: Protocol

    def __hash__(self) -> int:
        return id(self.protocol)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.protocol is self.protocol


@lru_cache(maxsize=16)
def _built(key: _Same) -> Lexicon:
    table = key.protocol.concepts
    drugs = {
        plain_name(name): table.codes[code]
        for code, name in table.displays.items()
        if code.system in _DRUG_SYSTEMS and _INGREDIENT.match(name)
    }
    b12 = table.roles.get("b12", frozenset())
    mixed = {one for one in table.roles.get("b12-combination", ()) if "cobalamin" in one}
    return Lexicon(
        patterns=tuple((re.compile(pattern), concept) for pattern, concept in table.texts),
        names={plain_name(name): table.codes[code] for code, name in table.displays.items()},
        drugs=drugs,
        any_drug=re.compile(rf"\b(?:{'|'.join(sorted(drugs)) or '(?!)'})\b", re.IGNORECASE),
        products=frozenset(
            code for one in key.protocol.pack.products.values() for code in one.codes
        ),
        b12=b12 | mixed,
        allergens=b12 | table.roles.get("b12-allergen", frozenset()),
        relatives=tuple((re.compile(one.pattern), one) for one in table.relatives),
    )

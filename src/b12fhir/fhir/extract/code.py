"""What an Observation's code means: looked up in tables, never read from its name."""

import re
from typing import NamedTuple

from b12fhir.fhir.extract.memory import Memory
from b12fhir.fhir.extract.record import Record
from b12fhir.fhir.extract.status import TOPICS
from b12fhir.fhir.extract.tree import codes_of, displays_of, obj, text
from b12fhir.kernel.codes import LOINC, Code, is_loinc
from b12fhir.protocol.analytes import LabCode

# Names that make an unknown code worth a second look; they never decide (ruling 24).
_B12_WORDS = re.compile(
    r"\bb-?\s?12\b|cobalamin|holo-?\s?tc\b|holotrans|methylmalon|homocyst", re.IGNORECASE
)


class Meaning(NamedTuple):
    """What the codings of one Observation say, all of them looked at.

    ``foreign`` are the codings of a code no laboratory table knows, ``standard`` tells whether one
    of them is a LOINC code. ``numbers`` are the LOINC codes of ``labs`` in one text;
    it is empty where they mean different tests.
    """

    labs: tuple[LabCode, ...] = ()
    presence: str = ""
    look_alike: str = ""
    panel: bool = False
    concepts: tuple[Code, ...] = ()
    foreign: tuple[Code, ...] = ()
    standard: bool = False
    is_known: bool = False
    numbers: str = ""


def meaning_of(code: object, record: Record) -> Meaning:
    """LOINC codings first; the site's code map only when no LOINC coding is known.

    What a coding means is remembered: it follows from its system and code alone.
    """
    memory: Memory[tuple[object, ...], Meaning] = record.memories.meanings
    codings = code.get("coding") if isinstance(code, dict) else None
    given = codings if isinstance(codings, list) else []
    key: tuple[object, ...]
    if len(given) == 1 and isinstance(given[0], dict):
        key = (given[0].get("system"), given[0].get("code"))
    else:
        key = tuple(
            [(one.get("system"), one.get("code")) for one in given if isinstance(one, dict)]
        )
    known = memory.recall(key)
    if known is None:
        known = _meaning(code, record)
        memory.keep(key, known)
    return known


def names_b12(code: object) -> bool:
    """Do the names of an unknown code speak of B12 or its metabolites?"""
    held = obj(code)
    said = text(held.get("text"))
    return _speaks(said) or any(_speaks(name) for name in displays_of(held) if name != said)


def _speaks(name: str) -> bool:
    # Nearly no name has any of these; the search itself costs ten times as much.
    low = name.lower()
    hinted = "12" in low or "cobalamin" in low or "holo" in low
    if name.isascii() and not (hinted or "methylmalon" in low or "homocyst" in low):
        return False
    return bool(_B12_WORDS.search(name))


def _meaning(code: object, record: Record) -> Meaning:
    codes = codes_of(code)
    direct = _look_up([one for one in codes if one.system == LOINC], record)
    if direct.is_known:
        return direct._replace(concepts=_concepts(codes, record))
    mapped = [record.site.code_map[one] for one in codes if one in record.site.code_map]
    local = _look_up(mapped, record)
    concepts = _concepts((*codes, *mapped), record)
    return local._replace(
        concepts=concepts,
        foreign=codes,
        standard=any(one.system == LOINC and is_loinc(one.code) for one in codes),
        is_known=local.is_known or bool(concepts),
    )


def _look_up(codes: list[Code], record: Record) -> Meaning:
    table = record.protocol.analytes
    numbers = [one.code for one in codes]
    labs = tuple(table.codes[number] for number in numbers if number in table.codes)
    presence = next((table.presence[one] for one in numbers if one in table.presence), "")
    look_alike = next((table.not_these[one] for one in numbers if one in table.not_these), "")
    panel = any(number in table.panels for number in numbers)
    several = len({one.analyte for one in labs}) > 1
    return Meaning(
        labs,
        presence,
        look_alike,
        panel,
        is_known=bool(labs or presence or look_alike or panel),
        numbers="" if look_alike or several else " ".join(one.code for one in labs),
    )


def _concepts(codes: tuple[Code, ...], record: Record) -> tuple[Code, ...]:
    known = record.protocol.concepts.codes
    return tuple(one for one in codes if one in known or one in TOPICS)

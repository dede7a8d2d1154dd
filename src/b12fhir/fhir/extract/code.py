"""What an Observation's code means: looked up in tables, never read from its name."""

import re
from typing import NamedTuple

from b12fhir.fhir.extract.record import Record
from b12fhir.fhir.extract.status import TOPICS
from b12fhir.fhir.extract.tree import codes_of, displays_of, items, obj, text
from b12fhir.kernel.codes import LOINC, Code, is_loinc
from b12fhir.protocol.analytes import LabCode

# Names that make an unknown code worth a second look; they never decide (ruling 24).
_B12_WORDS = re.compile(
    r"\bb-?\s?12\b|cobalamin|holo-?\s?tc\b|holotrans|methylmalon|homocyst", re.IGNORECASE
)


class Meaning(NamedTuple):
    """What the codings of one Observation say, all of them looked at.

    ``foreign`` are the codings of a code no laboratory table knows, ``standard`` tells whether one
    of them is a LOINC code, and ``names_b12`` whether their names speak of B12 or its metabolites.
    """

    labs: tuple[LabCode, ...] = ()
    presence: str = ""
    look_alike: str = ""
    panel: bool = False
    concepts: tuple[Code, ...] = ()
    foreign: tuple[Code, ...] = ()
    standard: bool = False
    names_b12: bool = False
    is_known: bool = False


_Key = tuple[object, ...]


def meaning_of(code: object, record: Record) -> Meaning:
    """LOINC codings first; the site's code map only when no LOINC coding is known.

    A record holds the same codes over and over, so each is looked up once.
    """
    key = _key(code)
    known: Meaning | None = record.meanings.get(key)
    if known is None:
        known = record.meanings[key] = _meaning(code, record)
    return known


def _key(code: object) -> _Key:
    held = obj(code)
    codings = [
        (str(one.get("system")), str(one.get("code")), str(one.get("display")))
        for one in items(held.get("coding"))
    ]
    return (str(held.get("text")), *codings)


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
        names_b12=_names_b12(code),
        is_known=local.is_known or bool(concepts),
    )


def _names_b12(code: object) -> bool:
    names = (text(obj(code).get("text")), *displays_of(code))
    return any(_B12_WORDS.search(name) for name in names)


def _look_up(codes: list[Code], record: Record) -> Meaning:
    table = record.protocol.analytes
    numbers = [one.code for one in codes]
    labs = tuple(table.codes[number] for number in numbers if number in table.codes)
    presence = next((table.presence[one] for one in numbers if one in table.presence), "")
    look_alike = next((table.not_these[one] for one in numbers if one in table.not_these), "")
    panel = any(number in table.panels for number in numbers)
    known = bool(labs or presence or look_alike or panel)
    return Meaning(labs, presence, look_alike, panel, is_known=known)


def _concepts(codes: tuple[Code, ...], record: Record) -> tuple[Code, ...]:
    known = record.protocol.concepts.codes
    return tuple(one for one in codes if one in known or one in TOPICS)

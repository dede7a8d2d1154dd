"""Walking foreign JSON without trusting its shape: a wrong type reads as absent."""

from collections.abc import Mapping
from typing import Any

from b12fhir.kernel.codes import Code, normal_system

Resource = Mapping[str, Any]
_EMPTY: Resource = {}


def obj(value: object) -> Resource:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else _EMPTY


def items(value: object) -> list[dict[str, Any]]:
    """The objects of a list; anything else is left out."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """The value trimmed if it is a string, else ``""``."""
    return value.strip() if isinstance(value, str) else ""


def code_of(coding: Resource) -> Code:
    """A coding's system, as FHIR spells it, and its code."""
    return Code(normal_system(text(coding.get("system"))), text(coding.get("code")))


def codes_of(concept: object) -> tuple[Code, ...]:
    """Every coding of a CodeableConcept that has a code."""
    found = (code_of(coding) for coding in items(obj(concept).get("coding")))
    return tuple(code for code in found if code.code)


def first_code(concept: object) -> str:
    """The first code of a CodeableConcept, whatever its system, or ``""``."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        code = text(coding.get("code")) if isinstance(coding, dict) else ""
        if code:
            return code
    return ""


def words_of(concept: object) -> str:
    """What a person reads: the text of a CodeableConcept, else its displays."""
    held = obj(concept)
    said = text(held.get("text"))
    return said or "; ".join(displays_of(held))


def displays_of(concept: object) -> list[str]:
    """Every display of a CodeableConcept."""
    shown = (text(coding.get("display")) for coding in items(obj(concept).get("coding")))
    return [display for display in shown if display]


def notes_of(resource: Resource) -> list[str]:
    """The texts of a resource's annotations."""
    said = (text(note.get("text")) for note in items(resource.get("note")))
    return [note for note in said if note]

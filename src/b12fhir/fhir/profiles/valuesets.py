"""ValueSets of roles: which codes play which role in a decision, and our codes for plain facts.

A ValueSet shows a reviewer and a server exactly which codes play a role; loading it changes nothing
in a decision, which reads the protocol itself.
"""

from typing import Any

from b12fhir.fhir.profiles.header import Shelf
from b12fhir.fhir.profiles.notices import notices
from b12fhir.fhir.profiles.terms import included
from b12fhir.fhir.site import CANONICAL
from b12fhir.kernel.codes import LOINC, Code
from b12fhir.protocol.model import Protocol

# Facts that no standard code says; they mean the same at every site, so their system never varies.
PROGRAM_FACTS = f"{CANONICAL}/CodeSystem/program-facts"


def value_sets(protocol: Protocol, canonical: str = CANONICAL) -> dict[str, dict[str, Any]]:
    """Every ValueSet of a role by its file name; a role known by words alone has none."""
    shelf, concepts = Shelf(protocol, canonical), protocol.concepts
    made = [_labs(shelf)]
    for role, names in concepts.roles.items():
        codes = [code for code, concept in concepts.codes.items() if concept in names]
        if codes:
            displays = {code: concepts.displays[code] for code in codes}
            made.append(_value_set(shelf, role, displays))
    return {f"ValueSet-{one['id']}.json": one for one in made}


def code_system(protocol: Protocol) -> dict[str, Any]:
    """The project's own codes, for an EHR to record what no standard code says (section 27)."""
    held = protocol.concepts.displays
    codes = sorted(code for code in held if code.system == PROGRAM_FACTS)
    header = Shelf(protocol).packed("CodeSystem", "program-facts", "facts without a standard code")
    return {
        **header,
        "description": "Codes of an Observation; without a value they hold. Absent means unknown.",
        "caseSensitive": True,
        "content": "complete",
        "count": len(codes),
        "concept": [{"code": code.code, "display": held[code]} for code in codes],
    }


def _labs(shelf: Shelf) -> dict[str, Any]:
    table = shelf.protocol.analytes.codes
    return _value_set(shelf, "labs", {Code(LOINC, one.code): one.display for one in table.values()})


def _value_set(shelf: Shelf, role: str, displays: dict[Code, str]) -> dict[str, Any]:
    systems = sorted({code.system for code in displays})
    return {
        **shelf.packed("ValueSet", f"b12-{role}", role.replace("-", " ")),
        "description": _description(role),
        "copyright": notices(systems),
        "compose": {"include": [included(system, displays) for system in systems]},
    }


def _description(role: str) -> str:
    if role == "labs":
        return "Laboratory codes that are read."
    return f"Codes whose concept plays the role '{role}' in a decision."

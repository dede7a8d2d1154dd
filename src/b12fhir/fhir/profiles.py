"""Our FHIR conformance artefacts that are made from the protocol: one ValueSet a role, and codes.

A ValueSet shows a reviewer and a server exactly which codes play a role; loading it changes nothing
in a decision, which reads the protocol itself.
"""

from collections.abc import Iterable
from typing import Any

from b12fhir.fhir.site import CANONICAL
from b12fhir.kernel.codes import ATC, ICD10CM, LOINC, RXNORM, SNOMED, Code
from b12fhir.protocol.model import Protocol

# Facts that no standard code says; they mean the same at every site, so their system never varies.
PROGRAM_FACTS = f"{CANONICAL}/CodeSystem/program-facts"
_NOTICES = {
    LOINC: "Includes content from LOINC (https://loinc.org), copyright Regenstrief Institute, Inc."
    " and the LOINC Committee, free of charge under https://loinc.org/license.",
    SNOMED: "Includes SNOMED CT content, used by permission of SNOMED International; users need a"
    " SNOMED CT licence where one is due.",
    ICD10CM: "ICD-10-CM is maintained by the US National Center for Health Statistics.",
    RXNORM: "RxNorm is courtesy of the US National Library of Medicine.",
    ATC: "ATC codes are copyright WHO Collaborating Centre for Drug Statistics Methodology.",
}


def value_sets(protocol: Protocol, canonical: str = CANONICAL) -> dict[str, dict[str, Any]]:
    """Every ValueSet by its file name; a role known by words alone has none."""
    concepts = protocol.concepts
    made = [_labs(protocol, canonical)]
    for role, names in concepts.roles.items():
        codes = [code for code, concept in concepts.codes.items() if concept in names]
        if codes:
            displays = {code: concepts.displays[code] for code in codes}
            made.append(_value_set(protocol, canonical, role, displays))
    return {f"ValueSet-{one['id']}.json": one for one in made}


def code_system(protocol: Protocol) -> dict[str, Any]:
    """The project's own codes, for an EHR to record what no standard code says (section 27)."""
    held = protocol.concepts.displays
    codes = sorted(code for code in held if code.system == PROGRAM_FACTS)
    return {
        "resourceType": "CodeSystem",
        "id": "program-facts",
        "url": PROGRAM_FACTS,
        "version": protocol.pack.version,
        "name": "B12ProgramFacts",
        "title": "Vitamin B12 decision support: facts without a standard code",
        "status": "draft",
        "experimental": True,
        "date": protocol.pack.date.isoformat(),
        "publisher": "b12fhir",
        "description": "Codes of an Observation; without a value they hold. Absent means unknown.",
        "caseSensitive": True,
        "content": "complete",
        "count": len(codes),
        "concept": [{"code": code.code, "display": held[code]} for code in codes],
    }


def _labs(protocol: Protocol, canonical: str) -> dict[str, Any]:
    codes = {Code(LOINC, code.code): code.display for code in protocol.analytes.codes.values()}
    return _value_set(protocol, canonical, "labs", codes)


def _value_set(
    protocol: Protocol, canonical: str, role: str, displays: dict[Code, str]
) -> dict[str, Any]:
    systems = sorted({code.system for code in displays})
    pack = protocol.pack
    notices = " ".join(_NOTICES[system] for system in systems if system in _NOTICES)
    return {
        "resourceType": "ValueSet",
        "id": f"b12-{role}",
        "url": f"{canonical}/ValueSet/b12-{role}",
        "version": pack.version,
        "name": "B12" + "".join(word.capitalize() for word in role.split("-")),
        "title": f"Vitamin B12 decision support: {role.replace('-', ' ')}",
        "status": "draft",
        "experimental": True,
        "date": pack.date.isoformat(),
        "publisher": "b12fhir",
        "description": _description(role),
        "copyright": notices or "None of the codes is under a licence of its own.",
        "compose": {"include": [_include(system, displays) for system in systems]},
    }


def _description(role: str) -> str:
    if role == "labs":
        return "Laboratory codes that are read."
    return f"Codes whose concept plays the role '{role}' in a decision."


def _include(system: str, displays: dict[Code, str]) -> dict[str, Any]:
    codes: Iterable[Code] = sorted(code for code in displays if code.system == system)
    return {
        "system": system,
        "concept": [{"code": code.code, "display": displays[code]} for code in codes],
    }

"""Copyright notices of the terminologies whose codes stand in an artefact."""

from collections.abc import Iterable

from b12fhir.kernel.codes import ATC, ICD10CM, LOINC, RXNORM, SNOMED

_NOTICES = {
    LOINC: "Includes content from LOINC (https://loinc.org), copyright Regenstrief Institute, Inc."
    " and the LOINC Committee, free of charge under https://loinc.org/license.",
    SNOMED: "Includes SNOMED CT content, used by permission of SNOMED International; users need a"
    " SNOMED CT licence where one is due.",
    ICD10CM: "ICD-10-CM is maintained by the US National Center for Health Statistics.",
    RXNORM: "RxNorm is courtesy of the US National Library of Medicine.",
    ATC: "ATC codes are copyright WHO Collaborating Centre for Drug Statistics Methodology.",
}


def notices(systems: Iterable[str]) -> str:
    """The notices that the systems ask for, in one text."""
    told = " ".join(_NOTICES[system] for system in systems if system in _NOTICES)
    return told or "None of the codes is under a licence of its own."

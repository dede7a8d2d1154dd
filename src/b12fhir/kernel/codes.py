"""Codes of the terminologies in use, their systems and their check digits."""

from typing import NamedTuple

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
DMD = "https://dmd.nhs.uk"
UCUM = "http://unitsofmeasure.org"
DATA_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"

# Spellings of one and the same system that servers really send (FHIR R4, "Code Systems").
_ALIASES = {
    "https://loinc.org": LOINC,
    "http://www.loinc.org": LOINC,
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "https://snomed.info/sct": SNOMED,
    "http://www.snomed.org/": SNOMED,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    "urn:oid:2.16.840.1.113883.6.90": ICD10CM,
    "http://hl7.org/fhir/sid/icd-10": ICD10CM,
    "https://www.nlm.nih.gov/research/umls/rxnorm": RXNORM,
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "https://www.whocc.no/atc": ATC,
    "urn:oid:2.16.840.1.113883.6.73": ATC,
    "https://unitsofmeasure.org": UCUM,
    "https://ucum.org": UCUM,
    "http://ucum.org": UCUM,
    "urn:oid:2.16.840.1.113883.6.8": UCUM,
}


class Code(NamedTuple):
    """A code in its system; the system is spelled as FHIR spells it."""

    system: str
    code: str


def normal_system(system: str) -> str:
    """The FHIR spelling of a code system's URI; unknown ones are returned trimmed."""
    trimmed = system.strip()
    return _ALIASES.get(trimmed, trimmed)


def loinc_check_digit(number: str) -> str:
    """Mod-10 check digit of a LOINC number given without its ``-digit``."""
    odd = str(int(number[::-2]) * 2)
    even = number[-2::-2]
    return str(-sum(int(d) for d in odd + even) % 10)


def _is_number(text: str) -> bool:
    """Plain digits only: ``isdigit`` alone also holds for "²", which is no number to ``int``."""
    return text.isascii() and text.isdigit()


def is_loinc(code: str) -> bool:
    """Is this a well-formed LOINC code with the right check digit?"""
    number, dash, check = code.rpartition("-")
    if not dash or not _is_number(number):
        return False
    return check == loinc_check_digit(number)


_DIHEDRAL = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
# Length of an SCTID (SNOMED CT Technical Implementation Guide).
_SHORTEST, _LONGEST = 6, 18
_PERMUTE = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def is_snomed(code: str) -> bool:
    """Is this a SNOMED CT identifier with the right Verhoeff check digit?"""
    if not _is_number(code) or not _SHORTEST <= len(code) <= _LONGEST:
        return False
    check = 0
    for place, char in enumerate(reversed(code)):
        digit = int(char)
        for _ in range(place % 8):
            digit = _PERMUTE[digit]
        check = _DIHEDRAL[check][digit]
    return check == 0
